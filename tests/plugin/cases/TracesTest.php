<?php
/**
 * What is left when the plugin is deleted.
 */

namespace Postreeve\Tests;

use Postreeve\Account;
use Postreeve\Breaker;
use Postreeve\Client;
use Postreeve\Desk;
use Postreeve\Handshake;
use Postreeve\Outbox_Key;
use Postreeve\Schema;
use Postreeve\Settings;
use Postreeve\Test_Mail;
use Postreeve\Traces;

final class TracesTest extends Site_Test_Case {

	protected function tearDown(): void {
		Schema::create();
		parent::tearDown();
	}

	public function test_deleting_leaves_nothing_of_what_the_plugin_ever_stores(): void {
		global $wpdb;
		foreach ( Desk::KINDS as $kind ) {
			set_transient( Desk::MEMORY . $kind, 'seen', 60 );
		}
		set_transient( Handshake::MEMORY, 'begun', 60 );
		( new Account( new Client( new Settings() ) ) )->ask();
		( new Settings() )->set_aliases( array( 'b.example' ) );
		( new Breaker() )->open();
		Test_Mail::remember( 'a', true );
		Outbox_Key::get();

		Traces::remove_everywhere();

		$this->assertSame( array(), $wpdb->get_col( "SELECT option_name FROM {$wpdb->options} WHERE option_name LIKE '%postreeve%'" ) );
		$this->assertSame( array(), $wpdb->get_col( "SHOW TABLES LIKE '%postreeve%'" ) );
	}
}
