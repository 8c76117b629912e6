<?php
/**
 * Where and how this site is connected.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Reads and keeps the relay's address and the API key: constants first, then the site's option.
 *
 * Nothing is remembered between calls, so that switching sites in a network just works.
 */
final class Settings {

	const OPTION = 'postreeve';
	const GROUP  = 'postreeve';

	const KEY_NONE       = 'none';
	const KEY_STORED     = 'stored';
	const KEY_CONSTANT   = 'constant';
	const KEY_UNREADABLE = 'unreadable';

	/**
	 * Whether wp-config.php switches Postreeve off.
	 */
	public function is_off(): bool {
		return defined( 'POSTREEVE_OFF' ) && POSTREEVE_OFF;
	}

	/**
	 * Whether there is a relay to talk to, and a key to do it with.
	 */
	public function is_connected(): bool {
		return '' !== $this->relay_url() && '' !== $this->api_key();
	}

	/**
	 * Whether this site's mail goes through the relay.
	 */
	public function takes_mail(): bool {
		return ! $this->is_off() && $this->is_connected();
	}

	/**
	 * The relay's address without a slash at its end, or '' when there is none.
	 */
	public function relay_url(): string {
		$url = $this->relay_url_is_fixed() ? POSTREEVE_RELAY_URL : $this->stored()['relay_url'];
		return untrailingslashit( trim( (string) $url ) );
	}

	/**
	 * Whether the address is set in wp-config.php.
	 */
	public function relay_url_is_fixed(): bool {
		return defined( 'POSTREEVE_RELAY_URL' ) && '' !== (string) POSTREEVE_RELAY_URL;
	}

	/**
	 * The API key, or '' when there is none that can be read.
	 */
	public function api_key(): string {
		if ( $this->key_is_fixed() ) {
			return trim( (string) POSTREEVE_API_KEY );
		}
		$sealed = $this->stored()['api_key'];
		return '' === $sealed ? '' : (string) Vault::open( $sealed );
	}

	/**
	 * What is known about the key: one of the KEY_ words.
	 */
	public function key_state(): string {
		if ( $this->key_is_fixed() ) {
			return self::KEY_CONSTANT;
		}
		if ( '' === $this->stored()['api_key'] ) {
			return self::KEY_NONE;
		}
		return '' === $this->api_key() ? self::KEY_UNREADABLE : self::KEY_STORED;
	}

	/**
	 * Keeps an address and a key as the settings page would.
	 *
	 * @param string $relay_url The relay's address.
	 * @param string $api_key   The key as the relay showed it.
	 */
	public function connect( string $relay_url, string $api_key ): void {
		update_option( self::OPTION, array( 'relay_url' => $relay_url, 'api_key' => Vault::seal( $api_key ) ) );
	}

	/**
	 * Registers the option with WordPress's Settings API.
	 */
	public function register(): void {
		register_setting(
			self::GROUP,
			self::OPTION,
			array(
				'type'              => 'array',
				'sanitize_callback' => array( $this, 'sanitize' ),
				'show_in_rest'      => false,
			)
		);
	}

	/**
	 * Turns what the form sent into what is stored; what is wrong is said and left as it was.
	 *
	 * WordPress may call this twice for one save, so its own result passes unchanged.
	 *
	 * @param mixed $input The form's fields: relay_url, new_key, forget_key.
	 */
	public function sanitize( $input ): array {
		$input  = is_array( $input ) ? $input : array();
		$stored = $this->stored();

		if ( isset( $input['relay_url'] ) && is_string( $input['relay_url'] ) ) {
			$stored['relay_url'] = $this->sanitize_relay_url( $input['relay_url'], $stored['relay_url'] );
		}
		if ( ! empty( $input['forget_key'] ) ) {
			$stored['api_key'] = '';
		} elseif ( isset( $input['new_key'] ) && is_string( $input['new_key'] ) && '' !== trim( $input['new_key'] ) ) {
			$stored['api_key'] = $this->sanitize_key( trim( $input['new_key'] ), $stored['api_key'] );
		} elseif ( isset( $input['api_key'] ) && is_string( $input['api_key'] ) ) {
			$stored['api_key'] = $input['api_key'];
		}
		return $stored;
	}

	/**
	 * The address if a relay can be there, else the earlier one and a word about why.
	 *
	 * @param string $url     What was entered.
	 * @param string $earlier What is stored.
	 */
	private function sanitize_relay_url( string $url, string $earlier ): string {
		$url = untrailingslashit( esc_url_raw( trim( $url ), array( 'http', 'https' ) ) );
		if ( '' === $url ) {
			return '';
		}
		$parts = wp_parse_url( $url );
		if ( ! is_array( $parts ) || empty( $parts['host'] ) || isset( $parts['user'] ) || isset( $parts['query'] ) || isset( $parts['fragment'] ) ) {
			$this->complain( 'relay-url', __( 'That is not the address of a relay. It looks like https://relay.example.', 'postreeve' ) );
			return $earlier;
		}
		if ( 'https' !== $parts['scheme'] && ! $this->may_be_plain( $parts['host'] ) ) {
			$this->complain( 'relay-url', __( 'The address must begin with https://, so that nobody on the way can read your API key and your mail.', 'postreeve' ) );
			return $earlier;
		}
		return $url;
	}

	/**
	 * Whether unencrypted HTTP is all right: on this machine, or where people develop.
	 *
	 * @param string $host The relay's host.
	 */
	private function may_be_plain( string $host ): bool {
		$is_here = in_array( $host, array( 'localhost', '[::1]' ), true ) || preg_match( '/^127(\.\d{1,3}){3}$/', $host );
		return $is_here || in_array( wp_get_environment_type(), array( 'local', 'development' ), true );
	}

	/**
	 * The key, sealed, if it can be one, else the earlier one and a word about why.
	 *
	 * @param string $key     What was entered.
	 * @param string $earlier What is stored.
	 */
	private function sanitize_key( string $key, string $earlier ): string {
		if ( ! preg_match( '/^[\x21-\x7e]{20,200}$/', $key ) ) {
			$this->complain( 'api-key', __( 'That is not an API key. Copy the whole key, as the relay showed it, without spaces.', 'postreeve' ) );
			return $earlier;
		}
		return Vault::seal( $key );
	}

	/**
	 * Tells the person at the form what is wrong.
	 *
	 * @param string $code A word for programs.
	 * @param string $text A sentence for people.
	 */
	private function complain( string $code, string $text ): void {
		add_settings_error( self::OPTION, $code, esc_html( $text ) );
	}

	/**
	 * Whether the key is set in wp-config.php.
	 */
	private function key_is_fixed(): bool {
		return defined( 'POSTREEVE_API_KEY' ) && '' !== (string) POSTREEVE_API_KEY;
	}

	/**
	 * The option, complete whatever is in the database.
	 */
	private function stored(): array {
		$option = get_option( self::OPTION );
		$option = is_array( $option ) ? $option : array();
		return array(
			'relay_url' => is_string( $option['relay_url'] ?? null ) ? $option['relay_url'] : '',
			'api_key'   => is_string( $option['api_key'] ?? null ) ? $option['api_key'] : '',
		);
	}
}
