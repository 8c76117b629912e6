<?php
/**
 * How Contact Form 7 sends: headers as one string, the visitor as From (as many owners set it), uploads as attachments.
 */

function cf7_like_send( $visitor, $upload ) {
	$headers  = "From: $visitor\n";
	$headers .= "X-WPCF7-Content-Type: text/html\n";
	$headers .= "Content-Type: text/html\n";
	return wp_mail( 'owner@shop.example', 'Shop "A question"', wpautop( "A question\nof two lines" ), $headers, array_filter( array( $upload ) ) );
}
