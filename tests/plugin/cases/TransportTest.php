<?php
/**
 * What arrives at the relay.
 */

namespace Postreeve\Tests;

use Postreeve\Contract\Reference_Mailer;

final class TransportTest extends Site_Test_Case {

	private $files = array();

	protected function tearDown(): void {
		array_map( 'unlink', $this->files );
		parent::tearDown();
	}

	public function test_a_mail_arrives_as_the_contract_says(): void {
		$sent = wp_mail( 'ada@x.example', 'Hello', 'Good morning.' );

		$this->assertTrue( $sent );
		$mail = $this->mail();
		$this->assertSame( 'Bearer ' . Relay::KEY, $mail['headers']['authorization'] );
		$this->assertSame( get_option( 'home' ), $mail['headers']['x-postreeve-site'] );
		$this->assertMatchesRegularExpression( '~^Postreeve/\d+\.\d+\.\d+ WordPress/\d~', $mail['headers']['user-agent'] );
		$this->assertSame(
			array(
				'from' => 'wordpress@shop.example',
				'to'   => array( 'ada@x.example' ),
			),
			$mail['metadata']['envelope']
		);
		$this->assertSame( 'transactional', $mail['metadata']['stream'] );
		$this->assertArrayNotHasKey( 'kind', $mail['metadata'] );
		$this->assertSame( 'Hello', $mail['mail']['subject'] );
		$this->assertSame( array(), $mail['mail']['defects'] );
		$this->assertSame( 'Good morning.', rtrim( $mail['mail']['parts'][0]['text'] ) );
	}

	public function test_every_mail_has_an_idempotency_key_of_its_own(): void {
		wp_mail( 'ada@x.example', 'One', 'Text' );
		wp_mail( 'ada@x.example', 'Two', 'Text' );

		$keys = array_column( array_column( $this->relay->mails(), 'headers' ), 'idempotency-key' );
		$this->assertCount( 2, array_unique( $keys ) );
		foreach ( $keys as $key ) {
			$this->assertMatchesRegularExpression( '/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/', $key );
		}
	}

	public function test_to_cc_and_bcc_are_in_the_envelope_and_bcc_is_not_in_the_mail(): void {
		wp_mail(
			array( 'To@x.example', 'Doe <doe@x.example>' ),
			'Everybody',
			'Text',
			array( 'Cc: cc@x.example', 'Bcc: bcc1@x.example, to@X.example', 'Bcc: bcc2@x.example' )
		);

		$mail = $this->mail();
		$this->assertEqualsCanonicalizing(
			array( 'To@x.example', 'doe@x.example', 'cc@x.example', 'bcc1@x.example', 'bcc2@x.example' ),
			$mail['metadata']['envelope']['to']
		);
		$this->assertDoesNotMatchRegularExpression( '/^Bcc:/mi', $this->mime( $mail ) );
		$this->assertStringNotContainsString( 'bcc1@x.example', $this->mime( $mail ) );
		$this->assertStringContainsString( 'To: To@x.example, Doe <doe@x.example>', $mail['mail']['raw_headers'] );
		$this->assertStringContainsString( 'Cc: cc@x.example', $mail['mail']['raw_headers'] );
	}

	public function test_the_envelope_sender_is_sender_where_a_plugin_sets_one(): void {
		add_action(
			'phpmailer_init',
			function ( $phpmailer ) {
				$phpmailer->Sender = 'bounces@shop.example';
			}
		);

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( 'bounces@shop.example', $this->mail()['metadata']['envelope']['from'] );
	}

	public function test_nothing_of_one_mail_sticks_to_the_next(): void {
		$change = function ( $phpmailer ) {
			$phpmailer->setFrom( 'sales@shop.example', 'Sales' );
			$phpmailer->Encoding = 'base64';
			$phpmailer->Priority = 1;
		};
		add_action( 'phpmailer_init', $change );
		wp_mail( 'ada@x.example', 'One', 'Text', 'X-Postreeve-Stream: notification' );
		remove_action( 'phpmailer_init', $change );

		wp_mail( 'ada@x.example', 'Two', 'Text' );

		list( $first, $second ) = $this->relay->mails();
		$this->assertSame( 'sales@shop.example', $first['metadata']['envelope']['from'] );
		$this->assertSame( 'notification', $first['metadata']['stream'] );
		$this->assertSame( 'wordpress@shop.example', $second['metadata']['envelope']['from'] );
		$this->assertSame( 'transactional', $second['metadata']['stream'] );
		$this->assertSame( 'WordPress <wordpress@shop.example>', $second['mail']['headers']['from'] );
		$this->assertStringNotContainsString( 'base64', $this->mime( $second ) );
		$this->assertStringNotContainsString( 'X-Priority', $this->mime( $second ) );
	}

