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
	 *
	 * @var Settings
	 */
	private $settings;

	/**
	 * The relay.
	 *
	 * @var Client
	 */
	private $client;

	/**
	 * The carrier of the latest mail, if we took it.
	 *
	 * @var Mailer|null
	 */
	private $mailer = null;

	/**
	 * Why the latest mail failed, if it did.
	 *
	 * @var WP_Error|null
	 */
	private $failure = null;

	/**
	 * Makes an interceptor.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 * @param Client   $client   The relay.
	 */
	public function __construct( Settings $settings, Client $client ) {
		$this->settings = $settings;
		$this->client   = $client;
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

		$this->mailer  = null;
		$this->failure = null;
		if ( null !== $pre ) {
			return $pre;
		}
		if ( $this->settings->takes_mail() ) {
			$this->mailer = new Mailer( array( $this->client, 'send' ) );
			$phpmailer    = $this->mailer; // phpcs:ignore WordPress.WP.GlobalVariablesOverride.Prohibited -- Core uses any PHPMailer it finds here.
		} elseif ( $phpmailer instanceof Mailer ) {
			$phpmailer = null; // phpcs:ignore WordPress.WP.GlobalVariablesOverride.Prohibited -- Core makes its own again.
		}
		return $pre;
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
	 * What became of the latest mail: the relay's answer, the failure, or null if we had no part in it.
	 *
	 * @return array|WP_Error|null
	 */
	public function outcome() {
		return $this->failure ?? ( $this->mailer ? $this->mailer->receipt() : null );
	}
}
