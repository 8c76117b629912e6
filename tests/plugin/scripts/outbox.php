<?php
/**
 * Does WP-Cron's work on the outbox: outbox.php SITE-FOLDER
 */

define( 'DOING_CRON', true );
require $argv[1] . '/wp-load.php';

do_action( 'postreeve_outbox' );