	public function test_attachments_keep_their_content_and_the_names_they_are_given(): void {
		$pdf     = $this->file( random_bytes( 5000 ) );
		$picture = random_bytes( 3000 );
		$logo    = random_bytes( 300 );
		add_action(
			'phpmailer_init',
			function ( $phpmailer ) use ( $picture, $logo ) {
				$phpmailer->addStringAttachment( $picture, 'Größe 7.png' );
				$phpmailer->addStringEmbeddedImage( $logo, 'logo-cid', 'logo.png', 'base64', 'image/png' );
				$phpmailer->AltBody = 'Plain words';
			}
		);

		wp_mail( 'ada@x.example', 'Files', '<p>Hi <img src="cid:logo-cid"></p>', 'Content-Type: text/html', array( 'Invoice 7.pdf' => $pdf ) );

		$mail  = $this->mail();
		$parts = $this->files( $mail );
		$name  = $this->names_attachments() ? 'Invoice 7.pdf' : basename( $pdf );
		$this->assertSame( array(), $mail['mail']['defects'] );
		$this->assertSame( hash_file( 'sha256', $pdf ), $parts[ $name ]['sha256'] );
		$this->assertSame( hash( 'sha256', $picture ), $parts['Größe 7.png']['sha256'] );
		$this->assertSame( hash( 'sha256', $logo ), $parts['logo.png']['sha256'] );
		$this->assertSame( array( '<logo-cid>', 'inline' ), array( $parts['logo.png']['cid'], $parts['logo.png']['disposition'] ) );
		$texts = array_column( $mail['mail']['parts'], 'text', 'type' );
		$this->assertSame( 'Plain words', rtrim( $texts['text/plain'] ) );
		$this->assertStringContainsString( 'cid:logo-cid', $texts['text/html'] );
	}

	public function test_embeds_of_wordpress_6_9_arrive(): void {
		if ( version_compare( $GLOBALS['wp_version'], '6.9', '<' ) ) {
			$this->markTestSkipped( 'wp_mail() has no embeds before WordPress 6.9.' );
		}
		$logo = $this->file( random_bytes( 300 ) );

		wp_mail( 'ada@x.example', 'Embed', '<img src="cid:logo">', 'Content-Type: text/html', array(), array( 'logo' => $logo ) );

		$this->assertContains( '<logo>', array_column( $this->mail()['mail']['parts'], 'cid' ) );
	}

	public function test_a_large_attachment_arrives_whole(): void {
		$file = $this->file( random_bytes( 3 * MB_IN_BYTES ) );

		$this->assertTrue( wp_mail( 'ada@x.example', 'Large', 'Text', '', array( $file ) ) );

		$this->assertContains( hash_file( 'sha256', $file ), array_column( $this->mail()['mail']['parts'], 'sha256' ) );
	}

	public function test_a_long_list_unsubscribe_stays_one_line(): void {
		$address = 'https://shop.example/unsubscribe?' . str_repeat( 'token=0123456789abcdef&', 12 ) . 'end';

		wp_mail( 'ada@x.example', 'News', 'Text', array( "List-Unsubscribe: <$address>", 'List-Unsubscribe-Post: List-Unsubscribe=One-Click' ) );

		$this->assertStringContainsString( "\r\nList-Unsubscribe: <$address>\r\n", $this->mime( $this->mail() ) );
	}

	public function test_names_and_subjects_of_every_language_arrive(): void {
		wp_mail( 'Zoë 李 <zoe@x.example>', 'Grüße 你好 مرحبا', 'ÄÖÜ ß 你好', 'From: Käthe Müller <kaethe@shop.example>' );

		$headers = $this->mail()['mail']['headers'];
		$this->assertSame( 'Grüße 你好 مرحبا', $headers['subject'] );
		$this->assertSame( 'Käthe Müller <kaethe@shop.example>', $headers['from'] );
		$this->assertSame( 'Zoë 李 <zoe@x.example>', $headers['to'] );
		$this->assertSame( 'ÄÖÜ ß 你好', rtrim( $this->mail()['mail']['parts'][0]['text'] ) );
	}

