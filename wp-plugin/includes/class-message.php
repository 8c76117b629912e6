<?php
/**
 * A finished mail on its way to the relay.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * The exact bytes of a mail, its envelope, and what the relay should know about it.
 */
final class Message {

	const TRANSACTIONAL = 'transactional';
	const NOTIFICATION  = 'notification';
	const MARKETING     = 'marketing';
	const STREAMS       = array( self::TRANSACTIONAL, self::NOTIFICATION, self::MARKETING );

	const SECURITY = 'security';

	/**
	 * How many recipients the relay takes in one message.
	 */
	const MOST_RECIPIENTS = 50;

	/**
	 * The mail, CRLF line ends.
	 *
	 * @var string
	 */
	private $mime;

	/**
	 * `from` (an address) and `to` (every address that gets a copy).
	 *
	 * @var array
	 */
	private $envelope;

	/**
	 * One of STREAMS.
	 *
	 * @var string
	 */
	private $stream;

	/**
	 * SECURITY, or '' for any other mail.
	 *
	 * @var string
	 */
	private $kind;

	/**
	 * The slug of the plugin or theme that sent it.
	 *
	 * @var string
	 */
	private $source;

	/**
	 * Makes a message.
	 *
	 * @param string $mime     The mail, CRLF line ends.
	 * @param array  $envelope `from` (an address) and `to` (every address that gets a copy).
	 * @param string $stream   Why it is sent; anything but a stream's name means transactional.
	 * @param string $kind     SECURITY for mail that lets people in; all else is ignored.
	 * @param string $source   The slug of the plugin or theme that sent it.
	 */
	public function __construct( string $mime, array $envelope, string $stream, string $kind, string $source ) {
		$this->mime     = $mime;
		$this->envelope = $envelope;
		$this->stream   = in_array( $stream, self::STREAMS, true ) ? $stream : self::TRANSACTIONAL;
		$this->kind     = self::SECURITY === $kind ? $kind : '';
		$this->source   = $source;
	}

	/**
	 * The stream a mail belongs to by the look of its headers.
	 *
	 * @param array $headers Pairs of name and value.
	 */
	public static function guess_stream( array $headers ): string {
		$stream = self::TRANSACTIONAL;
		foreach ( $headers as list( $name, $value ) ) {
			$name = strtolower( trim( $name ) );
			if ( 'precedence' === $name && in_array( strtolower( trim( $value ) ), array( 'bulk', 'list' ), true ) ) {
				return self::MARKETING;
			}
			if ( 'list-unsubscribe' === $name ) {
				$stream = self::NOTIFICATION;
			}
		}
		return $stream;
	}

	/**
	 * How many people get a copy.
	 */
	public function count_recipients(): int {
		return count( $this->envelope['to'] );
	}

	/**
	 * The body of the request, `multipart/form-data`.
	 *
	 * @param string $boundary What stands between the parts, and nowhere in them.
	 */
	public function to_form_data( string $boundary ): string {
		return "--$boundary\r\n"
			. "Content-Disposition: form-data; name=\"metadata\"\r\n"
			. "Content-Type: application/json\r\n\r\n"
			. wp_json_encode( $this->metadata() ) . "\r\n"
			. "--$boundary\r\n"
			. "Content-Disposition: form-data; name=\"message\"; filename=\"message.eml\"\r\n"
			. "Content-Type: message/rfc822\r\n\r\n"
			. $this->mime . "\r\n"
			. "--$boundary--\r\n";
	}

	/**
	 * All that the relay should know beside the mail itself.
	 */
	private function metadata(): array {
		$metadata = array(
			'envelope' => $this->envelope,
			'stream'   => $this->stream,
			'source'   => array( 'plugin' => $this->source ),
		);
		if ( '' !== $this->kind ) {
			$metadata['kind'] = $this->kind;
		}
		return $metadata;
	}
}
