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
	 *
	 * @var Settings
	 */
	private $settings;

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
		return $this->submit(
			'/v1/messages',
			202,
			$patience,
			array(
				'metadata' => wp_json_encode( $message->metadata() ),
				'message'  => $message,
			),
			array( 'Idempotency-Key' => $message->key() )
		);
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
	 * What the relay knows about this site and its account.
	 *
	 * @param float $patience Seconds to wait for the answer.
	 * @return array|WP_Error
	 */
	public function account( float $patience = self::PATIENCE_TO_SHOW ) {
		return $this->request( 'GET', '/v1/account', 200, $patience );
	}

	/**
	 * One message and what happened to each copy.
	 *
	 * @param string $id The message's id.
	 * @return array|WP_Error
	 */
	public function message( string $id ) {
		return $this->request( 'GET', '/v1/messages/' . rawurlencode( $id ), 200, self::PATIENCE_TO_SHOW );
	}

	/**
	 * What happened since, in the members `events` and `next_cursor`.
	 *
	 * @param string $cursor Where the last answer ended; '0' for the beginning.
	 * @return array|WP_Error
	 */
	public function events( string $cursor ) {
		return $this->request( 'GET', '/v1/events?cursor=' . rawurlencode( $cursor ), 200, self::PATIENCE_TO_SHOW );
	}

	/**
	 * Has the relay look at a sending domain's DNS records at once.
	 *
	 * @param string $domain The domain's name.
	 * @return array|WP_Error
	 */
	public function check_domain( string $domain ) {
		return $this->request( 'POST', '/v1/domains/' . rawurlencode( $domain ) . '/check', 200, self::PATIENCE_IN_BACKGROUND );
	}

	/**
	 * Everything the relay holds about a person at this site.
	 *
	 * @param string $address The person's address.
	 * @return array|WP_Error
	 */
	public function person( string $address ) {
		return $this->request( 'GET', '/v1/people/' . rawurlencode( $address ), 200, self::PATIENCE_IN_BACKGROUND );
	}

	/**
	 * Has the relay forget a person.
	 *
	 * @param string $address The person's address.
	 * @return array|WP_Error
	 */
	public function erase_person( string $address ) {
		return $this->request( 'DELETE', '/v1/people/' . rawurlencode( $address ), 200, self::PATIENCE_IN_BACKGROUND );
	}

	/**
	 * The latest messages, newest first, in the member `messages`.
	 *
	 * @param int $limit How many at most.
	 * @return array|WP_Error
	 */
	public function messages( int $limit ) {
		return $this->request( 'GET', '/v1/messages?limit=' . $limit, 200, self::PATIENCE_TO_SHOW );
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
		return $this->request( 'POST', $path, $wanted, $patience, $headers, implode( '', $pieces ) );
	}

	/**
	 * What became of one mail of a batch.
	 *
	 * @param mixed $result The relay's result: `status`, and a `receipt` or a `problem`.
	 * @return array|WP_Error
	 */
	private static function result( $result ) {
		$result = is_array( $result ) ? $result : array();
		$status = is_int( $result['status'] ?? null ) ? $result['status'] : 502;
		if ( 202 === $status && is_array( $result['receipt'] ?? null ) ) {
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
	 * @return array|WP_Error WordPress's answer, or why there is none.
	 */
	public static function exchange( string $method, string $relay_url, string $path, float $patience, array $headers, string $body = '' ) {
		$response = wp_remote_request(
			$relay_url . $path,
			array(
				'method'      => $method,
				'timeout'     => $patience,
				'redirection' => 0, // The key is for this address only.
				'user-agent'  => 'Postreeve/' . VERSION . ' WordPress/' . get_bloginfo( 'version' ),
				'headers'     => $headers + array( 'Accept' => 'application/json, application/problem+json' ),
				'body'        => '' === $body ? null : $body,
				self::MARK    => $patience,
			)
		);
		return is_wp_error( $response ) ? Problems::unreachable( $relay_url, $response ) : $response;
	}

	/**
	 * Asks the relay.
	 *
	 * @param string $method   GET, POST or DELETE.
	 * @param string $path     What follows the relay's address.
	 * @param int    $wanted   The status of the wanted answer.
	 * @param float  $patience Seconds until we give up.
	 * @param array  $headers  Further header fields.
	 * @param string $body     The request's body.
	 * @return array|WP_Error
	 */
	private function request( string $method, string $path, int $wanted, float $patience, array $headers = array(), string $body = '' ) {
		$headers += array(
			'Authorization'    => 'Bearer ' . $this->settings->api_key(),
			'X-Postreeve-Site' => Whereabouts::address(),
		);
		$headers += self::tongue( '' === $body ? '' : determine_locale() ); // What a mail is told stands beside our own words.
		$response = self::exchange( $method, $this->settings->relay_url(), $path, $patience, $headers, $body );
		if ( is_wp_error( $response ) ) {
			return $response;
		}
		$answer = json_decode( wp_remote_retrieve_body( $response ), true );
		if ( wp_remote_retrieve_response_code( $response ) === $wanted && is_array( $answer ) ) {
			return $answer;
		}
		$answer = is_array( $answer ) ? $answer : array();
		$wait   = wp_remote_retrieve_header( $response, 'retry-after' );
		if ( is_string( $wait ) && ctype_digit( $wait ) ) {
			$answer['retry_after'] = (int) $wait;
		}
		return Problems::from_answer( (int) wp_remote_retrieve_response_code( $response ), $answer );
	}
}
