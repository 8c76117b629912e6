<?php
/**
 * Runs commands as WP-CLI does, without wp-admin, and prints what each exits with and says:
 * cli.php SITE-FOLDER JSON-LIST-OF [COMMAND, ARGUMENTS, OPTIONS]
 */

list( , $folder, $commands ) = $argv;

require dirname( __DIR__ ) . '/support/class-halted.php';
require dirname( __DIR__ ) . '/support/class-wp-cli.php';
require dirname( __DIR__ ) . '/support/cli-utils.php';
define( 'WP_CLI', true );
require $folder . '/wp-load.php';

$told = array();
foreach ( json_decode( $commands, true ) as list( $name, $arguments, $options ) ) {
	WP_CLI::$said  = array();
	WP_CLI::$shown = array();
	$code          = 0;

	// Each command is a process of its own in truth.
	$GLOBALS['wp_settings_errors'] = array();
	try {
		WP_CLI::$commands['postreeve']->$name( $arguments, $options );
	} catch ( Postreeve\Tests\Halted $halted ) {
		$code = $halted->getCode();
	}
	$told[] = array(
		'code'  => $code,
		'said'  => WP_CLI::$said,
		'shown' => WP_CLI::$shown,
	);
}
echo wp_json_encode( $told );
