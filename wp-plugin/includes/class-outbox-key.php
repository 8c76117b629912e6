<?php
/**
 * The key that seals the mails in the outbox.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * A random key of the site's own, kept under two locks: either opens it, and neither lies in the database.
 *
 * One lock is made from the secret salts, one from the database's password; the outbox stays readable as long as not
 * both change at once. Whichever lock does not fit any more is made anew with the next use.
 */
final class Outbox_Key {

	const OPTION = 'postreeve_outbox_key';

	/**
	 * A password shorter than this can be guessed by whoever has a copy of the database, so it makes no lock.
	 */
	const SHORTEST_PASSWORD = 8;

	/**
	 * The key, 32 bytes; made when there is none, or none that can be opened.
	 */
	public static function get(): string {
		$stored = get_option( self::OPTION );
		$stored = is_array( $stored ) ? $stored : array();
		$locks  = self::locks();
		$key    = null;
		$fits   = 0;
		foreach ( $locks as $name => $lock ) {
			$opened = is_string( $stored[ $name ] ?? null ) ? Vault::open( $stored[ $name ], $lock ) : null;
			if ( null !== $opened && SODIUM_CRYPTO_SECRETBOX_KEYBYTES === strlen( $opened ) ) {
				$key = $key ?? $opened;
				++$fits;
			}
		}
		if ( null === $key || count( $locks ) > $fits ) {
			$key    = $key ?? random_bytes( SODIUM_CRYPTO_SECRETBOX_KEYBYTES );
			$sealed = array();
			foreach ( $locks as $name => $lock ) {
				$sealed[ $name ] = Vault::seal( $key, $lock );
			}
			if ( array() === $stored && ! self::is_first( $sealed ) ) {
				return self::get();
			}
			update_option( self::OPTION, $sealed, false );
		}
		return $key;
	}

	/**
	 * Whether nobody else has made a key in the same moment: one of two would lose the mails it sealed with its own.
	 *
	 * @param array $sealed The key under its locks.
	 */
	private static function is_first( array $sealed ): bool {
		global $wpdb;
		$statement = "INSERT IGNORE INTO {$wpdb->options} (option_name, option_value, autoload) VALUES (%s, %s, 'no')";
		$inserted  = $wpdb->query( $wpdb->prepare( $statement, self::OPTION, maybe_serialize( $sealed ) ) ); // phpcs:ignore WordPress.DB -- add_option() overwrites what somebody else has just added.
		wp_cache_delete( 'notoptions', 'options' );
		wp_cache_delete( self::OPTION, 'options' );

		// A database that takes nothing, or an option that holds nonsense: the caller writes over it.
		return 0 !== $inserted || ! is_array( get_option( self::OPTION ) );
	}

	/**
	 * The key for one mail: no two mails are sealed with the same.
	 *
	 * @param string $mail_key The mail's idempotency key.
	 */
	public static function for_mail( string $mail_key ): string {
		return sodium_crypto_generichash( $mail_key, self::get(), SODIUM_CRYPTO_SECRETBOX_KEYBYTES );
	}

	/**
	 * The locks by name.
	 */
	private static function locks(): array {
		$locks = array( 'salts' => self::lock( wp_salt( 'auth' ) ) );
		if ( defined( 'DB_PASSWORD' ) && strlen( (string) DB_PASSWORD ) >= self::SHORTEST_PASSWORD ) {
			$locks['database'] = self::lock( ( defined( 'DB_USER' ) ? DB_USER : '' ) . "\0" . DB_PASSWORD );
		}
		return $locks;
	}

	/**
	 * A lock made from a secret of wp-config.php.
	 *
	 * @param string $secret What only that file knows.
	 */
	private static function lock( string $secret ): string {
		return sodium_crypto_generichash( 'postreeve outbox ' . $secret, '', SODIUM_CRYPTO_SECRETBOX_KEYBYTES );
	}
}
