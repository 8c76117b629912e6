<?php
/**
 * Connects every site of a network, deletes the plugin as wp-admin would, and prints what is left:
 * uninstall.php SITE-FOLDER RELAY-URL API-KEY
 */

list( , $folder, $url, $key ) = $argv;

require $folder . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';

$left = array();
foreach ( get_sites( array( 'fields' => 'ids' ) ) as $site_id ) {
	switch_to_blog( $site_id );
	( new Postreeve\Settings() )->connect( $url, $key );
	$left[ "before on $site_id" ] = is_array( get_option( 'postreeve' ) );
	restore_current_blog();
}

uninstall_plugin( 'postreeve/postreeve.php' );

foreach ( get_sites( array( 'fields' => 'ids' ) ) as $site_id ) {
	switch_to_blog( $site_id );
	$left[ "after on $site_id" ] = false !== get_option( 'postreeve' );
	restore_current_blog();
}
echo wp_json_encode( $left );
