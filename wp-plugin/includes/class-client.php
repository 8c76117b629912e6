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
	 * Seconds a page or a checkout may wait for the relay, and for its connection.
	 */
	const PATIENCE            = 15;
	const PATIENCE_TO_SHOW    = 8;
	const PATIENCE_TO_CONNECT = 4;

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
	 * @param Message $message The mail.
	 * @return array|WP_Error The relay's receipt, with the `id` of the message.
	 */
	public function send( Message $message ) {
		if ( $message->count_recipients() > Message::MOST_RECIPIENTS ) {
			return Problems::too_many_recipients( $message->count_recipients(), Message::MOST_RECIPIENTS );
		}
		$boundary = 'postreeve-' . bin2hex( random_bytes( 16 ) );
		return $this->request(
			'POST',
			'/v1/messages',
			202,
			self::PATIENCE,
			array(
				'Content-Type'    => 'multipart/form-data; boundary=' . $boundary,
				'Idempotency-Key' => $this->uuid(),
			),
			$message->to_form_data( $boundary )
		);
	}

	/**
	 * What the relay knows about this site and its account.
	 *
	 * @return array|WP_Error
	 */
	public function account() {
		return $this->request( 'GET', '/v1/account', 200, self::PATIENCE_TO_SHOW );
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
	 * Waits less for the connection than for the answer.
	 *
	 * @param resource|\CurlHandle $handle    The connection; WordPress has no own word for this limit.
	 * @param array                $arguments The request's arguments.
	 */
	public function connect_in_time( $handle, $arguments ): void {
		if ( isset( $arguments[ self::MARK ] ) ) {
			// phpcs:ignore WordPress.WP.AlternativeFunctions.curl_curl_setopt -- This action exists for it.
			curl_setopt( $handle, CURLOPT_CONNECTTIMEOUT, self::PATIENCE_TO_CONNECT );
		}
	}

	/**
	 * Asks the relay.
	 *
	 * @param string $method   GET or POST.
	 * @param string $path     What follows the relay's address.
	 * @param int    $wanted   The status of the wanted answer.
	 * @param int    $patience Seconds until we give up.
	 * @param array  $headers  Further header fields.
	 * @param string $body     The request's body.
	 * @return array|WP_Error
	 */
	private function request( string $method, string $path, int $wanted, int $patience, array $headers = array(), string $body = '' ) {
		$url      = $this->settings->relay_url();
		$response = wp_remote_request(
			$url . $path,
			array(
				'method'      => $method,
				'timeout'     => $patience,
				'redirection' => 0, // The key is for this address only.
				'user-agent'  => 'Postreeve/' . VERSION . ' WordPress/' . get_bloginfo( 'version' ),
				'headers'     => $headers + array(
					'Authorization'    => 'Bearer ' . $this->settings->api_key(),
					'Accept'           => 'application/json, application/problem+json',
					'X-Postreeve-Site' => (string) get_option( 'home' ),
				),
				'body'        => '' === $body ? null : $body,
				self::MARK    => $patience,
			)
		);
		if ( is_wp_error( $response ) ) {
			return Problems::unreachable( $url, $response );
		}
		$answer = json_decode( wp_remote_retrieve_body( $response ), true );
		if ( wp_remote_retrieve_response_code( $response ) === $wanted && is_array( $answer ) ) {
			return $answer;
		}
		return Problems::from_response( $response, is_array( $answer ) ? $answer : array() );
	}

	/**
	 * A random UUID. WordPress's own is made from fewer random bits than a busy site has mails.
	 */
	private function uuid(): string {
		$bytes    = random_bytes( 16 );
		$bytes[6] = chr( ord( $bytes[6] ) & 0x0f | 0x40 );
		$bytes[8] = chr( ord( $bytes[8] ) & 0x3f | 0x80 );
		return vsprintf( '%s%s-%s-%s-%s-%s%s%s', str_split( bin2hex( $bytes ), 4 ) );
	}
}
