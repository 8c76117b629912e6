<?php
/**
 * Sends mails as a command of WP-CLI, and ends: terminal.php SITE-FOLDER NUMBER
 */

list( , $folder, $number ) = $argv;

require dirname( __DIR__ ) . '/support/class-wp-cli.php';
define( 'WP_CLI', true );
require $folder . '/wp-load.php';

foreach ( range( 1, (int) $number ) as $each ) {
	wp_mail( "p$each@x.example", "Mail $each", 'Text' );
}
exit( 0 );
