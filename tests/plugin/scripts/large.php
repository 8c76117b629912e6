<?php
/**
 * Sends a mail with a large attachment and hands it over after the response; prints what became of it and what it
 * took: large.php SITE-FOLDER MEGABYTES
 */

list( , $folder, $megabytes ) = $argv;

// As WP-Cron does it, with time enough.
define( 'DOING_CRON', true );

require $folder . '/wp-load.php';

$file = tempnam( get_temp_dir(), 'large' );
for ( $written = 0; $written < $megabytes; $written++ ) {
	file_put_contents( $file, random_bytes( MB_IN_BYTES ), FILE_APPEND );
}
$failures = array();
add_action(
	'wp_mail_failed',
	function ( $error ) use ( &$failures ) {
		$failures[] = $error->get_error_message();
	}
);
$before = memory_get_peak_usage();
$sent   = wp_mail( 'ada@x.example', 'Large', 'Text', '', array( $file ) );
$kept   = memory_get_peak_usage();
add_action(
	'shutdown',
	function () use ( $before, $kept, $sent, $failures, $file ) {
		$out = array(
			'sent'     => $sent,
			'failures' => $failures,
			'rows'     => ( new Postreeve\Outbox() )->counts(),
			'sha256'   => hash_file( 'sha256', $file ),
			'before'   => round( $before / MB_IN_BYTES, 1 ),
			'kept'     => round( $kept / MB_IN_BYTES, 1 ),
			'peak'     => round( memory_get_peak_usage() / MB_IN_BYTES, 1 ),
		);
		unlink( $file );
		echo wp_json_encode( $out );
	},
	PHP_INT_MAX
);
