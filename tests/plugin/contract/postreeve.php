<?php
/**
 * Postreeve as a carrier: it talks to a web service, so what it is about to send is caught at `pre_http_request`.
 */

namespace Postreeve\Contract;

use Postreeve\Breaker;
use Postreeve\Settings;

return new class() implements Carrier {

	const NOBODY = 'http://127.0.0.1:1';

	/**
	 * What was caught.
	 *
	 * @var array
	 */
	private $taken = array();

	public function install(): void {
		( new Breaker() )->close();
		( new Settings() )->connect( self::NOBODY, str_repeat( 'k', 40 ) );
		( new Settings() )->set_live( true );
		add_filter( 'postreeve_direct_mails', array( $this, 'many' ) );
		add_filter( 'pre_http_request', array( $this, 'receive' ), 10, 3 );
	}

	public function remove(): void {
		if ( ! in_array( wp_parse_url( ( new Settings() )->relay_url(), PHP_URL_HOST ), array( null, '127.0.0.1' ), true ) ) {
			throw new \LogicException( 'This site is connected to a relay. Take one for trying things out: the contract makes its own settings.' );
		}
		remove_filter( 'postreeve_direct_mails', array( $this, 'many' ) );
		remove_filter( 'pre_http_request', array( $this, 'receive' ), 10 );
		delete_option( Settings::OPTION );
	}

	public function taken(): array {
		$taken       = $this->taken;
		$this->taken = array();
		return $taken;
	}

	public function many(): int {
		return PHP_INT_MAX;
	}

	public function receive( $answer, $request, $url ) {
		if ( '/v1/messages' !== wp_parse_url( $url, PHP_URL_PATH ) ) {
			return $answer;
		}
		preg_match( '/boundary=(\S+)/', $request['headers']['Content-Type'], $found );
		$parts         = explode( '--' . $found[1], $request['body'] );
		$metadata      = json_decode( explode( "\r\n\r\n", $parts[1], 2 )[1], true );
		$this->taken[] = array(
			'mime' => substr( explode( "\r\n\r\n", $parts[2], 2 )[1], 0, -2 ),
			'to'   => $metadata['envelope']['to'],
		);
		return array(
			'response' => array( 'code' => 202 ),
			'body'     => '{"id": "m1"}',
		);
	}
};
