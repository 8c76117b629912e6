<?php
/**
 * Sends a site's mail through a Postreeve relay and shows what became of it.
 *
 * @package           Postreeve
 *
 * Plugin Name:       Postreeve
 * Description:       Sends this site's mail through your Postreeve relay and shows what became of every mail.
 * Version:           0.1.0
 * Requires at least: 6.1
 * Requires PHP:      7.4
 * Author:            The Postreeve authors
 * License:           GPL-2.0-or-later
 * License URI:       https://www.gnu.org/licenses/gpl-2.0.html
 * Text Domain:       postreeve
 * Domain Path:       /languages
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

const VERSION = '0.1.0';
const FILE    = __FILE__;

// Postreeve\Security_Mail lives in includes/class-security-mail.php, and so on.
spl_autoload_register(
	static function ( $name ) {
		if ( 0 !== strpos( $name, __NAMESPACE__ . '\\' ) ) {
			return;
		}
		$word = strtolower( str_replace( '_', '-', substr( $name, strlen( __NAMESPACE__ ) + 1 ) ) );
		$file = __DIR__ . '/includes/class-' . $word . '.php';
		if ( is_readable( $file ) ) {
			require_once $file;
		}
	}
);

// At once and not on `plugins_loaded`: other plugins may send mail while plugins are loading.
( new Plugin() )->register();
