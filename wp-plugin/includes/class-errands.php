<?php
/**
 * What the owner has the relay do with one button.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Answers the buttons that ask something of the relay.
 */
final class Errands {

	const ACTION = 'postreeve_ask';

	const CONNECT      = 'connect';
	const ADD_DOMAIN   = 'add-domain';
	const CHECK_DOMAIN = 'check-domain';
	const CONTEST      = 'contest';
	const LIFT         = 'lift';
	const RESEND       = 'resend';
	const APPEAL       = 'appeal';
	const ACCEPT       = 'accept-policy';

	/**
	 * The relay.
	 */
	private Desk $desk;

	/**
	 * Connecting in the browser.
	 */
	private Handshake $handshake;

	/**
	 * Makes the answers.
	 *
	 * @param Desk      $desk      The relay.
	 * @param Handshake $handshake Connecting in the browser.
	 */
	public function __construct( Desk $desk, Handshake $handshake ) {
		$this->desk      = $desk;
		$this->handshake = $handshake;
	}

	/**
	 * Answers a button.
	 */
	public function handle(): void {
		// phpcs:ignore WordPress.Security.NonceVerification.Missing -- It says which nonce is looked for.
		$what = isset( $_POST['what'] ) && is_string( $_POST['what'] ) ? sanitize_key( wp_unslash( $_POST['what'] ) ) : '';
		Access::check( self::ACTION . $what );

		$given = array();
		foreach ( array( 'domain', 'id', 'message', 'to', 'relay_url', 'action_id', 'version' ) as $name ) {
			$given[ $name ] = isset( $_POST[ $name ] ) && is_string( $_POST[ $name ] ) ? sanitize_text_field( wp_unslash( $_POST[ $name ] ) ) : '';
		}
		$given['text'] = isset( $_POST['text'] ) && is_string( $_POST['text'] ) ? sanitize_textarea_field( wp_unslash( $_POST['text'] ) ) : '';

		if ( self::CONNECT === $what ) {
			$url = $this->handshake->begin( $given['relay_url'] );
			if ( is_string( $url ) ) {
				wp_safe_redirect( $url );
				exit;
			}
			Access::answer( $url, Screen::url( array( 'tab' => 'settings' ) ) );
		}
		$answer = $this->act( $what, $given );
		Access::answer( is_wp_error( $answer ) ? $answer : $answer['said'], Screen::url( is_wp_error( $answer ) ? self::back( $what, $given ) : $answer['to'] ) );
	}

	/**
	 * Does what is asked.
	 *
	 * @param string $what  A constant of this class.
	 * @param array  $given What the form held.
	 * @return array|WP_Error What happened, `said`, and where to go on, `to`.
	 */
	public function act( string $what, array $given ) {
		list( $method, $path, $body, $said ) = $this->errand( $what, $given );
		if ( '' === $path ) {
			return new WP_Error( 'unknown', $said );
		}
		$sends  = self::RESEND === $what;
		$once   = $sends ? array( 'Idempotency-Key' => self::once( $given, time() ) ) : array();
		$answer = ( $sends ? Whereabouts::objection() : null ) ?? $this->desk->ask( $method, $path, $body, Desk::PATIENCE_TO_ACT, $once );
		if ( is_wp_error( $answer ) ) {
			return $answer;
		}
		Desk::forget();
		$to = self::back( $what, $given );
		if ( $sends ) {
			$to = array( 'mail' => rawurlencode( Problems::clean( $answer['id'] ?? '' ) ) );
		} elseif ( self::ADD_DOMAIN === $what ) {
			$to['domain'] = rawurlencode( Problems::clean( $answer['name'] ?? '' ) );
		}
		return compact( 'said', 'to' );
	}

	/**
	 * The idempotency key by which a mail is sent again once in a minute, however often the button is pressed.
	 *
	 * @param array $given What the form held.
	 * @param int   $now   A Unix time.
	 */
	public static function once( array $given, int $now ): string {
		return md5( implode( ' ', array( $given['message'], $given['to'], intdiv( $now, MINUTE_IN_SECONDS ) ) ) );
	}

	/**
	 * What is asked of the relay: method, path ('' if it makes no sense), body, and what to say when it is done, or
	 * what is wrong.
	 *
	 * @param string $what  A constant of this class.
	 * @param array  $given What the form held.
	 */
	private function errand( string $what, array $given ): array {
		$id = rawurlencode( $given['id'] ?? '' );
		switch ( $what ) {
			case self::ADD_DOMAIN:
				$domain = strtolower( trim( (string) preg_replace( '~^[a-z]+://|/.*$|^.*@~i', '', $given['domain'] ) ) );
				return '' === $domain ? array( '', '', null, __( 'Enter a domain, such as shop.example.', 'postreeve' ) )
					: array( 'POST', '/v1/domains', array( 'name' => $domain ), __( 'The domain is added. Publish its records now.', 'postreeve' ) );
			case self::CHECK_DOMAIN:
				return array( 'POST', '/v1/domains/' . rawurlencode( $given['domain'] ) . '/check', null, __( 'The relay has just looked.', 'postreeve' ) );
			case self::CONTEST:
				return array( 'POST', "/v1/suppressions/$id/contest", null, __( 'The address is contested. In three days one mail is sent there, and its answer decides.', 'postreeve' ) );
			case self::LIFT:
				return array( 'DELETE', "/v1/suppressions/$id", null, __( 'The address may be mailed again.', 'postreeve' ) );
			case self::RESEND:
				if ( '' !== $given['to'] && ! is_email( $given['to'] ) ) {
					return array( '', '', null, __( 'That is not an e-mail address.', 'postreeve' ) );
				}
				return array( 'POST', '/v1/messages/' . rawurlencode( $given['message'] ) . '/resend', '' === $given['to'] ? array() : array( 'to' => array( $given['to'] ) ), __( 'The mail is sent again, as a new one. This is it.', 'postreeve' ) );
			case self::APPEAL:
				$body = array( 'text' => $given['text'] ) + ( '' === $given['action_id'] ? array() : array( 'action_id' => $given['action_id'] ) );
				return '' === trim( $given['text'] ) ? array( '', '', null, __( 'Say in a few words why, and what you have put right.', 'postreeve' ) )
					: array( 'POST', '/v1/account/appeals', $body, __( 'Your appeal has arrived.', 'postreeve' ) );
			case self::ACCEPT:
				$user = wp_get_current_user();
				$body = array(
					'version' => $given['version'],
					'by'      => substr( $user->user_login . ' <' . $user->user_email . '>', 0, 100 ),
				);
				return array( 'POST', '/v1/account/policy', $body, __( 'The rules are accepted.', 'postreeve' ) );
			default:
				return array( '', '', null, __( 'There is no such button.', 'postreeve' ) );
		}
	}

	/**
	 * The screen a button stands on.
	 *
	 * @param string $what  A constant of this class.
	 * @param array  $given What the form held.
	 */
	private static function back( string $what, array $given ): array {
		switch ( $what ) {
			case self::ADD_DOMAIN:
				return array( 'tab' => 'domain' );
			case self::CHECK_DOMAIN:
				return array(
					'tab'    => 'domain',
					'domain' => rawurlencode( $given['domain'] ),
				);
			case self::CONTEST:
			case self::LIFT:
			case self::RESEND:
				return '' === $given['message'] ? array(
					'tab'  => 'mails',
					'view' => 'suppressions',
				) : array( 'mail' => rawurlencode( $given['message'] ) );
			case self::ACCEPT:
				return array( 'fresh' => '1' );
			default:
				return array();
		}
	}
}
