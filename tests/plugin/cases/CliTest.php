<?php
/**
 * `wp postreeve`: what it says, shows and exits with.
 */

namespace Postreeve\Tests;

use Postreeve\Breaker;
use Postreeve\CLI;
use Postreeve\Client;
use Postreeve\Outbox;
use Postreeve\Runner;
use Postreeve\Settings;
use Postreeve\Whereabouts;
use WP_CLI;

final class CliTest extends Site_Test_Case {

	public function test_status_of_a_site_whose_mail_goes_out(): void {
		$this->assertSame( 0, $this->run_command( 'status', array(), array( 'format' => 'json' ) ) );

		list( $format, $rows ) = WP_CLI::$shown[0];
		$this->assertSame( 'json', $format );
		$this->assertSame( array( 'ready', 'yes', 'no', 0 ), array( $rows[0]['state'], $rows[0]['live'], $rows[0]['elsewhere'], $rows[0]['parked'] ) );
	}

	/**
	 * @dataProvider troubles
	 */
	public function test_status_exits_with_1_when_something_needs_a_human( callable $trouble ): void {
		$trouble( $this->relay );

		$this->assertSame( 1, $this->run_command( 'status' ) );

		$this->assertSame( 'table', WP_CLI::$shown[0][0], 'It says why all the same.' );
	}

	public function troubles(): array {
		return array(
			'not live'  => array(
				function () {
					( new Settings() )->set_live( false );
				},
			),
			'not ready' => array(
				function ( $relay ) {
					$relay->change( array( 'ready' => false ) );
				},
			),
			'away'      => array(
				function () {
					( new Settings() )->connect( 'http://127.0.0.1:1', Relay::KEY );
				},
			),
			'moved'     => array(
				function () {
					( new Settings() )->bind( array( 'home' => 'shop.example' ) );
				},
			),
			'parked'    => array(
				function ( $relay ) {
					$relay->problem( 'sender-not-verified', 422, 'No' );
					wp_mail( 'ada@x.example', 'Hello', 'Text' );
				},
			),
		);
	}

	public function test_a_test_mail_goes_through_the_relay_also_before_going_live(): void {
		( new Settings() )->set_live( false );

		$this->assertSame( 0, $this->run_command( 'test', array( 'ada@x.example' ) ) );

		$this->assertSame( array( 'ada@x.example' ), $this->mail()['metadata']['envelope']['to'] );
		$this->assertStringContainsString( 'ada@x.example', WP_CLI::$said[0][1] );
	}

	public function test_a_refused_test_mail_says_why_and_where_help_is(): void {
		$this->relay->problem( 'sender-not-verified', 422, 'No', 'x.example is not verified.' );

		$this->assertSame( 1, $this->run_command( 'test' ) );

		$this->assertStringContainsString( 'x.example is not verified.', WP_CLI::$said[0][1] );
		$this->assertStringContainsString( 'https://relay.example/problems/sender-not-verified', WP_CLI::$said[0][1] );
	}

