<?php
/**
 * Connecting in the browser.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Sends the owner to the relay and comes back with a code; then this server fetches the key itself, so that no browser
 * ever sees it: OAuth's authorization code (RFC 6749 §4.1) with PKCE (RFC 7636), S256.
 */
final class Handshake {

	const MEMORY = 'postreeve_connect';

	/**
	 * Seconds the owner may take.
	 */
	const LASTS = HOUR_IN_SECONDS;

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * Makes a handshake.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 */
	public function __construct( Settings $settings ) {
		$this->settings = $settings;
	}

	/**
	 * Begins: remembers the secrets for this person, and gives the relay's page to go to.
	 *
	 * @param string $relay_url The relay's address, as somebody typed it.
	 * @return string|WP_Error
	 */
	public function begin( string $relay_url ) {
		$relay_url = $this->settings->relay_url_is_fixed() ? $this->settings->relay_url() : $this->settings->sanitize_relay_url( $relay_url, '' );
		if ( '' === $relay_url ) {
			return new WP_Error( 'relay-url', __( 'Enter the address of your relay first. It looks like https://relay.example.', 'postreeve' ) );
		}
		$secrets = array(
			'user'     => get_current_user_id(),
			'relay'    => $relay_url,
			'state'    => self::random(),
			'verifier' => self::random(),
		);
		set_transient( self::MEMORY, Vault::seal( (string) wp_json_encode( $secrets ) ), self::LASTS );
		$question = array(
			'site'      => Whereabouts::found_at(),
			'return'    => Screen::url( array( 'tab' => 'settings' ) ),
			'state'     => $secrets['state'],
			'challenge' => self::base64url( hash( 'sha256', $secrets['verifier'], true ) ),
			'name'      => wp_specialchars_decode( (string) get_option( 'blogname' ), ENT_QUOTES ),
			'from'      => Sender::suggested(),
			'plugin'    => VERSION,
		);
		return $relay_url . '/connect?' . http_build_query( $question, '', '&', PHP_QUERY_RFC3986 );
	}

	/**
	 * Lets WordPress lead to the relay that is being connected.
	 *
	 * @param string[] $hosts Hosts it may lead to.
	 */
	public function allow( $hosts ): array {
		$secrets = $this->secrets();
		return null === $secrets ? (array) $hosts : array_merge( (array) $hosts, array( (string) wp_parse_url( $secrets['relay'], PHP_URL_HOST ) ) );
	}

	/**
	 * Whether the browser comes back from the relay.
	 *
	 * @param array $query The address's query.
	 */
	public static function is_back( array $query ): bool {
		return isset( $query['code'] ) || isset( $query['error'] );
	}

	/**
	 * The browser is back: fetches the key, and connects. Only the person who began can end it, and only once.
	 *
	 * @param array $query The address's query: `code` and `state`, or `error`.
	 * @return string|WP_Error What happened.
	 */
	public function finish( array $query ) {
		$secrets = $this->secrets();
		$state   = self::text( $query, 'state' );
		if ( null === $secrets || get_current_user_id() !== $secrets['user'] || ! hash_equals( $secrets['state'], $state ) ) {
			return new WP_Error( 'state', __( 'This connection was not begun here, or took too long. Please begin again.', 'postreeve' ) );
		}
		delete_transient( self::MEMORY );
		if ( 'access_denied' === self::text( $query, 'error' ) ) {
			return new WP_Error( 'denied', __( 'Nothing was connected: you came back without agreeing.', 'postreeve' ) );
		}
		$code   = self::text( $query, 'code' );
		$answer = '' === $code ? new WP_Error( 'request', __( 'The relay did not understand what this site asked. Is it up to date?', 'postreeve' ) ) : Desk::introduce(
			$secrets['relay'],
			'/v1/connect',
			array(
				'code'     => $code,
				'verifier' => $secrets['verifier'],
				'site'     => Whereabouts::found_at(),
			)
		);
		if ( is_wp_error( $answer ) ) {
			return $answer;
		}
		if ( ! is_string( $answer['key'] ?? null ) || '' === $answer['key'] ) {
			return new WP_Error( Problems::UNEXPECTED, __( 'The relay gave no key. Please begin again.', 'postreeve' ) );
		}
		$this->settings->connect( $secrets['relay'], $answer['key'] );
		Desk::forget();
		return $this->settings->is_live() ? __( 'From now on this site\'s mail goes through the relay.', 'postreeve' ) : __( 'Connected. Nothing of this site\'s mail has changed yet.', 'postreeve' );
	}

	/**
	 * What was begun, or null.
	 */
	private function secrets(): ?array {
		$sealed  = get_transient( self::MEMORY );
		$secrets = is_string( $sealed ) ? json_decode( (string) Vault::open( $sealed ), true ) : null;
		return is_array( $secrets ) ? $secrets : null;
	}

	/**
	 * A text of the query.
	 *
	 * @param array  $query The query.
	 * @param string $name  The member's name.
	 */
	private static function text( array $query, string $name ): string {
		return is_string( $query[ $name ] ?? null ) ? sanitize_text_field( wp_unslash( $query[ $name ] ) ) : '';
	}

	/**
	 * 32 random bytes as text (RFC 7636 §4.1).
	 */
	private static function random(): string {
		return self::base64url( random_bytes( 32 ) );
	}

	/**
	 * Base64 for addresses, without padding (RFC 7636 §3).
	 *
	 * @param string $bytes Any bytes.
	 */
	private static function base64url( string $bytes ): string {
		return rtrim( strtr( base64_encode( $bytes ), '+/', '-_' ), '=' );
	}
}
