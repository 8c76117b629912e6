<?php
/**
 * How BuddyPress sends: by a mailer of its own, unless a filter says that wp_mail() is to be used.
 */

function bp_like_send( $to ) {
	$uses = apply_filters( 'bp_email_use_wp_mail', false );
	if ( ! $uses ) {
		return 'by a mailer of its own';
	}
	$html = function () {
		return 'text/html';
	};
	add_filter( 'wp_mail_content_type', $html );
	$sent = wp_mail( $to, '[Shop] You were mentioned', '<p>Hello</p>', array( 'From: Shop <community@shop.example>' ) );
	remove_filter( 'wp_mail_content_type', $html );
	return $sent;
}
