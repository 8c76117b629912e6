<?php
/**
 * What the plugin leaves in a database, and how it goes.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Removes everything: options, tables, what WP-Cron was to do.
 */
final class Traces {

	const OPTIONS  = array( 'postreeve', 'postreeve_outbox_key', 'postreeve_breaker', 'postreeve_account', 'postreeve_test' );
	const MEMORIES = array( 'connect', 'seen_account', 'seen_messages', 'seen_today', 'seen_domains', 'seen_appeals', 'seen_reputation', 'seen_suppressions' );
	const CRON     = 'postreeve_outbox';

	/**
	 * On every site of a network, and for the network itself.
	 */
	public static function remove_everywhere(): void {
		if ( ! is_multisite() ) {
			self::remove();
			return;
		}
		$site_ids = get_sites(
			array(
				'fields' => 'ids',
				'number' => 0,
			)
		);
		foreach ( $site_ids as $site_id ) {
			switch_to_blog( $site_id );
			self::remove();
			restore_current_blog();
		}
		delete_site_option( 'postreeve' );
	}

	/**
	 * On this site.
	 */
	private static function remove(): void {
		wp_clear_scheduled_hook( self::CRON );
		foreach ( self::OPTIONS as $option ) {
			delete_option( $option );
		}
		foreach ( self::MEMORIES as $memory ) {
			delete_transient( 'postreeve_' . $memory );
		}
		Schema::drop();
	}
}
