<?php
/**
 * Runs the contract at a terminal: run.php WORDPRESS-FOLDER CARRIER.php [--fields]
 */

namespace Postreeve\Contract;

const SHOWN = 8;

$wordpress = rtrim( $argv[1] ?? '', '/' ) . '/wp-load.php';
$carrier   = $argv[2] ?? '';
foreach ( array( 'WordPress' => $wordpress, 'carrier' => $carrier ) as $what => $file ) { // phpcs:ignore
	if ( ! is_file( $file ) ) {
		fwrite( STDERR, "php run.php WORDPRESS-FOLDER CARRIER.php [--fields]\nThere is no $what: $file\n" );
		exit( 255 );
	}
}

require $wordpress;
require_once __DIR__ . '/class-carrier.php';
require_once __DIR__ . '/class-reference-mailer.php';
require_once __DIR__ . '/class-reader.php';
require_once __DIR__ . '/class-contract.php';

$carrier  = require realpath( $carrier );
$contract = new Contract( $carrier, in_array( '--fields', $argv, true ) );
$broken   = 0;
foreach ( Contract::calls() as $name => $call ) {
	$differences = Contract::differences( ...$contract->both( $call ) );
	printf( "%-32s %s\n", $name, array() === $differences ? 'equal' : 'DIFFERENT: ' . implode( ', ', array_keys( $differences ) ) );
	foreach ( $differences as $lines ) {
		foreach ( array_slice( $lines ?: array( 'The same lines, in another order or number.' ), 0, SHOWN ) as $line ) {
			printf( "    %s\n", mb_substr( $line, 0, 150 ) );
		}
		if ( count( $lines ) > SHOWN ) {
			printf( "    and %d lines more\n", count( $lines ) - SHOWN );
		}
	}
	$broken += array() === $differences ? 0 : 1;
}
$carrier->remove();
printf( "%d of %d calls differ from core.\n", $broken, count( Contract::calls() ) );
exit( $broken );
