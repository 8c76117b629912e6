<?php
/**
 * Why a mail is sent, as the relay is told.
 */

namespace Postreeve\Tests;

final class StreamTest extends Site_Test_Case {

	protected function tearDown(): void {
		$user = get_user_by( 'login', 'eve' );
		if ( $user ) {
			wp_delete_user( $user->ID );
		}
		parent::tearDown();
	}

	/**
	 * @dataProvider streams
	 */
	public function test_the_stream_follows_the_headers( string $stream, array $headers ): void {
		wp_mail( 'ada@x.example', 'Hello', 'Text', $headers );

		$this->assertSame( $stream, $this->mail()['metadata']['stream'] );
	}

	public function streams(): array {
		return array(
			'nothing special'               => array( 'transactional', array( 'X-One: 1' ) ),
			'a way to unsubscribe'          => array( 'notification', array( 'List-Unsubscribe: <mailto:out@shop.example>' ) ),
			'bulk'                          => array( 'marketing', array( 'Precedence: Bulk' ) ),
			'a list'                        => array( 'marketing', array( 'List-Unsubscribe: <mailto:out@shop.example>', 'precedence: list' ) ),
			'another precedence'            => array( 'transactional', array( 'Precedence: first-class' ) ),
			'its own word'                  => array( 'marketing', array( 'X-Postreeve-Stream: marketing' ) ),
			'its own word, in other case'   => array( 'notification', array( 'x-postreeve-STREAM:  Notification ' ) ),
			'its own word against the look' => array( 'notification', array( 'X-Postreeve-Stream: notification', 'Precedence: bulk' ) ),
			'a word that is no stream'      => array( 'transactional', array( 'X-Postreeve-Stream: urgent' ) ),
		);
	}

	public function test_our_headers_are_not_in_the_mail(): void {
		wp_mail( 'ada@x.example', 'Hello', 'Text', array( 'X-Postreeve-Stream: notification', 'X-Postreeve-Kind: security', 'X-Postreeve-Tomorrow: 1', 'X-One: 1' ) );

		$mime = $this->mime( $this->mail() );
		$this->assertStringNotContainsStringIgnoringCase( 'postreeve', $mime );
		$this->assertStringContainsString( 'X-One: 1', $mime );
	}

	public function test_a_filter_has_the_last_word_and_sees_the_mail(): void {
		add_filter(
			'postreeve_stream',
			function ( $stream, $mail ) {
				return 'transactional' === $stream && 'Digest' === $mail->Subject ? 'notification' : $stream;
			},
			10,
			2
		);

		wp_mail( 'ada@x.example', 'Digest', 'Text' );

		$this->assertSame( 'notification', $this->mail()['metadata']['stream'] );
	}

	public function test_a_filter_that_gives_nonsense_does_no_harm(): void {
		add_filter( 'postreeve_stream', '__return_null' );

		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$this->assertSame( 'transactional', $this->mail()['metadata']['stream'] );
	}

	/**
	 * @dataProvider security_mails
	 */
	public function test_wordpresss_own_security_mail_is_marked_and_the_next_mail_is_not( callable $cause, string $to ): void {
		$user = self::user();
		$cause( $user );
		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$kinds = array();
		foreach ( $this->relay->mails() as $mail ) {
			$kinds[ $mail['metadata']['envelope']['to'][0] ] = $mail['metadata']['kind'] ?? '';
			$this->assertStringNotContainsStringIgnoringCase( 'x-postreeve', $this->mime( $mail ) );
		}
		$this->assertSame( 'security', $kinds[ $to ] );
		$this->assertSame( '', $kinds['ada@x.example'] );
	}

	public function security_mails(): array {
		return array(
			'lost password'                 => array(
				function ( $user ) {
					retrieve_password( $user->user_login );
				},
				'eve@x.example',
			),
			'new user'                      => array(
				function ( $user ) {
					wp_new_user_notification( $user->ID, null, 'user' );
				},
				'eve@x.example',
			),
			'password changed'              => array(
				function ( $user ) {
					wp_update_user(
						array(
							'ID'        => $user->ID,
							'user_pass' => 'new password',
						)
					);
				},
				'eve@x.example',
			),
			'address changed'               => array(
				function ( $user ) {
					wp_update_user(
						array(
							'ID'         => $user->ID,
							'user_email' => 'eve-new@x.example',
						)
					);
				},
				'eve@x.example',
			),
			'recovery mode'                 => array(
				function () {
					$keys = new \WP_Recovery_Mode_Key_Service();
					delete_option( \WP_Recovery_Mode_Email_Service::RATE_LIMIT_OPTION );
					$mail = new \WP_Recovery_Mode_Email_Service( new \WP_Recovery_Mode_Link_Service( new \WP_Recovery_Mode_Cookie_Service(), $keys ) );
					$mail->maybe_send_recovery_mode_email(
						DAY_IN_SECONDS,
						array(
							'type'    => E_ERROR,
							'message' => 'Broken',
							'file'    => __FILE__,
							'line'    => 1,
						),
						array(
							'slug' => 'postreeve',
							'type' => 'plugin',
						)
					);
				},
				'owner@shop.example',
			),
		);
	}

	/**
	 * @dataProvider headers_of_plugins
	 */
	public function test_the_mark_takes_no_header_away( $headers ): void {
		add_filter(
			'retrieve_password_notification_email',
			function ( $email ) use ( $headers ) {
				$email['headers'] = $headers;
				return $email;
			}
		);

		retrieve_password( 'admin' );

		$mail = $this->mail();
		$this->assertSame( 'security', $mail['metadata']['kind'] );
		$this->assertSame( array( '1', '2' ), array( $mail['mail']['headers']['x-one'], $mail['mail']['headers']['x-two'] ) );
	}

	public function headers_of_plugins(): array {
		return array(
			'a string' => array( "X-One: 1\r\nX-Two: 2\r\n" ),
			'a list'   => array( array( 'X-One: 1', 'X-Two: 2' ) ),
			'a map'    => array(
				array(
					'X-One' => 'X-One: 1',
					'X-Two' => 'X-Two: 2',
				),
			),
		);
	}

	public function test_a_site_that_sends_by_itself_sends_no_mark(): void {
		delete_option( 'postreeve' );
		$headers = null;
		add_filter(
			'wp_mail',
			function ( $mail ) use ( &$headers ) {
				$headers = $mail['headers'];
				return $mail;
			}
		);

		retrieve_password( 'admin' );

		$this->assertNotNull( $headers );
		$this->assertStringNotContainsStringIgnoringCase( 'postreeve', implode( '', (array) $headers ) );
	}

	public function test_a_mail_to_the_administrator_about_a_new_user_is_an_ordinary_mail(): void {
		$user = self::user();

		wp_new_user_notification( $user->ID, null, 'admin' );

		$this->assertArrayNotHasKey( 'kind', $this->mail()['metadata'] );
	}

	private static function user(): \WP_User {
		return new \WP_User(
			wp_insert_user(
				array(
					'user_login' => 'eve',
					'user_email' => 'eve@x.example',
					'user_pass'  => 'old password',
				)
			)
		);
	}
}
