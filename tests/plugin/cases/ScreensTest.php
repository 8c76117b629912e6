<?php
/**
 * What screens say, made from what the relay says: no requests, no pages.
 */

namespace Postreeve\Tests;

use Postreeve\Account;
use Postreeve\Alarm;
use Postreeve\Client;
use Postreeve\Connection;
use Postreeve\Desk;
use Postreeve\Diagnosis;
use Postreeve\Domain_Page;
use Postreeve\Errands;
use Postreeve\Handshake;
use Postreeve\Mails_Page;
use Postreeve\Outbox;
use Postreeve\Reading;
use Postreeve\Settings;
use Postreeve\Status_Page;
use Postreeve\Steps;
use Postreeve\Summary;
use Postreeve\Whereabouts;
use Postreeve\Widget;
use Postreeve\Words;

final class ScreensTest extends Site_Test_Case {

	protected function tearDown(): void {
		Desk::forget();
		delete_transient( Handshake::MEMORY );
		parent::tearDown();
	}

	/**
	 * @dataProvider accounts
	 */
	public function test_the_first_sentence_is_about_what_matters_most( array $account, bool $live, string $code, string $notice ): void {
		$settings = new Settings();
		$settings->set_live( $live );

		$summary = $this->summary( $account );

		$this->assertSame( array( $code, $notice ), array( $summary->code, $summary->notice ) );
		$this->assertNotSame( '', $summary->title );
		$this->assertNotSame( '', $summary->text );
	}

	public function accounts(): array {
		$well  = array(
			'ready' => true,
			'usage' => array( 'day' => array( 'recipients' => 3 ) ),
		);
		$state = static function ( $state ) use ( $well ) {
			return array( 'site' => array( 'state' => $state ) ) + $well;
		};
		$gone  = static function ( $name ) use ( $well ) {
			return array( 'default_from' => 'The shop <hello@shop.example>', 'domains' => array( array( 'name' => $name, 'status' => 'failing' ) ) ) + $well;
		};
		return array(
			'all is well'            => array( $well, true, 'ready', 'success' ),
			'ready, and not live'    => array( $well, false, 'ready', 'info' ),
			'the domain is missing'  => array( array( 'ready' => false ), false, 'not-ready', 'warning' ),
			'its records are gone'   => array( $gone( 'shop.example' ), true, 'failing', 'warning' ),
			'another site\'s are'    => array( $gone( 'other.example' ), true, 'ready', 'success' ),
			'warned'                 => array( $state( 'warned' ), true, 'warned', 'warning' ),
			'limited'                => array( $state( 'limited' ), true, 'limited', 'warning' ),
			'suspended'              => array( $state( 'suspended' ), true, 'suspended', 'error' ),
			'waiting for an operator' => array( $state( 'pending' ), false, 'pending', 'warning' ),
		);
	}

	public function test_changed_rules_are_said_after_everything_that_is_wrong(): void {
		$old = array( 'ready' => true, 'policy' => array( 'version' => '2027-01', 'accepted_version' => '2026-11', 'url' => 'https://relay.example/policy' ) );

		$summary = $this->summary( $old );
		$this->assertSame( array( 'policy', "The relay's rules for sending have changed." ), array( $summary->code, $summary->text ) );
		$this->assertStringEndsWith( '#postreeve-policy', $summary->next[1] );

		$this->assertSame( 'warned', $this->summary( array( 'site' => array( 'state' => 'warned' ) ) + $old )->code );
		$this->assertSame( 'ready', $this->summary( array_replace_recursive( $old, array( 'policy' => array( 'accepted_version' => '2027-01' ) ) ) )->code );
	}

	public function test_a_new_account_is_led_to_the_rules_without_which_it_is_not_approved(): void {
		$new = array( 'account' => array( 'state' => 'pending' ), 'policy' => array( 'version' => '2026-11', 'accepted_version' => null ) );

		$this->assertStringEndsWith( '#postreeve-policy', $this->summary( $new )->next[1] );
		$this->assertSame( "The relay's rules for sending are not accepted yet.", Status_Page::policy( $new )['title'] );
		$step = Status_Page::checklist( true, $new, array( 'id' => '', 'delivered' => false ) )[2];
		$this->assertSame( array( '#postreeve-policy', 'No account is approved without.' ), array( $step['url'], $step['text'] ) );
	}

