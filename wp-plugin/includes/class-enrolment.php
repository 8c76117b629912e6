<?php
/**
 * Connecting with a key of the site's account.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Has the relay make this site and its key, with a key of the account: an agency connects sixty sites with one.
 *
 * The account's key opens all its sites, so it is used here and never kept.
 */
final class Enrolment {

	/**
	 * How an account's key begins.
	 */
	const MARK = 'pra_';

	/**
	 * Characters of a site's name that the relay takes.
	 */
	const LONGEST_NAME = 200;

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * The relay's address.
	 */
	private string $relay_url;

	/**
	 * The account's key.
	 */
	private string $token;

	/**
	 * Makes an enrolment.
	 *
	 * @param Settings $settings  Where and how this site is connected.
	 * @param string   $relay_url The relay's address.
	 * @param string   $token     The account's key.
	 */
	public function __construct( Settings $settings, string $relay_url, string $token ) {
		$this->settings  = $settings;
		$this->relay_url = $relay_url;
		$this->token     = $token;
	}

	/**
	 * Whether this is a key of an account, and not of a site.
	 *
	 * @param string $key A key.
	 */
	public static function is_account_key( string $key ): bool {
		return 0 === strpos( $key, self::MARK );
	}

	/**
	 * Gets the site's key and keeps it. The site does not go live by that.
	 *
	 * @param string $domain The sending domain to claim; `auto`: the one that was registered for this address; '': none.
	 * @return array|WP_Error What the relay says: `created`, `site`, `account`, `domain`, `key_id`.
	 */
	public function enrol( string $domain ) {
		$address   = Whereabouts::address();
		$hindrance = $this->hindrance( $address );
		if ( '' !== $hindrance ) {
			return new WP_Error( 'hindrance', $hindrance );
		}
		$sender = (string) get_option( 'admin_email' );
		$answer = $this->ask(
			'POST',
			'/v1/sites',
			array(
				'url'          => $address,
				'name'         => mb_substr( wp_specialchars_decode( (string) get_option( 'blogname' ), ENT_QUOTES ), 0, self::LONGEST_NAME ),
				'default_from' => is_email( $sender ) ? $sender : null,
				'domain'       => $domain,
			)
		);
		if ( is_wp_error( $answer ) ) {
			return $answer;
		}
		if ( ! is_string( $answer['key'] ?? null ) || '' === $answer['key'] ) {
			return new WP_Error( Problems::UNEXPECTED, __( 'The relay gave no key. Please begin again.', 'postreeve' ) );
		}
		$this->settings->connect( $this->relay_url, $answer['key'] );
		Desk::forget();
		unset( $answer['key'] );
		return $answer;
	}

	/**
	 * Ends the key that this site had before, once its new one has worked. A key that is not bound to this address stays:
	 * somebody else may have it, too.
	 *
	 * @param array  $answer What `enrol()` gave.
	 * @param string $old    The key.
	 * @return bool|WP_Error Whether there was one to end.
	 */
	public function replace( array $answer, string $old ) {
		$keys = '/v1/sites/' . rawurlencode( Problems::clean( $answer['site']['id'] ?? '' ) ) . '/keys';
		$list = $this->ask( 'GET', $keys );
		if ( is_wp_error( $list ) ) {
			return $list;
		}
		foreach ( Screen::list_of( $list, 'keys' ) as $key ) {
			$is_old = 0 === strpos( $old, 'prk_' . Problems::clean( $key['prefix'] ?? '' ) . '_' );
			if ( $is_old && isset( $key['bound_url'] ) && ! isset( $key['revoked_at'] ) ) {
				$ended = $this->ask( 'DELETE', $keys . '/' . rawurlencode( Problems::clean( $key['id'] ?? '' ) ) );
				return is_wp_error( $ended ) ? $ended : true;
			}
		}
		return false;
	}

	/**
	 * Why this site cannot get a key of its own and keep it, or ''. Nobody is asked for that.
	 *
	 * @param string $address The site's address, or ''.
	 */
	private function hindrance( string $address ): string {
		if ( ! Settings::is_key( $this->token ) ) {
			return __( 'That is not an API key. Copy the whole key, as the relay showed it, without spaces.', 'postreeve' );
		}
		if ( '' === $address ) {
			return __( 'This site does not know its address at a terminal. Say it: --url=https://shop.example', 'postreeve' );
		}
		if ( in_array( $this->settings->key_state(), array( Settings::KEY_GIVEN, Settings::KEY_NETWORK ), true ) ) {
			return __( 'The key of this site is set in wp-config.php, in the environment or for the whole network, and would go on being used. Take it away there first.', 'postreeve' );
		}
		$is_set = $this->settings->relay_url_is_fixed() || $this->settings->relay_url_is_networks();
		if ( $is_set && $this->relay_url !== $this->settings->relay_url() ) {
			/* translators: %s: the relay's address */
			return sprintf( __( 'The relay of this site is set in wp-config.php, in the environment or for the whole network: %s', 'postreeve' ), $this->settings->relay_url() );
		}
		return '';
	}

	/**
	 * Asks the relay with the account's key.
	 *
	 * @param string     $method GET, POST or DELETE.
	 * @param string     $path   What follows the relay's address.
	 * @param array|null $body   What is sent along.
	 * @return array|WP_Error
	 */
	private function ask( string $method, string $path, ?array $body = null ) {
		return Desk::present( $this->token, $method, $this->relay_url, $path, $body );
	}
}
