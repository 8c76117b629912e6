<?php
/**
 * Keeps secrets unreadable in the database.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Seals a secret with a key made from the salts in wp-config.php.
 *
 * Whoever gets hold of the database alone (a backup, an SQL injection) cannot read the secret.
 * When the salts change it cannot be opened any more and has to be entered again.
 */
final class Vault {

	const VERSION = 'v1:';

	/**
	 * The secret, sealed, as printable text.
	 *
	 * @param string $secret What nobody may read.
	 * @param string $key    32 bytes to seal it with; without them, the salts' key.
	 */
	public static function seal( string $secret, string $key = '' ): string {
		$nonce = random_bytes( SODIUM_CRYPTO_SECRETBOX_NONCEBYTES );
		return self::VERSION . base64_encode( $nonce . sodium_crypto_secretbox( $secret, $nonce, '' === $key ? self::key() : $key ) );
	}

	/**
	 * The secret, or null when these salts, or this key, did not seal it.
	 *
	 * @param string $sealed What `seal()` gave.
	 * @param string $key    The key it was sealed with; without it, the salts' key.
	 */
	public static function open( string $sealed, string $key = '' ): ?string {
		if ( 0 !== strpos( $sealed, self::VERSION ) ) {
			return null;
		}
		$bytes = base64_decode( substr( $sealed, strlen( self::VERSION ) ), true );
		if ( false === $bytes || strlen( $bytes ) < SODIUM_CRYPTO_SECRETBOX_NONCEBYTES + SODIUM_CRYPTO_SECRETBOX_MACBYTES ) {
			return null;
		}
		$nonce  = substr( $bytes, 0, SODIUM_CRYPTO_SECRETBOX_NONCEBYTES );
		$secret = sodium_crypto_secretbox_open( substr( $bytes, SODIUM_CRYPTO_SECRETBOX_NONCEBYTES ), $nonce, '' === $key ? self::key() : $key );
		return false === $secret ? null : $secret;
	}

	/**
	 * The sealing key of this installation.
	 */
	private static function key(): string {
		return sodium_crypto_generichash( 'postreeve api key ' . wp_salt( 'auth' ), '', SODIUM_CRYPTO_SECRETBOX_KEYBYTES );
	}
}
