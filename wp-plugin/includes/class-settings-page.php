<?php
/**
 * Settings → Postreeve → Settings.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * The relay's address, the key, the switch, and the way out.
 */
final class Settings_Page {

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * Connecting in the browser.
	 */
	private Handshake $handshake;

	/**
	 * Makes the page.
	 *
	 * @param Settings  $settings  Where and how this site is connected.
	 * @param Handshake $handshake Connecting in the browser.
	 */
	public function __construct( Settings $settings, Handshake $handshake ) {
		$this->settings  = $settings;
		$this->handshake = $handshake;
	}

	/**
	 * Ends a connection for which the browser comes back. What proves that its owner wants it is the state, not a nonce.
	 */
	public function load(): void {
		// phpcs:ignore WordPress.Security.NonceVerification.Recommended -- The state takes the nonce's place.
		if ( Access::may() && Handshake::is_back( $_GET ) ) {
			$said = $this->handshake->finish( $_GET ); // phpcs:ignore WordPress.Security.NonceVerification.Recommended -- As above.
			Access::answer( $said, Screen::url( is_wp_error( $said ) ? array( 'tab' => Screen::SETTINGS ) : array() ) );
		}
	}

	/**
	 * Writes the page.
	 */
	public function render(): void {
		View::show( 'settings', array( 'settings' => $this->settings ) );
	}
}
