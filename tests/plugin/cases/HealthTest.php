<?php
/**
 * What Site Health says, and who is in the way.
 */

namespace Postreeve\Tests;

use Postreeve\Account;
use Postreeve\Client;
use Postreeve\Conflicts;
use Postreeve\Health;
use Postreeve\Outbox;
use Postreeve\Runner;
use Postreeve\Schema;
use Postreeve\Settings;
use Postreeve\Whereabouts;

final class HealthTest extends Site_Test_Case {

	private $files = array();

	protected function tearDown(): void {
		putenv( 'POSTREEVE_OFF' );
		foreach ( array_reverse( $this->files ) as $file ) {
			unlink( $file );
			rmdir( dirname( $file ) );
		}
		parent::tearDown();
	}

	public function test_there_are_four_tests_and_all_are_good_on_a_healthy_site(): void {
		$tests = $this->health()->add_tests( array( 'direct' => array( 'core' => array() ), 'async' => array() ) );

		$this->assertSame( array( 'core', 'postreeve_interception', 'postreeve_outbox' ), array_keys( $tests['direct'] ) );
		$this->assertSame( array( 'postreeve_connected', 'postreeve_domain' ), array_keys( $tests['async'] ) );
		foreach ( array( 'connected', 'domain', 'interception', 'outbox' ) as $test ) {
			$result = $this->health()->$test();
			$this->assertSame( array( "postreeve_$test", 'good' ), array( $result['test'], $result['status'] ), $result['label'] );
		}
	}

	public function test_a_site_that_is_not_connected_is_not_asked_about_its_domain(): void {
		( new Settings() )->connect( '', '' );

		$tests = $this->health()->add_tests( array() );

		$this->assertSame( array( 'postreeve_connected' ), array_keys( $tests['async'] ) );
	}

	/**
	 * @dataProvider troubles
	 */
	public function test_a_trouble_is_named( string $test, string $status, string $label, callable $trouble ): void {
		$trouble( $this->relay );

		$result = $this->health()->$test();

		$this->assertSame( array( $status, $label ), array( $result['status'], $result['label'] ) );
		$this->assertStringContainsString( 'page=postreeve', $result['actions'] );
	}

	public function troubles(): array {
		return array(
			'given up'    => array(
				'outbox',
				'recommended',
				'Postreeve: Given up: 1',
				function ( $relay ) {
					$relay->problem( 'unavailable', 503, 'Away' );
					wp_mail( 'ada@x.example', 'Hello', 'Text' );
					( new Outbox() )->fail( ( new Outbox() )->rows()[0]['id'], 'expired' );
				},
			),
			'the key'     => array(
				'connected',
				'critical',
				'Postreeve: The API key is not valid.',
				function () {
					( new Settings() )->connect( ( new Relay() )->url(), strrev( Relay::KEY ) );
				},
			),
			'not live'    => array(
				'connected',
				'recommended',
				'Postreeve is connected, but not live',
				function () {
					( new Settings() )->set_live( false );
				},
			),
			'off'         => array(
				'connected',
				'recommended',
				'Postreeve: Switched off.',
				function () {
					putenv( 'POSTREEVE_OFF=1' );
				},
			),
			'off, and mail waits' => array(
				'outbox',
				'recommended',
				'Mail waits.',
				function ( $relay ) {
					self::wait( $relay, 0 );
					putenv( 'POSTREEVE_OFF=1' );
				},
			),
			'no domain'   => array(
				'domain',
				'critical',
				'No sending domain is verified',
				function ( $relay ) {
					$relay->change( array( 'domains' => array( array( 'name' => 'shop.example', 'status' => 'pending' ) ) ) );
				},
			),
			'records gone' => array(
				'domain',
				'recommended',
				'shop.example: Its DNS records are missing.',
				function ( $relay ) {
					$relay->change( array( 'domains' => array( array( 'name' => 'shop.example', 'status' => 'failing' ) ) ) );
				},
			),
			'moved'       => array(
				'interception',
				'critical',
				'No mail leaves this site',
				function () {
					( new Settings() )->bind( array( 'home' => 'shop.example' ) );
				},
			),
			'full'        => array(
				'outbox',
				'critical',
				'Too much mail is kept here.',
				function ( $relay ) {
					self::wait( $relay, 0 );
					$GLOBALS['wpdb']->query( 'UPDATE ' . Schema::outbox() . ' SET size = ' . 460 * MB_IN_BYTES );
				},
			),
			'parked'      => array(
				'outbox',
				'critical',
				'Mails are parked',
				function ( $relay ) {
					$relay->problem( 'sender-not-verified', 422, 'No' );
					wp_mail( 'ada@x.example', 'Hello', 'Text' );
				},
			),
			'a dead cron' => array(
				'outbox',
				'critical',
				'Mail waits, and WP-Cron does not run',
				function ( $relay ) {
					self::wait( $relay, 600 );
					wp_clear_scheduled_hook( Runner::HOOK );
					wp_schedule_single_event( time() - 500, Runner::HOOK );
				},
			),
			'old mail'    => array(
				'outbox',
				'recommended',
				'Mail waits for the relay',
				function ( $relay ) {
					self::wait( $relay, 0 );
				},
			),
		);
	}

