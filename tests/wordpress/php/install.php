<?php
/**
 * Installs WordPress and activates Postreeve: install.php SITE-FOLDER JSON-WISHES
 */

list( , $folder, $wishes ) = $argv;
$wishes                    = json_decode( $wishes, true );

$address                    = parse_url( $wishes['url'] );
$_SERVER['HTTP_HOST']       = $address['host'] . ':' . $address['port'];
$_SERVER['SERVER_NAME']     = $address['host'];
$_SERVER['REQUEST_URI']     = '/wp-admin/install.php';
$_SERVER['REQUEST_METHOD']  = 'GET';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REMOTE_ADDR']     = '127.0.0.1';

define( 'WP_INSTALLING', true );
require $folder . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';

// The mail about the new site would be the first one in every test.
add_filter( 'pre_wp_mail', '__return_true' );

wp_install( $wishes['title'], $wishes['name'], $wishes['email'], true, '', wp_slash( $wishes['password'] ) );
update_option( 'permalink_structure', '/%postname%/' );

if ( $wishes['network'] ) {
	foreach ( $wpdb->tables( 'ms_global' ) as $name => $table ) {
		$wpdb->$name = $table;
	}
	install_network();
	populate_network( 1, $_SERVER['HTTP_HOST'], $wishes['email'], $wishes['title'], '/', false );
}

$outcome = activate_plugin( 'postreeve/postreeve.php' );
if ( is_wp_error( $outcome ) ) {
	fwrite( STDERR, 'Postreeve could not be activated: ' . $outcome->get_error_message() . "\n" );
	exit( 1 );
}
