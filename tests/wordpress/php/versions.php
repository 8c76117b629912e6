<?php
/**
 * Says what the site runs on, as it sees it itself: versions.php SITE-FOLDER
 */

require $argv[1] . '/wp-load.php';

echo implode( "\n", array( $wp_version, PHP_VERSION, $wpdb->db_server_info() ) );