	public function test_what_is_told_for_help_holds_no_secret(): void {
		$fields = $this->health()->add_information( array() )['postreeve']['fields'];

		$this->assertSame( $this->relay->url(), $fields['relay']['value'] );
		$this->assertSame( 'stored', $fields['key']['value'] );
		$this->assertStringNotContainsString( Relay::KEY, (string) wp_json_encode( $fields ) );
	}

	public function test_a_plugin_that_answers_for_mails_is_named(): void {
		$this->write( 'mail-logger-7', 'add_filter( "pre_wp_mail", function ( $pre ) { return $pre; } );' );

		$conflicts = Conflicts::found();

		$this->assertContains( array( 'plugin' => 'mail-logger-7', 'how' => 'answers-pre-wp-mail', 'harm' => false ), $conflicts );
		$result = $this->health()->interception();
		$this->assertSame( 'recommended', $result['status'] );
		$this->assertStringContainsString( 'mail-logger-7 may answer for mails itself.', $result['description'] );
	}

	public function test_a_plugin_with_a_mailer_of_its_own_is_named(): void {
		new \Postreeve\Mailer( '__return_true', array() );
		$this->write( 'own-mailer-7', 'class Own_Mailer_7 extends PHPMailer\PHPMailer\PHPMailer {}' );

		$this->assertContains( array( 'plugin' => 'own-mailer-7', 'how' => 'own-mailer', 'harm' => false ), Conflicts::found() );
	}

	public function test_core_and_this_plugin_are_no_conflict(): void {
		new \Postreeve\Mailer( '__return_true', array() );

		$this->assertNotContains( 'postreeve', array_column( Conflicts::found(), 'plugin' ) );
		$this->assertNotContains( true, array_column( Conflicts::found(), 'harm' ) );
	}

	private function health(): Health {
		$settings = new Settings();
		return new Health( $settings, new Account( new Client( $settings ) ), new Outbox(), new Whereabouts( $settings, new Outbox() ) );
	}

	private static function wait( Relay $relay, int $overdue ): void {
		$relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'ada@x.example', 'Hello', 'Text' );
		$GLOBALS['wpdb']->query( 'UPDATE ' . Schema::outbox() . ' SET created_at = created_at - 7200, due_at = ' . ( time() - $overdue ) );
	}

	private function write( string $slug, string $code ): void {
		$file = WP_PLUGIN_DIR . "/$slug/$slug.php";
		wp_mkdir_p( dirname( $file ) );
		file_put_contents( $file, "<?php\n$code\n" );
		$this->files[] = $file;
		require $file;
	}
}
