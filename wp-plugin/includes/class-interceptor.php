<?php
/**
 * Gets hold of the mail WordPress sends.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Swaps the object that carries mail away; wp_mail() itself stays WordPress's own.
 *
 * So core goes on parsing, filtering and firing every hook, in every version of WordPress.
 */
final class Interceptor {

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * Takes finished mails.
	 */
	private Courier $courier;

	/**
	 * What the relay says about this site.
	 */
	private Account $account;

	/**
	 * Whether this is the site that was connected.
	 */
	private Whereabouts $whereabouts;

	/**
	 * Whether the next mail is ours although the site is not live yet: the test mail.
	 */
	private bool $takes_next = false;

	/**
	 * The carrier of the latest mail, if we took it.
	 */
	private ?Mailer $mailer = null;

	/**
	 * The carrier that another plugin, or core, had put where ours is now.
	 *
	 * @var mixed
	 */
	private $earlier = null;

	/**
	 * Why the latest mail failed, if it did.
	 */
	private ?WP_Error $failure = null;

	/**
	 * Makes an interceptor.
	 *
	 * @param Settings    $settings    Where and how this site is connected.
	 * @param Courier     $courier     Takes finished mails.
	 * @param Account     $account     What the relay says about this site.
	 * @param Whereabouts $whereabouts Whether this is the site that was connected.
	 */
	public function __construct( Settings $settings, Courier $courier, Account $account, Whereabouts $whereabouts ) {
		$this->settings    = $settings;
		$this->courier     = $courier;
		$this->account     = $account;
		$this->whereabouts = $whereabouts;
	}

	/**
	 * Has the next mail go through the relay, also where the site is not live yet.
	 */
	public function take_next(): void {
		$this->takes_next = true;
	}

	/**
	 * Puts our mailer in place just before core fills it; decides nothing about the mail.
	 *
	 * Each mail gets a new one, so nothing (a sender, an encoding) sticks from mail to mail.
	 *
	 * @param null|bool $pre What other plugins decided; anything but null ends the mail there.
	 * @return null|bool The same.
	 */
	public function install_mailer( $pre ) {
		global $phpmailer;

		$taken            = $this->takes_next ? $this->settings->is_connected() : $this->is_ours();
		$this->mailer     = null;
		$this->failure    = null;
		$this->takes_next = false;
		if ( null !== $pre ) {
			return $pre;
		}
		if ( ! $phpmailer instanceof Mailer ) {
			$this->earlier = $phpmailer;
		}
		if ( $taken ) {
			$this->mailer = new Mailer( array( $this->courier, 'carry' ), $this->account->known() );
			$phpmailer    = $this->mailer; // phpcs:ignore WordPress.WP.GlobalVariablesOverride.Prohibited -- Core uses any PHPMailer it finds here.
		} elseif ( $phpmailer instanceof Mailer ) {
			$phpmailer = $this->earlier; // phpcs:ignore WordPress.WP.GlobalVariablesOverride.Prohibited -- It was there before; without one, core makes its own again.
		}
		return $pre;
	}

	/**
	 * Whether this site's mail is ours now. A copy's is even where its key cannot be read: it must not leave.
	 */
	private function is_ours(): bool {
		return $this->settings->is_in_charge() && ( $this->settings->is_connected() || $this->whereabouts->is_elsewhere() );
	}

	/**
	 * Adds to core's report of a failure what the relay said, for whoever listens after us.
	 *
	 * @param mixed $error Core's WP_Error; other plugins fire this action too, with whatever they like.
	 */
	public function explain_failure( $error ): void {
		if ( ! $error instanceof WP_Error ) {
			return;
		}
		$this->failure = $error;
		$reason        = $this->mailer ? $this->mailer->failure() : null;
		$this->mailer  = null;
		if ( $reason ) {
			$error->add_data( array_merge( (array) $error->get_error_data(), (array) $reason->get_error_data() ) );
		}
	}

	/**
	 * Has BuddyPress use wp_mail(); by itself it does so only where somebody has declared that function again.
	 *
	 * @param mixed $uses What BuddyPress or others think.
	 * @return mixed True where the mail is ours.
	 */
	public function have_wp_mail_used( $uses ) {
		return $this->is_ours() ? true : $uses;
	}

	/**
	 * At the request's end: lets go of the latest mail, which may be large.
	 */
	public function let_go(): void {
		global $phpmailer;
		$this->mailer = null;
		if ( $phpmailer instanceof Mailer ) {
			$phpmailer = $this->earlier; // phpcs:ignore WordPress.WP.GlobalVariablesOverride.Prohibited -- It is ours.
		}
	}

	/**
	 * What became of the latest mail: the relay's answer, the failure, or null if we had no part in it.
	 *
	 * @return array|WP_Error|null
	 */
	public function outcome() {
		return $this->failure ?? ( $this->mailer ? $this->mailer->receipt() : null );
	}
}