	/**
	 * @dataProvider policies_of_a_wrong_shape
	 */
	public function test_a_relay_that_tells_no_rules_is_asked_for_none( $policy ): void {
		$this->assertSame( array(), Status_Page::policy( array( 'policy' => $policy ) ) );
	}

	public function policies_of_a_wrong_shape(): array {
		return array( array( null ), array( 'x' ), array( array() ), array( array( 'version' => array() ) ) );
	}

	/**
	 * @dataProvider answers_of_its_owner
	 */
	public function test_a_site_whose_mail_is_kept_is_never_said_to_be_well( string $answer, string $notice ): void {
		( new Settings() )->bind( array( 'home' => 'shop.example' ) );
		if ( '' !== $answer ) {
			$this->whereabouts()->is_a_copy();
		}

		$summary = $this->summary( array( 'ready' => true ) );

		$this->assertSame( array( 'elsewhere', $notice ), array( $summary->code, $summary->notice ) );
		$this->assertStringContainsString( 'It was connected as shop.example', $summary->text );
	}

	public function answers_of_its_owner(): array {
		return array( array( '', 'error' ), array( 'a copy', 'info' ) );
	}

	public function test_an_outbox_without_room_comes_first_with_its_cause(): void {
		global $wpdb;
		$this->relay->answer( 503, '{}' );
		wp_mail( 'ada@x.example', 'Hello', 'Text' );
		$wpdb->query( 'UPDATE ' . \Postreeve\Schema::outbox() . ' SET size = ' . 499 * MB_IN_BYTES );
		$away = new Reading( null, 0, \Postreeve\Problems::unreachable( 'https://relay.example', new \WP_Error( 'x', 'timed out' ) ) );

		$summary = Summary::of( new Settings(), $this->whereabouts(), new Outbox(), Connection::of( new Settings(), $away ), array() );
		$this->alarm()->look();

		$this->assertSame( 'full', $summary->code );
		$this->assertStringContainsString( 'The relay cannot be reached. Mails that wait or are parked take 499 MB of 500 MB.', $summary->text );
		$this->assertSame( 'full', ( new Settings() )->alarm() );
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_where_to_raise_the_limit_of_the_outbox_is_where_it_is_set(): void {
		$this->assertStringEndsWith( 'or raise POSTREEVE_OUTBOX_LIMIT in wp-config.php.', Summary::full( new Outbox() ) );

		putenv( 'POSTREEVE_OUTBOX_LIMIT=20' );
		$this->assertStringEndsWith( 'or raise POSTREEVE_OUTBOX_LIMIT in the environment.', Summary::full( new Outbox() ) );

		define( 'POSTREEVE_OUTBOX_LIMIT', 30 );
		$this->assertStringEndsWith( 'or raise POSTREEVE_OUTBOX_LIMIT in wp-config.php.', Summary::full( new Outbox() ) );
	}

	public function test_parked_mails_come_before_good_news(): void {
		$this->relay->problem( 'sender-not-verified', 422, 'No' );
		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( 'parked', $this->summary( array( 'ready' => true ) )->code );
	}

	public function test_a_relay_that_is_away_is_said_with_what_waits(): void {
		$this->relay->answer( 503, '{}' );
		wp_mail( 'ada@x.example', 'Hello', 'Text' );
		$away = new Reading( null, 0, \Postreeve\Problems::unreachable( 'https://relay.example', new \WP_Error( 'x', 'timed out' ) ) );

		$summary = Summary::of( new Settings(), $this->whereabouts(), new Outbox(), Connection::of( new Settings(), $away ), array() );

		$this->assertSame( 'relay-unreachable', $summary->code );
		$this->assertStringContainsString( 'Mails kept here until then: 1', $summary->text );
	}

	/**
	 * @dataProvider statuses
	 */
	public function test_a_copy_s_stations_say_how_far_it_came( string $status, array $states ): void {
		$this->assertSame( $states, array_column( Steps::of( array( 'status' => $status ) ), 'state' ) );
	}

	public function statuses(): array {
		return array(
			array( 'queued', array( 'done', 'now', 'later' ) ),
			array( 'held', array( 'done', 'now', 'later' ) ),
			array( 'sent', array( 'done', 'done', 'now' ) ),
			array( 'delivered', array( 'done', 'done', 'done' ) ),
			array( 'complained', array( 'done', 'done', 'done' ) ),
			array( 'bounced', array( 'done', 'done', 'failed' ) ),
			array( 'suppressed', array( 'done', 'failed' ) ),
			array( 'expired', array( 'done', 'failed' ) ),
			array( 'unconfirmed', array( 'done', 'lost' ) ),
			array( 'no_report', array( 'done', 'done', 'lost' ) ),
			array( 'a word of tomorrow', array( 'done', 'failed' ) ),
		);
	}

	public function test_a_refusal_is_told_in_four_sentences(): void {
		$told = Diagnosis::of( $this->bounced( 'mailbox_full', 'cool-off' ) );

		$this->assertSame( 'The mailbox of ada@company.example is full.', $told['happened'] );
		$this->assertSame( 'Its owner has not made room for some time.', $told['why'] );
		$this->assertStringStartsWith( 'The relay leaves the address alone for a while.', $told['follows'] );
		$this->assertSame( 'Nothing needs to be done.', $told['do'] );
	}

	public function test_a_class_of_tomorrow_is_told_in_the_relay_s_words(): void {
		$told = Diagnosis::of( $this->bounced( 'moon_phase', 'wait-for-the-moon' ) );

		$this->assertSame( 'The moon is wrong.', $told['happened'] );
		$this->assertSame( '', $told['follows'] );
	}

	public function test_what_was_not_refused_has_no_diagnosis(): void {
		$this->assertSame( array(), Diagnosis::of( array( 'events' => array( array( 'type' => 'delivered', 'data' => array() ) ) ) ) );
	}

	public function test_a_list_that_is_remembered_holds_what_it_shows_and_no_more(): void {
		$condensed = Mails_Page::condense( array( 'messages' => array( array( 'id' => 'm1', 'subject' => 'Hello', 'size' => 5, 'recipients' => array( array( 'address' => 'ada@x.example', 'status' => 'delivered', 'attempts' => array( 1 ) ) ) ) ), 'next_cursor' => null ) );

		$this->assertSame( array( 'messages', 'next_cursor', 'looked_back_to' ), array_keys( $condensed ) );
		$this->assertSame( array( 'id', 'subject', 'accepted_at', 'recipients' ), array_keys( $condensed['messages'][0] ) );
		$this->assertSame( array( 'address', 'status', 'reason' ), array_keys( $condensed['messages'][0]['recipients'][0] ) );
	}

	public function test_a_copy_that_folds_case_in_another_way_here_is_shown_all_the_same(): void {
		$message = array( 'id' => 'm1', 'subject' => 'Hello', 'accepted_at' => '', 'recipients' => array( array( 'address' => 'ada@x.example', 'status' => 'delivered', 'reason' => '' ), array( 'address' => 'bob@x.example', 'status' => 'bounced', 'reason' => '' ) ) );

		$shown = static function ( $filter, $word ) use ( $message ) {
			return array_column( Mails_Page::rows( array( $message ), $filter, $word ), 'address' );
		};
		$this->assertSame( array( 'ada@x.example' ), $shown( '', 'ADA' ) );
		$this->assertSame( array( 'bob@x.example' ), $shown( 'problems', '' ) );
		$this->assertSame( array( 'bob@x.example' ), $shown( 'problems', 'hello' ) );
		$this->assertSame( array( 'ada@x.example', 'bob@x.example' ), $shown( '', 'as the relay understands it' ) );
	}

	public function test_a_time_to_come_is_a_date_and_a_span(): void {
		$this->assertStringEndsWith( ' (in 3 days)', Words::ahead( gmdate( 'c', time() + 3 * DAY_IN_SECONDS + 5 ) ) );
		$this->assertSame( '', Words::ahead( null ) );
	}

	public function test_every_status_the_relay_has_is_in_one_filter(): void {
		$statuses = array( 'queued', 'sending', 'held', 'unknown', 'suppressed', 'expired', 'failed', 'unconfirmed', 'sent', 'deferred', 'no_report', 'soft_bounced', 'delivered', 'rejected', 'render_failed', 'bounced', 'complained' );

		foreach ( $statuses as $status ) {
			$in = array_filter(
				Mails_Page::FILTERS,
				static function ( $filter ) use ( $status ) {
					return in_array( $status, $filter, true );
				}
			);
			$this->assertCount( 1, $in, $status );
		}
	}

	public function test_the_dashboard_counts_today_only(): void {
		$mail = static function ( $status, $when ) {
			return array( 'accepted_at' => gmdate( 'c', $when ), 'recipients' => array( array( 'status' => $status ) ) );
		};
		$list = array( $mail( 'delivered', time() ), $mail( 'bounced', time() ), $mail( 'delivered', time() - 2 * DAY_IN_SECONDS ) );

		$this->assertSame( array( 'delivered' => 1, 'complained' => 0, 'moving' => 0, 'problems' => 1, 'all' => true ), Widget::count( array( 'messages' => $list, 'next_cursor' => 'x' ) ) );
		$this->assertFalse( Widget::count( array( 'messages' => array( $mail( 'sent', time() ) ), 'next_cursor' => 'x' ) )['all'] );
	}

	/**
	 * @dataProvider outcomes
	 */
	public function test_the_dashboard_counts_a_mail_as_what_it_became( string $status, array $counted ): void {
		$list = array( array( 'accepted_at' => gmdate( 'c' ), 'recipients' => array( array( 'status' => $status ) ) ) );

		$this->assertSame( $counted, array_keys( array_filter( array_diff_key( Widget::count( array( 'messages' => $list ) ), array( 'all' => 0 ) ) ) ) );
	}

	public function outcomes(): array {
		return array(
			'delivered'      => array( 'delivered', array( 'delivered' ) ),
			'marked as spam' => array( 'complained', array( 'delivered', 'complained' ) ),
			'on its way'     => array( 'sent', array( 'moving' ) ),
			'held'           => array( 'held', array( 'moving' ) ),
			'came back'      => array( 'bounced', array( 'problems' ) ),
		);
	}

	public function test_a_site_in_good_standing_is_asked_for_no_appeals(): void {
		$this->assertFalse( Status_Page::is_restricted( array( 'standing' => array( 'state' => 'active', 'held' => array( 'campaign' => 0 ), 'streams' => array() ) ) ) );
		$this->assertTrue( Status_Page::is_restricted( array( 'standing' => array( 'state' => 'active', 'held' => array( 'campaign' => 4 ) ) ) ) );
		$this->assertTrue( Status_Page::is_restricted( array( 'standing' => array( 'state' => 'active', 'streams' => array( array( 'stream' => 'marketing' ) ) ) ) ) );
		$this->assertFalse( Status_Page::is_restricted( array() ), 'an older relay' );
	}

	public function test_the_domain_that_needs_work_is_shown_first(): void {
		$domains = array( array( 'name' => 'a.example', 'status' => 'verified' ), array( 'name' => 'b.example', 'status' => 'pending' ) );

		$this->assertSame( 'b.example', Domain_Page::chosen( $domains, '' )['name'] );
		$this->assertSame( 'a.example', Domain_Page::chosen( $domains, 'a.example' )['name'] );
		$this->assertNull( Domain_Page::chosen( array(), 'a.example' ) );
	}

	public function test_an_alarm_is_one_word_and_ends_by_itself(): void {
		$this->alarm()->look();
		$this->assertSame( '', ( new Settings() )->alarm() );

		$this->relay->problem( 'sender-not-verified', 422, 'No' );
		wp_mail( 'ada@x.example', 'Hello', 'Text' );
		do_action( 'shutdown' );
		$this->assertSame( 'parked', ( new Settings() )->alarm() );

		( new Outbox() )->purge();
		$this->alarm()->look();
		$this->assertSame( Alarm::OVER, ( new Settings() )->alarm(), 'The owner should hear that it is over.' );
		$this->alarm()->look();
		$this->assertSame( Alarm::OVER, ( new Settings() )->alarm() );

		$this->alarm()->look( true );
		$this->assertSame( '', ( new Settings() )->alarm() );
	}

	public function test_an_alarm_that_ends_before_the_owner_s_eyes_is_said_once(): void {
		( new Settings() )->set_alarm( 'parked' );

		$this->alarm()->look( true );
		$this->assertSame( Alarm::OVER, ( new Settings() )->alarm() );
		$this->alarm()->look( true );

		$this->assertSame( '', ( new Settings() )->alarm() );
	}

	public function test_a_button_that_is_pressed_twice_sends_a_mail_again_once(): void {
		$now   = 60 * intdiv( time(), 60 );
		$given = array( 'message' => 'm1', 'to' => '' );

		$this->assertSame( Errands::once( $given, $now ), Errands::once( $given, $now + 59 ) );
		$this->assertNotSame( Errands::once( $given, $now ), Errands::once( $given, $now + 60 ) );
		$this->assertNotSame( Errands::once( $given, $now ), Errands::once( array( 'to' => 'bob@x.example' ) + $given, $now ) );
		$this->assertNotSame( Errands::once( $given, $now ), Errands::once( array( 'message' => 'm2' ) + $given, $now ) );

		( new Errands( new Desk( new Settings(), $this->account() ), new Handshake( new Settings() ) ) )->act( Errands::RESEND, $given );
		$this->assertMatchesRegularExpression( '/^[0-9a-f]{32}$/', $this->relay->requests()[0]['headers']['idempotency-key'] );
	}

	public function test_what_ended_because_mail_was_given_up_is_not_called_well(): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'ada@x.example', 'Hello', 'Text' );
		$GLOBALS['wpdb']->query( 'UPDATE ' . \Postreeve\Schema::outbox() . ' SET created_at = created_at - 1000' );
		$this->alarm()->look();
		$this->assertSame( 'waits', ( new Settings() )->alarm() );

