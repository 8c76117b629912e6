<?php
/**
 * What goes wrong while mails that wait are handed over, and what becomes of them.
 */

namespace Postreeve\Tests;

use Postreeve\Breaker;
use Postreeve\Client;
use Postreeve\Message;
use Postreeve\Outbox;
use Postreeve\Runner;
use Postreeve\Schema;
use Postreeve\Settings;
use Postreeve\Whereabouts;

final class RunnerTest extends Site_Test_Case {

	/**
	 * @dataProvider unreasonable_wishes
	 */
	public function test_however_long_the_relay_wants_to_be_left_alone_a_mail_is_tried_again_within_its_time( $header, $member, int $least, int $most ): void {
		add_filter(
			'pre_http_request',
			function () use ( $header, $member ) {
				return array(
					'response' => array( 'code' => 429 ),
					'headers'  => null === $header ? array() : array( 'retry-after' => $header ),
					'body'     => '{"type": "https://relay.example/problems/limit-reached", "title": "Later", "retry_after": ' . $member . '}',
				);
			}
		);

		$this->assertTrue( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );
		$this->assertWithin( $least, $most );

		( new Outbox() )->hurry();
		do_action( Runner::HOOK );
		$this->assertSame( array( 'waiting limit-reached' ), $this->kept() );
		$this->assertWithin( $least, $most );
	}

	public function unreasonable_wishes(): array {
		$day = DAY_IN_SECONDS;
		return array(
			'ten years'               => array( '315360000', 'null', $day, (int) ( 1.2 * $day ) ),
			'longer than time'        => array( '99999999999999999999', 'null', $day, (int) ( 1.2 * $day ) ),
			'the same in the problem' => array( null, '1e300', $day, (int) ( 1.2 * $day ) ),
			'less than nothing'       => array( '-5', 'null', 48, 360 ),
			'a word'                  => array( 'soon', 'null', 48, 360 ),
			'a list'                  => array( null, '[600]', 48, 360 ),
			'a date'                  => array( gmdate( 'D, d M Y H:i:s', time() + 2 * HOUR_IN_SECONDS ) . ' GMT', 'null', 7000, 8700 ),
			'a date that is past'     => array( 'Wed, 21 Oct 2015 07:28:00 GMT', 'null', 48, 360 ),
		);
	}

	public function test_a_run_that_is_ended_before_its_time_is_begun_again(): void {
		$this->keep( 1 );
		$planned = null;
		add_filter(
			'pre_http_request',
			function ( $pre ) use ( &$planned ) {
				$planned = wp_next_scheduled( Runner::HOOK );
				return $pre;
			}
		);

		$this->run_cron();

		$this->assertEqualsWithDelta( time() + Outbox::CLAIM, $planned, 30 );
		$this->assertFalse( wp_next_scheduled( Runner::HOOK ), 'Nothing waits any more.' );
	}

	public function test_what_begins_a_run_again_does_not_begin_one_that_has_ended(): void {
		$this->keep( 1 );
		$GLOBALS['wpdb']->query( 'UPDATE ' . Schema::outbox() . ' SET attempts = 3' );
		$this->relay->problem( 'unavailable', 503, 'Away' );

		$this->run_cron();

		$this->assertSame( ( new Outbox() )->rows()[0]['due_at'], wp_next_scheduled( Runner::HOOK ) );
		$this->assertGreaterThan( time() + 2000, wp_next_scheduled( Runner::HOOK ) );
	}

	public function test_an_administrators_visit_finds_mail_whose_plan_was_lost(): void {
		$this->keep( 1 );
		wp_clear_scheduled_hook( Runner::HOOK );

		$runner = $this->runner();
		$runner->look_after();
		$runner->after_response( 5.0 );

		$this->assertSame( array(), $this->kept() );
	}

	public function test_mail_that_waited_while_the_plugin_was_deactivated_is_planned_again(): void {
		$this->keep( 1 );
		( new Outbox() )->postpone( ( new Outbox() )->rows()[0]['id'], 'test', 600 );
		$runner = $this->runner();
		$runner->rest();
		$this->assertFalse( wp_next_scheduled( Runner::HOOK ) );

		$runner->look_after();
		$runner->after_response( 5.0 );

		$this->assertEqualsWithDelta( time() + 600, wp_next_scheduled( Runner::HOOK ), 30 );
		$this->assertSame( array(), $this->relay->requests() );
	}

	public function test_a_visit_looks_for_no_lost_plan_where_the_browser_asks_by_itself(): void {
		add_filter( 'wp_doing_ajax', '__return_true' );
		$before = $GLOBALS['wpdb']->num_queries;

		$this->runner()->look_after();

		$this->assertSame( $before, $GLOBALS['wpdb']->num_queries );
	}

