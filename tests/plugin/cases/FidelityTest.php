<?php
/**
 * WordPress's own wp_mail() is the yardstick: same mail, same hooks, same answer.
 */

namespace Postreeve\Tests;

final class FidelityTest extends Site_Test_Case {

	const HOOKS = array( 'wp_mail', 'pre_wp_mail', 'wp_mail_from', 'wp_mail_from_name', 'wp_mail_content_type', 'wp_mail_charset', 'wp_mail_embed_args', 'phpmailer_init', 'wp_mail_succeeded', 'wp_mail_failed' );

	/**
	 * @dataProvider mails
	 */
	public function test_a_mail_is_what_core_would_have_sent( array $arguments, ?callable $init = null ): void {
		if ( $init ) {
			add_action( 'phpmailer_init', $init );
		}

		list( $wanted, $wanted_hooks, $wanted_answer ) = $this->by_core( $arguments );
		list( $hooks, $answer )                        = $this->recorded( $arguments );

		$this->assertSame( $wanted_hooks, $hooks, 'Each hook fires as often as in core, in the same order.' );
		$this->assertSame( $wanted_answer, $answer );
		$mails = $this->relay->mails();
		$this->assertCount( '' === $wanted ? 0 : 1, $mails );
		if ( $mails ) {
			$this->assertSame( self::without_chance( $wanted ), self::without_chance( $this->mime( $mails[0] ) ) );
		}
	}

	public function mails(): array {
		$html  = 'Content-Type: text/html; charset=UTF-8';
		$mixed = "--b\r\nContent-Type: text/plain\r\n\r\nWords\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Words</p>\r\n--b--\r\n";
		return array(
			'plain text'                => array( array( 'ada@x.example', 'Hello', "Line one\nLine two\r\nLine three" ) ),
			'HTML'                      => array( array( 'ada@x.example', 'Hello', '<p>Hello</p>', $html ) ),
			'HTML with plain words'     => array(
				array( 'ada@x.example', 'Hello', '<p>Hello</p>', $html ),
				function ( $phpmailer ) {
					$phpmailer->AltBody = 'Hello';
				},
			),
			'a multipart of its own'    => array( array( 'ada@x.example', 'Hello', $mixed, 'Content-Type: multipart/alternative; boundary="b"' ) ),
			'a comma-separated To'      => array( array( 'a@x.example, B <b@x.example>', 'Hello', 'Text' ) ),
			'a comma in a name'         => array( array( '"Doe, Jane" <jane@x.example>', 'Hello', 'Text' ) ),
			'Cc and Reply-To'           => array( array( 'a@x.example', 'Hello', 'Text', "Cc: C <c@x.example>\nReply-To: R <r@shop.example>" ) ),
			'one bad address of two'    => array( array( array( 'nonsense', 'a@x.example' ), 'Hello', 'Text' ) ),
			'only bad addresses'        => array( array( 'nonsense', 'Hello', 'Text' ) ),
			'nobody'                    => array( array( '', 'Hello', 'Text' ) ),
			'an empty body'             => array( array( 'a@x.example', 'Hello', '' ) ),
			'an empty subject'          => array( array( 'a@x.example', '', 'Text' ) ),
			'a bad From'                => array( array( 'a@x.example', 'Hello', 'Text', 'From: nonsense' ) ),
			'a From with a name'        => array( array( 'a@x.example', 'Hello', 'Text', 'From: "The Shop" <shop@shop.example>' ) ),
			'a subject of many words'   => array( array( 'a@x.example', str_repeat( 'Ünïcödé ', 30 ), 'Text' ) ),
			'a body of one long line'   => array( array( 'a@x.example', 'Hello', str_repeat( 'x', 3000 ) ) ),
			'dots at a line\'s start'   => array( array( 'a@x.example', 'Hello', "one\n.\n..two\nFrom here\n" ) ),
			'another charset'           => array( array( 'a@x.example', 'Hello', "Gr\xfc\xdfe", 'Content-Type: text/plain; charset=ISO-8859-1' ) ),
			'headers of its own'        => array( array( 'a@x.example', 'Hello', 'Text', array( 'X-One: 1', 'List-Id: <shop.example>', 'Auto-Submitted: auto-generated', 'MIME-Version: 1.0', 'X-Mailer: Mine' ) ) ),
			'a long header'             => array( array( 'a@x.example', 'Hello', 'Text', 'X-Long: ' . str_repeat( 'word ', 60 ) ) ),
			'a header in other letters' => array( array( 'a@x.example', 'Hello', 'Text', 'X-Name: Käthe' ) ),
			'an attachment'             => array( array( 'a@x.example', 'Hello', 'Text', '', array( 'Read me.txt' => __FILE__ ) ) ),
			'attachments as a string'   => array( array( 'a@x.example', 'Hello', 'Text', '', __FILE__ . "\n" . __DIR__ . '/TransportTest.php' ) ),
			'a missing attachment'      => array( array( 'a@x.example', 'Hello', 'Text', '', array( '/nowhere/file.txt' ) ) ),
			'a calendar invitation'     => array(
				array( 'a@x.example', 'Hello', '<p>Come</p>', $html ),
				function ( $phpmailer ) {
					$phpmailer->Ical = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n";
				},
			),
			'a read receipt and a rank' => array(
				array( 'a@x.example', 'Hello', 'Text' ),
				function ( $phpmailer ) {
					$phpmailer->ConfirmReadingTo = 'shop@shop.example';
					$phpmailer->Priority         = 1;
				},
			),
		);
	}

