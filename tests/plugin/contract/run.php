<?php
/**
 * Runs the contract at a terminal: run.php WORDPRESS-FOLDER CARRIER.php [--fields]
 */

namespace Postreeve\Contract;

if ( ! isset( $argv[2] ) ) {
	fwrite( STDERR, "php run.php WORDPRESS-FOLDER CARRIER.php [--fields]\n" );
	exit( 255 );
}

require rtrim( $argv[1], '/' ) . '/wp-load.php';
require_once __DIR__ . '/class-carrier.php';
require_once __DIR__ . '/class-reference-mailer.php';
require_once __DIR__ . '/class-reader.php';
require_once __DIR__ . '/class-contract.php';

$contract = new Contract( require $argv[2], in_array( '--fields', $argv, true ) );
$broken   = 0;
foreach ( Contract::calls() as $name => $call ) {
	list( $wanted, $found ) = $contract->both( $call );
	$different              = array();
	foreach ( $wanted as $what => $value ) {
		if ( $value !== $found[ $what ] ) {
			$different[] = $what;
		}
	}
	$broken += array() === $different ? 0 : 1;
	printf( "%-32s %s\n", $name, array() === $different ? 'equal' : 'DIFFERENT: ' . implode( ', ', $different ) );
}
printf( "%d of %d calls differ from core.\n", $broken, count( Contract::calls() ) );
exit( $broken );
