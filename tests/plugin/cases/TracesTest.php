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

final class TracesTest extends Site_Test_Case {

	protected function tearDown(): void {
		Schema::create();
		parent::tearDown();
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_deleting_leaves_nothing_of_what_the_plugin_ever_stores(): void {
		define( 'WP_UNINSTALL_PLUGIN', 'postreeve/postreeve.php' );
		foreach ( Desk::KINDS as $kind ) {
			set_transient( Desk::MEMORY . $kind, 'seen', 60 );
		}
		set_transient( Handshake::MEMORY, 'begun', 60 );
		( new Account( new Client( new Settings() ) ) )->ask();
		( new Settings() )->set_aliases( array( 'b.example' ) );
		( new Breaker() )->open();
		Test_Mail::remember( 'a', true );
		Outbox_Key::get();

		require WP_PLUGIN_DIR . '/postreeve/uninstall.php';

		$this->assertSame( array(), self::traces() );
	}

	private static function traces(): array {
		global $wpdb;
		return $wpdb->get_col(
			"SELECT option_name FROM {$wpdb->options} WHERE option_name LIKE '%postreeve%'
			UNION SELECT meta_key FROM {$wpdb->usermeta} WHERE meta_key LIKE '%postreeve%'
			UNION SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE '%postreeve%'"
		);
	}
}
