<?php
/**
 * Talks to the relay.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * The relay's API: each call gives an array, or a WP_Error that says what is the matter.
 */
final class Client {

	/**
	 * Seconds a screen may wait for the relay's answer, and anybody for its connection.
	 */
	const PATIENCE_TO_SHOW    = 8;
	const PATIENCE_TO_CONNECT = 4;

	/**
	 * Seconds to wait where nobody looks on: after the response, in WP-Cron, at a terminal.
	 */
	const PATIENCE_IN_BACKGROUND = 20;

	/**
	 * Marks our own requests among all that WordPress makes; holds their time limit.
	 */
	const MARK = 'postreeve_patience';

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * Makes a client.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 */
	public function __construct( Settings $settings ) {
		$this->settings = $settings;
	}

	/**
	 * Hands a mail over.
	 *
	 * @param Message $message  The mail, to no more people than the relay takes in one message.
	 * @param float   $patience Seconds to wait for the answer.
	 * @return array|WP_Error The relay's receipt, with the `id` of the message.
	 */
	public function send( Message $message, float $patience ) {
		$parts  = array(
			'metadata' => wp_json_encode( $message->metadata() ),
			'message'  => $message,
		);
		$answer = $this->submit( '/v1/messages', 202, $patience, $parts, array( 'Idempotency-Key' => $message->key() ) );
		return is_wp_error( $answer ) ? $answer : self::result( array( 'status' => 202, 'receipt' => $answer ) );
	}

	/**
	 * Hands several mails over at once.
	 *
	 * @param Message[] $messages The mails.
	 * @param float     $patience Seconds to wait for the answer.
	 * @return array|WP_Error For each mail in order, a receipt or a WP_Error; or why nothing of it was answered.
	 */
	public function send_batch( array $messages, float $patience ) {
		$parts = array( 'metadata' => '' );
		$items = array();
		foreach ( $messages as $message ) {
			$items[]                  = $message->metadata() + array(
				'idempotency_key' => $message->key(),
				'message'         => $message->key(),
			);
			$parts[ $message->key() ] = $message;
		}
		$parts['metadata'] = wp_json_encode( array( 'messages' => $items ) );

		$answer = $this->submit( '/v1/messages/batch', 200, $patience, $parts );
		if ( is_wp_error( $answer ) ) {
			return $answer;
		}
		$results = array();
		foreach ( array_values( $messages ) as $number => $message ) {
			$results[] = self::result( $answer['results'][ $number ] ?? null );
		}
		return $results;
	}

	/**
	 * Asks the relay, or has it do something, in the language of the person who looks on.
	 *
	 * @param string $method   GET, POST or DELETE.
	 * @param string $path     What follows the relay's address.
	 * @param float  $patience Seconds until we give up.
	 * @return array|WP_Error
	 */
	public function ask( string $method, string $path, float $patience = self::PATIENCE_TO_SHOW ) {
		return self::exchange( $method, $this->settings->relay_url(), $path, $patience, self::credentials( $this->settings ) + self::tongue() );
	}

	/**
	 * Keeps other plugins from making people wait longer for the relay.
	 *
	 * @param array $arguments A request's arguments.
	 * @return array The same; in a request of ours with its own time limit, or a shorter one.
	 */
	public function keep_in_time( $arguments ) {
		if ( isset( $arguments[ self::MARK ] ) ) {
			$arguments['timeout'] = min( $arguments['timeout'], $arguments[ self::MARK ] );
		}
		return $arguments;
	}

	/**
	 * Waits less for the connection than for the answer, and as exactly as cURL can: WordPress waits whole seconds.
	 *
	 * @param resource|\CurlHandle $handle    The connection; WordPress has no own word for this limit.
	 * @param array                $arguments The request's arguments.
	 */
	public function connect_in_time( $handle, $arguments ): void {
		if ( isset( $arguments[ self::MARK ] ) ) {
			$patience = (int) ( 1000 * min( $arguments['timeout'], $arguments[ self::MARK ] ) );
			// phpcs:disable WordPress.WP.AlternativeFunctions.curl_curl_setopt -- This action exists for it.
			curl_setopt( $handle, CURLOPT_CONNECTTIMEOUT_MS, min( 1000 * self::PATIENCE_TO_CONNECT, $patience ) );
			curl_setopt( $handle, CURLOPT_TIMEOUT_MS, $patience );
			// Without it, some builds of cURL give up at once when they may wait less than a second.
			curl_setopt( $handle, CURLOPT_NOSIGNAL, true );
			// phpcs:enable
		}
	}