	/**
	 * @dataProvider kept_without_waiting
	 */
	public function test_what_is_kept_and_does_not_wait_goes_when_its_time_is_over_with_nothing_else_to_do( callable $keep, string $state ): void {
		$keep( $this->relay );
		$this->assertCount( 1, $this->kept( $state ) );
		$this->assertEqualsWithDelta( time() + Outbox::KEPT[ $state ], wp_next_scheduled( Runner::HOOK ), 30 );

		$this->end_all();
		$this->run_cron();

		$this->assertSame( array(), $this->kept( $state ) );
	}

	public function test_of_what_was_given_up_nothing_is_left_after_a_week_with_nothing_else_to_do(): void {
		$this->keep( 1 );
		$this->end_all();
		$this->run_cron();
		$this->assertSame( array( 'failed expired' ), $this->kept() );
		$this->assertEqualsWithDelta( time() + WEEK_IN_SECONDS, wp_next_scheduled( Runner::HOOK ), 30 );

		$this->end_all();
		$this->run_cron();

		$this->assertSame( array( array(), false ), array( $this->kept(), wp_next_scheduled( Runner::HOOK ) ) );
	}

	public function kept_without_waiting(): array {
		return array(
			'parked'   => array(
				function ( $relay ) {
					$relay->problem( 'key-invalid', 401, 'No' );
					wp_mail( 'ada@x.example', 'Hello', 'Text' );
				},
				Outbox::PARKED,
			),
			'captured' => array(
				function () {
					( new Settings() )->bind( array( 'home' => 'shop.example' ) );
					wp_mail( 'ada@x.example', 'Hello', 'Text' );
				},
				Outbox::CAPTURED,
			),
		);
	}

	public function test_where_wp_cron_is_dead_an_administrators_visit_ends_what_is_over(): void {
		$this->relay->problem( 'key-invalid', 401, 'No' );
		wp_mail( 'ada@x.example', 'Hello', 'Text' );
		$this->end_all();
		wp_clear_scheduled_hook( Runner::HOOK );

		$runner = $this->runner();
		$runner->look_after();
		$runner->after_response( 5.0 );

		$this->assertSame( array( 'failed expired' ), $this->kept() );
	}

	public function test_parked_mail_whose_time_is_over_does_not_go_out_any_more(): void {
		$this->relay->problem( 'key-invalid', 401, 'No' );
		wp_mail( 'ada@x.example', 'Hello', 'Text' );
		$this->end_all();

		$this->assertSame( 0, ( new Outbox() )->release( Outbox::PARKED ) );
	}

	/**
	 * @dataProvider answers_to_a_batch
	 */
	public function test_a_batch_that_something_before_the_relay_refuses_goes_out_one_by_one( int $status, string $body ): void {
		$this->keep( 3 );
		$this->relay->answer( $status, $body, 'text/html' );

		do_action( Runner::HOOK );

		$this->assertSame( array(), $this->kept() );
		$this->assertSame( array( '/v1/messages/batch', '/v1/messages', '/v1/messages', '/v1/messages' ), array_column( $this->relay->requests(), 'path' ) );
	}

	public function answers_to_a_batch(): array {
		return array(
			'too large for a proxy'       => array( 413, '<html>413 Request Entity Too Large</html>' ),
			'a firewall dislikes one'     => array( 403, '<html>Forbidden</html>' ),
			'too large for a gateway'     => array( 413, '{"type": "about:blank", "title": "Payload Too Large", "status": 413}' ),
			'the relay says it of itself' => array( 413, '{"type": "https://relay.example/problems/request-too-large", "title": "Too large"}' ),
		);
	}

	public function test_one_by_one_ends_when_time_is_over_and_the_rest_is_tried_again(): void {
		$this->keep( 4 );
		$this->relay->answer( 413, '<html></html>', 'text/html' );
		$answers = 0;
		add_action(
			'http_api_debug',
			function () use ( &$answers ) {
				if ( 3 === ++$answers ) { // The batch, the first, the second.
					usleep( 2100000 );
				}
			}
		);

		$tally = $this->runner()->run( 2.0 );

		$this->assertSame( array( 2, 2 ), array( $tally['accepted'], $tally['postponed'] ) );
		$this->assertSame( array( 'waiting no-time', 'waiting no-time' ), $this->kept() );
	}

