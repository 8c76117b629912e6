<?php
/**
 * What becomes of mail the relay cannot take at once.
 */

namespace Postreeve\Tests;

use Postreeve\Breaker;
use Postreeve\Client;
use Postreeve\Message;
use Postreeve\Outbox;
use Postreeve\Outbox_Key;
use Postreeve\Runner;
use Postreeve\Schema;
use Postreeve\Settings;
use Postreeve\Whereabouts;

final class OutboxTest extends Site_Test_Case {

	/**
	 * @dataProvider passing_troubles
	 */
	public function test_a_mail_the_relay_cannot_take_now_is_kept_and_arrives_later( callable $trouble, string $reason ): void {
		$trouble( $this->relay );
		$queued = array();
		add_action(
			'postreeve_mail_queued',
			function ( ...$told ) use ( &$queued ) {
				$queued[] = $told;
			},
			10,
			3
		);

		$this->assertTrue( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertSame( array( "waiting $reason" ), $this->kept() );
		$this->assertSame( array(), $this->failures );
		$this->assertSame( array( $reason, array( 'ada@x.example' ) ), array_slice( $queued[0], 1 ) );
		$this->assertNotFalse( wp_next_scheduled( Runner::HOOK ) );

		( new Settings() )->connect( $this->relay->url(), Relay::KEY );
		$this->let_time_pass();
		do_action( Runner::HOOK );

		$mails = $this->relay->arrivals();
		$mail  = end( $mails );
		$this->assertSame( 'Hello', $mail['mail']['subject'] );
		$this->assertSame( $queued[0][0], $mail['headers']['idempotency-key'] );
		$this->assertSame( array(), $this->kept() );
		$this->assertFalse( wp_next_scheduled( Runner::HOOK ), 'Nothing is planned while nothing waits.' );
	}

	public function passing_troubles(): array {
		return array(
			'nobody answers'    => array(
				function () {
					( new Settings() )->connect( 'http://127.0.0.1:1', Relay::KEY );
				},
				'relay-unreachable',
			),
			'it is not well'    => array(
				function ( $relay ) {
					$relay->problem( 'unavailable', 503, 'Away' );
				},
				'unavailable',
			),
			'a limit'           => array(
				function ( $relay ) {
					$relay->problem( 'limit-reached', 429, 'Later' );
				},
				'limit-reached',
			),
			'a gateway before it' => array(
				function ( $relay ) {
					$relay->answer( 502, '<html>Bad gateway</html>', 'text/html' );
				},
				'relay-unexpected',
			),
		);
	}

	public function test_a_mail_whose_answer_was_lost_arrives_once(): void {
		$this->on_a_page();
		add_filter( 'postreeve_seconds_per_request', array( $this, 'half_a_second' ) );
		$this->relay->answer( 202, '{"id": "lost"}', 'application/json', 1.5 );
		$began = microtime( true );
		$this->assertTrue( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );
		$this->assertLessThan( 1.2, microtime( true ) - $began );
		remove_filter( 'postreeve_seconds_per_request', array( $this, 'half_a_second' ) );

		$this->let_time_pass();
		do_action( Runner::HOOK );

		$keys = array();
		foreach ( $this->relay->arrivals() as $mail ) {
			$keys[] = $mail['headers']['idempotency-key'];
		}
		$this->assertCount( 2, $keys );
		$this->assertCount( 1, array_unique( $keys ) );
		$this->assertSame( array(), $this->kept() );
	}

	public function half_a_second(): float {
		return 0.5;
	}

	public function test_after_a_lost_answer_nobody_else_waits_for_a_minute(): void {
		( new Settings() )->connect( 'http://127.0.0.1:1', Relay::KEY );
		wp_mail( 'ada@x.example', 'First', 'Text' );
		( new Settings() )->connect( $this->relay->url(), Relay::KEY );

		wp_mail( 'ada@x.example', 'Second', 'Text' );

		$this->assertSame( array(), $this->relay->requests() );
		$this->assertCount( 2, $this->kept( 'waiting' ) );
		$this->assertEqualsWithDelta( time() + 60, get_option( Breaker::OPTION ), 2 );
	}

	public function test_from_a_requests_third_mail_on_they_leave_together_after_the_response(): void {
		$this->on_a_page();

		foreach ( range( 1, 7 ) as $number ) {
			$this->assertTrue( wp_mail( "p$number@x.example", "Mail $number", 'Text' ) );
		}

		$this->assertCount( 2, $this->relay->arrivals() );
		$this->assertCount( 5, $this->kept( 'waiting' ) );
		do_action( 'shutdown' );
		$this->assertSame( array( '/v1/messages', '/v1/messages', '/v1/messages/batch', '/v1/account' ), array_column( $this->relay->requests(), 'path' ) );
		$this->assertCount( 7, $this->relay->arrivals() );
		foreach ( $this->relay->arrivals() as $mail ) {
			$this->assertSame( array(), $mail['faults'] );
		}
		$this->assertSame( array(), $this->kept() );
	}

	public function test_one_page_spends_two_seconds_on_the_relay_and_not_more(): void {
		$this->on_a_page();
		$this->relay->answer( 202, '{"id": "a"}', 'application/json', 1.85 );

		wp_mail( 'ada@x.example', 'First', 'Text' );
		$began = microtime( true );
		wp_mail( 'ada@x.example', 'Second', 'Text' );

		$this->assertLessThan( 0.3, microtime( true ) - $began );
		$this->assertCount( 1, $this->relay->arrivals() );
		$this->assertSame( array( 'waiting no-time' ), $this->kept() );
	}

	public function test_a_page_that_waited_for_the_relay_in_vain_does_not_wait_again_after_the_response(): void {
		$this->on_a_page();
		$this->relay->answer( 202, '{"id": "a"}', 'application/json', 3.0 );
		foreach ( range( 1, 4 ) as $number ) {
			$this->assertTrue( wp_mail( "p$number@x.example", "Mail $number", 'Text' ) );
		}

		do_action( 'shutdown' );

		$this->assertCount( 1, $this->relay->requests() );
		$this->assertCount( 4, $this->kept( 'waiting' ) );
		$this->assertNotFalse( wp_next_scheduled( Runner::HOOK ) );
	}

	public function test_what_arrives_later_is_byte_for_byte_what_would_have_arrived(): void {
		$file = wp_tempnam( 'attachment' );
		file_put_contents( $file, random_bytes( 3 * MB_IN_BYTES ) );
		$this->relay->problem( 'unavailable', 503, 'Away' );

		wp_mail( 'Zoë <zoe@x.example>', 'Grüße', 'Text', 'X-Postreeve-Stream: notification', array( $file ) );
		$this->let_time_pass();
		do_action( Runner::HOOK );

		list( $refused, $taken ) = $this->relay->arrivals();
		unlink( $file );
		$this->assertSame( $refused['mime'], $taken['mime'] );
		$this->assertSame( $refused['metadata'], $taken['metadata'] );
	}

	/**
	 * @dataProvider final_refusals
	 */
	public function test_a_refusal_fails_and_keeps_nothing( string $code, int $status ): void {
		$this->relay->problem( $code, $status, 'No' );

		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertSame( $code, $this->failure()['relay_code'] );
		$this->assertSame( array(), $this->kept() );
	}

	public function final_refusals(): array {
		return array(
			'nobody to mail' => array( 'nobody-to-mail', 422 ),
			'broken'         => array( 'message-invalid', 400 ),
			'too large'      => array( 'message-too-large', 413 ),
			'free mail'      => array( 'free-mail-sender', 422 ),
		);
	}

	/**
	 * @dataProvider refusals_an_owner_can_fix
	 */
	public function test_what_the_owner_can_put_right_fails_and_is_parked_for_three_days( string $code, int $status ): void {
		$this->relay->problem( $code, $status, 'No' );

		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertSame( array( $code, true ), array( $this->failure()['relay_code'], $this->failure()['relay_parked'] ) );
		$this->assertSame( array( "parked $code" ), $this->kept() );
		$this->assertEqualsWithDelta( time() + 72 * HOUR_IN_SECONDS, ( new Outbox() )->rows()[0]['expires_at'], 5 );
		do_action( Runner::HOOK );
		$this->assertCount( 1, $this->relay->requests(), 'It waits for the owner.' );

		$this->assertSame( 1, ( new Outbox() )->release( Outbox::PARKED ) );
		do_action( Runner::HOOK );
		$this->assertCount( 2, $this->relay->arrivals() );
		$this->assertSame( array(), $this->kept() );
	}

	public function refusals_an_owner_can_fix(): array {
		return array(
			'the key'    => array( 'key-invalid', 401 ),
			'the site'   => array( 'key-site-mismatch', 403 ),
			'the state'  => array( 'account-suspended', 403 ),
			'the sender' => array( 'sender-not-verified', 422 ),
		);
	}

	/**
	 * @dataProvider mails_of_all_shapes
	 */
	public function test_a_mail_that_is_repeated_because_it_failed_is_parked_once( int $groups, ...$mail ): void {
		foreach ( array( 0, 0, 540, 540 ) as $seconds ) {
			$this->wait( $seconds );
			$this->refuse();
			$this->assertFalse( wp_mail( ...$mail ) );
			$this->assertTrue( end( $this->failures )->get_error_data()['relay_parked'] );
		}

		$this->assertCount( $groups, $this->kept( 'parked' ) );
		$this->assertEqualsWithDelta( time() + 72 * HOUR_IN_SECONDS, ( new Outbox() )->ends(), 5 );
		( new Outbox() )->release( Outbox::PARKED );
		do_action( Runner::HOOK );
		$this->assertCount( 4 + $groups, $this->relay->arrivals() );
		$this->assertSame( array(), $this->kept() );
	}

	public function mails_of_all_shapes(): array {
		$people = array();
		foreach ( range( 1, 120 ) as $number ) {
			$people[] = "p$number@x.example";
		}
		return array(
			'text'               => array( 1, 'ada@x.example', 'Hello', 'Text' ),
			'with an attachment' => array( 1, 'ada@x.example', 'Hello', 'Text', 'Cc: bob@x.example', __FILE__ ),
			'to many people'     => array( 3, $people, 'Hello', 'Text' ),
		);
	}

	/**
	 * @dataProvider other_mails
	 */
	public function test_a_mail_that_differs_is_parked_beside_it( int $seconds, ...$mail ): void {
		$this->refuse();
		wp_mail( 'ada@x.example', 'Your order', 'Number 1', '', __FILE__ );
		$this->wait( $seconds );
		$this->refuse();
		wp_mail( ...$mail );

		$this->assertCount( 2, $this->kept( 'parked' ) );
	}

	public function other_mails(): array {
		return array(
			'in its words'      => array( 0, 'ada@x.example', 'Your order', 'Number 2', '', __FILE__ ),
			'in its subject'    => array( 0, 'ada@x.example', 'Your orders', 'Number 1', '', __FILE__ ),
			'in its headers'    => array( 0, 'ada@x.example', 'Your order', 'Number 1', 'X-Order: 2', __FILE__ ),
			'in its attachment' => array( 0, 'ada@x.example', 'Your order', 'Number 1', '', __DIR__ . '/TrapsTest.php' ),
			'in who gets it'    => array( 0, 'bob@x.example', 'Your order', 'Number 1', '', __FILE__ ),
			'in who gets a Bcc' => array( 0, 'ada@x.example', 'Your order', 'Number 1', 'Bcc: bob@x.example', __FILE__ ),
			'in nothing, later' => array( 601, 'ada@x.example', 'Your order', 'Number 1', '', __FILE__ ),
		);
	}

	public function test_what_had_been_taken_before_is_not_repeated(): void {
		( new Breaker() )->open();
		$this->assertTrue( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );
		$this->let_time_pass();
		$this->refuse();
		do_action( Runner::HOOK );
		$this->assertSame( array( 'parked sender-not-verified' ), $this->kept() );

		$this->refuse();
		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertCount( 2, $this->kept( 'parked' ) );
	}

	public function test_each_mail_of_a_batch_has_its_own_end(): void {
		$this->on_a_page();
		$failed = array();
		add_action(
			'postreeve_mail_failed',
			function ( $id, $reason ) use ( &$failed ) {
				$failed[] = $reason;
			},
			10,
			2
		);
		foreach ( array( 'One', 'Two', 'Good', 'refuse:limit-reached:429', 'refuse:sender-not-verified:422', 'refuse:nobody-to-mail:422' ) as $subject ) {
			wp_mail( 'ada@x.example', $subject, 'Text' );
		}

		do_action( 'shutdown' );

		$this->assertSame( array( 'waiting limit-reached', 'parked sender-not-verified', 'failed nobody-to-mail' ), $this->kept() );
		$this->assertSame( array( 'nobody-to-mail' ), $failed );
		$rows = ( new Outbox() )->rows( 'waiting' );
		$this->assertGreaterThanOrEqual( time() + 595, $rows[0]['due_at'], 'The relay asked for ten minutes.' );
		$this->assertSame( 1, $rows[0]['attempts'] );
	}

	public function test_a_relay_that_knows_the_key_has_the_mail(): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'ada@x.example', 'Hello', 'Text' );
		$this->let_time_pass();
		$this->relay->problem( 'idempotency-key-reused', 409, 'Reused' );

