<?php
/**
 * Carries one mail to the relay.
 *
 * @package Postreeve
 */

namespace Postreeve;

use PHPMailer\PHPMailer\Exception as Mail_Exception;
use WP_Error;

defined( 'ABSPATH' ) || exit;

require_once ABSPATH . WPINC . '/PHPMailer/PHPMailer.php';
require_once ABSPATH . WPINC . '/PHPMailer/SMTP.php';
require_once ABSPATH . WPINC . '/PHPMailer/Exception.php';

// WordPress 6.8 brought a PHPMailer whose messages are translated.
if ( is_readable( ABSPATH . WPINC . '/class-wp-phpmailer.php' ) ) {
	require_once ABSPATH . WPINC . '/class-wp-phpmailer.php';
	class_alias( 'WP_PHPMailer', __NAMESPACE__ . '\Mailer_Base' );
} else {
	class_alias( 'PHPMailer\PHPMailer\PHPMailer', __NAMESPACE__ . '\Mailer_Base' );
}

/**
 * PHPMailer with another way out.
 *
 * PHPMailer hands a finished mail to the method named after its `Mailer`: ours is `relaySend`.
 * Only PHPMailer's own exception ever leaves, because core catches no other.
 */
final class Mailer extends Mailer_Base {

	const HEADER_PREFIX = 'x-postreeve-';

	/**
	 * Hands over a Message; gives the relay's receipt or a WP_Error.
	 *
	 * @var callable
	 */
	private $transport;

	/**
	 * What is known about the site's senders: `Account::known()`.
	 */
	private array $known;

	/**
	 * What X-Postreeve-… headers asked for, by their last word.
	 *
	 * @var array<string, string>
	 */
	private $wishes = array();

	/**
	 * The relay's answer to an accepted mail.
	 */
	private ?array $receipt = null;

	/**
	 * Why the mail was not accepted.
	 */
	private ?WP_Error $failure = null;

	/**
	 * Makes the carrier of one mail.
	 *
	 * @param callable $transport Takes a Message; gives the relay's receipt or a WP_Error.
	 * @param array    $known     What is known about the site's senders: `Account::known()`.
	 */
	public function __construct( callable $transport, array $known ) {
		parent::__construct( true );
		$this->transport = $transport;
		$this->known     = $known;
		self::$validator = static function ( $email ) {
			return (bool) is_email( $email );
		};
	}

	/**
	 * Composes the mail, whatever way out other plugins have chosen for it.
	 *
	 * As for SMTP: line ends are CRLF, long headers stay whole, and Bcc is not among them.
	 *
	 * @throws Mail_Exception When the mail cannot be composed.
	 */
	public function preSend() {
		try {
			$this->check_memory();
			$this->take_wishes();
			$this->decode_names();
			$this->settle_sender();
			$this->Mailer = 'smtp';
			return parent::preSend();
		} catch ( Mail_Exception $exception ) {
			throw $exception;
		} catch ( \Throwable $fault ) {
			throw $this->give_up( Problems::fault( $fault ) );
		} finally {
			$this->Mailer = 'relay';
		}
	}

	/**
	 * Hands the composed mail to the relay; called by PHPMailer.
	 *
	 * @param string $header The mail's header fields.
	 * @param string $body   The mail's body.
	 * @throws Mail_Exception When the relay did not accept it.
	 */
	protected function relaySend( $header, $body ) {
		try {
			$answer = call_user_func( $this->transport, $this->message( $header, $body ) );
		} catch ( \Throwable $fault ) {
			$answer = Problems::fault( $fault );
		}
		if ( is_wp_error( $answer ) ) {
			throw $this->give_up( $answer );
		}
		$this->receipt = $answer;
		return true;
	}

	/**
	 * The relay's answer, or null if it did not accept the mail.
	 */
	public function receipt(): ?array {
		return $this->receipt;
	}

	/**
	 * Why the relay did not get or not accept the mail, or null.
	 */
	public function failure(): ?WP_Error {
		return $this->failure;
	}

	/**
	 * The finished mail and all that the relay should know about it.
	 *
	 * @param string $header The mail's header fields.
	 * @param string $body   The mail's body.
	 */
	private function message( string $header, string $body ): Message {
		$everybody = array_column( array_merge( $this->to, $this->cc, $this->bcc ), 0 );
		$stream    = $this->wishes['stream'] ?? Message::guess_stream( $this->CustomHeader );

		/**
		 * Filters the stream of a mail: 'transactional', 'notification' or 'marketing'.
		 *
		 * @param string $stream What its X-Postreeve-Stream header says, or what its headers look like.
		 * @param Mailer $mailer The mail, a PHPMailer.
		 */
		$stream = apply_filters( 'postreeve_stream', $stream, $this );

		return new Message(
			array( rtrim( $header ) . "\r\n\r\n", $body ),
			array(
				'from' => '' === $this->Sender ? $this->From : $this->Sender,
				'to'   => array_values( array_combine( array_map( 'strtolower', $everybody ), $everybody ) ),
			),
			is_string( $stream ) ? $stream : '',
			$this->wishes['kind'] ?? '',
			Origin::of_mail()
		);
	}