	public function test_a_mistake_of_another_plugin_neither_ends_the_run_nor_loses_the_mail(): void {
		$this->keep( 2 );
		$mistake = function () {
			throw new \TypeError( 'Mine' );
		};
		add_action( 'http_api_debug', $mistake );

		do_action( Runner::HOOK );

		$this->assertSame( array( 'waiting plugin-fault', 'waiting plugin-fault' ), $this->kept() );
		$this->assertNotFalse( wp_next_scheduled( Runner::HOOK ) );
		remove_action( 'http_api_debug', $mistake );
		$this->let_time_pass();
		do_action( Runner::HOOK );
		$this->assertSame( array(), $this->kept() );
	}

	public function test_a_relay_that_wants_none_of_a_batch_now_is_not_asked_for_the_next(): void {
		$this->keep( Runner::MOST + 5, 'refuse:limit-reached:429' );

		do_action( Runner::HOOK );

		$this->assertCount( 1, $this->relay->requests() );
		$this->assertSame( array( 1, 0 ), array_values( array_unique( array_column( array_reverse( ( new Outbox() )->rows() ), 'attempts' ) ) ) );
	}

	/**
	 * @dataProvider workers
	 */
	public function test_of_pages_that_end_at_once_one_goes_on_with_what_waits_and_the_others_stop_after_a_batch( int $others, bool $is_cron, int $left ): void {
		$this->keep( Runner::MOST + 10 );
		if ( $others > 0 ) {
			( new Outbox() )->claim( $others, MB_IN_BYTES );
		}
		add_filter( 'wp_doing_cron', $is_cron ? '__return_true' : '__return_false' );

		$this->runner()->run( 20.0 );

		$this->assertCount( $left, $this->kept() );
	}

	public function workers(): array {
		return array(
			'a page alone'                => array( 0, false, 0 ),
			'a page, and another at work' => array( 5, false, 10 ),
			'WP-Cron, and a page at work' => array( 5, true, 5 ),
		);
	}

	public function test_a_mail_that_does_not_fit_into_the_memory_of_a_page_is_left_to_wp_cron(): void {
		$this->keep( 1 );
		$GLOBALS['wpdb']->query( 'UPDATE ' . Schema::outbox() . ' SET size = ' . 400 * MB_IN_BYTES );

		$this->runner()->run( 5.0 );
		$this->assertSame( array( 'waiting memory-limit' ), $this->kept() );

		add_filter( 'wp_doing_cron', '__return_true' );
		( new Outbox() )->hurry();
		$this->runner()->run( 5.0 );
		$this->assertSame( array( 'parked memory-limit' ), $this->kept() );
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_the_visitors_session_is_let_go_with_the_visitor(): void {
		require dirname( __DIR__ ) . '/support/fastcgi.php';
		session_start( array( 'use_cookies' => 0, 'cache_limiter' => '', 'save_path' => get_temp_dir() ) );
		$this->keep( 1 );

		$runner = $this->runner();
		$runner->run_later();
		$runner->after_response( 5.0 );

		$this->assertFalse( $GLOBALS['open'] );
		$this->assertSame( array(), $this->kept() );
	}

	public function test_a_clock_that_was_wrong_does_not_keep_the_relay_from_being_asked(): void {
		update_option( Breaker::OPTION, time() + DAY_IN_SECONDS );

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->mail();
	}

	/**
	 * As WP-Cron does it: the plan goes before the work begins.
	 */
	private function run_cron(): void {
		wp_clear_scheduled_hook( Runner::HOOK );
		do_action( Runner::HOOK );
	}

	/**
	 * The time of everything that is kept is over.
	 */
	private function end_all(): void {
		$GLOBALS['wpdb']->query( 'UPDATE ' . Schema::outbox() . ' SET expires_at = ' . ( time() - 1 ) );
	}

	private function assertWithin( int $least, int $most ): void {
		$left = ( new Outbox() )->rows()[0]['due_at'] - time();
		$this->assertTrue( $least - 20 <= $left && $left <= $most, "It is due in $left seconds." );
	}

	private function keep( int $count, string $subject = 'Kept' ): void {
		foreach ( range( 1, $count ) as $number ) {
			$mail = new Message( array( "From: shop@shop.example\r\nSubject: $subject\r\n\r\n", "Text $number" ), array( 'from' => 'shop@shop.example', 'to' => array( 'ada@x.example' ) ), '', '', 'shop' );
			$this->assertIsInt( ( new Outbox() )->put( $mail, Outbox::WAITING, 'test' ) );
		}
	}

	private function runner(): Runner {
		$settings = new Settings();
		return new Runner( new Client( $settings ), new Outbox(), new Breaker(), $settings, new Whereabouts( $settings, new Outbox() ) );
	}
}
