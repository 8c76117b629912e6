<?php
/**
 * What screens ask of the relay.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Asks for people who look on, and remembers what was said last, sealed, so that a screen shows that with its age when
 * the relay does not answer.
 */
final class Desk {

	/**
	 * Seconds a screen waits for each answer, and a button, which may make the relay ask others.
	 */
	const PATIENCE        = 3.0;
	const PATIENCE_TO_ACT = 10.0;

	/**
	 * Seconds an answer is as good as new, and is kept.
	 */
	const FRESH = 60;
	const KEPT  = DAY_IN_SECONDS;

	/**
	 * Seconds after which a relay that did not answer is asked again by itself.
	 */
	const AWAY = 30;

	/**
	 * What is remembered, the last answer of each kind only.
	 */
	const ACCOUNT      = 'account';
	const MESSAGES     = 'messages';
	const FOUND        = 'found';
	const TODAY        = 'today';
	const DOMAINS      = 'domains';
	const APPEALS      = 'appeals';
	const REPUTATION   = 'reputation';
	const SUPPRESSIONS = 'suppressions';
	const KINDS        = array( self::ACCOUNT, self::MESSAGES, self::FOUND, self::TODAY, self::DOMAINS, self::APPEALS, self::REPUTATION, self::SUPPRESSIONS );

	/**
	 * How the transients' names begin.
	 */
	const MEMORY = 'postreeve_seen_';

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * What the relay says about this site.
	 */
	private Account $account;

	/**
	 * Whether somebody wants to know it as it is now.
	 */
	private bool $anew = false;

	/**
	 * Makes a desk.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 * @param Account  $account  What the relay says about this site.
	 */
	public function __construct( Settings $settings, Account $account ) {
		$this->settings = $settings;
		$this->account  = $account;
	}

	/**
	 * What the relay says about this site.
	 *
	 * @param int $fresh Seconds an answer is as good as new.
	 */
	public function account( int $fresh = self::FRESH ): Reading {
		$ask = function () {
			return $this->account->ask( self::PATIENCE );
		};
		return $this->remembered( self::ACCOUNT, '', $ask, $fresh );
	}

	/**
	 * An answer of the relay.
	 *
	 * @param string        $kind     One of the KINDS.
	 * @param string        $path     What follows the relay's address.
	 * @param callable|null $condense Takes out of an answer what is worth remembering.
	 * @param int           $fresh    Seconds an answer is as good as new.
	 */
	public function read( string $kind, string $path, ?callable $condense = null, int $fresh = self::FRESH ): Reading {
		$ask = function () use ( $path, $condense ) {
			$answer = $this->ask( 'GET', $path );
			return is_wp_error( $answer ) || null === $condense ? $answer : $condense( $answer );
		};
		return $this->remembered( $kind, $path, $ask, $fresh );
	}

	/**
	 * Asks the relay, or has it do something.
	 *
	 * @param string     $method   GET, POST or DELETE.
	 * @param string     $path     What follows the relay's address.
	 * @param array|null $body     What is sent along.
	 * @param float      $patience Seconds to wait.
	 * @param array      $headers  Further header fields.
	 * @return array|WP_Error
	 */
	public function ask( string $method, string $path, ?array $body = null, float $patience = self::PATIENCE, array $headers = array() ) {
		return self::request( $method, $this->settings->relay_url(), $path, $body, $patience, $headers + Client::credentials( $this->settings ) );
	}

	/**
	 * Asks a relay that has given us no key yet.
	 *
	 * @param string $relay_url The relay's address.
	 * @param string $path      What follows it.
	 * @param array  $body      What is sent along.
	 * @return array|WP_Error
	 */
	public static function introduce( string $relay_url, string $path, array $body ) {
		return self::request( 'POST', $relay_url, $path, $body, self::PATIENCE_TO_ACT, array() );
	}

	/**
	 * Asks a relay with another key than the site's own.
	 *
	 * @param string     $token     The key.
	 * @param string     $method    GET, POST or DELETE.
	 * @param string     $relay_url The relay's address.
	 * @param string     $path      What follows it.
	 * @param array|null $body      What is sent along.
	 * @return array|WP_Error
	 */
	public static function present( string $token, string $method, string $relay_url, string $path, ?array $body = null ) {
		return self::request( $method, $relay_url, $path, $body, Client::PATIENCE_IN_BACKGROUND, array( 'Authorization' => 'Bearer ' . $token ) );
	}

	/**
	 * From here on asks anew, however fresh what was said is; that stays for the case that nobody answers.
	 */
	public function ask_anew(): void {
		$this->anew = true;
	}

	/**
	 * Forgets everything that was said: something has changed.
	 */
	public static function forget(): void {
		foreach ( self::KINDS as $kind ) {
			delete_transient( self::MEMORY . $kind );
		}
	}

	/**
	 * What was said last, if it is fresh; else what is said now; else what was said last.
	 *
	 * @param string   $kind  One of the KINDS.
	 * @param string   $about Tells questions of one kind apart.
	 * @param callable $ask   Gives an array or a WP_Error.
	 * @param int      $fresh Seconds an answer is as good as new.
	 */
	private function remembered( string $kind, string $about, callable $ask, int $fresh ): Reading {
		$whose  = md5( implode( ' ', array( $this->settings->relay_url(), $this->settings->api_key(), $about ) + Client::tongue() ) );
		$memory = get_transient( self::MEMORY . $kind );
		$memory = is_string( $memory ) ? json_decode( (string) Vault::open( $memory ), true ) : null;
		$known  = is_array( $memory ) && $whose === $memory['whose'] && is_array( $memory['answer'] );
		if ( $known && ! $this->anew && 0 === $memory['away_at'] && $memory['asked_at'] > time() - $fresh ) {
			return new Reading( $memory['answer'], $memory['asked_at'] );
		}
		if ( $known && ! $this->anew && $memory['away_at'] > time() - self::AWAY ) {
			return new Reading( $memory['answer'], $memory['asked_at'], Problems::problem( Problems::UNREACHABLE, 0, $memory['away'] ) );
		}
		$answer = $ask();
		if ( is_wp_error( $answer ) && ! ( $known && Problems::passes( $answer ) ) ) {
			return new Reading( null, 0, $answer );
		}
		$memory = array(
			'whose'    => $whose,
			'asked_at' => is_wp_error( $answer ) ? $memory['asked_at'] : time(),
			'answer'   => is_wp_error( $answer ) ? $memory['answer'] : $answer,
			'away_at'  => is_wp_error( $answer ) ? time() : 0,
			'away'     => is_wp_error( $answer ) ? $answer->get_error_message() : '',
		);
		set_transient( self::MEMORY . $kind, Vault::seal( (string) wp_json_encode( $memory ) ), self::KEPT );
		return new Reading( $memory['answer'], $memory['asked_at'], is_wp_error( $answer ) ? $answer : null );
	}

	/**
	 * One request.
	 *
	 * @param string     $method    GET, POST or DELETE.
	 * @param string     $relay_url The relay's address.
	 * @param string     $path      What follows it.
	 * @param array|null $body      What is sent along, as JSON.
	 * @param float      $patience  Seconds to wait.
	 * @param array      $headers   Who we are.
	 * @return array|WP_Error
	 */
	private static function request( string $method, string $relay_url, string $path, ?array $body, float $patience, array $headers ) {
		$headers += Client::tongue();
		$headers += null === $body ? array() : array( 'Content-Type' => 'application/json' );
		return Client::exchange( $method, $relay_url, $path, $patience, $headers, null === $body ? '' : (string) wp_json_encode( (object) $body ) );
	}
}
