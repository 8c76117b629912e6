<?php
/**
 * Connects a network and every site of it, lets a mail wait on each, deletes the plugin as wp-admin would, and prints
 * what was there and what is left: uninstall.php SITE-FOLDER RELAY-URL API-KEY
 */

list( , $folder, $url, $key ) = $argv;

require $folder . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';

$traces = function () use ( $wpdb ) {
	$found = array( 'network' => array() );
	foreach ( get_sites( array( 'fields' => 'ids' ) ) as $site_id ) {
		switch_to_blog( $site_id );
		$found[ $site_id ] = $wpdb->get_col( "SELECT option_name FROM {$wpdb->options} WHERE option_name LIKE '%postreeve%'" );
		foreach ( array( 'outbox', 'chunks' ) as $table ) {
			if ( $wpdb->get_var( "SHOW TABLES LIKE '{$wpdb->prefix}postreeve_$table'" ) ) {
				$found[ $site_id ][] = "table $table";
			}
		}
		if ( false !== strpos( wp_json_encode( get_option( 'cron' ) ), 'postreeve' ) ) {
			$found[ $site_id ][] = 'cron';
		}
		restore_current_blog();
	}
	$found['network'] = $wpdb->get_col( "SELECT meta_key FROM {$wpdb->sitemeta} WHERE meta_key LIKE '%postreeve%'" );
	return $found;
};

( new Postreeve\Settings() )->connect_network( 'http://127.0.0.1:1', '' );
foreach ( get_sites( array( 'fields' => 'ids' ) ) as $site_id ) {
	switch_to_blog( $site_id );
	( new Postreeve\Settings() )->connect( $url, $key );
	( new Postreeve\Settings() )->set_live( true );
	wp_mail( 'ada@x.example', 'Waits', 'Text' );
	restore_current_blog();
}
$before = $traces();

uninstall_plugin( 'postreeve/postreeve.php' );

wp_cache_flush();
echo wp_json_encode( array( $before, $traces() ) );
