<?php
/**
 * Twenty-four ways in which mailers for WordPress have gone wrong, each met here.
 *
 * Where another case looks closer, it is named.
 */

namespace Postreeve\Tests;

use Postreeve\Account;
use Postreeve\Client;
use Postreeve\Runner;
use Postreeve\Settings;

final class TrapsTest extends Site_Test_Case {

	private $files = array();

	protected function tearDown(): void {
		array_map( 'unlink', $this->files );
		parent::tearDown();
	}

	public function test_01_wp_mail_is_cores_own_with_all_the_arguments_it_has_today(): void {
		$wp_mail = new \ReflectionFunction( 'wp_mail' );

		$this->assertSame( wp_normalize_path( ABSPATH . WPINC . '/pluggable.php' ), wp_normalize_path( $wp_mail->getFileName() ) );
	}

	public function test_02_somebody_who_loads_pluggable_functions_early_takes_nothing_away(): void {
		require_once ABSPATH . WPINC . '/pluggable.php';

		$this->assertTrue( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );
		$this->mail();
	}

	public function test_03_pre_wp_mail_comes_after_wp_mail_and_sees_what_it_changed(): void {
		$this->set( 'wp_mail', array( 'subject' => 'Changed' ) );
		$seen = '';
		add_filter(
			'pre_wp_mail',
			function ( $pre, $mail ) use ( &$seen ) {
				$seen = $mail['subject'];
				return $pre;
			},
			10,
			2
		);

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( 'Changed', $seen );
	}

	public function test_04_the_filter_wp_mail_runs_once(): void {
		add_filter(
			'wp_mail',
			function ( $mail ) {
				$mail['message'] = '<wrapped>' . $mail['message'] . '</wrapped>';
				return $mail;
			}
		);

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( '<wrapped>Text</wrapped>', $this->text() );
	}

	public function test_05_a_filter_set_for_one_mail_holds_for_it_also_when_it_is_sent_later(): void {
		$from = function () {
			return 'orders@shop.example';
		};
		add_filter( 'wp_mail_from', $from, 99 );
		$this->send_later( 'Later' );
		remove_filter( 'wp_mail_from', $from, 99 );

		$this->assertSame( 'WordPress <orders@shop.example>', $this->deliver()['mail']['headers']['from'] );
	}

	public function test_06_attachments_that_a_filter_puts_in_are_those_that_arrive(): void {
		$this->set( 'wp_mail', array( 'attachments' => array( $this->file( 'filtered' ) ) ) );

		wp_mail( 'ada@x.example', 'Hello', 'Text', '', array( $this->file( 'original' ) ) );

		$hashes = array_column( $this->mail()['mail']['parts'], 'sha256' );
		$this->assertContains( hash( 'sha256', 'filtered' ), $hashes );
		$this->assertNotContains( hash( 'sha256', 'original' ), $hashes );
	}

	public function test_07_files_out_of_memory_keep_name_place_and_id_also_when_they_are_sent_later(): void {
		add_action(
			'phpmailer_init',
			function ( $phpmailer ) {
				$phpmailer->addStringAttachment( "%PDF-1.4\n", 'Invoice.pdf' );
				$phpmailer->addStringEmbeddedImage( "\x89PNG", 'logo', 'logo.png', 'base64', 'image/png' );
			}
		);
		$this->send_later( 'Later', 'Content-Type: text/html' );

		$parts = $this->files( $this->deliver() );
		$this->assertSame( hash( 'sha256', "%PDF-1.4\n" ), $parts['Invoice.pdf']['sha256'] );
		$this->assertSame( array( 'inline', '<logo>' ), array( $parts['logo.png']['disposition'], $parts['logo.png']['cid'] ) );
	}

	public function test_08_a_long_list_unsubscribe_stays_whole_also_when_it_is_sent_later(): void {
		$link = 'https://shop.example/unsubscribe?' . str_repeat( 'token=0123456789abcdef&', 12 ) . 'end';
		$this->send_later( 'Later', "List-Unsubscribe: <$link>" );

		$this->assertStringContainsString( "\r\nList-Unsubscribe: <$link>\r\n", $this->mime( $this->deliver() ) );
	}

