<?php
/**
 * Removes everything Postreeve has stored, on every site of a network.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

if ( is_multisite() ) {
	$site_ids = get_sites(
		array(
			'fields' => 'ids',
			'number' => 0,
		)
	);
	foreach ( $site_ids as $site_id ) {
		switch_to_blog( $site_id );
		delete_option( 'postreeve' );
		restore_current_blog();
	}
} else {
	delete_option( 'postreeve' );
}