		do_action( Runner::HOOK );

		$this->assertSame( array(), $this->kept() );
	}

	public function test_it_waits_longer_each_time_and_as_long_as_it_is_asked_to(): void {
		$ranges = array( array( 48, 72 ), array( 240, 360 ), array( 720, 1080 ), array( 2880, 4320 ), array( 2880, 4320 ) );
		foreach ( $ranges as $attempts => list( $least, $most ) ) {
			foreach ( range( 1, 20 ) as $try ) {
				$delay = Runner::delay( $attempts );
				$this->assertTrue( $least <= $delay && $delay <= $most, "Attempt $attempts, try $try waits $delay seconds." );
			}
		}
		$this->assertGreaterThanOrEqual( 7200, Runner::delay( 0, 7200 ) );
	}

	public function test_two_requests_never_work_on_the_same_mail(): void {
		$this->keep( 3 );
		$first  = ( new Outbox() )->claim( 2, MB_IN_BYTES );
		$second = ( new Outbox() )->claim( 10, MB_IN_BYTES );

		$this->assertCount( 2, $first );
		$this->assertCount( 1, $second );
		$this->assertSame( array(), array_intersect( array_column( $first, 'id' ), array_column( $second, 'id' ) ) );
	}

	public function test_a_claim_whose_request_died_ends(): void {
		global $wpdb;
		$this->keep( 1 );
		( new Outbox() )->claim( 10, MB_IN_BYTES );
		$this->assertSame( array(), ( new Outbox() )->claim( 10, MB_IN_BYTES ) );

		$wpdb->query( 'UPDATE ' . Schema::outbox() . ' SET claimed_until = claimed_until - 121' );

		$this->assertCount( 1, ( new Outbox() )->claim( 10, MB_IN_BYTES ) );
	}

	public function test_after_two_days_a_mail_is_given_up_and_stays_to_be_seen_without_its_text(): void {
		global $wpdb;
		$this->keep( 1 );
		$wpdb->query( 'UPDATE ' . Schema::outbox() . ' SET expires_at = ' . ( time() - 1 ) );
		$told = array();
		add_action(
			'postreeve_mail_failed',
			function ( $id, $reason ) use ( &$told ) {
				$told[] = $reason;
				throw new \TypeError( 'Mine' );
			},
			10,
			2
		);

		do_action( Runner::HOOK );

		$this->assertSame( array( 'expired' ), $told );

		$this->assertSame( array( 'failed expired' ), $this->kept() );
		$this->assertSame( array( 'ada@x.example' ), ( new Outbox() )->rows()[0]['to'] );
		$this->assertSame( '0', $wpdb->get_var( 'SELECT COUNT(*) FROM ' . Schema::chunks() ) );
		$this->assertSame( array(), $this->relay->requests() );
	}

	public function test_the_database_alone_reveals_neither_text_nor_addresses(): void {
		global $wpdb;
		$this->keep( 1 );

		$everything = wp_json_encode( array( $wpdb->get_results( 'SELECT * FROM ' . Schema::outbox() ), $wpdb->get_results( 'SELECT * FROM ' . Schema::chunks() ), get_option( Outbox_Key::OPTION ) ) );

		foreach ( array( 'ada@x.example', 'A secret link', base64_encode( Outbox_Key::get() ) ) as $secret ) {
			$this->assertStringNotContainsString( $secret, $everything );
			$this->assertStringNotContainsString( base64_encode( $secret ), $everything );
		}
	}

	public function test_other_salts_leave_the_outbox_readable(): void {
		$this->keep( 1 );
		$this->change_salts();

		$claimed = ( new Outbox() )->claim( 10, MB_IN_BYTES );

		$this->assertStringContainsString( 'A secret link', implode( '', $claimed[0]['message']->pieces() ) );
		$key = Outbox_Key::get();
		$this->assertSame( $key, Outbox_Key::get(), 'Both locks fit again.' );
	}

	public function test_of_two_requests_that_make_the_key_one_is_heeded_by_both(): void {
		delete_option( Outbox_Key::OPTION );
		get_option( Outbox_Key::OPTION );
		$other = array();
		$meets = function ( $statement ) use ( &$meets, &$other ) {
			if ( 0 === strpos( $statement, 'INSERT IGNORE' ) ) {
				remove_filter( 'query', $meets );
				$other['key'] = Outbox_Key::get();
			}
			return $statement;
		};
		add_filter( 'query', $meets );

		$mine = Outbox_Key::get();

		$this->assertSame( $other['key'], $mine );
		$this->assertSame( $mine, Outbox_Key::get() );
	}

	public function test_another_database_password_leaves_it_readable_too(): void {
		$key                = Outbox_Key::get();
		$stored             = get_option( Outbox_Key::OPTION );
		$stored['database'] = \Postreeve\Vault::seal( $key, str_repeat( 'x', 32 ) );
		update_option( Outbox_Key::OPTION, $stored );

		$this->assertSame( $key, Outbox_Key::get() );
	}

	public function test_what_cannot_be_read_any_more_is_given_up_and_holds_nothing_up(): void {
		$this->keep( 1 );
		delete_option( Outbox_Key::OPTION );
		$this->keep( 1 );

		do_action( Runner::HOOK );

		$this->assertSame( array( 'failed unreadable' ), $this->kept() );
		$this->assertCount( 1, $this->relay->arrivals() );
	}

	public function test_an_outbox_that_cannot_be_written_makes_the_mail_fail(): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		$this->break_the_outbox();

		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertSame( 'outbox-unwritable', $this->failure()['relay_code'] );
	}

	public function test_without_an_outbox_further_mails_are_handed_over_at_once(): void {
		$this->on_a_page();
		$this->break_the_outbox();

		foreach ( range( 1, 4 ) as $number ) {
			$this->assertTrue( wp_mail( 'ada@x.example', "Mail $number", 'Text' ) );
		}

		$this->assertCount( 4, $this->relay->mails() );
	}

	public function test_without_an_outbox_all_groups_of_many_people_are_handed_over_at_once(): void {
		$this->break_the_outbox();
		$people = array_map(
			function ( $number ) {
				return "p$number@x.example";
			},
			range( 1, 120 )
		);

		$this->assertTrue( wp_mail( $people, 'Hello', 'Text' ) );

		$this->assertCount( 3, $this->relay->mails() );
	}

	public function test_a_missing_table_is_made(): void {
		Schema::drop();

		$this->keep( 1 );

		$this->assertCount( 1, $this->kept( 'waiting' ) );
	}

	public function test_a_mail_of_more_than_fifty_megabytes_is_not_kept(): void {
		$pieces = array_fill( 0, 51, str_repeat( 'x', MB_IN_BYTES ) );
		$kept   = ( new Outbox() )->put( new Message( $pieces, array( 'from' => 'a@x.example', 'to' => array( 'b@x.example' ) ), '', '', '' ), Outbox::WAITING, 'test' );

		$this->assertWPError( $kept, 'too-large-to-keep' );
		$this->assertSame( array(), $this->kept() );
	}

	public function test_such_a_mail_fails_at_once_and_keeps_no_other_from_the_relay(): void {
		$this->on_a_page();
		$settings    = new Settings();
		$client      = new Client( $settings );
		$whereabouts = new Whereabouts( $settings, new Outbox() );
		$runner      = new Runner( $client, new Outbox(), new Breaker(), $settings, $whereabouts );
		$courier     = new \Postreeve\Courier( $client, new Outbox(), new Breaker(), $runner, $whereabouts, new \Postreeve\Account( $client ) );
		$this->relay->answer( 202, '{"id": "late"}', 'application/json', 3.0 );

		$told = $courier->carry( new Message( array_fill( 0, 51, str_repeat( 'x', MB_IN_BYTES ) ), array( 'from' => 'a@x.example', 'to' => array( 'b@x.example' ) ), '', '', '' ) );

		$this->assertWPError( $told, 'too-large-to-keep' );
		$this->assertSame( array(), $this->relay->requests() );
		$this->assertFalse( ( new Breaker() )->is_open() );
	}

	public function test_a_full_outbox_makes_the_mail_fail_and_nobody_waits_for_that(): void {
		$this->fill( 500 * MB_IN_BYTES );
		( new Breaker() )->open();

		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertSame( 'outbox-full', $this->failure()['relay_code'] );
		$this->assertCount( 1, $this->kept() );
		$this->assertSame( array(), $this->relay->requests() );
	}

	public function test_a_full_outbox_takes_nothing_from_mail_the_relay_takes_at_once(): void {
		$this->fill( 500 * MB_IN_BYTES );
		$this->on_a_page();

		foreach ( range( 1, 4 ) as $number ) {
			$this->assertTrue( wp_mail( 'ada@x.example', "Mail $number", 'Text' ) );
		}

		$this->assertCount( 4, $this->relay->mails() );
	}

	public function test_a_full_outbox_keeps_room_for_mail_that_lets_people_in(): void {
		$this->fill( 500 * MB_IN_BYTES );
		( new Breaker() )->open();

		$this->assertTrue( wp_mail( 'ada@x.example', 'Your new password', 'Text', 'X-Postreeve-Kind: security' ) );

		$this->fill( 505 * MB_IN_BYTES );
		$this->assertFalse( wp_mail( 'ada@x.example', 'Your new password', 'Text', 'X-Postreeve-Kind: security' ) );
	}

	public function test_what_was_sent_or_given_up_makes_room(): void {
		$this->fill( 500 * MB_IN_BYTES );
		( new Outbox() )->fail( ( new Outbox() )->rows()[0]['id'], 'test' );

		$this->assertFalse( ( new Outbox() )->is_full() );
		$this->keep( 1 );
	}

	public function test_of_a_mail_to_many_people_all_groups_are_kept_or_none(): void {
		( new Breaker() )->open();
		$people = array_map(
			function ( $number ) {
				return "p$number@x.example";
			},
			range( 1, 120 )
		);
		$this->fill( 500 * MB_IN_BYTES - 25000 );

		$this->assertFalse( wp_mail( $people, 'Hello', str_repeat( "Text\n", 2000 ) ) );

		$this->assertCount( 1, $this->kept() );
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_wp_config_says_how_much_is_kept(): void {
		define( 'POSTREEVE_OUTBOX_LIMIT', 20 );
		$this->keep( 1 );
		$this->assertFalse( ( new Outbox() )->is_full() );

		$this->fill( 18 * MB_IN_BYTES );

		$this->assertTrue( ( new Outbox() )->is_full() );
	}

	public function test_a_mistake_of_a_listener_does_not_make_the_mail_fail(): void {
		add_action(
			'postreeve_mail_queued',
			function () {
				throw new \TypeError( 'Mine' );
			}
		);
		$this->relay->problem( 'unavailable', 503, 'Away' );

		$this->assertTrue( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertCount( 1, $this->kept( 'waiting' ) );
	}

	public function test_a_success_takes_what_is_due_with_it(): void {
		$this->keep( 2 );

		wp_mail( 'ada@x.example', 'Works again', 'Text' );
		do_action( 'shutdown' );

		$this->assertCount( 3, $this->relay->arrivals() );
		$this->assertSame( array(), $this->kept() );
	}

	public function test_an_administrators_visit_does_the_work_of_a_dead_cron(): void {
		$this->keep( 1 );
		wp_clear_scheduled_hook( Runner::HOOK );
		wp_schedule_single_event( time() - 400, Runner::HOOK );
		$settings    = new Settings();
		$whereabouts = new Whereabouts( $settings, new Outbox() );
		$runner      = new Runner( new Client( $settings ), new Outbox(), new Breaker(), $settings, $whereabouts );

		$runner->look_after();
		$runner->after_response( 5.0 );

		$this->assertSame( array(), $this->kept() );
	}

	public function test_nothing_leaves_while_the_plugin_is_switched_off_or_not_connected(): void {
		$this->keep( 1 );
		( new Settings() )->connect( $this->relay->url(), '' );

		do_action( Runner::HOOK );

		$this->assertSame( array(), $this->relay->requests() );
		$this->assertCount( 1, $this->kept( 'waiting' ) );
	}

	private function assertWPError( $value, string $code ): void {
		$this->assertInstanceOf( \WP_Error::class, $value );
		$this->assertSame( $code, $value->get_error_code() );
	}

	private function keep( int $count ): void {
		foreach ( range( 1, $count ) as $number ) {
			$mail = new Message( array( "Subject: Kept $number\r\n\r\n", 'A secret link' ), array( 'from' => 'shop@shop.example', 'to' => array( 'ada@x.example' ) ), '', '', 'shop' );
			$this->assertIsInt( ( new Outbox() )->put( $mail, Outbox::WAITING, 'test' ) );
		}
	}

	private function refuse(): void {
		$this->relay->problem( 'sender-not-verified', 422, 'No' );
	}

	private function wait( int $seconds ): void {
		$GLOBALS['wpdb']->query( 'UPDATE ' . Schema::outbox() . " SET due_at = due_at - $seconds, expires_at = expires_at - $seconds" );
	}

	private function fill( int $bytes ): void {
		( new Outbox() )->purge();
		$this->keep( 1 );
		$GLOBALS['wpdb']->query( 'UPDATE ' . Schema::outbox() . " SET size = $bytes" );
	}

	private function change_salts(): void {
		add_filter(
			'salt',
			function ( $salt ) {
				return strrev( $salt );
			}
		);
	}

	private function break_the_outbox(): void {
		add_filter(
			'query',
			function ( $statement ) {
				return preg_match( '/^INSERT INTO `?\w*postreeve_/', $statement ) ? 'INSERT INTO nowhere VALUES (1)' : $statement;
			}
		);
	}
}