	public function test_succeeded_gets_cores_own_data(): void {
		$seen = array();
		add_action(
			'wp_mail_succeeded',
			function ( $data ) use ( &$seen ) {
				$seen[] = $data;
			}
		);

		wp_mail( 'ada@x.example', 'Hello', 'Text', 'X-One: 1', array( __FILE__ ) );

		$this->assertCount( 1, $seen );
		$this->assertSame( array( 'ada@x.example' ), $seen[0]['to'] );
		$this->assertSame( array( 'Hello', 'Text' ), array( $seen[0]['subject'], $seen[0]['message'] ) );
		$this->assertSame( array( 'X-One' => '1' ), $seen[0]['headers'] );
		$this->assertSame( array( __FILE__ ), $seen[0]['attachments'] );
	}

	/**
	 * What core makes of it: the mail on the wire ('' for none), the hooks, the answer.
	 */
	private function by_core( array $arguments ): array {
		$reference             = new Reference_Mailer( true );
		$reference::$validator = static function ( $email ) {
			return (bool) is_email( $email );
		};
		$GLOBALS['phpmailer']  = $reference; // phpcs:ignore
		$connected             = get_option( 'postreeve' );
		delete_option( 'postreeve' );

		list( $hooks, $answer ) = $this->recorded( $arguments );

		update_option( 'postreeve', $connected );
		return array( $reference->wire, $hooks, $answer );
	}

	/**
	 * Sends a mail; gives the hooks it fired and the answer.
	 */
	private function recorded( array $arguments ): array {
		$hooks = array();
		$note  = function ( $name ) use ( &$hooks ) {
			if ( in_array( $name, self::HOOKS, true ) ) {
				$hooks[] = $name;
			}
		};
		add_action( 'all', $note );
		$answer = wp_mail( ...$arguments );
		remove_action( 'all', $note );
		return array( $hooks, $answer );
	}

	/**
	 * The mail without what differs by chance: time, message id, boundaries.
	 */
	private static function without_chance( string $mime ): string {
		$mime = preg_replace( '/^(Date|Message-ID): .*$/m', '$1: …', $mime );
		if ( preg_match_all( '/boundary="(b[1-3]=?_[^"]+)"/', $mime, $boundaries ) ) {
			foreach ( array_unique( $boundaries[1] ) as $number => $boundary ) {
				$mime = str_replace( $boundary, "boundary-$number", $mime );
			}
		}
		return $mime;
	}
}
