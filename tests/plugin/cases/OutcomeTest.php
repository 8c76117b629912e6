<?php
/**
 * What the site is told about a mail that does not go out.
 */

namespace Postreeve\Tests;

use Postreeve\Settings;
use TypeError;

final class OutcomeTest extends Site_Test_Case {

	const CORES_DATA = array( 'to', 'subject', 'message', 'headers', 'attachments', 'phpmailer_exception_code' );

	public function test_a_refused_mail_fails_with_the_relays_reason(): void {
		$this->relay->problem( 'sender-not-verified', 422, 'Sender not verified', 'evil.example is not one of your sending domains.' );

		$sent = wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertFalse( $sent );
		$failure = $this->failure();
		$this->assertSame( 'wp_mail_failed', $this->failures[0]->get_error_code() );
		$this->assertSame( 'sender-not-verified', $failure['relay_code'] );
		$this->assertSame( 422, $failure['relay_status'] );
		$this->assertSame( 'https://relay.example/problems/sender-not-verified', $failure['relay_problem_url'] );
		$this->assertStringContainsString( 'evil.example is not one of your sending domains.', $this->failures[0]->get_error_message() );
		foreach ( self::CORES_DATA as $member ) {
			$this->assertArrayHasKey( $member, $failure );
		}
		$this->assertSame( array( 'ada@x.example' ), $failure['to'] );
	}

	public function test_a_listener_of_any_priority_sees_the_reason(): void {
		$codes = array();
		foreach ( array( 1, 10, PHP_INT_MAX ) as $priority ) {
			add_action(
				'wp_mail_failed',
				function ( $error ) use ( &$codes ) {
					$codes[] = $error->get_error_data()['relay_code'];
				},
				$priority
			);
		}
		$this->relay->problem( 'account-suspended', 403, 'Suspended' );

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( array_fill( 0, 3, 'account-suspended' ), $codes );
	}

	public function test_nobody_to_mail_names_each_person_and_why(): void {
		$recipients = array(
			array(
				'address' => 'gone@x.example',
				'code'    => 'suppressed',
				'title'   => 'The address does not exist',
			),
		);
		$this->relay->problem( 'nobody-to-mail', 422, 'Nobody to mail', '', array( 'recipients' => $recipients ) );

		wp_mail( 'gone@x.example', 'Hello', 'Text' );

		$this->assertSame( $recipients, $this->failure()['relay_recipients'] );
		$this->assertStringContainsString( 'gone@x.example: The address does not exist.', $this->failures[0]->get_error_message() );
	}

	public function test_a_problem_of_tomorrow_is_passed_on_with_its_own_title(): void {
		$this->relay->problem( 'moon-is-full', 422, 'The moon is full', 'Wait a week.' );

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( 'moon-is-full', $this->failure()['relay_code'] );
		$this->assertSame( 'The moon is full. Wait a week.', $this->failures[0]->get_error_message() );
	}

	public function test_hostile_text_in_a_problem_is_made_harmless(): void {
		$this->relay->problem( 'x"><script>', 422, "<script>alert(1)</script>\x00\r\nBcc: evil@x.example", str_repeat( '<b>', 5000 ) );

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$text = $this->failures[0]->get_error_message();
		$this->assertDoesNotMatchRegularExpression( '/[<>\x00-\x1f]/', $text );
		$this->assertLessThan( 2000, strlen( $text ) );
		$this->assertMatchesRegularExpression( '/^[a-z0-9_-]*$/', $this->failure()['relay_code'] );
		$this->assertDoesNotMatchRegularExpression( '/["<>\s]/', $this->failure()['relay_problem_url'] );
	}

	public function test_a_problem_address_that_is_no_web_address_is_dropped(): void {
		$this->relay->answer( 422, '{"type": "javascript:alert(1)/problems/suppressed", "title": "No"}' );

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( '', $this->failure()['relay_problem_url'] );
	}

	/**
	 * @dataProvider strange_answers
	 */
	public function test_an_answer_no_relay_gives_fails_clearly( int $status, string $body, string $type ): void {
		$this->relay->answer( $status, $body, $type );

		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertSame( array( 'relay-unexpected', $status ), array( $this->failure()['relay_code'], $this->failure()['relay_status'] ) );
		$this->assertSame( array( 'parked relay-unexpected' ), $this->kept(), 'It goes out once the address is right.' );
	}

	public function strange_answers(): array {
		return array(
			'a web page'         => array( 200, '<html>Welcome</html>', 'text/html' ),
			'somebody else\'s'   => array( 202, '{"status": "queued"}', 'application/json' ),
			'a page as 202'      => array( 202, '<html>Welcome</html>', 'text/html' ),
			'a list'             => array( 400, '[1, 2]', 'application/json' ),
			'wild types'         => array( 422, '{"type": ["a"], "title": {"b": 1}, "recipients": "c"}', 'application/problem+json' ),
			'nothing'            => array( 404, '', 'text/plain' ),
			'a gateway\'s words' => array( 404, '{"type": "about:blank", "title": "Not Found", "status": 404}', 'application/problem+json' ),
			'a page about it'    => array( 404, '{"type": "https://tools.ietf.org/html/rfc9110#section-15.5.5", "title": "Not Found"}', 'application/problem+json' ),
		);
	}

	public function test_the_key_never_follows_a_redirect(): void {
		$this->relay->answer( 307, '', 'text/plain', 0.0, $this->relay->url() . '/v1/messages' );

		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertCount( 1, $this->relay->requests() );
		$this->assertSame( 'relay-unexpected', $this->failure()['relay_code'] );
	}

