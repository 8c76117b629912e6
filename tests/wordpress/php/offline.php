<?php
/**
 * Must-use plugin of test sites: nothing looks for the internet, passwords are quick, and mail has a sender.
 *
 * WP_HTTP_BLOCK_EXTERNAL refuses every other host; this spares WordPress the asking.
 */

add_filter( 'pre_option_show_avatars', '__return_zero' );

// Nobody steals these passwords: on PHP 8.4 and newer a strong hash takes a quarter of a second.
add_filter(
	'wp_hash_password_options',
	function () {
		return array( 'cost' => 4 );
	}
);

foreach ( array( 'update_core', 'update_plugins', 'update_themes' ) as $transient ) {
	add_filter(
		"pre_site_transient_$transient",
		function () {
			return (object) array(
				'last_checked'    => time(),
				'version_checked' => $GLOBALS['wp_version'],
				'updates'         => array(),
				'response'        => array(),
				'no_update'       => array(),
				'translations'    => array(),
				'checked'         => array(),
			);
		}
	);
}

// WordPress guesses wordpress@127.0.0.1 here, which is no address; a real site has a domain.
add_filter(
	'wp_mail_from',
	function ( $address ) {
		return str_replace( '@127.0.0.1', '@shop.example', $address );
	},
	1
);