	public function test_09_a_blind_copy_is_blind_and_arrives_also_when_it_is_sent_later(): void {
		$this->send_later( 'Later', 'Bcc: secret@x.example' );

		$mail = $this->deliver();
		$this->assertSame( array( 'ada@x.example', 'secret@x.example' ), $mail['metadata']['envelope']['to'] );
		$this->assertStringNotContainsString( 'secret@x.example', $this->mime( $mail ) );
	}

	public function test_10_the_answer_is_the_truth_and_one_of_the_two_actions_fires(): void {
		$succeeded = 0;
		add_action(
			'wp_mail_succeeded',
			function () use ( &$succeeded ) {
				++$succeeded;
			}
		);

		$this->assertTrue( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );
		$this->assertSame( array( 1, 0 ), array( $succeeded, count( $this->failures ) ) );
		$this->relay->problem( 'nobody-to-mail', 422, 'No' );
		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );
		$this->assertSame( array( 1, 1 ), array( $succeeded, count( $this->failures ) ) );
	}

	/** Looked at closer in SenderTest. */
	public function test_11_a_sender_that_was_replaced_does_not_stick(): void {
		( new Account( new Client( new Settings() ) ) )->ask();
		wp_mail( 'ada@x.example', 'One', 'Text', 'From: Eve <eve@customer.example>' );
		wp_mail( 'ada@x.example', 'Two', 'Text', 'From: Sales <sales@shop.example>' );

		$this->assertSame( 'Sales <sales@shop.example>', $this->relay->mails()[1]['mail']['headers']['from'] );
	}

	public function test_12_a_site_title_is_not_escaped_in_names(): void {
		wp_mail( 'ada@x.example', 'Hello', 'Text', 'From: Tom &amp; Jerry <tom@shop.example>' );

		$this->assertSame( 'Tom & Jerry <tom@shop.example>', $this->mail()['mail']['headers']['from'] );
	}

	/** Looked at closer in TransportTest. */
	public function test_13_nothing_another_plugin_sets_on_the_mailer_is_there_for_the_next_mail(): void {
		$set = function ( $phpmailer ) {
			$phpmailer->isSMTP();
			$phpmailer->Sender   = 'bounces@shop.example';
			$phpmailer->Encoding = 'base64';
		};
		add_action( 'phpmailer_init', $set );
		wp_mail( 'ada@x.example', 'One', 'Text' );
		remove_action( 'phpmailer_init', $set );
		wp_mail( 'ada@x.example', 'Two', 'Text' );

		$this->assertSame( 'wordpress@shop.example', $this->relay->mails()[1]['metadata']['envelope']['from'] );
	}

	/** Looked at closer in NeighboursTest and HealthTest. */
	public function test_14_who_can_be_asked_to_use_wp_mail_is_asked(): void {
		$this->assertTrue( apply_filters( 'bp_email_use_wp_mail', false ) );
	}

	public function test_15_nothing_of_the_text_is_changed(): void {
		$text = "It\\'s at C:\\new\nhttps://shop.example/?a=1&b=2 &amp; <b>";

		wp_mail( 'ada@x.example', "It\\'s", $text );

		$this->assertSame( str_replace( "\n", "\r\n", $text ), $this->text() );
		$this->assertSame( "It\\'s", $this->mail()['mail']['subject'] );
	}

	/** Looked at closer in TransportTest. */
	public function test_16_headers_may_be_a_map(): void {
		wp_mail( 'ada@x.example', 'Hello', '<b>Text</b>', array( 'Content-Type' => 'Content-Type: text/html' ) );

		$this->assertSame( 'text/html', $this->mail()['mail']['parts'][0]['type'] );
	}

	public function test_17_a_comma_in_a_name_is_as_wrong_as_in_core(): void {
		wp_mail( '"Doe, Jane" <jane@x.example>', 'Hello', 'Text' );

		$this->assertSame( array( 'jane@x.example' ), $this->mail()['metadata']['envelope']['to'] );
	}

	/** Looked at in a process of its own in test_plugin.py. */
	public function test_18_mail_is_ours_from_the_moment_the_plugin_is_loaded(): void {
		$this->assertSame( PHP_INT_MAX, has_filter( 'pre_wp_mail', array( $this->interceptor(), 'install_mailer' ) ) );
	}

	public function test_19_a_long_list_of_people_can_wait(): void {
		$people = array_map(
			function ( $number ) {
				return "a-rather-long-name-for-a-mailbox-$number@department-of-long-names.x.example";
			},
			range( 1, 50 )
		);
		$this->relay->problem( 'unavailable', 503, 'Away' );

		$this->assertTrue( wp_mail( $people, 'Hello', 'Text' ) );

		$this->assertSame( $people, $this->deliver()['metadata']['envelope']['to'] );
	}

	public function test_20_a_slow_relay_does_not_make_a_page_slow(): void {
		$this->on_a_page();
		$this->relay->answer( 202, '{"id": "late"}', 'application/json', 8.0 );
		$began = microtime( true );

		wp_mail( 'ada@x.example', 'One', 'Text' );
		wp_mail( 'ada@x.example', 'Two', 'Text' );
		wp_mail( 'ada@x.example', 'Three', 'Text' );

		$this->assertLessThan( 6.0, microtime( true ) - $began, 'It waits for two seconds, once.' );
		$this->assertCount( 3, $this->kept( 'waiting' ) );
	}

	public function test_21_a_host_that_wordpress_may_not_talk_to_is_named(): void {
		( new Settings() )->connect( 'https://relay.example', Relay::KEY );

		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );

		$this->assertStringContainsString( 'WP_ACCESSIBLE_HOSTS', $this->failures[0]->get_error_message() );
		$this->assertCount( 1, $this->kept( 'parked' ) );
	}

	public function test_22_a_run_of_wp_cron_sends_its_many_mails_too(): void {
		$this->on_a_page();
		add_filter( 'wp_doing_cron', '__return_true' );

		foreach ( range( 1, 60 ) as $number ) {
			$this->assertTrue( wp_mail( "p$number@x.example", "Mail $number", 'Text' ) );
		}
		do_action( 'shutdown' );

		$this->assertCount( 60, $this->relay->arrivals() );
		$this->assertSame( array(), $this->kept() );
	}

	public function test_23_a_content_type_that_core_breaks_is_passed_on_and_the_relays_word_comes_back(): void {
		$this->relay->problem( 'message-invalid', 400, 'The message is not valid MIME', 'multipart without a boundary' );

		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', "--b\r\n\r\nWords\r\n--b--", 'Content-Type: multipart/alternative; boundary="b"' ) );

		$this->assertSame( 'message-invalid', $this->failure()['relay_code'] );
		$this->assertSame( array(), $this->kept() );
	}

	public function test_24_what_core_refuses_never_reaches_us(): void {
		$this->assertFalse( wp_mail( 'nonsense', 'Hello', 'Text' ) );
		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', '' ) );

		$this->assertSame( array(), $this->relay->requests() );
		$this->assertSame( array(), $this->kept() );
	}

	private function set( string $filter, array $changes ): void {
		add_filter(
			$filter,
			function ( $value ) use ( $changes ) {
				return array_replace( $value, $changes );
			}
		);
	}

	private function send_later( string $subject, string $headers = '' ): void {
		$this->relay->problem( 'unavailable', 503, 'Away' );
		$this->assertTrue( wp_mail( 'ada@x.example', $subject, 'Text', $headers ) );
		remove_all_actions( 'phpmailer_init' );
	}

	/**
	 * Lets time pass; gives the mail that arrives then.
	 */
	private function deliver(): array {
		$this->let_time_pass();
		do_action( Runner::HOOK );
		$this->assertSame( array(), $this->kept() );
		$mails = $this->relay->arrivals();
		return end( $mails );
	}

	private function text(): string {
		return rtrim( $this->mail()['mail']['parts'][0]['text'] );
	}

	private function file( string $content ): string {
		$file = wp_tempnam( 'attachment' );
		file_put_contents( $file, $content );
		$this->files[] = $file;
		return $file;
	}
}
