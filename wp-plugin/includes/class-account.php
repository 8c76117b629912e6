<?php
/**
 * What the relay said last about this site.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Asks about the account, and remembers the little that a mail needs to know while it is made.
 */
final class Account {

	const OPTION = 'postreeve_account';

	/**
	 * Seconds until what we know is asked anew.
	 */
	const STALE = DAY_IN_SECONDS;

	/**
	 * Seconds until it is asked once more where it has not said: a key may not read.
	 */
	const UNTOLD = HOUR_IN_SECONDS;

	/**
	 * Domains in these states may be sent from; `failing` is the grace time of a verified one.
	 */
	const USABLE = array( 'verified', 'failing' );

	/**
	 * The relay.
	 */
	private Client $client;

	/**
	 * Makes an account.
	 *
	 * @param Client $client The relay.
	 */
	public function __construct( Client $client ) {
		$this->client = $client;
	}

	/**
	 * Asks the relay, and remembers what it says.
	 *
	 * @param float $patience Seconds to wait.
	 * @return array|WP_Error
	 */
	public function ask( float $patience = Client::PATIENCE_TO_SHOW ) {
		$answer = $this->client->ask( 'GET', '/v1/account', $patience );
		if ( is_wp_error( $answer ) ) {
			return $answer;
		}
		$names = array();
		foreach ( (array) ( $answer['domains'] ?? array() ) as $domain ) {
			if ( is_array( $domain ) && is_string( $domain['name'] ?? null ) && in_array( $domain['status'] ?? '', self::USABLE, true ) ) {
				$names[] = strtolower( $domain['name'] );
			}
		}
		update_option(
			self::OPTION,
			array(
				'default_from' => is_string( $answer['default_from'] ?? null ) ? $answer['default_from'] : '',
				'domains'      => $names,
				'ready'        => ! empty( $answer['ready'] ),
				'state'        => Connection::standing( $answer ),
				'failing'      => self::failing( $answer ),
				'asked_at'     => time(),
			),
			false
		);
		return $answer;
	}

	/**
	 * The domain that the site's mail comes from, if its DNS records are gone and mail stops soon; else ''.
	 *
	 * @param array $answer What the relay says about this site.
	 */
	public static function failing( array $answer ): string {
		$sender = rtrim( Problems::clean( $answer['default_from'] ?? '' ), '›' );
		foreach ( Screen::list_of( $answer, 'domains' ) as $domain ) {
			$name = strtolower( Problems::clean( $domain['name'] ?? '' ) );
			if ( 'failing' === ( $domain['status'] ?? '' ) && ( '' === $sender || Sender::lies_in( $sender, array( $name ) ) ) ) {
				return $name;
			}
		}
		return '';
	}

	/**
	 * What we know: `default_from`, `domains` one may send from, `ready`, `state` (a word of Connection's), `failing`, `asked_at` (0: nothing).
	 */
	public function known(): array {
		$known = get_option( self::OPTION );
		$known = is_array( $known ) ? $known : array();
		return array(
			'default_from' => is_string( $known['default_from'] ?? null ) ? $known['default_from'] : '',
			'domains'      => array_filter( (array) ( $known['domains'] ?? array() ), 'is_string' ),
			'ready'        => ! empty( $known['ready'] ),
			'state'        => is_string( $known['state'] ?? null ) ? $known['state'] : '',
			'failing'      => is_string( $known['failing'] ?? null ) ? $known['failing'] : '',
			'asked_at'     => (int) ( $known['asked_at'] ?? 0 ),
		);
	}

	/**
	 * Asks anew what mails have to know; what is known stays where the relay does not say.
	 *
	 * @param float $patience Seconds to wait.
	 */
	public function refresh( float $patience ): void {
		if ( is_wp_error( $this->ask( $patience ) ) ) {
			update_option( self::OPTION, array( 'asked_at' => time() - self::STALE + self::UNTOLD ) + $this->known(), false );
		}
	}

	/**
	 * Whether it is time to ask anew.
	 */
	public function is_stale(): bool {
		return $this->known()['asked_at'] < time() - self::STALE;
	}
}
