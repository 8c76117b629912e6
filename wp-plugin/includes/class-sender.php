<?php
/**
 * Who a mail may come from.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * The rule about From: a domain that may be sent from stays; anything else becomes the site's own sender, and answers
 * still go to whom they were meant for.
 */
final class Sender {

	/**
	 * What becomes of a sender.
	 *
	 * Without knowing the site's sending domains and its own sender, nothing is changed: then the relay decides.
	 *
	 * @param string $address What the mail says.
	 * @param string $name    The name beside it.
	 * @param array  $known   What `Account::known()` gives.
	 * @return array|null Null: it stays. Else `address`, `name`, `reply_to` ('' for none) and `foreign`.
	 */
	public static function settle( string $address, string $name, array $known ): ?array {
		$own      = trim( (string) preg_replace( '/^.*<([^<>]+)>\s*$/', '$1', $known['default_from'] ) );
		$made_up  = self::is_made_up( $address );
		$stranger = array() !== $known['domains'] && ! self::lies_in( $address, $known['domains'] );
		if ( ! is_email( $own ) || strtolower( $own ) === strtolower( $address ) || ! ( $made_up || $stranger ) ) {
			return null;
		}
		return array(
			'address'  => $own,
			'name'     => $made_up && in_array( $name, array( '', 'WordPress' ), true ) ? wp_specialchars_decode( (string) get_option( 'blogname' ), ENT_QUOTES ) : $name,
			'reply_to' => $made_up ? '' : $address,
			'foreign'  => $stranger && ! $made_up,
		);
	}

	/**
	 * The usual sender to suggest to a relay: the one that WP Mail SMTP or FluentSMTP was set up with, else the
	 * administrator's address.
	 */
	public static function suggested(): string {
		$smtp   = (array) get_option( 'wp_mail_smtp' );
		$fluent = (array) get_option( 'fluentmail-settings' );
		$told   = array(
			defined( 'WPMS_ON' ) && WPMS_ON && defined( 'WPMS_MAIL_FROM' ) ? WPMS_MAIL_FROM : '',
			$smtp['mail']['from_email'] ?? '',
			$fluent['connections'][ $fluent['misc']['default_connection'] ?? '' ]['provider_settings']['sender_email'] ?? '',
		);
		foreach ( $told as $address ) {
			if ( is_string( $address ) && is_email( $address ) ) {
				return $address;
			}
		}
		return (string) get_option( 'admin_email' );
	}

	/**
	 * Whether WordPress has made the address up, because nobody said one: wordpress@ and the host's name.
	 *
	 * @param string $address An address.
	 */
	private static function is_made_up( string $address ): bool {
		$host = (string) wp_parse_url( network_home_url(), PHP_URL_HOST );
		$host = 0 === strpos( $host, 'www.' ) ? substr( $host, 4 ) : $host;
		return strtolower( $address ) === strtolower( 'wordpress@' . $host );
	}

	/**
	 * Whether the address's domain is one of these, or below one.
	 *
	 * @param string   $address An address.
	 * @param string[] $domains Names in lower case.
	 */
	public static function lies_in( string $address, array $domains ): bool {
		$name = '.' . strtolower( (string) substr( (string) strrchr( $address, '@' ), 1 ) );
		foreach ( $domains as $domain ) {
			if ( substr( $name, -strlen( $domain ) - 1 ) === '.' . $domain ) {
				return true;
			}
		}
		return false;
	}
}