		( new Outbox() )->fail( ( new Outbox() )->rows()[0]['id'], 'expired' );
		$this->alarm()->look();
		$this->assertSame( Alarm::GIVEN_UP, ( new Settings() )->alarm() );

		$this->alarm()->look( true );
		$this->assertSame( '', ( new Settings() )->alarm() );
	}

	public function test_going_back_is_no_good_news(): void {
		( new Settings() )->set_alarm( 'parked' );
		( new Settings() )->set_live( false );

		$this->alarm()->look();

		$this->assertSame( '', ( new Settings() )->alarm() );
	}

	/**
	 * @dataProvider other_mailers
	 */
	public function test_connecting_suggests_the_sender_of_the_mailer_before( string $option, array $value ): void {
		update_option( $option, $value );
		wp_set_current_user( 1 );

		parse_str( (string) wp_parse_url( ( new Handshake( new Settings() ) )->begin( $this->relay->url() ), PHP_URL_QUERY ), $asked );

		delete_option( $option );
		$this->assertSame( 'orders@shop.example', $asked['from'] );
	}

	public function other_mailers(): array {
		$connection = array( 'provider_settings' => array( 'sender_email' => 'orders@shop.example' ) );
		return array(
			'WP Mail SMTP' => array( 'wp_mail_smtp', array( 'mail' => array( 'from_email' => 'orders@shop.example' ) ) ),
			'FluentSMTP'   => array( 'fluentmail-settings', array( 'misc' => array( 'default_connection' => 'a1' ), 'connections' => array( 'a1' => $connection ) ) ),
		);
	}

	public function test_a_suspension_is_an_alarm(): void {
		$this->relay->change( array( 'site' => array( 'state' => 'suspended' ) ) );
		$this->account()->ask();

		$this->alarm()->look();

		$this->assertSame( 'suspended', ( new Settings() )->alarm() );
	}

	/**
	 * @dataProvider senders
	 */
	public function test_a_failing_domain_is_an_alarm_where_the_site_s_mail_comes_from_it( string $sender, string $word ): void {
		$this->account()->ask();
		$this->relay->change( array( 'default_from' => $sender, 'domains' => array( array( 'name' => 'shop.example', 'status' => 'failing' ) ) ) );
		$this->account()->ask();

		do_action( 'shutdown' );

		$this->assertSame( $word, ( new Settings() )->alarm() );
	}

	public function test_a_domain_that_has_failed_for_good_is_not_called_well_again(): void {
		( new Settings() )->set_alarm( Alarm::FAILING );
		$this->relay->change( array( 'ready' => false, 'domains' => array( array( 'name' => 'shop.example', 'status' => 'lapsed' ) ) ) );
		$this->account()->ask();

		$this->alarm()->look();

		$this->assertSame( 'not-ready', ( new Settings() )->alarm() );
	}

	public function senders(): array {
		return array( array( 'hello@shop.example', 'failing' ), array( 'hello@other.example', '' ) );
	}

	public function test_a_form_cannot_set_or_silence_an_alarm(): void {
		( new Settings() )->set_alarm( 'parked' );

		$this->assertSame( 'parked', ( new Settings() )->sanitize( array( 'alarm' => '' ) )['alarm'] );
	}

	public function test_a_handshake_is_its_beginner_s_alone(): void {
		wp_set_current_user( 1 );
		$handshake = new Handshake( new Settings() );
		parse_str( (string) wp_parse_url( $handshake->begin( $this->relay->url() ), PHP_URL_QUERY ), $asked );
		wp_set_current_user( 0 );

		$answer = $handshake->finish( array( 'code' => 'abc', 'state' => $asked['state'] ) );

		$this->assertSame( 'state', $answer->get_error_code() );
		$this->assertStringNotContainsString( $asked['state'], (string) get_transient( Handshake::MEMORY ) );
	}

	public function test_who_connects_a_live_site_anew_is_told_where_its_mail_goes(): void {
		wp_set_current_user( 1 );
		foreach ( array( 'From now on this site\'s mail goes through the relay.' => true, 'Connected. Nothing of this site\'s mail has changed yet.' => false ) as $words => $live ) {
			( new Settings() )->set_live( $live );
			$handshake = new Handshake( new Settings() );
			parse_str( (string) wp_parse_url( $handshake->begin( $this->relay->url() ), PHP_URL_QUERY ), $asked );

			$this->assertSame( $words, $handshake->finish( array( 'code' => 'abc', 'state' => $asked['state'] ) ) );
		}
	}

	public function test_a_handshake_goes_nowhere_unsafe(): void {
		update_option( 'siteurl', get_option( 'siteurl' ) );
		foreach ( array( '', 'javascript:alert(1)', 'https://user@relay.example', 'https://relay.example/?x=1' ) as $address ) {
			$this->assertWPError( ( new Handshake( new Settings() ) )->begin( $address ), $address );
		}
	}

	public function test_what_is_remembered_belongs_to_one_key(): void {
		$desk = new Desk( new Settings(), $this->account() );
		$this->assertTrue( $desk->account()->is_known() );
		( new Settings() )->connect( $this->relay->url(), str_repeat( 'x', 40 ) );

		$this->assertFalse( $desk->account()->is_known() );
		$this->assertSame( 'key-invalid', $desk->account()->problem()->get_error_code() );
	}

	/**
	 * @dataProvider locales
	 */
	public function test_the_relay_is_asked_in_the_language_of_who_looks_on( string $locale, ?string $tag ): void {
		$this->look_on_in( $locale );

		( new Client( new Settings() ) )->ask( 'GET', '/v1/account' );
		( new Desk( new Settings(), $this->account() ) )->ask( 'POST', '/v1/domains/shop.example/check', array() );

		foreach ( $this->relay->requests() as $request ) {
			$this->assertSame( $tag, $request['headers']['accept-language'] ?? null );
		}
		$this->assertCount( 2, $this->relay->requests() );
	}

	public function locales(): array {
		return array(
			'English'         => array( 'en_US', 'en-US' ),
			'German'          => array( 'de_DE', 'de-DE' ),
			'formal German'   => array( 'de_DE_formal', 'de-DE' ),
			'Traditional'     => array( 'zh_TW', 'zh-TW' ),
			'Arabic'          => array( 'ar', 'ar' ),
			'three letters'   => array( 'ckb', 'ckb' ),
			'nonsense'        => array( "x\r\nX-Evil: 1", null ),
		);
	}

	public function test_two_admins_are_told_the_same_each_in_their_language(): void {
		$desk = new Desk( new Settings(), $this->account() );
		$this->look_on_in( 'es_ES' );
		$desk->read( Desk::MESSAGES, '/v1/messages?limit=1' );
		$this->look_on_in( 'de_DE' );
		$desk->read( Desk::MESSAGES, '/v1/messages?limit=1' );
		$desk->read( Desk::MESSAGES, '/v1/messages?limit=1' );

		$tags = array_column( array_column( $this->relay->requests(), 'headers' ), 'accept-language' );
		$this->assertSame( array( 'es-ES', 'de-DE' ), $tags );
	}

	public function test_a_mail_is_answered_in_the_language_of_the_page_that_sends_it(): void {
		$this->look_on_in( 'es_ES' );
		add_filter(
			'determine_locale',
			static function () {
				return 'de_DE';
			}
		);

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( 'de-DE', $this->mail()['headers']['accept-language'] );
	}

	private function look_on_in( string $locale ): void {
		wp_set_current_user( 1 );
		wp_get_current_user()->locale = $locale;
	}

	public function test_a_relay_that_is_away_is_waited_for_once_in_half_a_minute(): void {
		$desk = new Desk( new Settings(), $this->account() );
		$desk->account();
		$this->relay->answer( 503, '{}' );
		$this->assertNotNull( $desk->account( 0 )->problem() );
		$asked = count( $this->relay->requests() );

		$again = $desk->account( 0 );

		$this->assertCount( $asked, $this->relay->requests() );
		$this->assertTrue( $again->is_known() );
		$this->assertNotNull( $again->problem() );
	}

	private function assertWPError( $value, string $message ): void {
		$this->assertInstanceOf( \WP_Error::class, $value, $message );
	}

	private function summary( array $answer ): Summary {
		$connection = Connection::of( new Settings(), new Reading( $answer, time() ) );
		return Summary::of( new Settings(), $this->whereabouts(), new Outbox(), $connection, $answer );
	}

	private function whereabouts(): Whereabouts {
		return new Whereabouts( new Settings(), new Outbox() );
	}

	private function account(): Account {
		return new Account( new Client( new Settings() ) );
	}

	private function alarm(): Alarm {
		return new Alarm( new Settings(), new Outbox(), $this->whereabouts(), $this->account() );
	}

	private function bounced( string $class, string $follows ): array {
		$data = array(
			'diagnosis' => array( 'class' => $class, 'summary' => 'The moon is wrong', 'parameters' => array( 'domain' => 'company.example' ) ),
			'follows'   => array( 'code' => $follows, 'at' => '2026-12-01T10:00:00Z' ),
		);
		return array( 'address' => 'ada@company.example', 'status' => 'bounced', 'events' => array( array( 'type' => 'bounced', 'data' => $data ) ) );
	}
}
