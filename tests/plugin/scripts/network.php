<?php
/**
 * Activates the plugin for a network, sets relay and key for all its sites, adds a site, and prints what each has:
 * network.php SITE-FOLDER RELAY-URL API-KEY
 */

list( , $folder, $url, $key ) = $argv;

require $folder . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';

deactivate_plugins( 'postreeve/postreeve.php', true );
foreach ( get_sites( array( 'fields' => 'ids' ) ) as $site_id ) {
	switch_to_blog( $site_id );
	delete_option( 'postreeve' );
	restore_current_blog();
}
activate_plugin( 'postreeve/postreeve.php', '', true );
$settings = new Postreeve\Settings();
$settings->connect_network( $url, $key );
wp_insert_site(
	array(
		'domain'  => wp_parse_url( home_url(), PHP_URL_HOST ) . ':' . wp_parse_url( home_url(), PHP_URL_PORT ),
		'path'    => '/third/',
		'title'   => 'Third',
		'user_id' => 1,
	)
);

$sites = array();
foreach ( get_sites( array( 'fields' => 'ids' ) ) as $site_id ) {
	switch_to_blog( $site_id );
	$sites[ $site_id ] = array( $settings->relay_url(), $settings->key_state(), $settings->is_live() );
	restore_current_blog();
}

// As after an activation that PHP has ended before it came to this site.
switch_to_blog( 2 );
delete_option( 'postreeve' );
$unknown = $settings->takes_mail();
restore_current_blog();

$arguments = array( 'settings' => $settings );
ob_start();
require WP_PLUGIN_DIR . '/postreeve/includes/views/settings.php';
echo wp_json_encode( array( 'sites' => $sites, 'unknown' => $unknown, 'page' => ob_get_clean() ) );
