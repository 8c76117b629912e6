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
 * (HTTP, 0 without an answer), `relay_problem_url` (how to fix it, or '') and `relay_recipients`.
 */
final class Problems {

	const UNREACHABLE         = 'relay-unreachable';
	const UNEXPECTED          = 'relay-unexpected';
	const TOO_MANY_RECIPIENTS = 'too-many-recipients';
	const FAULT               = 'plugin-fault';

	const LONGEST_TEXT = 500;

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
		} else {
			/* translators: 1: a host name, 2: what the network said */
			$text = sprintf( __( 'The relay at %1$s cannot be reached at the moment (%2$s).', 'postreeve' ), $host, self::clean( $cause->get_error_message() ) );
		}
		return self::problem( self::UNREACHABLE, 0, $text );
	}

	/**
	 * The relay answered, but not what we asked for.
	 *
	 * @param array $response What WordPress's HTTP functions gave.
	 * @param array $answer   Its body, decoded; RFC 9457 members if the relay wrote it.
	 */
	public static function from_response( array $response, array $answer ): WP_Error {
		$status = (int) wp_remote_retrieve_response_code( $response );
		$type   = is_string( $answer['type'] ?? null ) ? $answer['type'] : '';
		$code   = sanitize_key( basename( (string) wp_parse_url( $type, PHP_URL_PATH ) ) );
		if ( '' === $code ) {
			/* translators: %d: an HTTP status such as 404 */
			$text = sprintf( __( 'What answered is not a Postreeve relay, or it is not well (HTTP status %d). Check the address.', 'postreeve' ), $status );
			return self::problem( self::UNEXPECTED, $status, $text );
		}
		$recipients = self::recipients( $answer );
		$sentences  = array( Words::problem( $code, self::clean( $answer['title'] ?? '' ) ) );
		if ( array() === $recipients ) {
			$sentences[] = Words::sentence( self::clean( $answer['detail'] ?? '' ) );
		}
		foreach ( $recipients as $recipient ) {
			$sentences[] = Words::sentence( $recipient['address'] . ': ' . $recipient['title'] );
		}
		return self::problem( $code, $status, implode( ' ', array_filter( $sentences ) ), esc_url_raw( $type, array( 'http', 'https' ) ), $recipients );
	}

	/**
	 * One mail, more recipients than the relay takes.
	 *
	 * @param int $count How many it has.
	 * @param int $most  How many it may have.
	 */
	public static function too_many_recipients( int $count, int $most ): WP_Error {
		/* translators: 1: number of recipients, 2: highest number allowed */
		$text = sprintf( __( 'This mail has %1$d recipients, and the relay takes at most %2$d in one mail. Send it in smaller groups.', 'postreeve' ), $count, $most );
		return self::problem( self::TOO_MANY_RECIPIENTS, 0, $text );
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
	 */
	private static function problem( string $code, int $status, string $text, string $url = '', array $recipients = array() ): WP_Error {
		return new WP_Error(
			$code,
			$text,
			array(
				'relay_code'        => $code,
				'relay_status'      => $status,
				'relay_problem_url' => $url,
				'relay_recipients'  => $recipients,
			)
		);
	}
}
