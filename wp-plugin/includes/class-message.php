<?php
/**
 * A finished mail on its way to the relay.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * The exact bytes of a mail, its envelope, what the relay should know about it, and the key that keeps it from arriving twice.
 *
 * The bytes stay in the pieces they came in: joining them would cost a large mail's memory once more.
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
	 * The mail, CRLF line ends, in order.
	 *
	 * @var string[]
	 */
	private $pieces;

	/**
	 * `from` (an address) and `to` (every address that gets a copy).
	 */
	private array $envelope;

	/**
	 * One of STREAMS.
	 */
	private string $stream;

	/**
	 * SECURITY, or '' for any other mail.
	 */
	private string $kind;

	/**
	 * The slug of the plugin or theme that sent it.
	 */
	private string $source;

	/**
	 * The idempotency key: as often as it is handed over, the relay takes it once.
	 */
	private string $key;

	/**
	 * Makes a message.
	 *
	 * @param string[] $pieces   The mail, CRLF line ends, in order.
	 * @param array    $envelope `from` (an address) and `to` (every address that gets a copy).
	 * @param string   $stream   Why it is sent; anything but a stream's name means transactional.
	 * @param string   $kind     SECURITY for mail that lets people in; all else is ignored.
	 * @param string   $source   The slug of the plugin or theme that sent it.
	 * @param string   $key      The idempotency key it has already, else it gets one.
	 */
	public function __construct( array $pieces, array $envelope, string $stream, string $kind, string $source, string $key = '' ) {
		$this->pieces   = $pieces;
		$this->envelope = $envelope;
		$this->stream   = in_array( $stream, self::STREAMS, true ) ? $stream : self::TRANSACTIONAL;
		$this->kind     = self::SECURITY === $kind ? $kind : '';
		$this->source   = $source;
		$this->key      = '' === $key ? self::new_key() : $key;
	}

	/**
	 * The message that was told as `metadata()`.
	 *
	 * @param array    $metadata What `metadata()` gave.
	 * @param string[] $pieces   The mail, in order.
	 * @param string   $key      Its idempotency key.
	 */
	public static function from_metadata( array $metadata, array $pieces, string $key ): self {
		return new self(
			$pieces,
			(array) ( $metadata['envelope'] ?? array() ),
			(string) ( $metadata['stream'] ?? '' ),
			(string) ( $metadata['kind'] ?? '' ),
			(string) ( $metadata['source']['plugin'] ?? '' ),
			$key
		);
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
	 * The same mail as often as it takes to reach everybody, each time to as many people as the relay takes.
	 *
	 * @return self[] At least one; the first keeps this one's key.
	 */
	public function split(): array {
		$messages = array();
		foreach ( array_chunk( $this->envelope['to'], self::MOST_RECIPIENTS ) as $number => $people ) {
			$envelope   = array_replace( $this->envelope, array( 'to' => $people ) );
			$messages[] = new self( $this->pieces, $envelope, $this->stream, $this->kind, $this->source, 0 === $number ? $this->key : '' );
		}
		return $messages;
	}

	/**
	 * The idempotency key.
	 */
	public function key(): string {
		return $this->key;
	}

	/**
	 * The slug of the plugin or theme that sent it.
	 */
	public function source(): string {
		return $this->source;
	}

	/**
	 * Every address that gets a copy.
	 *
	 * @return string[]
	 */
	public function recipients(): array {
		return array_map( 'strval', (array) ( $this->envelope['to'] ?? array() ) );
	}

	/**
	 * The mail's bytes, in pieces.
	 *
	 * @return string[]
	 */
	public function pieces(): array {
		return $this->pieces;
	}

	/**
	 * How many bytes the mail has.
	 */
	public function size(): int {
		return (int) array_sum( array_map( 'strlen', $this->pieces ) );
	}

	/**
	 * The mail's bytes, cut at an even length.
	 *
	 * @param int $length Bytes of each but the last.
	 * @return \Generator<string>
	 */
	public function chunks( int $length ): \Generator {
		$chunk = '';
		foreach ( $this->pieces as $piece ) {
			for ( $position = 0, $end = strlen( $piece ); $position < $end; ) {
				$part      = substr( $piece, $position, $length - strlen( $chunk ) );
				$position += strlen( $part );
				$chunk    .= $part;
				if ( strlen( $chunk ) === $length ) {
					yield $chunk;
					$chunk = '';
				}
			}
		}
		if ( '' !== $chunk ) {
			yield $chunk;
		}
	}

	/**
	 * What stays the same where a mail is composed once more: all but its date, its Message-ID and its boundaries.
	 */
	public function fingerprint(): string {
		preg_match_all( '/^(?:Date|Message-ID): .*|boundary="b1=?_\K\w{32,}/mi', $this->pieces[0], $anew );
		$hash = hash_init( 'sha256' );
		hash_update( $hash, (string) wp_json_encode( $this->metadata() ) );
		foreach ( $this->chunks( Outbox::CHUNK ) as $bytes ) {
			hash_update( $hash, str_replace( $anew[0], '', $bytes ) );
		}
		return hash_final( $hash );
	}

	/**
	 * Whether it lets somebody into their account.
	 */
	public function is_security(): bool {
		return self::SECURITY === $this->kind;
	}

	/**
	 * All that the relay should know beside the mail itself.
	 */
	public function metadata(): array {
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

	/**
	 * A random UUID. WordPress's own is made from fewer random bits than a busy site has mails.
	 */
	private static function new_key(): string {
		$bytes    = random_bytes( 16 );
		$bytes[6] = chr( ord( $bytes[6] ) & 0x0f | 0x40 );
		$bytes[8] = chr( ord( $bytes[8] ) & 0x3f | 0x80 );
		return vsprintf( '%s%s-%s-%s-%s-%s%s%s', str_split( bin2hex( $bytes ), 4 ) );
	}
}
