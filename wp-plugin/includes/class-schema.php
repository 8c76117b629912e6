<?php
/**
 * The plugin's tables.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Makes and removes the tables of the current site.
 */
final class Schema {

	/**
	 * Grows with every change of the tables or of what is stored.
	 */
	const VERSION = 3;

	/**
	 * The table of mails that wait.
	 */
	public static function outbox(): string {
		return $GLOBALS['wpdb']->prefix . 'postreeve_outbox';
	}

	/**
	 * The table of their bytes.
	 */
	public static function chunks(): string {
		return $GLOBALS['wpdb']->prefix . 'postreeve_chunks';
	}

	/**
	 * Makes what is missing.
	 */
	public static function create(): void {
		global $wpdb;
		$outbox  = self::outbox();
		$chunks  = self::chunks();
		$charset = $wpdb->get_charset_collate();

		// phpcs:disable WordPress.DB.PreparedSQL, WordPress.DB.DirectDatabaseQuery -- Names of our own tables.
		$wpdb->query(
			"CREATE TABLE IF NOT EXISTS $outbox (
				id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
				mail_key varchar(36) NOT NULL,
				state varchar(16) NOT NULL,
				reason varchar(64) NOT NULL DEFAULT '',
				source varchar(64) NOT NULL DEFAULT '',
				size bigint(20) unsigned NOT NULL DEFAULT 0,
				attempts int(11) unsigned NOT NULL DEFAULT 0,
				created_at bigint(20) unsigned NOT NULL DEFAULT 0,
				due_at bigint(20) unsigned NOT NULL DEFAULT 0,
				expires_at bigint(20) unsigned NOT NULL DEFAULT 0,
				claimed_by varchar(32) NOT NULL DEFAULT '',
				claimed_until bigint(20) unsigned NOT NULL DEFAULT 0,
				about longtext NOT NULL,
				PRIMARY KEY  (id),
				UNIQUE KEY mail_key (mail_key),
				KEY state_due (state, due_at),
				KEY state_size (state, size)
			) $charset"
		);
		$wpdb->query(
			"CREATE TABLE IF NOT EXISTS $chunks (
				id bigint(20) unsigned NOT NULL AUTO_INCREMENT,
				mail_id bigint(20) unsigned NOT NULL,
				bytes longtext NOT NULL,
				PRIMARY KEY  (id),
				KEY mail_id (mail_id)
			) $charset"
		);
		// phpcs:enable
	}

	/**
	 * Gives tables of version 1 the index by which bytes are counted.
	 */
	public static function add_index(): void {
		global $wpdb;
		$outbox = self::outbox();
		$shown  = $wpdb->suppress_errors( true );
		$wpdb->query( "ALTER TABLE $outbox ADD KEY state_size (state, size)" ); // phpcs:ignore WordPress.DB -- Our own table.
		$wpdb->suppress_errors( $shown );
	}

	/**
	 * All of them.
	 */
	private static function tables(): array {
		return array( self::chunks(), self::outbox() );
	}

	/**
	 * Has WordPress remove them with a network's site that is deleted.
	 *
	 * @param string[] $tables What goes with it; we are on that site.
	 */
	public static function go_with_site( $tables ): array {
		return array_merge( (array) $tables, self::tables() );
	}

	/**
	 * Removes them, with all that is in them.
	 */
	public static function drop(): void {
		global $wpdb;
		foreach ( self::tables() as $table ) {
			$wpdb->query( "DROP TABLE IF EXISTS $table" ); // phpcs:ignore WordPress.DB.PreparedSQL, WordPress.DB.DirectDatabaseQuery -- A name of our own.
		}
	}
}
