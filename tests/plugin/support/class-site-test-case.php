<?php
/**
 * The ground every test stands on.
 */

namespace Postreeve\Tests;

use PHPUnit\Framework\TestCase;
use Postreeve\Account;
use Postreeve\Breaker;
use Postreeve\Interceptor;
use Postreeve\Outbox;
use Postreeve\Runner;
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
		// PHPUnit's own output is none of a response's.
		remove_action( 'shutdown', 'wp_ob_end_flush_all', 1 );
		// The last test's request ends here.
		do_action( 'shutdown' );
		delete_option( Account::OPTION );
		$this->relay = new Relay();
		$this->relay->reset();
		( new Settings() )->connect( $this->relay->url(), Relay::KEY );
		( new Settings() )->set_live( true );
		// Tests are one long request; each mail of theirs is the first of one.
		add_filter( 'postreeve_direct_mails', array( __CLASS__, 'many' ) );
		add_filter( 'postreeve_seconds_per_request', array( __CLASS__, 'enough' ) );
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
		delete_option( Settings::ALIASES );
		delete_option( Account::OPTION );
		delete_option( Breaker::OPTION );
		( new Outbox() )->purge();
		wp_clear_scheduled_hook( Runner::HOOK );
		wp_set_current_user( 0 );
	}

	public static function many(): int {
		return PHP_INT_MAX;
	}

	public static function enough(): float {
		return 9999.0;
	}

	/**
	 * From here on mails are mails of one request that people wait for, as on a live site.
	 */
	protected function on_a_page(): void {
		remove_filter( 'postreeve_direct_mails', array( __CLASS__, 'many' ) );
		remove_filter( 'postreeve_seconds_per_request', array( __CLASS__, 'enough' ) );
	}

	/**
	 * What the outbox holds: state and reason of each, oldest first.
	 */
	protected function kept( string $state = '' ): array {
		$words = function ( $row ) {
			return $row['state'] . ' ' . $row['reason'];
		};
		return array_map( $words, array_reverse( ( new Outbox() )->rows( $state ) ) );
	}

	/**
	 * Makes every mail that waits due now.
	 */
	protected function let_time_pass(): void {
		( new Outbox() )->hurry();
		delete_option( Breaker::OPTION );
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
	 * The files in a recorded mail, by their names.
	 */
	protected function files( array $mail ): array {
		$named = function ( $part ) {
			return null !== $part['filename'];
		};
		return array_column( array_filter( $mail['mail']['parts'], $named ), null, 'filename' );
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

	/**
	 * The one that is at work.
	 */
	protected function interceptor(): Interceptor {
		foreach ( $GLOBALS['wp_filter']['pre_wp_mail']->callbacks[ PHP_INT_MAX ] as $callback ) {
			if ( is_array( $callback['function'] ) && $callback['function'][0] instanceof Interceptor ) {
				return $callback['function'][0];
			}
		}
		throw new \LogicException( 'Postreeve is not at work.' );
	}
}
