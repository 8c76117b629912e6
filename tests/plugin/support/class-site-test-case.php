<?php
/**
 * The ground every test stands on.
 */

namespace Postreeve\Tests;

use PHPUnit\Framework\TestCase;
use Postreeve\Settings;
use WP_Error;

/**
 * A site connected to the recording relay, as it was before the last test.
 */
abstract class Site_Test_Case extends TestCase {

	/**
	 * The relay.
	 *
	 * @var Relay
	 */
	protected $relay;

	/**
	 * What wp_mail_failed was given, in order.
	 *
	 * @var WP_Error[]
	 */
	protected $failures = array();

	private $hooks = array();

	protected function setUp(): void {
		foreach ( $GLOBALS['wp_filter'] as $name => $hook ) {
			$this->hooks[ $name ] = clone $hook;
		}
		$this->relay = new Relay();
		$this->relay->reset();
		( new Settings() )->connect( $this->relay->url(), Relay::KEY );
		add_action(
			'wp_mail_failed',
			function ( $error ) {
				$this->failures[] = $error;
			}
		);
	}

	protected function tearDown(): void {
		$GLOBALS['wp_filter'] = $this->hooks; // phpcs:ignore
		unset( $GLOBALS['phpmailer'] );
		delete_option( Settings::OPTION );
		wp_set_current_user( 0 );
	}

	/**
	 * The one mail that arrived at the relay.
	 */
	protected function mail(): array {
		$mails = $this->relay->mails();
		$this->assertCount( 1, $mails, 'One mail should have arrived.' );
		$this->assertSame( array(), $mails[0]['faults'], 'It should keep the contract.' );
		return $mails[0];
	}

	/**
	 * The data of the one failure there was.
	 */
	protected function failure(): array {
		$this->assertCount( 1, $this->failures, 'wp_mail_failed should have fired once.' );
		return (array) $this->failures[0]->get_error_data();
	}

	/**
	 * The bytes of a recorded mail.
	 */
	protected function mime( array $mail ): string {
		return base64_decode( $mail['mime'] );
	}
}
