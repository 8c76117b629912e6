<?php
/**
 * Where the relay and the key come from, and how the key is kept.
 */

namespace Postreeve\Tests;

use Postreeve\Account;
use Postreeve\Client;
use Postreeve\Connection;
use Postreeve\Given;
use Postreeve\Outbox;
use Postreeve\Settings;

final class SettingsTest extends Site_Test_Case {

	const OTHER_KEY = 'prk_fedcba9876543210_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ';

	public function test_the_key_cannot_be_read_in_the_database(): void {
		$stored = $GLOBALS['wpdb']->get_var( "SELECT option_value FROM {$GLOBALS['wpdb']->options} WHERE option_name = 'postreeve'" );

		$this->assertStringNotContainsString( Relay::KEY, $stored );
		$this->assertStringNotContainsString( substr( Relay::KEY, 4, 16 ), $stored );
		$this->assertStringNotContainsString( base64_encode( Relay::KEY ), $stored );
		$this->assertSame( Relay::KEY, ( new Settings() )->api_key() );
	}

	public function test_the_same_key_is_sealed_differently_each_time(): void {
		$first = get_option( 'postreeve' )['api_key'];
		( new Settings() )->connect( $this->relay->url(), Relay::KEY );

		$this->assertNotSame( $first, get_option( 'postreeve' )['api_key'] );
	}

