<?php
/**
 * Sends five mails for a network's second site from a request of the first, then deletes that site; prints how many mails
 * waited on each before and after the end of the response, which site that ended on, and the second's tables that are
 * left: away.php SITE-FOLDER RELAY-URL API-KEY
 */

list( , $folder, $url, $key ) = $argv;

require $folder . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';

$waiting = function () {
	$counts = array();
	foreach ( get_sites( array( 'fields' => 'ids' ) ) as $site_id ) {
		switch_to_blog( $site_id );
		$counts[ $site_id ] = ( new Postreeve\Outbox() )->counts()['waiting'];
		restore_current_blog();
	}
	return $counts;
};

foreach ( array( 1, 2 ) as $site_id ) {
	switch_to_blog( $site_id );
	Postreeve\Schema::create();
	( new Postreeve\Settings() )->connect( $url, $key );
	( new Postreeve\Settings() )->set_live( true );
	restore_current_blog();
}

switch_to_blog( 2 );
for ( $number = 1; $number <= 5; $number++ ) {
	wp_mail( 'ada@x.example', "Site 2, mail $number", 'Text' );
}
restore_current_blog();

$told = array( 'kept' => $waiting() );
remove_action( 'shutdown', 'wp_ob_end_flush_all', 1 );
do_action( 'shutdown' );
$told += array(
	'left' => $waiting(),
	'here' => get_current_blog_id(),
);
wp_delete_site( 2 );
$told['tables'] = $wpdb->get_col( "SHOW TABLES LIKE '{$wpdb->prefix}2\\_%postreeve%'" );
echo wp_json_encode( $told );
