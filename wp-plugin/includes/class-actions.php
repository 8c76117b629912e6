<?php
/**
 * What the owner decides with one button.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Answers the buttons.
 */
final class Actions {

	const ACTION = 'postreeve_do';

	const GO_LIVE     = 'go-live';
	const GO_BACK     = 'go-back';
	const MOVED       = 'moved';
	const COPY        = 'copy';
	const SAME        = 'same';
	const FORGET      = 'forget-address';
	const SEND_PARKED = 'send-parked';
	const DISCONNECT  = 'disconnect';

	/**
	 * The switch.
	 */
	private Go_Live $switch;

	/**
	 * Whether this is the site that was connected.
	 */
	private Whereabouts $whereabouts;

	/**
	 * Where mails wait.
	 */
	private Outbox $outbox;

	/**
	 * Hands over what waits.
	 */
	private Runner $runner;

	/**
	 * Makes the answers.
	 *
	 * @param Go_Live     $live        The switch.
	 * @param Whereabouts $whereabouts Whether this is the site that was connected.
	 * @param Outbox      $outbox      Where mails wait.
	 * @param Runner      $runner      Hands over what waits.
	 */
	public function __construct( Go_Live $live, Whereabouts $whereabouts, Outbox $outbox, Runner $runner ) {
		$this->switch      = $live;
		$this->whereabouts = $whereabouts;
		$this->outbox      = $outbox;
		$this->runner      = $runner;
	}

	/**
	 * Writes a button.
	 *
	 * @param string $what   A constant of this class.
	 * @param string $label  What stands on it.
	 * @param string $kind   'primary' or 'secondary'.
	 * @param array  $fields Hidden fields, by name.
	 */
	public static function button( string $what, string $label, string $kind = 'secondary', array $fields = array() ): void {
		View::button( self::ACTION, $what, $label, $fields, $kind );
	}

	/**
	 * Answers a button.
	 */
	public function handle(): void {
		// phpcs:ignore WordPress.Security.NonceVerification.Missing -- It says which nonce is looked for.
		$what = isset( $_POST['what'] ) && is_string( $_POST['what'] ) ? sanitize_key( wp_unslash( $_POST['what'] ) ) : '';
		Access::check( self::ACTION . $what );

		$address = isset( $_POST['address'] ) && is_string( $_POST['address'] ) ? sanitize_text_field( wp_unslash( $_POST['address'] ) ) : '';
		$ends    = isset( $_POST['ends_key'] ) && '1' === sanitize_key( wp_unslash( $_POST['ends_key'] ) );
		$tab     = in_array( $what, array( self::DISCONNECT, self::FORGET ), true ) ? array( 'tab' => 'settings' ) : array();
		Access::answer( $this->act( $what, $address, $ends ), Screen::url( $tab ) );
	}

	/**
	 * Does what is asked.
	 *
	 * @param string $what     A constant of this class.
	 * @param string $address  For FORGET, the address.
	 * @param bool   $ends_key For DISCONNECT, whether the key ends at the relay, too.
	 * @return string|WP_Error What happened, in a sentence.
	 */
	public function act( string $what, string $address = '', bool $ends_key = false ) {
		switch ( $what ) {
			case self::GO_LIVE:
				$done = $this->switch->on();
				return is_wp_error( $done ) ? $done : __( 'From now on this site\'s mail goes through the relay.', 'postreeve' );
			case self::GO_BACK:
				$this->switch->off();
				return __( 'From now on this site mails as it did before.', 'postreeve' );
			case self::MOVED:
				/* translators: %d: number of mails */
				return $this->go_on( $this->whereabouts->has_moved(), __( 'The connection belongs to this address now. Mails that were kept and go out now: %d.', 'postreeve' ) );
			case self::SAME:
				$count = $this->whereabouts->is_the_same();
				/* translators: %d: number of mails */
				return is_wp_error( $count ) ? $count : $this->go_on( $count, __( 'The site has this address as well now. Mails that were kept and go out now: %d.', 'postreeve' ) );
			case self::FORGET:
				if ( ! $this->whereabouts->forget( $address ) ) {
					return new WP_Error( 'no-alias', __( 'The site has no such further address.', 'postreeve' ) );
				}
				return __( 'The address is forgotten. Whatever runs there keeps its mail.', 'postreeve' );
			case self::COPY:
				$this->whereabouts->is_a_copy();
				return __( 'This copy of the site sends no mail. What it would have sent is kept for a week.', 'postreeve' );
			case self::SEND_PARKED:
				if ( ! $this->runner->may_send() ) {
					return new WP_Error( 'not-now', __( 'Nothing can go out now: Postreeve is switched off or not connected, or this may be a copy of the site. The mails stay parked.', 'postreeve' ) );
				}
				/* translators: %d: number of mails */
				return $this->go_on( $this->outbox->release( Outbox::PARKED ), __( 'Parked mails that are sent now: %d.', 'postreeve' ) );
			case self::DISCONNECT:
				$ended = $ends_key ? $this->switch->end_key() : false;
				if ( is_wp_error( $ended ) ) {
					return $ended;
				}
				$this->switch->disconnect();
				return ( $ended ? __( 'The key has ended at the relay.', 'postreeve' ) . ' ' : '' ) . __( 'The key is forgotten. WordPress sends this site\'s mail by itself.', 'postreeve' );
			default:
				return new WP_Error( 'unknown', __( 'There is no such button.', 'postreeve' ) );
		}
	}

	/**
	 * Has mails leave after this response.
	 *
	 * @param int    $count How many.
	 * @param string $text  A sentence with a place for the number.
	 */
	private function go_on( int $count, string $text ): string {
		$this->runner->run_later();
		$this->runner->schedule();
		if ( $count > 0 && $this->runner->is_held_up() ) {
			/* translators: %d: number of mails */
			$text = __( 'The relay does not answer at the moment. Mails that go out by themselves when it does: %d.', 'postreeve' );
		}
		return sprintf( $text, $count );
	}
}
