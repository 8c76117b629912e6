<?php
/**
 * Which plugin or theme a mail is put down to.
 */

namespace Postreeve\Tests;

final class OriginTest extends Site_Test_Case {

	private $files = array();

	protected function tearDown(): void {
		foreach ( array_reverse( $this->files ) as $file ) {
			is_dir( $file ) && ! is_link( $file ) ? rmdir( $file ) : unlink( $file );
		}
		parent::tearDown();
	}

	/**
	 * @dataProvider places
	 */
	public function test_a_mail_is_put_down_to_the_code_that_sent_it( string $place, string $slug ): void {
		$this->write( ABSPATH . 'wp-content/' . $place, 'wp_mail( "ada@x.example", "Hello", "Text" );' );

		require ABSPATH . 'wp-content/' . $place;

		$this->assertSame( $slug, $this->mail()['metadata']['source']['plugin'] );
	}

	public function places(): array {
		return array(
			'a plugin'                => array( 'plugins/contact-form-9/includes/mail/send.php', 'contact-form-9' ),
			'a plugin of one file'    => array( 'plugins/hello-mail.php', 'hello-mail' ),
			'a must-use plugin'       => array( 'mu-plugins/Company_Mail.php', 'company_mail' ),
			'a theme'                 => array( 'themes/twentyninety/functions.php', 'twentyninety' ),
			'neither plugin nor theme' => array( 'uploads/tool.php', 'wordpress' ),
		);
	}

	public function test_a_mail_core_sends_for_a_plugin_is_put_down_to_the_plugin(): void {
		$this->write( WP_PLUGIN_DIR . '/members/reset.php', 'retrieve_password( "admin" );' );

		require WP_PLUGIN_DIR . '/members/reset.php';

		$this->assertSame( 'members', $this->mail()['metadata']['source']['plugin'] );
	}

	public function test_a_mail_core_sends_by_itself_is_put_down_to_wordpress(): void {
		retrieve_password( 'admin' );

		$this->assertSame( 'wordpress', $this->mail()['metadata']['source']['plugin'] );
	}

	public function test_a_plugin_behind_a_link_is_known_by_its_own_name(): void {
		$elsewhere = get_temp_dir() . 'checkout-' . wp_generate_password( 8, false );
		mkdir( $elsewhere );
		$this->files[] = $elsewhere;
		$this->write( $elsewhere . '/main.php', 'wp_mail( "ada@x.example", "Hello", "Text" );' );
		symlink( $elsewhere, WP_PLUGIN_DIR . '/linked-shop' );
		$this->files[] = WP_PLUGIN_DIR . '/linked-shop';
		wp_register_plugin_realpath( WP_PLUGIN_DIR . '/linked-shop/main.php' );

		require $elsewhere . '/main.php';

		$this->assertSame( 'linked-shop', $this->mail()['metadata']['source']['plugin'] );
	}

	public function test_a_mail_sent_again_by_hand_is_a_mail_too(): void {
		wp_mail( 'ada@x.example', 'Hello', 'Text' );

		$GLOBALS['phpmailer']->send();

		$this->assertCount( 2, $this->relay->mails() );
		$this->assertSame( 'wordpress', $this->relay->mails()[1]['metadata']['source']['plugin'] );
	}

	private function write( string $file, string $code ): void {
		wp_mkdir_p( dirname( $file ) );
		file_put_contents( $file, "<?php\n$code\n" );
		$this->files[] = $file;
	}
}
