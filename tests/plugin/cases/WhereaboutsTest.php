<?php
/**
 * A copy of a site mails nobody; a site that has moved goes on.
 */

namespace Postreeve\Tests;

use Postreeve\Account;
use Postreeve\Client;
use Postreeve\Connection;
use Postreeve\Desk;
use Postreeve\Errands;
use Postreeve\Handshake;
use Postreeve\Outbox;
use Postreeve\Privacy;
use Postreeve\Reading;
use Postreeve\Runner;
use Postreeve\Settings;
use Postreeve\View;
use Postreeve\Whereabouts;

final class WhereaboutsTest extends Site_Test_Case {

	/**
	 * @dataProvider other_places
	 */
	public function test_a_site_found_elsewhere_keeps_its_mail_and_sends_none( array $connected_at ): void {
		( new Settings() )->bind( array_replace( Whereabouts::here(), $connected_at ) );

		$this->assertTrue( wp_mail( 'customer@x.example', 'Hello', 'Text' ) );
		do_action( 'shutdown' );
		do_action( Runner::HOOK );

		$this->assertSame( array(), $this->relay->requests() );
		$this->assertSame( array( 'captured captured' ), $this->kept() );
	}

	public function other_places(): array {
		return array(
			'another address'     => array( array( 'home' => 'shop.example' ) ),
			'another environment' => array( array( 'environment' => 'staging' ) ),
		);
	}

