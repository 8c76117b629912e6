<?php
/**
 * How states and problems are called.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * The relay's words for programs, in words for people.
 */
final class Words {

	const GOOD    = 'good';
	const WAITING = 'waiting';
	const BAD     = 'bad';
	const QUIET   = 'quiet';

	/**
	 * Statuses of a copy that will change by themselves, soon.
	 */
	const MOVING = array( 'queued', 'sending', 'sent', 'deferred' );

	/**
	 * What a copy's status means: `tone` (a constant above), `label` (a word or two), `text` (a sentence).
	 *
	 * @param string $status The relay's word.
	 */
	public static function status( string $status ): array {
		$words = array(
			'queued'       => array( self::WAITING, __( 'Waiting', 'postreeve' ), __( 'The relay has the mail and sends it in a moment.', 'postreeve' ) ),
			'sending'      => array( self::WAITING, __( 'Being sent', 'postreeve' ), __( 'The relay is handing the mail to Amazon SES.', 'postreeve' ) ),
			'sent'         => array( self::WAITING, __( 'Sent', 'postreeve' ), __( 'Amazon SES has the mail. The receiving server has not answered yet.', 'postreeve' ) ),
			'deferred'     => array( self::WAITING, __( 'Delayed', 'postreeve' ), __( 'The receiving server asked for patience. It is tried again by itself.', 'postreeve' ) ),
			'held'         => array( self::WAITING, __( 'Held', 'postreeve' ), __( 'The relay keeps the mail until somebody has looked at it.', 'postreeve' ) ),
			'delivered'    => array( self::GOOD, __( 'Delivered', 'postreeve' ), __( 'The receiving server has accepted the mail.', 'postreeve' ) ),
			'soft_bounced' => array( self::BAD, __( 'Not delivered', 'postreeve' ), __( 'The receiving server did not take the mail this time. The address may be fine.', 'postreeve' ) ),
			'bounced'      => array( self::BAD, __( 'Bounced', 'postreeve' ), __( 'The receiving server refused the mail.', 'postreeve' ) ),
			'complained'   => array( self::BAD, __( 'Marked as spam', 'postreeve' ), __( 'The mail arrived, and its reader reported it as spam.', 'postreeve' ) ),
			'suppressed'   => array( self::BAD, __( 'Not sent', 'postreeve' ), __( 'The relay does not mail this address any more.', 'postreeve' ) ),
			'unknown'      => array( self::WAITING, __( 'Not sure yet', 'postreeve' ), __( 'Nobody knows yet whether the mail has left. The relay finds out by itself.', 'postreeve' ) ),
			'no_report'    => array( self::QUIET, __( 'No report', 'postreeve' ), __( 'Amazon SES took the mail and told nothing more. It has probably arrived.', 'postreeve' ) ),
			'render_failed' => array( self::BAD, __( 'Failed', 'postreeve' ), __( 'Amazon SES could not build the mail.', 'postreeve' ) ),
			'rejected'     => array( self::BAD, __( 'Rejected', 'postreeve' ), __( 'The mail was rejected and does not go out.', 'postreeve' ) ),
			'failed'       => array( self::BAD, __( 'Failed', 'postreeve' ), __( 'The mail could not be sent.', 'postreeve' ) ),
			'expired'      => array( self::QUIET, __( 'Expired', 'postreeve' ), __( 'The mail waited so long that it was of no use any more.', 'postreeve' ) ),
			'unconfirmed'  => array( self::QUIET, __( 'Unknown', 'postreeve' ), __( 'Nothing was ever heard of this mail. It may have arrived.', 'postreeve' ) ),
		);

		list( $tone, $label, $text ) = $words[ $status ] ?? array( self::QUIET, $status, '' );
		return compact( 'tone', 'label', 'text' );
	}

	/**
	 * What a state of the outbox means: `tone`, `label` (a word), `text` (a sentence).
	 *
	 * @param string $state One of the outbox's states.
	 */
	public static function kept( string $state ): array {
		$words = array(
			Outbox::WAITING  => array( self::WAITING, __( 'Waiting', 'postreeve' ), __( 'The relay could not take them at once. They go out by themselves.', 'postreeve' ) ),
			Outbox::PARKED   => array( self::BAD, __( 'Parked', 'postreeve' ), __( 'The relay refused them for a reason you can put right. They are kept for three days.', 'postreeve' ) ),
			Outbox::CAPTURED => array( self::QUIET, __( 'Caught', 'postreeve' ), __( 'They did not leave, because this site is not where it was connected. They are kept for a week.', 'postreeve' ) ),
			Outbox::FAILED   => array( self::BAD, __( 'Given up', 'postreeve' ), __( 'They could not be sent after all. Their text is gone; to whom they were is known for a week.', 'postreeve' ) ),
		);

		list( $tone, $label, $text ) = $words[ $state ] ?? array( self::QUIET, $state, '' );
		return compact( 'tone', 'label', 'text' );
	}