	public function test_a_site_that_blocks_other_hosts_is_told_what_to_do(): void {
		( new Settings() )->connect( 'https://relay.example', Relay::KEY );

		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertSame( 'relay-blocked', $this->failure()['relay_code'] );
		$this->assertSame(
			'WordPress may not talk to the relay: WP_HTTP_BLOCK_EXTERNAL is set. Add relay.example to WP_ACCESSIBLE_HOSTS in wp-config.php.',
			$this->failures[0]->get_error_message()
		);
	}

	public function test_nobody_waits_longer_than_two_seconds_whatever_plugins_wish(): void {
		$this->on_a_page();
		$timeouts = array();
		add_filter(
			'pre_http_request',
			function ( $pre, $arguments ) use ( &$timeouts ) {
				$timeouts[] = $arguments['timeout'];
				return $pre;
			},
			10,
			2
		);
		wp_mail( 'ada@x.example', 'One', 'Text' );
		add_filter(
			'http_request_args',
			function ( $arguments ) {
				$arguments['timeout'] = 120;
				return $arguments;
			}
		);

		wp_mail( 'ada@x.example', 'Two', 'Text' );

		$this->assertCount( 2, $timeouts );
		$this->assertLessThanOrEqual( 2.0, max( $timeouts ) );
	}

	/**
	 * @dataProvider faulty_hooks
	 */
	public function test_a_mistake_in_somebodys_code_fails_the_mail_and_not_the_page( string $hook ): void {
		add_filter(
			$hook,
			function () {
				throw new TypeError( 'strlen() expects a string' );
			}
		);

		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertSame( 'plugin-fault', $this->failure()['relay_code'] );
		$this->assertStringContainsString( 'strlen() expects a string', $this->failures[0]->get_error_message() );
	}

	public function faulty_hooks(): array {
		return array(
			'in the HTTP request' => array( 'pre_http_request' ),
			'in the stream'       => array( 'postreeve_stream' ),
		);
	}

	public function test_a_mistake_while_the_mail_is_composed_fails_the_mail_and_not_the_page(): void {
		add_action(
			'phpmailer_init',
			function ( $phpmailer ) {
				$phpmailer->Body = array( 'not', 'a', 'string' );
			}
		);

		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertSame( 'plugin-fault', $this->failure()['relay_code'] );
	}

	public function test_more_people_than_the_relay_takes_at_once_get_the_same_mail_in_groups(): void {
		$people = function ( int $from, int $to ) {
			return array_map(
				function ( $number ) {
					return "p$number@x.example";
				},
				range( $from, $to )
			);
		};

		$this->assertTrue( wp_mail( 'first@x.example', 'Many', 'Text', 'Bcc: ' . implode( ', ', $people( 1, 120 ) ) ) );
		do_action( 'shutdown' );

		$mails  = $this->relay->arrivals();
		$groups = array_map(
			function ( $mail ) {
				return $mail['metadata']['envelope']['to'];
			},
			$mails
		);
		$this->assertSame( array( 50, 50, 21 ), array_map( 'count', $groups ) );
		$this->assertSame( array_merge( array( 'first@x.example' ), $people( 1, 120 ) ), array_merge( ...$groups ) );
		$this->assertCount( 1, array_unique( array_column( $mails, 'mime' ) ), 'They all get the same bytes.' );
		$keys = array_map(
			function ( $mail ) {
				return $mail['headers']['idempotency-key'];
			},
			$mails
		);
		$this->assertCount( 3, array_unique( $keys ) );
	}

	public function test_a_failure_before_the_transport_stays_cores_own(): void {
		$this->relay->problem( 'account-pending', 403, 'Pending' );
		wp_mail( 'ada@x.example', 'Refused', 'Text' );

		wp_mail( 'ada@x.example', 'Empty', '' );

		$this->assertArrayHasKey( 'relay_code', $this->failures[0]->get_error_data() );
		$this->assertArrayNotHasKey( 'relay_code', $this->failures[1]->get_error_data() );
	}

	public function test_a_failure_another_plugin_reports_is_left_alone(): void {
		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		do_action( 'wp_mail_failed', 'not even an error' );

		$this->assertSame( array( 'not even an error' ), $this->failures );
	}

	public function test_a_mail_about_a_failure_goes_out(): void {
		$alert = function () use ( &$alert ) {
			remove_action( 'wp_mail_failed', $alert );
			wp_mail( 'owner@shop.example', 'A mail failed', 'Text' );
		};
		add_action( 'wp_mail_failed', $alert );
		$this->relay->problem( 'nobody-to-mail', 422, 'Nobody to mail' );

		$this->assertFalse( wp_mail( 'gone@x.example', 'Hello', 'Text' ) );

		$this->assertSame( array( 'Hello', 'A mail failed' ), array_column( array_column( $this->relay->mails(), 'mail' ), 'subject' ) );
		$this->assertSame( 'nobody-to-mail', $this->failure()['relay_code'] );
	}

	public function test_a_thousand_mails_do_not_fill_the_memory(): void {
		add_filter(
			'pre_http_request',
			function () {
				return array(
					'response' => array( 'code' => 202 ),
					'body'     => '{"id": "m1"}',
				);
			}
		);
		wp_mail( 'ada@x.example', 'Hello', str_repeat( 'x', 10000 ) );
		$before = memory_get_usage();

		for ( $count = 0; $count < 1000; $count++ ) {
			wp_mail( 'ada@x.example', 'Hello', str_repeat( 'x', 10000 ) );
		}

		$this->assertLessThan( 2 * MB_IN_BYTES, memory_get_usage() - $before );
	}
}
