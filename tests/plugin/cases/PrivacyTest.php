<?php
/**
 * WordPress's own privacy tools.
 */

namespace Postreeve\Tests;

use Postreeve\Client;
use Postreeve\Outbox;
use Postreeve\Privacy;
use Postreeve\Settings;

final class PrivacyTest extends Site_Test_Case {

	protected function setUp(): void {
		parent::setUp();
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'Ada@x.example', 'Hello', 'Text' );
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'bob@x.example', 'Hello', 'Text' );
		$this->relay->change( array(), array( 'ada@x.example' => array( 'address' => 'ada@x.example', 'subscriptions' => array( array( 'list' => 'news' ) ) ) ) );
	}

	public function test_both_tools_are_offered(): void {
		$this->assertSame( array( 'postreeve', 'core' ), array_keys( $this->privacy()->add_exporter( array( 'core' => array() ) ) ) );
		$this->assertSame( array( 'postreeve', 'core' ), array_keys( $this->privacy()->add_eraser( array( 'core' => array() ) ) ) );
	}

	public function test_a_person_gets_what_relay_and_site_hold(): void {
		$export = $this->privacy()->export( 'ada@x.example' );

		$this->assertTrue( $export['done'] );
		$this->assertSame( array( 'postreeve-outbox', 'postreeve-relay' ), array_column( $export['data'], 'group_id' ) );
		$this->assertStringContainsString( 'news', $export['data'][1]['data'][0]['value'] );
		$this->assertStringNotContainsString( 'bob@x.example', (string) wp_json_encode( $export ) );
	}

	public function test_a_person_is_forgotten_by_relay_and_site(): void {
		$erased = $this->privacy()->erase( 'ada@x.example' );

		$this->assertSame( array( true, false, array() ), array( $erased['items_removed'], $erased['items_retained'], $erased['messages'] ) );
		$this->assertSame( array( array( 'bob@x.example' ) ), array_column( ( new Outbox() )->rows(), 'to' ) );
		$requests = $this->relay->requests();
		$this->assertSame( array( 'DELETE', '/v1/people/ada%40x.example' ), array( end( $requests )['method'], end( $requests )['path'] ) );
	}

	public function test_a_mail_that_waits_for_others_too_still_goes_to_them(): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		wp_mail( 'carl@x.example', 'For both', 'Text', 'Bcc: ADA@x.example' );

		$this->privacy()->erase( 'ada@x.example' );

		$this->assertSame( array( array( 'carl@x.example' ), array( 'bob@x.example' ) ), array_column( ( new Outbox() )->rows(), 'to' ) );
		$this->let_time_pass();
		do_action( \Postreeve\Runner::HOOK );
		$mails = $this->relay->arrivals();
		$this->assertSame( array( 'carl@x.example' ), end( $mails )['metadata']['envelope']['to'] );
		$this->assertSame( array(), $this->kept() );
	}

	public function test_a_key_that_may_not_do_it_is_said(): void {
		$this->relay->problem( 'scope-missing', 403, 'No' );

		$erased = $this->privacy()->erase( 'ada@x.example' );

		$this->assertTrue( $erased['items_retained'] );
		$this->assertStringContainsString( 'This API key has not got the right to do that.', $erased['messages'][0] );
	}

	public function test_without_a_relay_only_the_site_is_asked(): void {
		( new Settings() )->connect( '', '' );
		$before = count( $this->relay->requests() );

		$this->privacy()->export( 'ada@x.example' );
		$this->privacy()->erase( 'ada@x.example' );

		$this->assertCount( $before, $this->relay->requests() );
	}

	private function privacy(): Privacy {
		$settings = new Settings();
		return new Privacy( $settings, new Client( $settings ), new Outbox() );
	}
}