	public function test_the_outbox_is_listed_run_and_purged(): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'ada@x.example', 'One', 'Text' );
		$this->relay->problem( 'key-invalid', 401, 'No' );
		wp_mail( 'bob@x.example', 'Two', 'Text' );

		$this->assertSame( 0, $this->run_command( 'outbox', array( 'list' ), array( 'format' => 'json' ) ) );
		$this->assertSame( array( 'bob@x.example', 'ada@x.example' ), array_column( WP_CLI::$shown[0][1], 'to' ) );
		$this->assertSame( array( 'parked', 'waiting' ), array_column( WP_CLI::$shown[0][1], 'state' ) );

		$this->assertSame( 0, $this->run_command( 'outbox', array( 'run' ) ) );
		$this->assertSame( array( 'parked key-invalid' ), $this->kept() );

		$this->assertSame( 0, $this->run_command( 'outbox', array( 'send-parked' ) ) );
		$this->assertSame( array(), $this->kept() );
		$this->assertSame( 0, $this->run_command( 'outbox', array( 'purge' ), array( 'yes' => true ) ) );
	}

	public function test_nothing_is_deleted_without_a_yes(): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'ada@x.example', 'One', 'Text' );

		$this->run_command( 'outbox', array( 'purge' ) );
		$this->assertCount( 1, $this->kept() );

		$this->run_command( 'outbox', array( 'purge' ), array( 'yes' => true, 'state' => 'failed' ) );
		$this->assertCount( 1, $this->kept() );
		$this->run_command( 'outbox', array( 'purge' ), array( 'yes' => true, 'state' => 'waiting' ) );
		$this->assertSame( array(), $this->kept() );
	}

	/**
	 * @dataProvider states_that_there_are_not
	 */
	public function test_a_state_that_there_is_not_stops_the_command_before_anything_is_deleted( string $state ): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'ada@x.example', 'One', 'Text' );

		$this->assertSame( 1, $this->run_command( 'outbox', array( 'purge' ), array( 'yes' => true, 'state' => $state ) ) );
		$this->assertStringContainsString( 'waiting', WP_CLI::$said[0][1] );
		$this->assertSame( 1, $this->run_command( 'outbox', array( 'list' ), array( 'state' => $state ) ) );
		$this->assertCount( 1, $this->kept() );
	}

	public function states_that_there_are_not(): array {
		return array(
			'a variable of the shell that is not set' => array( '' ),
			'a slip'                                  => array( 'park' ),
			'one of ours alone'                       => array( 'writing' ),
		);
	}

	public function test_the_ids_of_kept_mails_are_a_plain_list(): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'ada@x.example', 'One', 'Text' );
		$id = ( new Outbox() )->rows()[0]['id'];

		$this->run_command( 'outbox', array( 'list' ), array( 'format' => 'ids' ) );

		$this->assertSame( array( 'ids', array( $id ) ), array_slice( WP_CLI::$shown[0], 0, 2 ) );
	}

	public function test_running_the_outbox_exits_with_1_while_the_relay_is_away(): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'ada@x.example', 'One', 'Text' );
		$this->relay->problem( 'unavailable', 503, 'Away' );

		$this->assertSame( 1, $this->run_command( 'outbox', array( 'run' ) ) );
	}

	/**
	 * @dataProvider hindrances
	 */
	public function test_where_nothing_can_go_out_what_is_parked_stays_parked_and_that_is_said( callable $hinder, string $words ): void {
		$this->relay->problem( 'key-invalid', 401, 'No' );
		wp_mail( 'ada@x.example', 'One', 'Text' );
		$hinder();

		foreach ( array( 'send-parked', 'run' ) as $what ) {
			$this->assertSame( 1, $this->run_command( 'outbox', array( $what ) ) );
			$this->assertStringContainsString( $words, WP_CLI::$said[0][1] );
		}

		$this->assertSame( array( 'parked key-invalid' ), $this->kept() );
	}

	public function hindrances(): array {
		return array(
			'not connected' => array(
				function () {
					( new Settings() )->connect( '', '' );
				},
				'not connected',
			),
			'a copy'        => array(
				function () {
					( new Settings() )->bind( array( 'home' => 'shop.example' ) );
				},
				'not where it was connected',
			),
			'off'           => array(
				function () {
					putenv( 'POSTREEVE_OFF=1' );
				},
				'POSTREEVE_OFF',
			),
		);
	}

	public function test_without_a_network_all_its_sites_are_this_one_which_does_not_go_live_by_that(): void {
		$this->run_command( 'disconnect' );

		$this->assertSame( 0, $this->run_command( 'connect', array(), array( 'relay' => $this->relay->url(), 'token' => Relay::KEY, 'network' => true ) ) );
		$settings = new Settings();
		$this->assertSame( array( true, false, Whereabouts::place() ), array( $settings->is_connected(), $settings->is_live(), $settings->bound_to() ) );

		$this->assertSame( 0, $this->run_command( 'disconnect', array(), array( 'network' => true ) ) );
		$this->assertSame( array( false, false ), array( $settings->is_connected(), $settings->is_live() ) );
	}

	public function test_disconnecting_forgets_what_the_relay_said(): void {
		$this->run_command( 'status' );
		$this->assertNotFalse( get_option( \Postreeve\Account::OPTION ) );

		$this->assertSame( 0, $this->run_command( 'disconnect' ) );

		$this->assertFalse( get_option( \Postreeve\Account::OPTION ) );
	}

	public function test_domains_and_a_look_at_one(): void {
		$this->assertSame( 0, $this->run_command( 'domain' ) );
		$this->assertSame( array( array( 'name' => 'shop.example', 'status' => 'verified' ) ), WP_CLI::$shown[0][1] );

		$this->assertSame( 0, $this->run_command( 'domain', array( 'other.example' ) ) );
		$requests = $this->relay->requests();
		$this->assertSame( '/v1/domains/other.example/check', end( $requests )['path'] );
	}

	public function test_config_says_where_each_setting_comes_from_and_never_the_key(): void {
		$this->assertSame( 0, $this->run_command( 'config' ) );

		$from = array_column( WP_CLI::$shown[0][1], 'from', 'setting' );
		$this->assertSame( array( 'site', 'stored', 'site' ), array( $from['relay_url'], $from['api_key'], $from['live'] ) );
		$this->assertStringNotContainsString( Relay::KEY, (string) wp_json_encode( WP_CLI::$shown ) );
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_config_tells_a_constant_from_the_environment(): void {
		putenv( 'POSTREEVE_API_KEY=' . Relay::KEY );
		putenv( 'POSTREEVE_OUTBOX_LIMIT=20' );
		define( 'POSTREEVE_LIVE', 'false' );

		$this->assertSame( 0, $this->run_command( 'config' ) );

		$from  = array_column( WP_CLI::$shown[0][1], 'from', 'setting' );
		$value = array_column( WP_CLI::$shown[0][1], 'value', 'setting' );
		$this->assertSame( array( 'POSTREEVE_API_KEY (environment)', 'POSTREEVE_LIVE', 'POSTREEVE_OUTBOX_LIMIT (environment)' ), array( $from['api_key'], $from['live'], $from['outbox_limit'] ) );
		$this->assertSame( array( 'no', '20 MB' ), array( $value['live'], $value['outbox_limit'] ) );
		$this->assertStringNotContainsString( Relay::KEY, (string) wp_json_encode( WP_CLI::$shown ) );
	}

	public function test_events_go_on_from_a_cursor(): void {
		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( 0, $this->run_command( 'events', array(), array( 'cursor' => '41' ) ) );

		$requests = $this->relay->requests();
		$this->assertSame( '/v1/events?cursor=41', end( $requests )['path'] );
		$this->assertStringContainsString( '7', end( WP_CLI::$said )[1] );
	}

	public function test_a_program_too_reads_where_events_go_on(): void {
		$this->relay->answer( 200, '{"events": [{"type": "delivered"}], "next_cursor": "7"}', 'application/json' );

		$this->run_command( 'events', array(), array( 'format' => 'json' ) );

		list( , $rows, $fields ) = WP_CLI::$shown[0];
		$this->assertContains( 'next_cursor', $fields );
		$this->assertSame( '7', $rows[0]['next_cursor'] );
	}

	public function test_connecting_and_going_live_and_back_and_away(): void {
		delete_option( Settings::OPTION );

		$this->assertSame( 0, $this->run_command( 'connect', array(), array( 'relay' => $this->relay->url(), 'token' => Relay::KEY ) ) );
		$this->assertFalse( ( new Settings() )->takes_mail() );
		$this->assertSame( 0, $this->run_command( 'live' ) );
		$this->assertTrue( ( new Settings() )->takes_mail() );
		$this->assertSame( 0, $this->run_command( 'back' ) );
		$this->assertFalse( ( new Settings() )->takes_mail() );
		$this->assertSame( 0, $this->run_command( 'disconnect' ) );
		$this->assertFalse( ( new Settings() )->is_connected() );
	}

	public function test_disconnecting_can_end_the_key_at_the_relay_too(): void {
		$this->assertSame( 0, $this->run_command( 'disconnect', array(), array( 'revoke' => true ) ) );

		$requests = $this->relay->requests();
		$this->assertSame( array( 'DELETE', '/v1/key' ), array( $requests[0]['method'], $requests[0]['path'] ) );
		$this->assertSame( Whereabouts::address(), $requests[0]['headers']['x-postreeve-site'] );
		$this->assertSame( Settings::KEY_NONE, ( new Settings() )->key_state() );
	}

	public function test_a_key_that_the_relay_does_not_know_has_ended(): void {
		$this->relay->problem( 'key-invalid', 401, 'No' );

		$this->assertSame( 0, $this->run_command( 'disconnect', array(), array( 'revoke' => true ) ) );

		$this->assertSame( Settings::KEY_NONE, ( new Settings() )->key_state() );
	}

	/**
	 * @dataProvider keys_that_do_not_end
	 */
	public function test_what_does_not_end_at_the_relay_is_not_forgotten_here( callable $trouble, array $options, string $words ): void {
		$trouble( $this->relay );

		$this->assertSame( 1, $this->run_command( 'disconnect', array(), $options + array( 'revoke' => true ) ) );

		$this->assertStringContainsString( $words, WP_CLI::$said[0][1] );
		$this->assertSame( Settings::KEY_STORED, ( new Settings() )->key_state() );
	}

	public function keys_that_do_not_end(): array {
		return array(
			'away'          => array(
				function ( $relay ) {
					$relay->problem( 'unavailable', 503, 'Away' );
				},
				array(),
				'',
			),
			'may not'       => array(
				function ( $relay ) {
					$relay->problem( 'scope-missing', 403, 'No' );
				},
				array(),
				'',
			),
			'a copy'        => array(
				function () {
					( new Settings() )->bind( array( 'home' => 'shop.example' ) );
				},
				array(),
				'It is not where it was connected.',
			),
			'the site\'s, as the network\'s' => array( function () {}, array( 'network' => true ), 'no key here that could be ended' ),
		);
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_a_key_from_outside_is_not_ended(): void {
		putenv( 'POSTREEVE_API_KEY=' . Relay::KEY );

		$this->assertSame( 1, $this->run_command( 'disconnect', array(), array( 'revoke' => true ) ) );

		$this->assertSame( array(), $this->relay->requests() );
	}

	public function test_a_key_of_the_account_gets_the_site_a_key_of_its_own(): void {
		delete_option( Settings::OPTION );

		$code = $this->run_command( 'connect', array(), array( 'relay' => $this->relay->url(), 'token' => Relay::ACCOUNT_KEY ) );

		$this->assertSame( 0, $code );
		list( $made, $look ) = $this->relay->requests();
		$this->assertSame( array( 'POST', '/v1/sites' ), array( $made['method'], $made['path'] ) );
		$this->assertSame( array( Whereabouts::address(), 'Shop', 'owner@shop.example', 'auto' ), array_values( $made['json'] ) );
		$this->assertSame( array( '/v1/account', 'Bearer ' . Relay::KEY ), array( $look['path'], $look['headers']['authorization'] ) );
		$settings = new Settings();
		$this->assertSame( Relay::KEY, $settings->api_key() );
		$this->assertFalse( $settings->takes_mail() );
		$this->assertSame(
			array(
				Whereabouts::address() . ' is new in the account Example Ltd. It has a key of its own.',
				'The sending domain shop.example needs DNS records. To see them: wp postreeve domain shop.example --records',
				'Connected and ready. The site mails as before until: wp postreeve live',
			),
			array_column( WP_CLI::$said, 1 )
		);
	}

	public function test_the_key_of_the_account_is_kept_nowhere(): void {
		global $wpdb;
		delete_option( Settings::OPTION );

		$this->run_command( 'connect', array(), array( 'relay' => $this->relay->url(), 'token' => Relay::ACCOUNT_KEY ) );

		foreach ( array_map( 'strval', $wpdb->get_col( "SELECT option_value FROM $wpdb->options" ) ) as $value ) {
			$this->assertStringNotContainsString( 'pra_', $value );
			$this->assertStringNotContainsString( 'pra_', (string) \Postreeve\Vault::open( $value ) );
		}
		foreach ( $this->relay->requests() as $request ) {
			$is_for_accounts = 0 === strpos( $request['path'], '/v1/sites' );
			$this->assertSame( $is_for_accounts, 'Bearer ' . Relay::ACCOUNT_KEY === $request['headers']['authorization'] );
		}
	}

	public function test_the_key_a_site_had_before_ends_when_the_new_one_has_worked(): void {
		( new Settings() )->connect( $this->relay->url(), Relay::OLD_KEY );

		$this->assertSame( 0, $this->run_command( 'connect', array(), array( 'token' => Relay::ACCOUNT_KEY, 'domain' => 'none' ) ) );

		$this->assertSame(
			array( 'POST /v1/sites', 'GET /v1/account', 'GET /v1/sites/s1/keys', 'DELETE /v1/sites/s1/keys/k1' ),
			array_map(
				function ( $request ) {
					return $request['method'] . ' ' . $request['path'];
				},
				$this->relay->requests()
			)
		);
		$this->assertSame( '', $this->relay->requests()[0]['json']['domain'] );
		$this->assertTrue( ( new Settings() )->takes_mail(), 'What is live stays live.' );
	}

	/**
	 * @dataProvider refused_enrolments
	 */
	public function test_a_key_of_the_account_that_gets_no_key_changes_nothing( callable $trouble, array $options, string $words ): void {
		( new Settings() )->connect( $this->relay->url(), Relay::OLD_KEY );
		$trouble( $this->relay );

		$this->assertSame( 1, $this->run_command( 'connect', array(), $options + array( 'token' => Relay::ACCOUNT_KEY ) ) );

		$this->assertStringContainsString( $words, WP_CLI::$said[0][1] );
		$this->assertSame( Relay::OLD_KEY, ( new Settings() )->api_key() );
	}

	public function refused_enrolments(): array {
		$nothing = function () {};
		return array(
			'suspended' => array(
				function ( $relay ) {
					$relay->problem( 'account-suspended', 403, 'No', 'The account is suspended: it gets no more sites and keys.' );
				},
				array(),
				'it gets no more sites and keys.',
			),
			'no key'    => array(
				function ( $relay ) {
					$relay->answer( 201, '{"site": {}}', 'application/json' );
				},
				array(),
				'The relay gave no key.',
			),
			'unknown'   => array( $nothing, array( 'token' => 'pra_0123456789abcdef_another' ), 'API key' ),
			'broken'    => array( $nothing, array( 'token' => 'pra_a b' ), 'That is not an API key.' ),
			'network'   => array( $nothing, array( 'network' => true ), 'leave out --network' ),
			'two keys'  => array( $nothing, array( 'key' => Relay::KEY ), 'either --token or --key' ),
		);
	}

	public function test_before_the_network_or_two_keys_are_refused_nobody_is_asked(): void {
		$this->run_command( 'connect', array(), array( 'token' => Relay::ACCOUNT_KEY, 'network' => true ) );
		$this->run_command( 'connect', array(), array( 'token' => Relay::ACCOUNT_KEY, 'key' => Relay::KEY ) );

		$this->assertSame( array(), $this->relay->requests() );
	}

	public function test_a_key_of_the_site_has_an_option_of_its_own(): void {
		delete_option( Settings::OPTION );

		$this->assertSame( 0, $this->run_command( 'connect', array(), array( 'relay' => $this->relay->url(), 'key' => Relay::KEY ) ) );

		$this->assertSame( Relay::KEY, ( new Settings() )->api_key() );
	}

	public function test_the_records_of_a_domain(): void {
		$this->relay->answer(
			200,
			'{"name": "shop.example", "status": "pending", "records": [{"key": "ownership", "type": "TXT", "name": "_postreeve.shop.example", "value": "postreeve-account=abc", "required": true, "result": "fail", "found": []}]}',
			'application/json'
		);

		$this->assertSame( 1, $this->run_command( 'domain', array( 'shop.example' ), array( 'records' => true ) ) );

		list( $format, $rows, $fields ) = WP_CLI::$shown[0];
		$this->assertSame( 'table', $format );
		$this->assertSame( array( 'type', 'name', 'value', 'needed', 'result' ), $fields );
		$this->assertSame( array( 'yes', 'TXT', '_postreeve.shop.example', 'postreeve-account=abc', 'fail' ), array_values( $rows[0] ) );
	}

	/**
	 * @dataProvider useless_connections
	 */
	public function test_connecting_says_what_is_wrong( array $options ): void {
		delete_option( Settings::OPTION );
		$GLOBALS['wp_settings_errors'] = array(); // phpcs:ignore

		$this->assertSame( 1, $this->run_command( 'connect', array(), $options ) );

		$this->assertSame( 'error', WP_CLI::$said[0][0] );
	}

	public function useless_connections(): array {
		return array(
			'no key'         => array( array( 'relay' => 'https://relay.example' ) ),
			'no relay'       => array( array( 'token' => Relay::KEY ) ),
			'not a key'      => array( array( 'relay' => 'https://relay.example', 'token' => 'abc' ) ),
			'nobody answers' => array( array( 'relay' => 'http://127.0.0.1:1', 'token' => Relay::KEY ) ),
		);
	}

	public function test_a_further_address_is_forgotten_and_an_unknown_one_is_none(): void {
		( new Settings() )->set_aliases( array( 'b.example', 'c.example' ) );

		$this->assertSame( 0, $this->run_command( 'same', array(), array( 'forget' => 'https://b.example' ) ) );
		$this->assertSame( array( 'c.example' ), ( new Settings() )->aliases() );
		$this->assertSame( 1, $this->run_command( 'same', array(), array( 'forget' => 'd.example' ) ) );
		$this->assertSame( array( 'c.example' ), ( new Settings() )->aliases() );
	}

	public function test_where_the_address_is_fixed_there_is_no_further_one(): void {
		( new Settings() )->bind( array( 'home' => 'shop.example' ) );

		$this->assertSame( 1, $this->run_command( 'same' ) );

		$this->assertStringContainsString( 'cannot be one more address', WP_CLI::$said[0][1] );
	}

	/**
	 * @dataProvider fillings
	 */
	public function test_how_full_the_outbox_is( int $bytes, string $word, int $code ): void {
		global $wpdb;
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'ada@x.example', 'One', 'Text' );
		$wpdb->query( 'UPDATE ' . \Postreeve\Schema::outbox() . " SET size = $bytes" ); // phpcs:ignore

		foreach ( array( array( 'status', array() ), array( 'outbox', array( 'status' ) ) ) as list( $command, $arguments ) ) {
			$this->assertSame( $code, $this->run_command( $command, $arguments, array( 'format' => 'json' ) ) );

			$facts = WP_CLI::$shown[0][1][0];
			$this->assertSame( array( $word, $bytes, 500 * MB_IN_BYTES ), array( $facts['outbox'], $facts['outbox_bytes'], $facts['outbox_limit'] ) );
			$this->assertSame( 1 === $code, false !== strpos( (string) wp_json_encode( WP_CLI::$said ), 'New mail that does not fit fails' ) );
		}
		$this->assertSame( 0, $this->run_command( 'outbox', array( 'list' ) ) );
		$this->assertSame( 1 === $code ? array( 'warning' ) : array(), array_column( WP_CLI::$said, 0 ) );
	}

	public function fillings(): array {
		return array(
			'room'        => array( 449 * MB_IN_BYTES, 'ok', 0 ),
			'nine tenths' => array( 450 * MB_IN_BYTES, 'nearly-full', 1 ),
			'all of it'   => array( 500 * MB_IN_BYTES, 'full', 1 ),
		);
	}

	public function test_moved_and_copy(): void {
		( new Settings() )->bind( array( 'home' => 'shop.example' ) );
		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( 0, $this->run_command( 'copy' ) );
		$this->assertCount( 1, $this->kept( 'captured' ) );
		$this->assertSame( 0, $this->run_command( 'moved' ) );
		$this->assertCount( 1, $this->kept( 'waiting' ) );
	}

	protected function tearDown(): void {
		$GLOBALS['wp_settings_errors'] = array(); // phpcs:ignore
		putenv( 'POSTREEVE_OFF' );
		parent::tearDown();
	}

	/**
	 * Runs a command; gives what it exits with.
	 */
	private function run_command( string $name, array $arguments = array(), array $options = array() ): int {
		$settings    = new Settings();
		$client      = new Client( $settings );
		$outbox      = new Outbox();
		$whereabouts = new Whereabouts( $settings, $outbox );
		$runner      = new Runner( $client, $outbox, new Breaker(), $settings, $whereabouts );

		WP_CLI::$said  = array();
		WP_CLI::$shown = array();
		try {
			( new CLI( $settings, $client, $outbox, $runner, $this->interceptor() ) )->$name( $arguments, $options );
		} catch ( Halted $halted ) {
			return $halted->getCode();
		}
		return 0;
	}
}