	/**
	 * A sending domain's status: a tone and a word or two.
	 *
	 * @param string $status The relay's word.
	 */
	public static function domain( string $status ): array {
		$words = array(
			'verified'  => array( self::GOOD, __( 'Verified', 'postreeve' ) ),
			'pending'   => array( self::WAITING, __( 'Not verified yet', 'postreeve' ) ),
			'failing'   => array( self::BAD, __( 'Its DNS records are missing', 'postreeve' ) ),
			'lapsed'    => array( self::BAD, __( 'No longer verified', 'postreeve' ) ),
			'suspended' => array( self::BAD, __( 'Stopped by the relay', 'postreeve' ) ),
		);
		return $words[ $status ] ?? array( self::QUIET, $status );
	}

	/**
	 * The icon that goes with a tone, a Dashicon.
	 *
	 * @param string $tone GOOD, WAITING, BAD or QUIET.
	 */
	public static function icon( string $tone ): string {
		$icons = array(
			self::GOOD    => 'dashicons-yes-alt',
			self::WAITING => 'dashicons-clock',
			self::BAD     => 'dashicons-warning',
		);
		return $icons[ $tone ] ?? 'dashicons-minus';
	}

	/**
	 * What a problem means and what to do about it, in one or two sentences.
	 *
	 * @param string $code  The relay's word.
	 * @param string $title The relay's own title, for words we do not know.
	 */
	public static function problem( string $code, string $title ): string {
		$words = array(
			'key-invalid'         => __( 'The relay does not know this API key. Make a new one on the relay and enter it under Settings → Postreeve.', 'postreeve' ),
			'key-site-mismatch'   => __( 'This API key belongs to another site. Make one for this site on the relay.', 'postreeve' ),
			'scope-missing'       => __( 'This API key has not got the right to do that.', 'postreeve' ),
			'account-pending'     => __( 'The relay has not approved this account yet.', 'postreeve' ),
			'account-suspended'   => __( 'The relay has stopped mail from this account.', 'postreeve' ),
			'not-found'           => __( 'The relay does not know this any more.', 'postreeve' ),
			'sender-not-verified' => __( 'The sender\'s domain is not one of your verified sending domains, so the relay refused this mail.', 'postreeve' ),
			'free-mail-sender'    => __( 'The sender is a free-mail address, and only its provider may send for it. Use an address of your own domain.', 'postreeve' ),
			'nobody-to-mail'      => __( 'The relay refused this mail because it may not mail any of its recipients.', 'postreeve' ),
			'message-too-large'   => __( 'This mail is too large for the relay.', 'postreeve' ),
			'limit-reached'       => __( 'This site has reached its sending limit for the moment.', 'postreeve' ),
			'unavailable'         => __( 'The relay cannot take mail at the moment.', 'postreeve' ),
		);
		return $words[ $code ] ?? self::sentence( $title );
	}

	/**
	 * A point in time, as people say it: "3 minutes ago (14:05:12)".
	 *
	 * @param mixed $moment The relay's time, such as 2026-11-22T10:00:00Z.
	 */
	public static function time( $moment ): string {
		$time = is_string( $moment ) ? strtotime( $moment ) : false;
		if ( false === $time ) {
			return '';
		}
		$absolute = wp_date( time() - $time < DAY_IN_SECONDS ? 'H:i:s' : get_option( 'date_format' ) . ' H:i', $time );
		if ( time() - $time < 2 ) {
			/* translators: %s: a time of day */
			return sprintf( __( 'just now (%s)', 'postreeve' ), $absolute );
		}
		/* translators: 1: a span such as "3 minutes", 2: a time of day or a date */
		return sprintf( __( '%1$s ago (%2$s)', 'postreeve' ), human_time_diff( $time ), $absolute );
	}

	/**
	 * A point in time in the past or future, as a date and time of day, or ''.
	 *
	 * @param mixed $moment The relay's time.
	 */
	public static function date( $moment ): string {
		$time = is_string( $moment ) ? strtotime( $moment ) : false;
		return false === $time ? '' : (string) wp_date( get_option( 'date_format' ) . ' ' . get_option( 'time_format' ), $time );
	}

	/**
	 * A point in time to come, as people say it: "November 25, 2026 10:00 am (in 3 days)", or ''.
	 *
	 * @param mixed $moment The relay's time.
	 */
	public static function ahead( $moment ): string {
		$date = self::date( $moment );
		/* translators: 1: a date and time of day, 2: a span such as "3 days" */
		return '' === $date ? '' : sprintf( __( '%1$s (in %2$s)', 'postreeve' ), $date, human_time_diff( time(), (int) strtotime( $moment ) ) );
	}

	/**
	 * How many, as people write it.
	 *
	 * @param mixed $count The relay's number.
	 */
	public static function count( $count ): string {
		return number_format_i18n( is_numeric( $count ) ? (float) $count : 0 );
	}

	/**
	 * The text with a full stop at its end, if it has none.
	 *
	 * @param string $text A title, perhaps.
	 */
	public static function sentence( string $text ): string {
		return '' === $text || preg_match( '/[.!?…]$/u', $text ) ? $text : $text . '.';
	}
}
