<?php
/**
 * Marks the mail that lets people into their account.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Marks WordPress's own security mail, which the relay sends even when it holds everything else.
 *
 * The mark is a header of that one mail, so it cannot stick to another; the mailer takes it out.
 */
final class Security_Mail {

	/**
	 * WordPress's filters of one such mail each: an array with `headers` among its members.
	 */
	const FILTERS = array(
		'retrieve_password_notification_email',
		'wp_new_user_notification_email',
		'recovery_mode_email',
		'password_change_email',
		'email_change_email',
	);

	const HEADER = 'X-Postreeve-Kind: security';

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * Makes a marker.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 */
	public function __construct( Settings $settings ) {
		$this->settings = $settings;
	}

	/**
	 * Marks the mail if we are going to carry it.
	 *
	 * @param mixed $email What wp_mail() will be given: to, subject, message, headers.
	 * @return mixed The same with the mark.
	 */
	public function mark( $email ) {
		if ( ! is_array( $email ) || ! $this->settings->takes_mail() ) {
			return $email;
		}
		$headers = $email['headers'] ?? '';
		if ( is_array( $headers ) ) {
			$headers[] = self::HEADER;
		} else {
			$headers = ltrim( rtrim( (string) $headers ) . "\n" . self::HEADER );
		}
		$email['headers'] = $headers;
		return $email;
	}
}
