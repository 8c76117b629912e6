<?php
/**
 * Core's own mailer as a plugin makes it send by SMTP, as a carrier: what it would say to the server is kept instead.
 *
 * The pattern for mailers that set `$phpmailer` up, or put an object of their own in its place.
 */

namespace Postreeve\Contract;

return new class() implements Carrier {

	/**
	 * The mailer under test.
	 *
	 * @var Core_Mailer
	 */
	private $mailer;

	public function install(): void {
		$this->mailer             = new class( true ) extends Core_Mailer {

			/**
			 * What would have gone over the wire.
			 *
			 * @var array
			 */
			public $taken = array();

			protected function smtpSend( $header, $body ) {
				$to            = array_merge( $this->to, $this->cc, $this->bcc );
				$this->taken[] = array(
					'mime' => rtrim( $header ) . "\r\n\r\n" . $body,
					'to'   => array_column( $to, 0 ),
				);
				return true;
			}
		};
		$this->mailer::$validator = static function ( $email ) {
			return (bool) is_email( $email );
		};
		$GLOBALS['phpmailer']     = $this->mailer; // phpcs:ignore
		add_action( 'phpmailer_init', array( $this, 'set_up' ), PHP_INT_MAX );
	}

	public function remove(): void {
		remove_action( 'phpmailer_init', array( $this, 'set_up' ), PHP_INT_MAX );
		unset( $GLOBALS['phpmailer'] );
	}

	public function taken(): array {
		$taken               = $this->mailer->taken;
		$this->mailer->taken = array();
		return $taken;
	}

	public function set_up( $phpmailer ): void {
		$phpmailer->isSMTP();
	}
};
