<?php
/**
 * How WooCommerce sends: filters set around one call, plain words added in phpmailer_init, a callback that may change.
 */

function wc_like_send( $to, $subject, $html, $plain, $attachments = array() ) {
	$from  = function () {
		return 'orders@shop.example';
	};
	$name  = function () {
		return wp_specialchars_decode( 'Tom &amp; Jerry', ENT_QUOTES );
	};
	$type  = function () {
		return 'text/html';
	};
	$words = function ( $mailer ) use ( $plain ) {
		$mailer->AltBody = $plain;
		return $mailer;
	};
	add_filter( 'wp_mail_from', $from );
	add_filter( 'wp_mail_from_name', $name );
	add_filter( 'wp_mail_content_type', $type );
	add_action( 'phpmailer_init', $words );

	$send = apply_filters( 'woocommerce_mail_callback', 'wp_mail' );
	$sent = $send( $to, $subject, $html, "Content-Type: text/html\r\nReply-to: Shop <help@shop.example>\r\n", $attachments );

	remove_filter( 'wp_mail_from', $from );
	remove_filter( 'wp_mail_from_name', $name );
	remove_filter( 'wp_mail_content_type', $type );
	remove_action( 'phpmailer_init', $words );
	return $sent;
}
