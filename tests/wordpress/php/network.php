<?php
/**
 * Adds a second site to a network: network.php SITE-FOLDER URL-OF-THE-SECOND
 */

list( , $folder, $url ) = $argv;

$address                = parse_url( $url );
$_SERVER['HTTP_HOST']   = $address['host'] . ':' . $address['port'];
$_SERVER['REQUEST_URI'] = '/';

require $folder . '/wp-load.php';

$id = wp_insert_site(
	array(
		'domain'  => $_SERVER['HTTP_HOST'],
		'path'    => $address['path'] . '/',
		'title'   => 'Second',
		'user_id' => 1,
	)
);
if ( is_wp_error( $id ) ) {
	fwrite( STDERR, 'The second site could not be made: ' . $id->get_error_message() . "\n" );
	exit( 1 );
}