	public function test_what_waited_in_the_original_is_not_sent_by_the_copy(): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'customer@x.example', 'Hello', 'Text' );
		$this->move();
		$this->relay->reset();
		$this->let_time_pass();

		do_action( Runner::HOOK );

		$this->assertSame( array(), $this->relay->requests() );
	}

	public function test_a_copy_with_other_salts_does_not_send_by_itself_either(): void {
		$this->move();
		add_filter(
			'salt',
			function ( $salt ) {
				return strrev( $salt );
			}
		);

		$this->assertTrue( wp_mail( 'customer@x.example', 'Hello', 'Text' ) );

		$this->assertCount( 1, $this->kept( 'captured' ) );
	}

	public function test_a_copy_neither_sends_a_mail_again_nor_has_the_relay_erase_anybody(): void {
		$this->move();
		$settings = new Settings();
		$client   = new Client( $settings );
		$errands  = new Errands( new Desk( $settings, new Account( $client ) ), new Handshake( $settings ) );

		$this->assertInstanceOf( \WP_Error::class, $errands->act( Errands::RESEND, array( 'message' => 'm1', 'to' => '' ) ) );
		$erased = ( new Privacy( $settings, $client, new Outbox() ) )->erase( 'ada@x.example' );

		$this->assertTrue( $erased['items_retained'] );
		$this->assertStringContainsString( 'not where it was connected', $erased['messages'][0] );
		$this->assertSame( array(), $this->relay->requests() );
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_a_site_whose_key_comes_from_outside_belongs_where_its_first_mail_is_sent(): void {
		delete_option( Settings::OPTION );
		define( 'POSTREEVE_RELAY_URL', $this->relay->url() );
		define( 'POSTREEVE_API_KEY', Relay::KEY );

		$home    = get_option( 'home' );
		$options = array( 'home' => 'https://shop.example' ) + wp_load_alloptions();
		wp_cache_set( 'alloptions', $options, 'options' );
		wp_mail( 'customer@x.example', 'Hello', 'Text' );
		$this->assertSame( '', ( new Settings() )->bound_to()['home'], 'A visitor may have made the address up.' );

		$options['home'] = $home;
		wp_cache_set( 'alloptions', $options, 'options' );
		wp_mail( 'customer@x.example', 'Hello', 'Text' );
		$this->assertSame( Whereabouts::place(), ( new Settings() )->bound_to() );
		$this->assertCount( 2, $this->relay->mails() );
	}

	public function test_moved_binds_it_to_the_new_place_and_sends_what_was_kept(): void {
		$this->move();
		wp_mail( 'customer@x.example', 'Hello', 'Text' );

		$this->assertSame( 1, $this->whereabouts()->has_moved() );
		do_action( Runner::HOOK );

		$this->assertSame( 'Hello', $this->mail()['mail']['subject'] );
		$this->assertFalse( $this->whereabouts()->is_elsewhere() );
	}

	public function test_a_copy_goes_on_keeping(): void {
		$this->move();
		$this->whereabouts()->is_a_copy();

		wp_mail( 'customer@x.example', 'Hello', 'Text' );

		$this->assertTrue( $this->whereabouts()->is_copy() );
		$this->assertCount( 1, $this->kept( 'captured' ) );
		$this->assertSame( array(), $this->relay->requests() );
	}

	public function test_a_copy_of_the_copy_is_asked_again(): void {
		$this->move();
		( new Settings() )->mark_copy( 'staging.shop.example' );

		$this->assertTrue( $this->whereabouts()->is_elsewhere() );
		$this->assertFalse( $this->whereabouts()->is_copy() );
	}

	public function test_https_and_www_make_no_other_site(): void {
		$here = Whereabouts::here();

		$this->assertStringNotContainsString( '://', $here['home'] );
		$this->assertFalse( $this->whereabouts()->is_elsewhere() );
	}

	public function test_a_new_key_entered_here_belongs_here(): void {
		$this->move();

		( new Settings() )->connect( $this->relay->url(), Relay::KEY );

		$this->assertFalse( $this->whereabouts()->is_elsewhere() );
	}

	public function test_what_was_caught_before_a_new_key_was_entered_can_still_be_sent(): void {
		$this->move();
		wp_mail( 'customer@x.example', 'Hello', 'Text' );
		$this->assertStringNotContainsString( 'value="moved"', $this->state() );

		( new Settings() )->connect( $this->relay->url(), Relay::KEY );
		$this->assertStringContainsString( 'value="moved"', $this->state() );
		$this->whereabouts()->has_moved();
		do_action( Runner::HOOK );

		$this->mail();
		$this->assertStringNotContainsString( 'value="moved"', $this->state() );
	}

	public function test_a_plugin_that_shows_another_address_for_a_language_makes_no_copy(): void {
		add_filter(
			'option_home',
			function () {
				return 'https://fr.shop.example';
			},
			99
		);

		$this->assertFalse( $this->whereabouts()->is_elsewhere() );
	}

	public function test_a_copy_of_a_busy_site_does_not_fill_its_database(): void {
		global $wpdb;
		$this->move();
		wp_mail( 'customer@x.example', 'Hello', 'Text' );
		$columns = 'state, reason, source, size, created_at, due_at, expires_at, about';
		$table   = \Postreeve\Schema::outbox();
		foreach ( range( 1, Outbox::MOST_CAPTURED ) as $number ) {
			$wpdb->query( "INSERT INTO $table (mail_key, $columns) SELECT 'copy-$number', $columns FROM $table WHERE mail_key NOT LIKE 'copy-%'" );
		}

		wp_mail( 'customer@x.example', 'One more', 'Text' );

		$counts = ( new Outbox() )->counts();
		$this->assertSame( array( Outbox::MOST_CAPTURED, 2 ), array( $counts['captured'], $counts['failed'] ) );
	}

	public function test_a_copys_latest_mails_push_out_its_oldest_where_room_is_short(): void {
		global $wpdb;
		$this->move();
		wp_mail( 'customer@x.example', 'First', 'Text' );
		$wpdb->query( 'UPDATE ' . \Postreeve\Schema::outbox() . ' SET size = ' . 500 * MB_IN_BYTES );

		$this->assertTrue( wp_mail( 'customer@x.example', 'Second', 'Text' ) );

		$this->assertSame( array( 'failed captured-too-many', 'captured captured' ), $this->kept() );
	}

	public function test_one_more_address_of_the_site_is_home_until_it_is_forgotten(): void {
		$this->move();
		( new Settings() )->set_aliases( array( Whereabouts::here()['home'] ) );
		$this->assertFalse( $this->whereabouts()->is_elsewhere() );

		$this->whereabouts()->forget( Whereabouts::here()['home'] );

		$this->assertTrue( $this->whereabouts()->is_elsewhere() );
	}

	public function test_at_home_nobody_asks_the_database_for_further_addresses(): void {
		( new Settings() )->set_aliases( array( 'b.example' ) );
		wp_cache_flush();
		wp_load_alloptions();
		$before = $GLOBALS['wpdb']->num_queries;

		$this->assertFalse( $this->whereabouts()->is_elsewhere() );

		$this->assertSame( $before, $GLOBALS['wpdb']->num_queries );
	}

	public function test_further_addresses_that_an_earlier_version_has_kept_are_home_and_can_be_forgotten(): void {
		$this->move();
		update_option( Settings::OPTION, array( 'aliases' => array( Whereabouts::here()['home'], 'b.example' ) ) + get_option( Settings::OPTION ) );
		$this->assertFalse( $this->whereabouts()->is_elsewhere() );

		$this->assertTrue( $this->whereabouts()->forget( 'https://www.b.example/' ) );

		$this->assertSame( array( Whereabouts::here()['home'] ), ( new Settings() )->aliases() );
		$this->assertFalse( $this->whereabouts()->is_elsewhere() );
	}

	public function test_places_that_an_earlier_version_has_written_plainly_are_known_and_written_anew(): void {
		$plain            = Whereabouts::place() + get_option( Settings::OPTION );
		$plain['version'] = 2;
		update_option( Settings::OPTION, $plain );
		$this->assertSame( Whereabouts::place(), ( new Settings() )->bound_to() );

		( new \Postreeve\Upgrade( new Settings() ) )->check();

		$this->assertSame( Whereabouts::place(), ( new Settings() )->bound_to() );
		$this->assertStringNotContainsString( Whereabouts::here()['home'], serialize( array( 'relay_url' => '' ) + get_option( Settings::OPTION ) ) );
	}

	public function test_a_name_that_every_machine_has_is_no_further_address(): void {
		$this->move();

		$this->assertMatchesRegularExpression( '/^127/', Whereabouts::here()['home'] );
		$this->assertFalse( $this->whereabouts()->may_be_the_same() );
		$this->assertInstanceOf( \WP_Error::class, $this->whereabouts()->is_the_same() );
	}

	public function test_the_relay_hears_the_address_that_was_connected_and_of_a_copy_its_own(): void {
		$place = Whereabouts::place();
		( new Settings() )->bind( array( 'address' => 'https://www.' . $place['home'] ) + $place );
		$this->assertSame( 'https://www.' . $place['home'], Whereabouts::address() );

		$this->move();

		$this->assertSame( $place['address'], Whereabouts::address() );
	}

	public function test_moving_or_a_new_key_ends_further_addresses(): void {
		( new Settings() )->set_aliases( array( 'b.example' ) );
		$this->whereabouts()->has_moved();
		$this->assertSame( array(), ( new Settings() )->aliases() );

		( new Settings() )->set_aliases( array( 'b.example' ) );
		( new Settings() )->connect( $this->relay->url(), strrev( Relay::KEY ) );
		$this->assertSame( array(), ( new Settings() )->aliases() );
	}

	public function test_a_copys_mark_that_came_home_with_its_database_is_taken_off_when_the_owner_comes(): void {
		( new Settings() )->mark_copy( 'staging.shop.example' );

		$this->whereabouts()->settle();

		$this->assertSame( '', ( new Settings() )->copy_at() );
	}

	private function whereabouts(): Whereabouts {
		return new Whereabouts( new Settings(), new Outbox() );
	}

	/**
	 * What Status says of the switch and of what is kept.
	 */
	private function state(): string {
		$settings  = new Settings();
		$arguments = array(
			'settings'    => $settings,
			'connection'  => Connection::of( $settings, new Reading( array( 'ready' => true ), time() ) ),
			'whereabouts' => $this->whereabouts(),
			'counts'      => ( new Outbox() )->counts(),
			'next'        => null,
		);
		ob_start();
		View::show( 'state', $arguments );
		return (string) ob_get_clean();
	}

	private function move(): void {
		( new Settings() )->bind( array( 'home' => 'shop.example' ) );
	}
}
