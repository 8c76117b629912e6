<?php
/**
 * Does things at a site that is asked for under a host, '' for a terminal: place.php SITE-FOLDER HOST JSON-LIST-OF STEPS
 *
 * Each step is a list: ["connect", RELAY-URL, API-KEY], ["mail"], ["same"], ["moved"], ["copy"], ["blog", ID],
 * ["option", NAME, VALUE], ["filter", NAME, VALUE] or ["replace", OLD, NEW] (in everything the database holds, as tools
 * for clones do). Prints what each gave.
 */

list( , $folder, $host, $steps ) = $argv;

if ( '' !== $host ) {
	$_SERVER['HTTP_HOST'] = $host;
}
require $folder . '/wp-load.php';

$settings    = new Postreeve\Settings();
$whereabouts = new Postreeve\Whereabouts( $settings, new Postreeve\Outbox() );
$told        = array();
foreach ( json_decode( $steps, true ) as $step ) {
	switch ( $step[0] ) {
		case 'connect':
			$settings->connect( $step[1], $step[2] );
			$settings->set_live( true );
			$told[] = 'connected';
			break;
		case 'mail':
			$told[] = wp_mail( 'ada@x.example', 'Hello', 'Text', 'From: shop@shop.example' );
			break;
		case 'same':
			$told[] = ! is_wp_error( $whereabouts->is_the_same() );
			break;
		case 'moved':
			$told[] = $whereabouts->has_moved();
			break;
		case 'copy':
			$told[] = $whereabouts->is_a_copy();
			break;
		case 'blog':
			$told[] = switch_to_blog( $step[1] );
			break;
		case 'option':
			$told[] = update_option( $step[1], $step[2] );
			break;
		case 'replace':
			$count = 0;
			foreach ( $wpdb->get_results( "SELECT option_id, option_value FROM $wpdb->options" ) as $row ) {
				$value   = array( maybe_unserialize( $row->option_value ) );
				$replace = function ( &$text ) use ( $step, &$count ) {
					$text   = is_string( $text ) ? str_replace( $step[1], $step[2], $text, $found ) : $text;
					$count += $found ?? 0;
				};
				array_walk_recursive( $value, $replace );
				$wpdb->update( $wpdb->options, array( 'option_value' => maybe_serialize( $value[0] ) ), array( 'option_id' => $row->option_id ) );
			}
			$told[] = $count > 0;
			break;
		case 'filter':
			add_filter(
				$step[1],
				function () use ( $step ) {
					return $step[2];
				}
			);
			$told[] = 'filtered';
	}
}
echo wp_json_encode( $told );