	public function test_a_site_title_as_a_name_is_not_escaped(): void {
		update_option( 'blogname', 'Tom &amp; Jerry&#039;s' );

		wp_mail( 'ada@x.example', 'Hello', 'Text', array( 'From: ' . get_bloginfo( 'name' ) . ' <tom@shop.example>', 'Reply-To: ' . get_bloginfo( 'name' ) . ' <jerry@shop.example>' ) );

		update_option( 'blogname', 'Shop' );
		$headers = $this->mail()['mail']['headers'];
		$this->assertStringContainsString( "Tom & Jerry's", $headers['from'] );
		$this->assertStringContainsString( "Tom & Jerry's", $headers['reply-to'] );
		$this->assertStringNotContainsString( '&amp;', $this->mime( $this->mail() ) );
	}

	public function test_an_international_domain_is_in_the_envelope_in_ascii(): void {
		add_filter( 'is_email', '__return_true' );

		wp_mail( 'info@müller.example', 'Hello', 'Text' );

		$this->assertSame( array( 'info@xn--mller-kva.example' ), $this->mail()['metadata']['envelope']['to'] );
	}

	/**
	 * @dataProvider header_shapes
	 */
	public function test_headers_may_have_any_shape_that_core_takes( $headers ): void {
		wp_mail( 'ada@x.example', 'Hello', '<b>Text</b>', $headers );

		$mail = $this->mail();
		$this->assertSame( array( 'ada@x.example', 'cc@x.example' ), $mail['metadata']['envelope']['to'] );
		$this->assertSame( 'blue', $mail['mail']['headers']['x-colour'] );
		$this->assertSame( 'text/html', $mail['mail']['parts'][0]['type'] );
	}

	public function header_shapes(): array {
		$lines = array( 'Content-Type: text/html; charset=UTF-8', 'Cc: cc@x.example', 'X-Colour: blue' );
		return array(
			'a string with LF'   => array( implode( "\n", $lines ) ),
			'a string with CRLF' => array( implode( "\r\n", $lines ) . "\r\n" ),
			'a list'             => array( $lines ),
			'a map'              => array( array_combine( array( 'Content-Type', 'Cc', 'X-Colour' ), $lines ) ),
		);
	}

	public function test_a_plugin_that_chooses_smtp_does_not_take_the_mail_away(): void {
		add_action(
			'phpmailer_init',
			function ( $phpmailer ) {
				$phpmailer->isSMTP();
				$phpmailer->Host = 'smtp.invalid';
			}
		);

		$this->assertTrue( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );
		$this->mail();
	}

	public function test_a_foreign_mailer_object_is_replaced(): void {
		$GLOBALS['phpmailer'] = new Reference_Mailer( true ); // phpcs:ignore

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->mail();
	}

	public function test_another_plugins_decision_not_to_send_stands(): void {
		add_filter( 'pre_wp_mail', '__return_false' );

		$this->assertFalse( wp_mail( 'ada@x.example', 'Hello', 'Text' ) );
		$this->assertSame( array(), $this->relay->requests() );
		$this->assertNull( $GLOBALS['phpmailer'] ?? null );
	}

	public function test_a_site_without_a_key_sends_by_itself(): void {
		wp_mail( 'ada@x.example', 'Connected', 'Text' );
		$this->relay->reset();
		delete_option( 'postreeve' );
		$before = $this->host_mail();

		$sent = wp_mail( 'ada@x.example', 'By itself', 'Text' );

		$this->assertTrue( $sent );
		$this->assertSame( array(), $this->relay->requests() );
		$this->assertStringContainsString( 'Subject: By itself', substr( $this->host_mail(), strlen( $before ) ) );
	}

	/**
	 * @runInSeparateProcess
	 * @preserveGlobalState disabled
	 */
	public function test_the_constant_switches_it_off(): void {
		define( 'POSTREEVE_OFF', true );
		$before = $this->host_mail();

		$this->assertTrue( wp_mail( 'ada@x.example', 'Switched off', 'Text' ) );

		$this->assertSame( array(), $this->relay->requests() );
		$this->assertStringContainsString( 'Subject: Switched off', substr( $this->host_mail(), strlen( $before ) ) );
	}

	/**
	 * Whether this WordPress takes an attachment's key for its name.
	 */
	private function names_attachments(): bool {
		return version_compare( $GLOBALS['wp_version'], '6.2', '>=' );
	}

	private function host_mail(): string {
		$file = dirname( untrailingslashit( ABSPATH ) ) . '/host-mail';
		return is_readable( $file ) ? file_get_contents( $file ) : '';
	}

	private function file( string $content ): string {
		$file = wp_tempnam( 'attachment' );
		file_put_contents( $file, $content );
		$this->files[] = $file;
		return $file;
	}
}
