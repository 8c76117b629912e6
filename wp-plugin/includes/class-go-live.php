<?php
/**
 * The switch between the site's earlier way of mailing and the relay.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Hands the site's mail to the relay when both are ready: the relay says so, and the owner wants it.
 */
final class Go_Live {

	const NOT_READY = 'not-ready';

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * What the relay says about this site.
	 */
	private Account $account;

	/**
	 * Makes a switch.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 * @param Account  $account  What the relay says about this site.
	 */
	public function __construct( Settings $settings, Account $account ) {
		$this->settings = $settings;
		$this->account  = $account;
	}

	/**
	 * From now on the relay gets the site's mail, if it is ready for it.
	 *
	 * @return true|WP_Error
	 */
	public function on() {
		if ( ! $this->settings->is_connected() ) {
			return new WP_Error( Connection::NOT_CONNECTED, __( 'The site is not connected to a relay yet.', 'postreeve' ) );
		}
		$answer = $this->account->ask();
		if ( is_wp_error( $answer ) ) {
			return $answer;
		}
		if ( empty( $answer['ready'] ) ) {
			$why = array_map( array( Problems::class, 'clean' ), array_filter( (array) ( $answer['not_ready_because'] ?? array() ), 'is_scalar' ) );
			$why = implode( ' ', array_map( array( Words::class, 'sentence' ), $why ) );
			return new WP_Error( self::NOT_READY, trim( __( 'The relay is not ready for this site\'s mail yet.', 'postreeve' ) . ' ' . $why ) );
		}
		$this->settings->set_live( true );
		return true;
	}

	/**
	 * From now on the site mails as it did before.
	 */
	public function off(): void {
		$this->settings->set_live( false );
	}

	/**
	 * Ends the key at the relay, for good; one that it does not know has ended. Only the key that is about to be forgotten
	 * ends, and none that a copy of the site has brought along.
	 *
	 * @param string $kind What kind that is: KEY_STORED or KEY_NETWORK of Settings.
	 * @return true|WP_Error
	 */
	public function end_key( string $kind = Settings::KEY_STORED ) {
		if ( $kind !== $this->settings->key_state() ) {
			return new WP_Error( 'no-key', __( 'There is no key here that could be ended: it is set elsewhere, or cannot be read.', 'postreeve' ) );
		}
		$answer = Whereabouts::objection() ?? ( new Desk( $this->settings, $this->account ) )->ask( 'DELETE', '/v1/key', null, Desk::PATIENCE_TO_ACT );
		return is_wp_error( $answer ) && 'key-invalid' !== $answer->get_error_code() ? $answer : true;
	}

	/**
	 * Forgets the key, and what the relay said. What waits here is kept until its time is over.
	 */
	public function disconnect(): void {
		$this->settings->connect( $this->settings->relay_url(), '' );
		delete_option( Account::OPTION );
		delete_option( Test_Mail::OPTION );
		delete_option( Settings::ALIASES );
		Desk::forget();
	}
}