	public function test_what_is_loaded_with_every_page_is_one_small_option(): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'ada@x.example', 'Waits', 'Text' );
		( new Account( new Client( new Settings() ) ) )->ask();
		( new \Postreeve\Breaker() )->open();

		$rows = $GLOBALS['wpdb']->get_results( "SELECT * FROM {$GLOBALS['wpdb']->options} WHERE option_name LIKE '%postreeve%' AND autoload NOT IN ( 'no', 'off', 'auto-off' )" );

		$this->assertCount( 1, $rows );
		$this->assertLessThan( 1024, strlen( $rows[0]->option_value ) );
	}

	public function test_that_option_stays_small_with_ten_long_further_addresses(): void {
		$aliases = array();
		foreach ( range( 0, \Postreeve\Whereabouts::MOST_ALIASES - 1 ) as $number ) {
			$aliases[] = $number . str_repeat( str_repeat( 'a', 61 ) . '.', 3 ) . str_repeat( 'b', 58 ) . '.example';
		}
		$this->assertSame( 253, strlen( $aliases[9] ) );
		( new Settings() )->set_aliases( $aliases );
		( new Settings() )->mark_copy( $aliases[0] );

		$rows = $GLOBALS['wpdb']->get_results( "SELECT * FROM {$GLOBALS['wpdb']->options} WHERE option_name LIKE '%postreeve%' AND autoload NOT IN ( 'no', 'off', 'auto-off' )" );

		$this->assertSame( array( 'postreeve' ), array_column( $rows, 'option_name' ) );
		$this->assertLessThan( 1024, strlen( $rows[0]->option_value ) );
		$this->assertSame( $aliases, ( new Settings() )->aliases() );
	}

	public function test_a_request_that_began_earlier_does_not_undo_what_the_owner_has_done_since(): void {
		global $wpdb;
		$settings = new Settings();
		$settings->set_live( true );
		$changed = array( 'relay_url' => 'https://new.example', 'live' => false ) + get_option( 'postreeve' );
		$wpdb->update( $wpdb->options, array( 'option_value' => serialize( $changed ) ), array( 'option_name' => 'postreeve' ) );
		$this->assertTrue( $settings->is_live(), 'This request does not know of it.' );

		$settings->set_alarm( 'parked' );

		$this->assertSame( array( false, 'https://new.example', 'parked' ), array( $settings->is_live(), $settings->relay_url(), $settings->alarm() ) );
	}

	public function test_other_salts_make_the_key_unreadable_and_the_site_sends_by_itself(): void {
		add_filter(
			'salt',
			function ( $salt ) {
				return strrev( $salt );
			}
		);
		$settings = new Settings();

		$this->assertSame( '', $settings->api_key() );
		$this->assertSame( Settings::KEY_UNREADABLE, $settings->key_state() );
		$this->assertFalse( $settings->takes_mail() );
		$state = Connection::check( $settings, new Account( new Client( $settings ) ) );
		$this->assertSame( array( 'key-unreadable', 'error' ), array( $state->state(), $state->notice() ) );
		wp_mail( 'ada@x.example', 'Hello', 'Text' );
		$this->assertSame( array(), $this->relay->requests() );
	}

	/**
	 * @dataProvider broken_options
	 */
	public function test_a_broken_option_means_not_connected( $option ): void {
		update_option( 'postreeve', $option );
		$settings = new Settings();

		$this->assertFalse( $settings->is_connected() );
		$this->assertContains( $settings->key_state(), array( Settings::KEY_NONE, Settings::KEY_UNREADABLE ) );
	}

	public function broken_options(): array {
		return array(
			'a string'         => array( 'nonsense' ),
			'wrong types'      => array( array( 'relay_url' => array( 1 ), 'api_key' => 5 ) ),
			'no seal'          => array( array( 'relay_url' => 'https://relay.example', 'api_key' => 'v1:' ) ),
			'a broken seal'    => array( array( 'relay_url' => 'https://relay.example', 'api_key' => 'v1:' . base64_encode( str_repeat( 'x', 100 ) ) ) ),
			'not base64'       => array( array( 'relay_url' => 'https://relay.example', 'api_key' => 'v1:%%%' ) ),
			'an unsealed key'  => array( array( 'relay_url' => 'https://relay.example', 'api_key' => Relay::KEY ) ),
		);
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_constants_win_over_what_is_stored(): void {
		( new Settings() )->connect( 'https://stored.example', self::OTHER_KEY );
		define( 'POSTREEVE_RELAY_URL', $this->relay->url() . '/' );
		define( 'POSTREEVE_API_KEY', Relay::KEY );
		$settings = new Settings();

		$this->assertSame( $this->relay->url(), $settings->relay_url() );
		$this->assertSame( Settings::KEY_GIVEN, $settings->key_state() );
		$this->assertTrue( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );
		$this->assertSame( 'Bearer ' . Relay::KEY, $this->mail()['headers']['authorization'] );
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_constants_alone_connect_a_site(): void {
		delete_option( 'postreeve' );
		define( 'POSTREEVE_RELAY_URL', $this->relay->url() );
		define( 'POSTREEVE_API_KEY', Relay::KEY );

		$this->assertTrue( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );
		$this->mail();
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_the_environment_alone_connects_a_site_and_hands_it_over(): void {
		delete_option( 'postreeve' );
		putenv( 'POSTREEVE_RELAY_URL=' . $this->relay->url() . '/' );
		putenv( 'POSTREEVE_API_KEY=' . Relay::KEY );
		putenv( 'POSTREEVE_LIVE=true' );

		$this->assertTrue( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );
		$this->assertSame( 'Bearer ' . Relay::KEY, $this->mail()['headers']['authorization'] );
		$this->assertSame( Settings::KEY_GIVEN, ( new Settings() )->key_state() );
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_a_constant_wins_over_the_environment_unless_it_is_empty(): void {
		putenv( 'POSTREEVE_RELAY_URL=https://environment.example' );
		putenv( 'POSTREEVE_API_KEY=' . Relay::KEY );
		putenv( 'POSTREEVE_LIVE=1' );
		define( 'POSTREEVE_RELAY_URL', 'https://constant.example' );
		define( 'POSTREEVE_API_KEY', '' );
		define( 'POSTREEVE_LIVE', false );
		$settings = new Settings();

		$this->assertSame( array( 'https://constant.example', Relay::KEY, false ), array( $settings->relay_url(), $settings->api_key(), $settings->is_live() ) );
		$this->assertSame( 'Set by POSTREEVE_RELAY_URL in wp-config.php.', Given::sentence( Given::RELAY_URL ) );
		$this->assertSame( 'Set by POSTREEVE_API_KEY in the environment.', Given::sentence( Given::API_KEY ) );
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 * @dataProvider words_of_an_environment
	 */
	public function test_a_yes_or_no_of_the_environment_is_read_as_it_is_meant( string $word, bool $live, bool $is_fixed ): void {
		putenv( "POSTREEVE_LIVE=$word" );
		( new Settings() )->set_live( true );

		$this->assertSame( array( $live, $is_fixed ), array( ( new Settings() )->is_live(), ( new Settings() )->live_is_fixed() ) );
	}

	public function words_of_an_environment(): array {
		return array(
			'true'    => array( 'true', true, true ),
			'1'       => array( '1', true, true ),
			'TRUE'    => array( 'TRUE', true, true ),
			'false'   => array( 'false', false, true ),
			'0'       => array( '0', false, true ),
			'no word' => array( 'perhaps', false, true ),
			'empty'   => array( '', true, false ),
		);
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_the_environment_switches_off_and_says_how_much_is_kept(): void {
		putenv( 'POSTREEVE_OFF=0' );
		$this->assertFalse( ( new Settings() )->is_off() );
		putenv( 'POSTREEVE_OFF=yes' );
		$this->assertTrue( ( new Settings() )->is_off() );

		putenv( 'POSTREEVE_OUTBOX_LIMIT=7' );
		$this->assertSame( 7 * MB_IN_BYTES, Outbox::limit() );
		putenv( 'POSTREEVE_OUTBOX_LIMIT=much' );
		$this->assertSame( 500 * MB_IN_BYTES, Outbox::limit() );
	}

	public function test_a_new_key_replaces_the_stored_one_and_an_empty_field_keeps_it(): void {
		$settings = new Settings();
		$settings->register();

		update_option( 'postreeve', array( 'relay_url' => $this->relay->url(), 'new_key' => '' ) );
		$this->assertSame( Relay::KEY, $settings->api_key() );
		update_option( 'postreeve', array( 'relay_url' => $this->relay->url(), 'new_key' => '  ' . self::OTHER_KEY . "\n" ) );
		$this->assertSame( self::OTHER_KEY, $settings->api_key() );
		update_option( 'postreeve', array( 'forget_key' => '1' ) );
		$this->assertSame( array( '', $this->relay->url() ), array( $settings->api_key(), $settings->relay_url() ) );
	}

	public function test_the_first_save_seals_the_key_once(): void {
		delete_option( 'postreeve' );
		$settings = new Settings();
		$settings->register();

		update_option( 'postreeve', array( 'relay_url' => $this->relay->url(), 'new_key' => Relay::KEY ) );

		$this->assertSame( Relay::KEY, $settings->api_key() );
		$this->assertFalse( $settings->is_live() );
	}

	/**
	 * @dataProvider addresses
	 */
	public function test_an_address_is_kept_if_a_relay_can_be_there( string $entered, string $kept ): void {
		$kept_before = $this->relay->url();

		$option = ( new Settings() )->sanitize( array( 'relay_url' => $entered ) );

		$this->assertSame( 'earlier' === $kept ? $kept_before : $kept, $option['relay_url'] );
	}

	public function addresses(): array {
		return array(
			'plain'                  => array( 'https://relay.example', 'https://relay.example' ),
			'spaces and a slash'     => array( '  https://relay.example/ ', 'https://relay.example' ),
			'a path'                 => array( 'https://shop.example/relay/', 'https://shop.example/relay' ),
			'a port'                 => array( 'https://relay.example:8443', 'https://relay.example:8443' ),
			'on this machine'        => array( 'http://127.0.0.1:8025', 'http://127.0.0.1:8025' ),
			'here by name'           => array( 'http://localhost:8025', 'http://localhost:8025' ),
			'here by IPv6'           => array( 'http://[::1]:8025', 'http://[::1]:8025' ),
			'unencrypted'            => array( 'http://relay.example', 'earlier' ),
			'only looks like here'   => array( 'http://127.0.0.1.evil.example', 'earlier' ),
			'empty'                  => array( '', '' ),
			'a script'               => array( 'javascript:alert(1)', '' ),
			'with a password'        => array( 'https://user:secret@relay.example', 'earlier' ),
			'with a question'        => array( 'https://relay.example/?a=1', 'earlier' ),
			'with a fragment'        => array( 'https://relay.example/#top', 'earlier' ),
			'no host'                => array( 'https://', 'earlier' ),
		);
	}

	/**
	 * @dataProvider keys
	 */
	public function test_what_cannot_be_a_key_is_not_kept( string $entered ): void {
		$option = ( new Settings() )->sanitize( array( 'new_key' => $entered ) );

		$this->assertSame( get_option( 'postreeve' )['api_key'], $option['api_key'] );
	}

	public function keys(): array {
		return array(
			'too short'       => array( 'prk_' ),
			'a space inside'  => array( 'prk_0123456789abcdef ABCDEFGHIJKLMNOPQRSTUVWXYZ' ),
			'a line inside'   => array( "prk_0123456789abcdef\r\nX-Evil: 1" ),
			'not ASCII'       => array( 'prk_ÄÖÜ_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq' ),
			'an account\'s'   => array( Relay::ACCOUNT_KEY ),
			'far too long'    => array( str_repeat( 'k', 300 ) ),
		);
	}

	/**
	 * @dataProvider states
	 */
	public function test_the_connection_has_a_state_of_its_own_for_everything( array $answer, string $state, string $notice ): void {
		$this->relay->answer( ...$answer );
		$settings = new Settings();

		$connection = Connection::check( $settings, new Account( new Client( $settings ) ) );

		$this->assertSame( array( $state, $notice ), array( $connection->state(), $connection->notice() ) );
		$this->assertNotSame( '', $connection->title() );
		$this->assertNotSame( '', $connection->text() );
	}

	public function states(): array {
		$well    = array(
			'account' => array( 'name' => 'A', 'state' => 'active' ),
			'site'    => array( 'name' => 'S', 'state' => 'active' ),
			'ready'   => true,
			'domains' => array(),
		);
		$with    = function ( array $change ) use ( $well ) {
			return array( 200, json_encode( array_replace_recursive( $well, $change ) ), 'application/json' );
		};
		$problem = function ( string $code, int $status ) {
			return array( $status, json_encode( array( 'type' => "https://relay.example/problems/$code", 'title' => 'No' ) ) );
		};
		return array(
			'well'                     => array( $with( array() ), 'ready', 'success' ),
			'no domain verified'       => array( $with( array( 'ready' => false ) ), 'not-ready', 'warning' ),
			'account pending'          => array( $with( array( 'account' => array( 'state' => 'pending' ), 'ready' => false ) ), 'pending', 'warning' ),
			'site suspended'           => array( $with( array( 'site' => array( 'state' => 'suspended' ) ) ), 'suspended', 'error' ),
			'the stricter of two'      => array( $with( array( 'account' => array( 'state' => 'terminated' ), 'site' => array( 'state' => 'warned' ) ) ), 'terminated', 'error' ),
			'limited'                  => array( $with( array( 'site' => array( 'state' => 'limited' ) ) ), 'limited', 'warning' ),
			'key not known'            => array( $problem( 'key-invalid', 401 ), 'key-invalid', 'error' ),
			'key of another site'      => array( $problem( 'key-site-mismatch', 403 ), 'key-site-mismatch', 'error' ),
			'key may not read'         => array( $problem( 'scope-missing', 403 ), 'scope-missing', 'error' ),
			'suspended, as a problem'  => array( $problem( 'account-suspended', 403 ), 'account-suspended', 'error' ),
			'pending, as a problem'    => array( $problem( 'account-pending', 403 ), 'account-pending', 'warning' ),
			'the relay is not well'    => array( $problem( 'unavailable', 503 ), 'unavailable', 'error' ),
			'a word of tomorrow'       => array( $problem( 'moon-is-full', 418 ), 'moon-is-full', 'error' ),
			'not a relay'              => array( array( 200, '<html>', 'text/html' ), 'relay-unexpected', 'error' ),
		);
	}

	public function test_nobody_is_asked_before_there_is_a_key(): void {
		update_option( 'postreeve', array( 'relay_url' => $this->relay->url(), 'api_key' => '' ) );
		$settings = new Settings();

		$connection = Connection::check( $settings, new Account( new Client( $settings ) ) );

		$this->assertSame( 'not-connected', $connection->state() );
		$this->assertSame( array(), $this->relay->requests() );
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_the_translations_that_come_with_it_are_found(): void {
		add_filter( 'pre_determine_locale', array( __CLASS__, 'german' ) );

		\Postreeve\Plugin::load_words();

		$this->assertSame( 'Aktiv schalten', __( 'Go live', 'postreeve' ) );
	}

	public static function german(): string {
		return 'de_DE';
	}
}
