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

	/**
	 * Where and how this site is connected.
	 *
	 * @var Settings
	 */
	private $settings;

	/**
	 * Knows what became of the mail.
	 *
	 * @var Interceptor
	 */
	private $interceptor;

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
		if ( ! current_user_can( Screen::CAPABILITY ) ) {
			wp_die( esc_html__( 'You are not allowed to send test mails.', 'postreeve' ), '', array( 'response' => 403 ) );
		}
		check_admin_referer( self::ACTION );

		$to = isset( $_POST['to'] ) ? sanitize_email( wp_unslash( $_POST['to'] ) ) : '';
		wp_safe_redirect( $this->send( $to ) );
		exit;
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
	 * Sends the mail and gives the address of the page to go on with.
	 *
	 * @param string $to Who gets it.
	 */
	private function send( string $to ): string {
		$outcome = $this->deliver( $to );
		if ( is_wp_error( $outcome ) ) {
			$data = (array) $outcome->get_error_data();
			return $this->complain( $outcome->get_error_message(), (string) ( $data['relay_problem_url'] ?? '' ) );
		}
		if ( ! isset( $outcome['id'] ) || ! is_string( $outcome['id'] ) ) {
			return $this->complain( __( 'The test mail could not be handed to the relay at once. It is kept here and tried again.', 'postreeve' ) );
		}
		return Screen::url( array( 'message' => rawurlencode( $outcome['id'] ) ) );
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

	/**
	 * Keeps a message for the next page, as WordPress's own settings pages do, and gives its address.
	 *
	 * @param string $text What is the matter.
	 * @param string $url  A page that says how to fix it.
	 */
	private function complain( string $text, string $url = '' ): string {
		$html = esc_html( $text );
		if ( '' !== $url ) {
			$html .= ' <a href="' . esc_url( $url ) . '">' . esc_html__( 'How to fix this', 'postreeve' ) . '</a>';
		}
		add_settings_error( Settings::OPTION, 'test-mail', $html );
		set_transient( 'settings_errors', get_settings_errors(), 30 );
		return Screen::url( array( 'settings-updated' => 'false' ) );
	}
}
