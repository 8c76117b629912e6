<?php
/**
 * A mailer that breaks the contract: it shows what was to be hidden, and loses where answers go.
 */

namespace Postreeve\Contract;

return new class( require __DIR__ . '/contract/smtp.php' ) implements Carrier {

	/**
	 * A mailer that does it well.
	 *
	 * @var Carrier
	 */
	private $careful;

	public function __construct( Carrier $careful ) {
		$this->careful = $careful;
	}

	public function install(): void {
		$this->careful->install();
	}

	public function remove(): void {
		$this->careful->remove();
	}

	public function taken(): array {
		$taken = array();
		foreach ( $this->careful->taken() as $mail ) {
			$hidden       = preg_grep( '/^b\d/i', $mail['to'] );
			$shown        = $hidden ? 'Bcc: ' . implode( ', ', $hidden ) . "\r\n" : '';
			$mail['mime'] = $shown . preg_replace( "/^Reply-To: .*\r\n/m", '', $mail['mime'] );
			$taken[]      = $mail;
		}
		return $taken;
	}
};
