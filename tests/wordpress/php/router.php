<?php
/**
 * Lets PHP's built-in server do what Apache does for WordPress: files as they are, folders by
 * their index.php, and everything else to WordPress.
 */

$root = $_SERVER['DOCUMENT_ROOT'];
$path = '/' . ltrim( (string) parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH ), '/' );

if ( is_dir( $root . $path ) && '/' !== substr( $path, -1 ) ) {
	header( "Location: $path/", true, 301 );
	return true;
}
if ( '/' === substr( $path, -1 ) && is_file( $root . $path . 'index.php' ) ) {
	$path .= 'index.php';
}
if ( is_file( $root . $path ) && '.php' !== substr( $path, -4 ) ) {
	return false;
}
if ( ! is_file( $root . $path ) ) {
	$path = '/index.php';
}

$_SERVER['SCRIPT_NAME']     = $path;
$_SERVER['PHP_SELF']        = $path;
$_SERVER['SCRIPT_FILENAME'] = $root . $path;
chdir( dirname( $root . $path ) );
require $root . $path;
