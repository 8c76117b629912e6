<?php
/**
 * Does things at a site that is asked for under a host, '' for a terminal: place.php SITE-FOLDER HOST JSON-LIST-OF STEPS
 *
 * Each step is a list: ["connect", RELAY-URL, API-KEY], ["mail"], ["same"], ["moved"], ["copy"], ["blog", ID],
 * ["option", NAME, VALUE] or ["filter", NAME, VALUE]. Prints what each gave.
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
