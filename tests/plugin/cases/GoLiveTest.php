<?php
/**
 * Connecting takes nothing over; the owner hands the mail over, and can take it back.
 */

namespace Postreeve\Tests;

use Postreeve\Account;
use Postreeve\Client;
use Postreeve\Go_Live;
use Postreeve\Settings;
use Postreeve\Upgrade;

final class GoLiveTest extends Site_Test_Case {

	public function test_a_site_that_is_only_connected_mails_as_before(): void {
		delete_option( Settings::OPTION );
		( new Settings() )->connect( $this->relay->url(), Relay::KEY );

		$this->assertTrue( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertSame( array(), $this->relay->requests() );
		$this->assertNotInstanceOf( \Postreeve\Mailer::class, $GLOBALS['phpmailer'] );
	}

	public function test_it_goes_live_when_the_relay_is_ready_and_the_owner_wants_it(): void {
		delete_option( Settings::OPTION );
		( new Settings() )->connect( $this->relay->url(), Relay::KEY );

		$this->assertTrue( $this->live()->on() );

		wp_mail( 'ada@x.example', 'Hello', 'Text' );
		$this->mail();
	}

	public function test_it_does_not_go_live_before_the_relay_is_ready_and_says_why(): void {
		$this->live()->off();
		$this->relay->change(
			array(
				'ready'             => false,
				'not_ready_because' => array( 'The domain of shop@shop.example is not verified.' ),
			)
		);

		$answer = $this->live()->on();

		$this->assertSame( 'not-ready', $answer->get_error_code() );
		$this->assertStringContainsString( 'The domain of shop@shop.example is not verified.', $answer->get_error_message() );
		$this->assertFalse( ( new Settings() )->takes_mail() );
	}

	public function test_it_does_not_go_live_while_nobody_answers(): void {
		delete_option( Settings::OPTION );
		( new Settings() )->connect( 'http://127.0.0.1:1', Relay::KEY );

		$this->assertSame( 'relay-unreachable', $this->live()->on()->get_error_code() );
		$this->assertFalse( ( new Settings() )->is_live() );
	}

	public function test_one_switch_goes_back(): void {
		$this->live()->off();

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( array(), $this->relay->requests() );
		$this->assertTrue( ( new Settings() )->is_connected() );
	}

	public function test_a_new_key_keeps_a_live_site_live_and_a_forgotten_one_does_not(): void {
		$settings = new Settings();
		$settings->connect( $this->relay->url(), Relay::KEY );
		$this->assertTrue( $settings->is_live() );

		$settings->connect( $this->relay->url(), '' );
		$settings->connect( $this->relay->url(), Relay::KEY );

		$this->assertFalse( $settings->is_live() );
	}

	public function test_a_form_cannot_go_live(): void {
		$this->live()->off();
		$settings = new Settings();

		$option = $settings->sanitize( array( 'live' => '1', 'home' => 'evil.example' ) );

		$this->assertFalse( $option['live'] );
		$this->assertSame( get_option( 'postreeve' )['home'], $option['home'] );
	}

	public function test_a_site_connected_by_an_earlier_version_stays_live(): void {
		$stored = get_option( 'postreeve' );
		update_option( 'postreeve', array_intersect_key( $stored, array_flip( array( 'relay_url', 'api_key' ) ) ) );

		wp_mail( 'ada@x.example', 'Before the upgrade', 'Text' );
		( new Upgrade( new Settings() ) )->check();
		wp_mail( 'ada@x.example', 'After it', 'Text' );

		$this->assertCount( 2, $this->relay->mails() );
		$this->assertSame( \Postreeve\Schema::VERSION, ( new Settings() )->version() );
		$this->assertSame( \Postreeve\Whereabouts::place(), ( new Settings() )->bound_to() );
	}

	public function test_a_live_site_that_was_never_bound_to_a_place_is_when_its_owner_visits(): void {
		( new Settings() )->bind( array( 'home' => '', 'environment' => '' ) );

		( new Upgrade( new Settings() ) )->check();

		$this->assertSame( \Postreeve\Whereabouts::place(), ( new Settings() )->bound_to() );
	}

	public function test_tables_of_an_earlier_version_get_the_index_that_counts_bytes(): void {
		global $wpdb;
		$drop = 'ALTER TABLE ' . \Postreeve\Schema::outbox() . ' DROP KEY state_size';
		\Postreeve\Schema::create();
		$wpdb->query( $drop );
		( new Settings() )->upgrade( 1, true );

		( new Upgrade( new Settings() ) )->check();

		$this->assertNotFalse( $wpdb->query( $drop ) );
		\Postreeve\Schema::add_index();
	}

	public function test_activating_changes_nothing_of_a_sites_mail(): void {
		delete_option( Settings::OPTION );

		( new Upgrade( new Settings() ) )->activate( false );

		$this->assertFalse( ( new Settings() )->is_live() );
		$this->assertSame( array(), $this->relay->requests() );
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_a_constant_can_say_it(): void {
		$this->live()->off();
		define( 'POSTREEVE_LIVE', true );

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->mail();
	}

	private function live(): Go_Live {
		$settings = new Settings();
		return new Go_Live( $settings, new Account( new Client( $settings ) ) );
	}
}
