<?php
/**
 * Who mails come from.
 */

namespace Postreeve\Tests;

use Postreeve\Account;
use Postreeve\Client;
use Postreeve\Settings;

final class SenderTest extends Site_Test_Case {

	protected function setUp(): void {
		parent::setUp();
		( new Account( new Client( new Settings() ) ) )->ask();
	}

	public function test_a_sender_the_relay_would_refuse_becomes_the_address_for_answers(): void {
		wp_mail( 'owner@shop.example', 'Contact', 'Text', 'From: Eve <eve@customer.example>' );

		$mail = $this->mail();
		$this->assertSame( 'Eve <shop@shop.example>', $mail['mail']['headers']['from'] );
		$this->assertSame( 'Eve <eve@customer.example>', $mail['mail']['headers']['reply-to'] );
		$this->assertSame( 'from', $mail['mail']['headers']['x-postreeve-rewritten'] );
		$this->assertSame( 'shop@shop.example', $mail['metadata']['envelope']['from'] );
	}

	public function test_an_address_for_answers_that_is_there_stays(): void {
		wp_mail( 'owner@shop.example', 'Contact', 'Text', "From: Eve <eve@customer.example>\nReply-To: bob@customer.example" );

		$this->assertSame( 'bob@customer.example', $this->mail()['mail']['headers']['reply-to'] );
	}

	/**
	 * @dataProvider own_senders
	 */
	public function test_a_sender_of_an_own_domain_stays( string $sender ): void {
		wp_mail( 'ada@x.example', 'Hello', 'Text', "From: Sales <$sender>" );

		$headers = $this->mail()['mail']['headers'];
		$this->assertSame( "Sales <$sender>", $headers['from'] );
		$this->assertArrayNotHasKey( 'reply-to', $headers );
		$this->assertArrayNotHasKey( 'x-postreeve-rewritten', $headers );
	}

	public function own_senders(): array {
		return array(
			'of the domain'   => array( 'sales@shop.example' ),
			'below it'        => array( 'sales@mail.shop.example' ),
			'in other letters' => array( 'Sales@SHOP.example' ),
		);
	}

	public function test_a_domain_that_only_ends_alike_is_another(): void {
		wp_mail( 'ada@x.example', 'Hello', 'Text', 'From: Eve <eve@evilshop.example>' );

		$this->assertSame( 'Eve <shop@shop.example>', $this->mail()['mail']['headers']['from'] );
	}

	public function test_the_sender_wordpress_makes_up_becomes_the_sites_own_with_the_sites_name(): void {
		$host = wp_parse_url( network_home_url(), PHP_URL_HOST );
		update_option( 'blogname', 'Tom &amp; Jerry' );
		add_filter( 'is_email', '__return_true' );
		add_filter(
			'wp_mail_from',
			function () use ( $host ) {
				return "wordpress@$host";
			},
			99
		);

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		update_option( 'blogname', 'Shop' );
		$headers = $this->mail()['mail']['headers'];
		$this->assertStringContainsString( 'Tom & Jerry', $headers['from'] );
		$this->assertStringContainsString( '<shop@shop.example>', $headers['from'] );
		$this->assertArrayNotHasKey( 'reply-to', $headers );
		$this->assertArrayNotHasKey( 'x-postreeve-rewritten', $headers );
	}

	public function test_nothing_of_it_sticks_to_the_next_mail(): void {
		wp_mail( 'owner@shop.example', 'Contact', 'Text', 'From: Eve <eve@customer.example>' );

		wp_mail( 'ada@x.example', 'Receipt', 'Text', 'From: Sales <sales@shop.example>' );

		$headers = $this->relay->mails()[1]['mail']['headers'];
		$this->assertSame( 'Sales <sales@shop.example>', $headers['from'] );
		$this->assertArrayNotHasKey( 'reply-to', $headers );
		$this->assertArrayNotHasKey( 'x-postreeve-rewritten', $headers );
	}

	public function test_a_sender_set_for_bounces_goes_with_the_address_it_belonged_to(): void {
		add_action(
			'phpmailer_init',
			function ( $phpmailer ) {
				$phpmailer->setFrom( 'eve@customer.example', 'Eve' );
			}
		);

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( 'shop@shop.example', $this->mail()['metadata']['envelope']['from'] );
	}

	public function test_a_site_cannot_forge_the_mark(): void {
		wp_mail( 'ada@x.example', 'Hello', 'Text', array( 'From: Sales <sales@shop.example>', 'X-Postreeve-Rewritten: from' ) );

		$this->assertArrayNotHasKey( 'x-postreeve-rewritten', $this->mail()['mail']['headers'] );
	}

	public function test_without_a_sender_of_its_own_the_relay_decides(): void {
		$this->relay->change( array( 'default_from' => null ) );
		( new Account( new Client( new Settings() ) ) )->ask();

		wp_mail( 'ada@x.example', 'Hello', 'Text', 'From: Eve <eve@customer.example>' );

		$this->assertSame( 'Eve <eve@customer.example>', $this->mail()['mail']['headers']['from'] );
	}

	public function test_a_key_that_may_not_read_is_not_tried_after_every_mail(): void {
		$known             = get_option( Account::OPTION );
		$known['asked_at'] = time() - DAY_IN_SECONDS - 1;
		update_option( Account::OPTION, $known );
		foreach ( array( 'One', 'Two' ) as $subject ) {
			wp_mail( 'ada@x.example', $subject, 'Text' );
			$this->relay->problem( 'scope-missing', 403, 'No' );
			do_action( 'shutdown' );
		}

		$asked = array_count_values( array_column( $this->relay->requests(), 'path' ) );
		$this->assertSame( 2, $asked['/v1/account'], 'Once as the test began, and once today.' );
		$this->assertSame( 'shop@shop.example', get_option( Account::OPTION )['default_from'], 'What was known stays.' );
	}

	public function test_what_mails_have_to_know_is_asked_anew_each_day_after_the_response(): void {
		$known             = get_option( Account::OPTION );
		$known['asked_at'] = time() - DAY_IN_SECONDS - 1;
		update_option( Account::OPTION, $known );
		$this->relay->change( array( 'default_from' => 'new@shop.example' ) );

		wp_mail( 'ada@x.example', 'Hello', 'Text' );
		do_action( 'shutdown' );

		$this->assertSame( 'new@shop.example', get_option( Account::OPTION )['default_from'] );
	}
}