	/**
	 * Sends a form with mails in it.
	 *
	 * @param string $path     What follows the relay's address.
	 * @param int    $wanted   The status of the wanted answer.
	 * @param float  $patience Seconds until we give up.
	 * @param array  $parts    JSON or a Message, by the part's name.
	 * @param array  $headers  Further header fields.
	 * @return array|WP_Error
	 */
	private function submit( string $path, int $wanted, float $patience, array $parts, array $headers = array() ) {
		$boundary = 'postreeve-' . bin2hex( random_bytes( 16 ) );
		$pieces   = array();
		foreach ( $parts as $name => $part ) {
			if ( $part instanceof Message ) {
				$head    = "filename=\"message.eml\"\r\nContent-Type: message/rfc822";
				$content = $part->pieces();
			} else {
				$head    = '';
				$content = array( (string) $part );
			}
			$head   = '' === $head ? "\r\nContent-Type: application/json" : '; ' . $head;
			$pieces = array_merge( $pieces, array( "--$boundary\r\nContent-Disposition: form-data; name=\"$name\"$head\r\n\r\n" ), $content, array( "\r\n" ) );
		}
		$pieces[] = "--$boundary--\r\n";
		$headers += array( 'Content-Type' => 'multipart/form-data; boundary=' . $boundary );
		$headers += self::credentials( $this->settings ) + self::tongue( determine_locale() ); // What a mail is told stands beside our own words.
		return self::exchange( 'POST', $this->settings->relay_url(), $path, $patience, $headers, implode( '', $pieces ), $wanted );
	}

	/**
	 * What became of one mail. Without a message's id it was no relay that took it.
	 *
	 * @param mixed $result The relay's result: `status`, and a `receipt` or a `problem`.
	 * @return array|WP_Error
	 */
	private static function result( $result ) {
		$result = is_array( $result ) ? $result : array();
		$status = is_int( $result['status'] ?? null ) ? $result['status'] : 502;
		if ( 202 === $status && is_string( $result['receipt']['id'] ?? null ) ) {
			return $result['receipt'];
		}
		$problem = is_array( $result['problem'] ?? null ) ? $result['problem'] : array();
		return Problems::from_answer( $status, $problem );
	}

	/**
	 * A language, as the header that asks the relay to speak it.
	 *
	 * @param string $locale WordPress's name of it; that of the person who looks on, if empty.
	 * @return string[] Nothing where WordPress's name of it says none.
	 */
	public static function tongue( string $locale = '' ): array {
		// Of a locale such as de_DE_formal, what is a tag of BCP 47 too.
		if ( 1 !== preg_match( '/^([a-z]{2,3})(?:_([A-Z]{2}))?(?:_|$)/', '' === $locale ? get_user_locale() : $locale, $parts ) ) {
			return array();
		}
		return array( 'Accept-Language' => $parts[1] . ( isset( $parts[2] ) ? '-' . $parts[2] : '' ) );
	}

	/**
	 * Sends one request to a relay.
	 *
	 * @param string $method    GET, POST or DELETE.
	 * @param string $relay_url The relay's address.
	 * @param string $path      What follows it.
	 * @param float  $patience  Seconds until we give up.
	 * @param array  $headers   Header fields beside those of every request.
	 * @param string $body      The request's body.
	 * @param int    $wanted    The status of the wanted answer; 0 for any that means success.
	 * @return array|WP_Error The answer, or what is the matter.
	 */
	public static function exchange( string $method, string $relay_url, string $path, float $patience, array $headers, string $body = '', int $wanted = 0 ) {
		$arguments = array(
			'method'      => $method,
			'timeout'     => $patience,
			'redirection' => 0, // The key is for this address only.
			'user-agent'  => 'Postreeve/' . VERSION . ' WordPress/' . get_bloginfo( 'version' ),
			'headers'     => $headers + array( 'Accept' => 'application/json, application/problem+json' ),
			'body'        => '' === $body ? null : $body,
			self::MARK    => $patience,
		);
		try {
			$response = wp_remote_request( $relay_url . $path, $arguments );
		} catch ( \Throwable $fault ) {
			return Problems::fault( $fault ); // Other plugins listen to requests.
		}
		if ( is_wp_error( $response ) ) {
			return Problems::unreachable( $relay_url, $response );
		}
		$status = (int) wp_remote_retrieve_response_code( $response );
		$answer = json_decode( wp_remote_retrieve_body( $response ), true );
		if ( is_array( $answer ) && ( 0 === $wanted ? 2 === intdiv( $status, 100 ) : $wanted === $status ) ) {
			return $answer;
		}
		$answer = is_array( $answer ) ? $answer : array();
		$wait   = wp_remote_retrieve_header( $response, 'retry-after' );
		if ( is_string( $wait ) && '' !== $wait ) {
			$answer['retry_after'] = is_numeric( $wait ) ? $wait : (int) strtotime( $wait ) - time();
		}
		return Problems::from_answer( $status, $answer );
	}

	/**
	 * Who we are, as header fields.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 */
	public static function credentials( Settings $settings ): array {
		return array(
			'Authorization'    => 'Bearer ' . $settings->api_key(),
			'X-Postreeve-Site' => Whereabouts::address(),
		);
	}
}
