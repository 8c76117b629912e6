<?php
/**
 * The test mail.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Sends a mail on the very way that all mail takes, and leads to the page that follows it.
 */
final class Test_Mail {

	const ACTION = 'postreeve_test';
	const OPTION = 'postreeve_test';

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * Knows what became of the mail.
	 */
	private Interceptor $interceptor;

	/**
	 * Makes a sender of test mails.
	 *
	 * @param Settings    $settings    Where and how this site is connected.
	 * @param Interceptor $interceptor Knows what became of the mail.
	 */
	public function __construct( Settings $settings, Interceptor $interceptor ) {
		$this->settings    = $settings;
		$this->interceptor = $interceptor;
	}

	/**
	 * Answers the form.
	 */
	public function handle(): void {
		Access::check( self::ACTION );

		// phpcs:ignore WordPress.Security.NonceVerification.Missing -- Checked in the line above.
		$to      = isset( $_POST['to'] ) && is_string( $_POST['to'] ) ? sanitize_email( wp_unslash( $_POST['to'] ) ) : '';
		$outcome = $this->deliver( $to );
		$id      = is_wp_error( $outcome ) ? '' : (string) ( $outcome['id'] ?? '' );
		if ( is_wp_error( $outcome ) ) {
			Access::answer( $outcome, Screen::url( array( 'fresh' => '1' ) ) );
		}
		if ( '' === $id ) {
			Access::answer( new WP_Error( 'kept', __( 'The test mail could not be handed to the relay at once. It is kept here and tried again.', 'postreeve' ) ), Screen::url( array( 'fresh' => '1' ) ) );
		}
		self::remember( $id, false );
		Desk::forget();
		wp_safe_redirect( Screen::url( array( 'mail' => rawurlencode( $id ) ) ) );
		exit;
	}

	/**
	 * The last test mail: `id`, '' if there was none, and whether it has been `delivered`.
	 */
	public static function last(): array {
		$last = get_option( self::OPTION );
		$last = is_array( $last ) ? $last : array();
		return array(
			'id'        => is_string( $last['id'] ?? null ) ? $last['id'] : '',
			'delivered' => ! empty( $last['delivered'] ),
		);
	}

	/**
	 * Remembers the last test mail, for the list of what is left to do.
	 *
	 * @param string $id        The message's id.
	 * @param bool   $delivered Whether it has arrived.
	 */
	public static function remember( string $id, bool $delivered ): void {
		update_option( self::OPTION, compact( 'id', 'delivered' ), false );
	}

	/**
	 * Sends the mail.
	 *
	 * @param string $to Who gets it.
	 * @return array|WP_Error The relay's receipt; for a mail that is kept, its `queued` key.
	 */
	public function deliver( string $to ) {
		if ( ! $this->settings->is_connected() || $this->settings->is_off() ) {
			return new WP_Error( 'not-ours', __( 'Postreeve does not carry this site\'s mail at the moment, so there is nothing to test.', 'postreeve' ) );
		}
		$objection = Whereabouts::objection();
		if ( null !== $objection ) {
			return $objection;
		}
		if ( ! is_email( $to ) ) {
			return new WP_Error( 'address', __( 'That is not an e-mail address.', 'postreeve' ) );
		}
		/* translators: %s: the site's name */
		$subject = sprintf( __( 'Test mail from %s', 'postreeve' ), wp_specialchars_decode( get_option( 'blogname' ), ENT_QUOTES ) );
		$this->interceptor->take_next();
		wp_mail( $to, $subject, $this->text() );
		return $this->interceptor->outcome() ?? new WP_Error( 'taken', __( 'The test mail did not reach the relay: another plugin takes this site\'s mail.', 'postreeve' ) );
	}

	/**
	 * What the mail says.
	 */
	private function text(): string {
		return sprintf(
			/* translators: %s: the site's address */
			__( "This is a test mail from %s.\n\nIt went through WordPress and the Postreeve relay. If you can read this, that way works.", 'postreeve' ),
			home_url()
		) . "\n";
	}
}