	/**
	 * Says that a mail is too large for PHP's memory before PHP ends the page over it.
	 *
	 * @throws Mail_Exception When it is.
	 */
	private function check_memory(): void {
		$bytes = 0;
		foreach ( $this->attachment as $file ) {
			$bytes += $file[5] ? strlen( $file[0] ) : (int) ( static::fileIsAccessible( $file[0] ) ? filesize( $file[0] ) : 0 );
		}
		if ( $bytes > MB_IN_BYTES && ! Memory::has( Memory::TO_COMPOSE * $bytes ) ) {
			/* translators: 1: a size such as "60 MB", 2: PHP's memory limit, such as "128M" */
			$text = sprintf( __( 'The attachments of this mail (%1$s) do not fit into the memory that PHP may use here (%2$s). Send a link, or have memory_limit raised.', 'postreeve' ), size_format( $bytes ), ini_get( 'memory_limit' ) );
			throw $this->give_up( Problems::problem( Problems::NO_MEMORY, 0, $text ) );
		}
	}

	/**
	 * Takes out the headers that are meant for us alone.
	 */
	private function take_wishes(): void {
		foreach ( $this->CustomHeader as $position => $field ) {
			$name = strtolower( trim( $field[0] ) );
			if ( 0 === strpos( $name, self::HEADER_PREFIX ) ) {
				$this->wishes[ substr( $name, strlen( self::HEADER_PREFIX ) ) ] = strtolower( trim( $field[1] ) );
				unset( $this->CustomHeader[ $position ] );
			}
		}
	}

	/**
	 * Site titles are stored escaped, and plugins use them as names: "Tom &amp; Jerry" is Tom & Jerry.
	 */
	private function decode_names(): void {
		$this->FromName = wp_specialchars_decode( $this->FromName, ENT_QUOTES );
		foreach ( $this->ReplyTo as $address => $field ) {
			$this->ReplyTo[ $address ][1] = wp_specialchars_decode( $field[1], ENT_QUOTES );
		}
	}

	/**
	 * Replaces a sender the relay would refuse; answers still go to them.
	 */
	private function settle_sender(): void {
		$sender = Sender::settle( $this->From, $this->FromName, $this->known );
		if ( null === $sender ) {
			return;
		}
		if ( '' !== $sender['reply_to'] && array() === $this->ReplyTo ) {
			$this->addReplyTo( $sender['reply_to'], $this->FromName );
		}
		if ( $sender['foreign'] ) {
			$this->addCustomHeader( 'X-Postreeve-Rewritten', 'from' );
		}
		$this->From     = $sender['address'];
		$this->FromName = $sender['name'];
		$this->Sender   = '';
	}

	/**
	 * A file's content as a part of the mail: as PHPMailer writes it, without having all of it twice in the memory.
	 *
	 * @param string $path     The file.
	 * @param string $encoding How it is written; files are base64 unless somebody wants another.
	 * @return string
	 */
	protected function encodeFile( $path, $encoding = self::ENCODING_BASE64 ) {
		if ( self::ENCODING_BASE64 !== $encoding || ! static::fileIsAccessible( $path ) ) {
			return parent::encodeFile( $path, $encoding );
		}
		// phpcs:disable WordPress.WP.AlternativeFunctions -- The file may be larger than the memory left; WP_Filesystem reads whole files.
		$file = fopen( $path, 'rb' );
		if ( false === $file ) {
			return parent::encodeFile( $path, $encoding );
		}
		$encoded = '';
		while ( ! feof( $file ) ) {
			// 57 bytes make a line of 76 characters.
			$bytes = stream_get_contents( $file, 57 * 8192 );
			if ( '' !== (string) $bytes ) {
				$encoded .= chunk_split( base64_encode( $bytes ), static::STD_LINE_LENGTH, static::$LE );
			}
		}
		fclose( $file );
		// phpcs:enable
		return $encoded;
	}

	/**
	 * Remembers the reason and gives what core understands.
	 *
	 * @param WP_Error $reason Why the mail does not go out.
	 */
	private function give_up( WP_Error $reason ): Mail_Exception {
		$this->failure = $reason;
		return new Mail_Exception( $reason->get_error_message(), self::STOP_CRITICAL );
	}
}
