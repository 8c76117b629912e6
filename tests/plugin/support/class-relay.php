<?php
/**
 * The recording relay, as tests in PHP see it.
 */

namespace Postreeve\Tests;

final class Relay {

	const KEY = 'prk_0123456789abcdef_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq';

	const ACCOUNT_KEY = 'pra_0123456789abcdef_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq';

	/**
	 * The key of the site before it had KEY.
	 */
	const OLD_KEY = 'prk_fedcba9876543210_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq';

	/**
	 * Its address.
	 */
	public function url(): string {
		return (string) getenv( 'POSTREEVE_TEST_RELAY' );
	}

	/**
	 * Makes it forget everything.
	 */
	public function reset(): void {
		$this->post( '/_fake/reset', array() );
	}

	/**
	 * Every request since the last reset.
	 */
	public function requests(): array {
		return json_decode( file_get_contents( $this->url() . '/_fake/requests' ), true );
	}

	/**
	 * The mails among them.
	 */
	public function mails(): array {
		$is_mail = static function ( $request ) {
			return 'POST' === $request['method'] && '/v1/messages' === $request['path'];
		};
		return array_values( array_filter( $this->requests(), $is_mail ) );
	}

	/**
	 * The mails it has got, alone or in batches, however often.
	 */
	public function arrivals(): array {
		$mails = array();
		foreach ( $this->requests() as $request ) {
			if ( 'POST' === $request['method'] && '/v1/messages' === $request['path'] ) {
				$mails[] = $request;
			} elseif ( isset( $request['batch'] ) ) {
				$mails = array_merge( $mails, $request['batch'] );
			}
		}
		return $mails;
	}

	/**
	 * Changes what it says about the account, or whom it knows.
	 */
	public function change( array $account, array $people = array() ): void {
		$this->post( '/_fake/change', array( 'account' => (object) $account, 'people' => (object) $people ) );
	}

	/**
	 * Has it answer the next request with this.
	 */
	public function answer( int $status, string $body, string $type = 'application/problem+json', float $delay = 0.0, string $location = '' ): void {
		$this->post(
			'/_fake/answer',
			array(
				'status'       => $status,
				'body'         => $body,
				'content_type' => $type,
				'delay'        => $delay,
				'location'     => $location,
			)
		);
	}

	/**
	 * Has it answer the next request with a problem.
	 */
	public function problem( string $code, int $status, string $title, string $detail = '', array $more = array() ): void {
		$members = array(
			'type'   => 'https://relay.example/problems/' . $code,
			'title'  => $title,
			'status' => $status,
			'detail' => $detail,
		);
		$this->answer( $status, json_encode( $members + $more ) );
	}

	private function post( string $path, array $body ): void {
		$options = array(
			'method'  => 'POST',
			'header'  => 'Content-Type: application/json',
			'content' => json_encode( $body ),
		);
		file_get_contents( $this->url() . $path, false, stream_context_create( array( 'http' => $options ) ) );
	}
}
