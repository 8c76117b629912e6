<?php
/**
 * Removes everything Postreeve has stored, on every site of a network.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

require_once __DIR__ . '/includes/class-schema.php';
require_once __DIR__ . '/includes/class-traces.php';

Traces::remove_everywhere();
