<?php
/**
 * Compares a mailer with core's own, call by call.
 */

namespace Postreeve\Contract;

final class Contract {

	const HOOKS = array( 'wp_mail', 'pre_wp_mail', 'wp_mail_from', 'wp_mail_from_name', 'wp_mail_content_type', 'wp_mail_charset', 'wp_mail_embed_args', 'phpmailer_init', 'wp_mail_succeeded', 'wp_mail_failed' );

	/**
	 * The mailer under test.
	 *
	 * @var Carrier
	 */
	private $carrier;

	/**
	 * Whether to compare what a reader sees instead of bytes.
	 *
	 * @var bool
	 */
	private $by_fields;

	public function __construct( Carrier $carrier, bool $by_fields = false ) {
		$this->carrier   = $carrier;
		$this->by_fields = $by_fields;
	}

	/**
	 * The forty calls by name: each `arguments` of wp_mail(), and `around`, hooks that a plugin sets for this one call.
	 */
	public static function calls(): array {
		return require __DIR__ . '/calls.php';
	}

	/**
	 * Makes a call through core and through the mailer; gives both outcomes, equal if the contract is kept.
	 *
	 * @param array $call One of the calls.
	 * @return array Two of `mails`, `hooks`, `answer`.
	 */
	public function both( array $call ): array {
		$this->carrier->remove();
		$own                   = $GLOBALS['phpmailer'] ?? null;
		$reference             = new Reference_Mailer( true );
		$reference::$validator = static function ( $email ) {
			return (bool) is_email( $email );
		};
		$GLOBALS['phpmailer']  = $reference; // phpcs:ignore
		$wanted                = $this->recorded( $call );
		$wanted['mails']       = '' === $reference->wire ? array() : array( $this->comparable( $reference->wire, $reference->everybody ) );

		$GLOBALS['phpmailer'] = $own; // phpcs:ignore
		$this->carrier->install();
		$this->carrier->taken();
		$found = $this->recorded( $call );
		foreach ( $this->carrier->taken() as $mail ) {
			$found['mails'][] = $this->comparable( $mail['mime'], $mail['to'] );
		}
		return array( $wanted, $found );
	}

	/**
	 * What of two outcomes differs, as lines: `-` is only core's, `+` is only the mailer's.
	 *
	 * @param array $wanted Core's outcome.
	 * @param array $found  The mailer's.
	 * @return array Lines by `mails`, `hooks`, `answer`; those that are equal are not in it.
	 */
	public static function differences( array $wanted, array $found ): array {
		$differences = array();
		foreach ( $wanted as $what => $value ) {
			if ( $value === $found[ $what ] ) {
				continue;
			}
			$cores                = self::lines( $value );
			$mailers              = self::lines( $found[ $what ] );
			$differences[ $what ] = array_merge(
				(array) preg_filter( '/^/', '- ', array_values( array_diff( $cores, $mailers ) ) ),
				(array) preg_filter( '/^/', '+ ', array_values( array_diff( $mailers, $cores ) ) )
			);
		}
		return $differences;
	}

	/**
	 * A part of an outcome as lines that can be shown.
	 *
	 * @param mixed $value Texts in arrays, or the answer.
	 * @return string[]
	 */
	private static function lines( $value ): array {
		if ( ! is_array( $value ) ) {
			return (array) preg_split( '/\r?\n/', is_string( $value ) ? $value : wp_json_encode( $value ) );
		}
		$lines = array();
		foreach ( $value as $name => $inner ) {
			$field = is_string( $name ) && is_string( $inner ) && 'mime' !== $name;
			$lines = array_merge( $lines, $field ? array( "$name: $inner" ) : self::lines( $inner ) );
		}
		return $lines;
	}

	/**
	 * Makes a call; gives the hooks it fired and the answer.
	 */
	private function recorded( array $call ): array {
		$hooks = array();
		$note  = static function ( $name, ...$arguments ) use ( &$hooks ) {
			if ( in_array( $name, self::HOOKS, true ) ) {
				$hooks[] = $name . ' ' . wp_json_encode( array_map( array( __CLASS__, 'shown' ), $arguments ), JSON_INVALID_UTF8_SUBSTITUTE );
			}
		};
		$set   = isset( $call['around'] ) ? $call['around']() : array();
		foreach ( $set as list( $hook, $callback ) ) {
			add_filter( $hook, $callback, 10, 2 );
		}
		add_action( 'all', $note, 10, 9 );
		$answer = wp_mail( ...$call['arguments'] );
		remove_action( 'all', $note, 10 );
		foreach ( $set as list( $hook, $callback ) ) {
			remove_filter( $hook, $callback, 10 );
		}
		return array(
			'mails'  => array(),
			'hooks'  => $hooks,
			'answer' => $answer,
		);
	}

	/**
	 * An argument of a hook as it can be compared.
	 *
	 * @param mixed $argument What the hook was given.
	 * @return mixed
	 */
	private static function shown( $argument ) {
		if ( is_wp_error( $argument ) ) {
			$data = (array) $argument->get_error_data();
			// A mailer may tell more than core; what core tells must be there.
			return array( $argument->get_error_code(), array_intersect_key( $data, array_flip( array( 'to', 'subject', 'message', 'headers', 'attachments' ) ) ) );
		}
		// The mailer itself comes inside an array.
		return is_object( $argument ) || ( is_array( $argument ) && is_object( reset( $argument ) ) ) ? 'an object' : $argument;
	}

	/**
	 * A mail without what differs by chance.
	 *
	 * @param string   $mime The mail.
	 * @param string[] $to   Whom it goes to.
	 */
	private function comparable( string $mime, array $to ): array {
		$to = array_values( array_unique( array_map( 'strtolower', $to ) ) );
		sort( $to );
		return array(
			'to'   => $to,
			'mime' => $this->by_fields ? Reader::read( $mime ) : self::without_chance( $mime ),
		);
	}

	/**
	 * The bytes without time, message id and boundaries.
	 */
	private static function without_chance( string $mime ): string {
		$mime = preg_replace( '/^(Date|Message-ID): .*$/m', '$1: …', $mime );
		if ( preg_match_all( '/boundary="(b[1-3]=?_[^"]+)"/', $mime, $boundaries ) ) {
			foreach ( array_unique( $boundaries[1] ) as $number => $boundary ) {
				$mime = str_replace( $boundary, "boundary-$number", $mime );
			}
		}
		return $mime;
	}
}
