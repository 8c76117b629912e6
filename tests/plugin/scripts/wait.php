<?php
/**
 * Lets mails wait in the outbox: wait.php SITE-FOLDER COUNT
 */

require $argv[1] . '/wp-load.php';

for ( $number = 1; $number <= $argv[2]; $number++ ) {
	$message = new Postreeve\Message( array( "From: shop@shop.example\r\nSubject: Mail $number\r\n\r\n", 'Text' ), array( 'from' => 'shop@shop.example', 'to' => array( 'ada@x.example' ) ), '', '', 'shop' );
	( new Postreeve\Outbox() )->put( $message, 'waiting', 'test' );
}
