<?php
/**
 * Plugins that many sites have, by the way they send.
 */

namespace Postreeve\Tests;

use Postreeve\Account;
use Postreeve\Client;
use Postreeve\Conflicts;
use Postreeve\Settings;

final class NeighboursTest extends Site_Test_Case {

	const SLUGS = array( 'woocommerce', 'contact-form-7', 'mailpoet', 'buddypress' );

	public static function setUpBeforeClass(): void {
		foreach ( self::SLUGS as $slug ) {
			wp_mkdir_p( WP_PLUGIN_DIR . "/$slug" );
			copy( dirname( __DIR__ ) . "/stubs/$slug.php", WP_PLUGIN_DIR . "/$slug/$slug.php" );
			require_once WP_PLUGIN_DIR . "/$slug/$slug.php";
		}
	}

	public static function tearDownAfterClass(): void {
		foreach ( self::SLUGS as $slug ) {
			unlink( WP_PLUGIN_DIR . "/$slug/$slug.php" );
			rmdir( WP_PLUGIN_DIR . "/$slug" );
		}
	}

	public function test_a_shops_receipt(): void {
		$this->assertTrue( wc_like_send( 'ada@x.example', 'Your order', '<p>Thanks</p>', 'Thanks', array( 'Invoice.php' => __FILE__ ) ) );

		$mail  = $this->mail();
		$texts = array_column( $mail['mail']['parts'], 'text', 'type' );
		$this->assertSame( 'Tom & Jerry <orders@shop.example>', $mail['mail']['headers']['from'] );
		$this->assertSame( 'Shop <help@shop.example>', $mail['mail']['headers']['reply-to'] );
		$this->assertSame( array( 'Thanks', '<p>Thanks</p>' ), array( rtrim( $texts['text/plain'] ), rtrim( $texts['text/html'] ) ) );
		$this->assertSame( array( 'woocommerce', 'transactional' ), array( $mail['metadata']['source']['plugin'], $mail['metadata']['stream'] ) );
	}

	public function test_what_a_shop_sets_for_one_receipt_also_holds_for_one_that_waits(): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wc_like_send( 'ada@x.example', 'Your order', '<p>Thanks</p>', 'Thanks' );
		$this->let_time_pass();

		do_action( \Postreeve\Runner::HOOK );

		$mails = $this->relay->arrivals();
		$this->assertSame( $mails[0]['mime'], $mails[1]['mime'] );
		$this->assertSame( 'woocommerce', $mails[1]['metadata']['source']['plugin'] );
	}

	public function test_a_contact_form_whose_sender_is_the_visitor(): void {
		( new Account( new Client( new Settings() ) ) )->ask();

		$this->assertTrue( cf7_like_send( 'Eve <eve@customer.example>', __FILE__ ) );

		$mail = $this->mail();
		$this->assertSame( array( 'Eve <shop@shop.example>', 'Eve <eve@customer.example>' ), array( $mail['mail']['headers']['from'], $mail['mail']['headers']['reply-to'] ) );
		$this->assertSame( 'contact-form-7', $mail['metadata']['source']['plugin'] );
		$this->assertSame( basename( __FILE__ ), array_column( $mail['mail']['parts'], 'filename' )[1] );
	}

	public function test_a_newsletter_plugin_with_a_mailer_in_the_global(): void {
		mailpoet_like_init();

		$this->assertTrue( mailpoet_like_newsletter( 'ada@x.example' ) );

		$this->assertSame( array(), \MailPoet_Like_Mailer::$sent );
		$this->assertSame( array( 'mailpoet', 'marketing' ), array( $this->mail()['metadata']['source']['plugin'], $this->mail()['metadata']['stream'] ) );
		$this->assertContains( 'mailpoet', array_column( Conflicts::found(), 'plugin' ), 'Newsletters it sends past wp_mail() are at least told of.' );
	}

	public function test_a_mailer_in_the_global_is_back_where_the_mail_is_not_ours_any_more(): void {
		mailpoet_like_init();
		$theirs = $GLOBALS['phpmailer'];
		wp_mail( 'ada@x.example', 'Ours', 'Text' );
		$this->assertNotSame( $theirs, $GLOBALS['phpmailer'] );

		( new Settings() )->set_live( false );
		wp_mail( 'ada@x.example', 'Theirs', 'Text' );

		$this->assertSame( $theirs, $GLOBALS['phpmailer'] );
		$this->assertCount( 1, $this->relay->mails() );
	}

	public function test_a_mailer_in_the_global_is_back_at_the_requests_end(): void {
		mailpoet_like_init();
		$theirs = $GLOBALS['phpmailer'];
		wp_mail( 'ada@x.example', 'Ours', 'Text' );

		do_action( 'shutdown' );

		$this->assertSame( $theirs, $GLOBALS['phpmailer'] );
	}

	public function test_a_community_uses_wp_mail_where_the_mail_is_ours(): void {
		$this->assertTrue( bp_like_send( 'ada@x.example' ) );
		$this->assertSame( 'buddypress', $this->mail()['metadata']['source']['plugin'] );

		( new Settings() )->set_live( false );
		$this->assertSame( 'by a mailer of its own', bp_like_send( 'ada@x.example' ) );
	}
}
