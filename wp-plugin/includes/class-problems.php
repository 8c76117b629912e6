<?php
/**
 * What can be the matter, as errors that programs and people understand.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Makes a WP_Error of everything that can go wrong on the way to the relay.
 *
 * Its data always has `relay_code` (the relay's word, or one of the constants here), `relay_status`
 * (HTTP, 0 without an answer), `relay_problem_url` (how to fix it, or ''), `relay_recipients` and
 * `relay_retry_after` (seconds, 0 if the relay did not say).
 */
final class Problems {

	const UNREACHABLE = 'relay-unreachable';
	const BLOCKED     = 'relay-blocked';
	const UNEXPECTED  = 'relay-unexpected';
	const UNWRITABLE  = 'outbox-unwritable';
	const TOO_LARGE   = 'too-large-to-keep';
	const FULL        = 'outbox-full';
	const NO_MEMORY   = 'memory-limit';
	const FAULT       = 'plugin-fault';

	const LONGEST_TEXT = 500;

	/**
	 * Seconds that anybody's wish to be left alone is heeded: a mail waits for two days, and must be tried again in them.
	 */
	const LONGEST_WAIT = DAY_IN_SECONDS;

	/**
	 * The relay did not answer.
	 *
	 * @param string   $url   The relay's address.
	 * @param WP_Error $cause What WordPress says about it.
	 */
	public static function unreachable( string $url, WP_Error $cause ): WP_Error {
		$host = (string) wp_parse_url( $url, PHP_URL_HOST );
		if ( 'http_request_not_executed' === $cause->get_error_code() ) {
			/* translators: 1: a constant's name, 2: a host name, 3: a constant's name */
			$text = sprintf( __( 'WordPress may not talk to the relay: %1$s is set. Add %2$s to %3$s in wp-config.php.', 'postreeve' ), 'WP_HTTP_BLOCK_EXTERNAL', $host, 'WP_ACCESSIBLE_HOSTS' );
			return self::problem( self::BLOCKED, 0, $text );
		}
		/* translators: 1: a host name, 2: what the network said */
		$text = sprintf( __( 'The relay at %1$s cannot be reached at the moment (%2$s).', 'postreeve' ), $host, self::clean( $cause->get_error_message() ) );
		return self::problem( self::UNREACHABLE, 0, $text );
	}

	/**
	 * The relay answered, but not what we asked for.
	 *
	 * @param int   $status The HTTP status.
	 * @param array $answer The body, decoded; RFC 9457 members if the relay wrote it.
	 */
	public static function from_answer( int $status, array $answer ): WP_Error {
		$wait = is_numeric( $answer['retry_after'] ?? null ) ? (int) min( self::LONGEST_WAIT, max( 0, $answer['retry_after'] ) ) : 0;
		$type = is_string( $answer['type'] ?? null ) ? $answer['type'] : '';
		// Gateways write problems, too; theirs are not about the mail.
		$code = preg_match( '~/problems/([^/]+)$~', (string) wp_parse_url( $type, PHP_URL_PATH ), $found ) ? sanitize_key( $found[1] ) : '';
		if ( '' === $code ) {
			/* translators: %d: an HTTP status such as 404 */
			$text = sprintf( __( 'What answered is not a Postreeve relay, or it is not well (HTTP status %d). Check the address.', 'postreeve' ), $status );
			return self::problem( self::UNEXPECTED, $status, $text, '', array(), $wait );
		}
		$recipients = self::recipients( $answer );
		$sentences  = array( Words::problem( $code, self::clean( $answer['title'] ?? '' ) ) );
		if ( array() === $recipients ) {
			$sentences[] = Words::sentence( self::clean( $answer['detail'] ?? '' ) );
		}
		foreach ( $recipients as $recipient ) {
			$sentences[] = Words::sentence( $recipient['address'] . ': ' . $recipient['title'] );
		}
		return self::problem( $code, $status, implode( ' ', array_filter( $sentences ) ), esc_url_raw( $type, array( 'http', 'https' ) ), $recipients, $wait );
	}

	/**
	 * Whether the same mail may be taken later: nobody answered, or the relay says not now.
	 *
	 * @param WP_Error $problem One of ours.
	 */
	public static function passes( WP_Error $problem ): bool {
		$status = self::status_of( $problem );
		return self::UNREACHABLE === $problem->get_error_code() || in_array( $status, array( 408, 425, 429 ), true ) || $status >= 500;
	}

