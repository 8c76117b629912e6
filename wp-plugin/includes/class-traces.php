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

	/**
	 * Options; the one that goes last says that a site is not done yet.
	 */
	const OPTIONS  = array( 'postreeve_outbox_key', 'postreeve_aliases', 'postreeve_breaker', 'postreeve_account', 'postreeve_test', 'postreeve' );
	const MEMORIES = array( 'connect', 'seen_account', 'seen_messages', 'seen_found', 'seen_today', 'seen_domains', 'seen_appeals', 'seen_reputation', 'seen_suppressions' );
	const CRON     = 'postreeve_outbox';

	/**
	 * On every site of a network, and for the network itself. Where PHP's time is over before a large one is done,
	 * deleting the plugin once more goes on with the rest.
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
			if ( false !== get_option( 'postreeve' ) ) {
				self::remove();
			}
			restore_current_blog();
		}
		delete_site_option( 'postreeve' );
	}

	/**
	 * On this site.
	 */
	private static function remove(): void {
		wp_clear_scheduled_hook( self::CRON );
		Schema::drop();
		foreach ( self::MEMORIES as $memory ) {
			delete_transient( 'postreeve_' . $memory );
		}
		foreach ( self::OPTIONS as $option ) {
			delete_option( $option );
		}
	}
}