	/**
	 * Whether the mail would be taken once the site's owner has put something right: the key, the account, the
	 * sending domain, the relay's address.
	 *
	 * @param WP_Error $problem One of ours.
	 */
	public static function can_be_fixed( WP_Error $problem ): bool {
		$status = self::status_of( $problem );
		return in_array( $status, array( 401, 403 ), true ) || in_array( $problem->get_error_code(), array( 'sender-not-verified', self::BLOCKED ), true )
			|| ( self::UNEXPECTED === $problem->get_error_code() && ! self::passes( $problem ) );
	}

	/**
	 * Whether it may be about one mail of a batch, or the batch's size, so that each mail should be tried alone.
	 *
	 * @param WP_Error $problem What became of a batch.
	 */
	public static function may_be_about_one( WP_Error $problem ): bool {
		$code = $problem->get_error_code();
		return ! self::passes( $problem ) && self::FAULT !== $code && ( self::UNEXPECTED === $code || ! self::can_be_fixed( $problem ) );
	}

	/**
	 * The HTTP status of a problem; 0 without an answer.
	 *
	 * @param WP_Error $problem One of ours.
	 */
	private static function status_of( WP_Error $problem ): int {
		return (int) ( ( (array) $problem->get_error_data() )['relay_status'] ?? 0 );
	}

	/**
	 * Seconds the relay asks us to wait.
	 *
	 * @param WP_Error $problem One of ours.
	 */
	public static function wait_of( WP_Error $problem ): int {
		return (int) ( ( (array) $problem->get_error_data() )['relay_retry_after'] ?? 0 );
	}

	/**
	 * A mistake in code, ours or another plugin's: the mail fails, the page goes on.
	 *
	 * @param \Throwable $fault What was thrown.
	 */
	public static function fault( \Throwable $fault ): WP_Error {
		/* translators: 1: what PHP says, 2: a file's name, 3: a line's number */
		$text = sprintf( __( 'A mistake in a plugin stopped this mail: %1$s (%2$s, line %3$d).', 'postreeve' ), self::clean( $fault->getMessage() ), basename( $fault->getFile() ), $fault->getLine() );
		return self::problem( self::FAULT, 0, $text );
	}

	/**
	 * Text from elsewhere as one plain line: no markup, no control characters, not too long.
	 *
	 * @param mixed $text What somebody else wrote.
	 */
	public static function clean( $text ): string {
		$text = is_scalar( $text ) ? wp_check_invalid_utf8( (string) $text, true ) : '';
		$text = str_replace( array( '<', '>' ), array( '‹', '›' ), $text );
		$text = trim( (string) preg_replace( '/[\s\p{C}]+/u', ' ', $text ) );
		return mb_strlen( $text ) > self::LONGEST_TEXT ? mb_substr( $text, 0, self::LONGEST_TEXT ) . '…' : $text;
	}

	/**
	 * The people the relay would not mail, and why, in clean text.
	 *
	 * @param array $answer The relay's problem.
	 */
	private static function recipients( array $answer ): array {
		$recipients = array();
		foreach ( (array) ( $answer['recipients'] ?? array() ) as $recipient ) {
			if ( is_array( $recipient ) ) {
				$recipients[] = array(
					'address' => self::clean( $recipient['address'] ?? '' ),
					'code'    => sanitize_key( is_string( $recipient['code'] ?? null ) ? $recipient['code'] : '' ),
					'title'   => self::clean( $recipient['title'] ?? '' ),
				);
			}
		}
		return $recipients;
	}

	/**
	 * The error itself.
	 *
	 * @param string $code       A word for programs.
	 * @param int    $status     HTTP status, 0 without an answer.
	 * @param string $text       Sentences for people.
	 * @param string $url        A page that says how to fix it.
	 * @param array  $recipients Who is not mailed, and why.
	 * @param int    $wait       Seconds the relay asks us to wait.
	 */
	public static function problem( string $code, int $status, string $text, string $url = '', array $recipients = array(), int $wait = 0 ): WP_Error {
		return new WP_Error(
			$code,
			$text,
			array(
				'relay_code'        => $code,
				'relay_status'      => $status,
				'relay_problem_url' => $url,
				'relay_recipients'  => $recipients,
				'relay_retry_after' => $wait,
			)
		);
	}
}
