<?php
/**
 * Settings → Postreeve.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * The plugin's one screen: how the connection is, a test mail, the latest mails, the settings.
 */
final class Screen {

	const PAGE       = 'postreeve';
	const HOOK       = 'settings_page_postreeve';
	const CAPABILITY = 'manage_options';

	const RECENT = 10;

	/**
	 * A page that follows a mail asks again by itself: every few seconds at first, and not for ever.
	 */
	const REFRESH_QUICK = 3;
	const REFRESH_SLOW  = 15;

	/**
	 * Where and how this site is connected.
	 *
	 * @var Settings
	 */
	private $settings;

	/**
	 * The relay.
	 *
	 * @var Client
	 */
	private $client;

	/**
	 * What the relay says about this site.
	 *
	 * @var Account
	 */
	private $account;

	/**
	 * Where mails wait.
	 *
	 * @var Outbox
	 */
	private $outbox;

	/**
	 * Whether this is the site that was connected.
	 *
	 * @var Whereabouts
	 */
	private $whereabouts;

	/**
	 * How the connection is; null on the page of one mail.
	 *
	 * @var Connection|null
	 */
	private $connection = null;

	/**
	 * The latest messages, or why they cannot be shown.
	 *
	 * @var array|WP_Error
	 */
	private $messages = array();

	/**
	 * The message whose page this is, or why it cannot be shown.
	 *
	 * @var array|WP_Error|null
	 */
	private $message = null;

	/**
	 * Makes the screen.
	 *
	 * @param Settings    $settings    Where and how this site is connected.
	 * @param Client      $client      The relay.
	 * @param Account     $account     What the relay says about this site.
	 * @param Outbox      $outbox      Where mails wait.
	 * @param Whereabouts $whereabouts Whether this is the site that was connected.
	 */
	public function __construct( Settings $settings, Client $client, Account $account, Outbox $outbox, Whereabouts $whereabouts ) {
		$this->settings    = $settings;
		$this->client      = $client;
		$this->account     = $account;
		$this->outbox      = $outbox;
		$this->whereabouts = $whereabouts;
	}

	/**
	 * The screen's address.
	 *
	 * @param array $arguments Further query arguments.
	 */
	public static function url( array $arguments = array() ): string {
		return add_query_arg( array( 'page' => self::PAGE ) + $arguments, admin_url( 'options-general.php' ) );
	}

	/**
	 * Adds the screen to WordPress's menu.
	 */
	public function add_to_menu(): void {
		add_options_page( __( 'Postreeve', 'postreeve' ), __( 'Postreeve', 'postreeve' ), self::CAPABILITY, self::PAGE, array( $this, 'render' ) );
	}

	/**
	 * Adds the way to the screen to the list of plugins.
	 *
	 * @param string[] $links The links below the plugin's name.
	 */
	public function link( $links ): array {
		$link = '<a href="' . esc_url( self::url() ) . '">' . esc_html__( 'Settings', 'postreeve' ) . '</a>';
		return array_merge( array( 'settings' => $link ), (array) $links );
	}

	/**
	 * Asks the relay for what the page shows, before anything of it is written.
	 */
	public function load(): void {
		wp_enqueue_style( 'postreeve', plugins_url( 'assets/admin.css', FILE ), array( 'dashicons' ), VERSION );

		$id = $this->asked_message();
		if ( '' !== $id && $this->settings->is_connected() ) {
			$this->message = $this->client->message( $id );
			return;
		}
		$this->connection = Connection::check( $this->settings, $this->account );
		if ( $this->connection->is_known() ) {
			$answer         = $this->client->messages( self::RECENT );
			$this->messages = is_wp_error( $answer ) ? $answer : self::list_of( $answer, 'messages' );
		}
	}

	/**
	 * Has the page of a mail that is on its way ask again; works without JavaScript.
	 */
	public function head(): void {
		$seconds = is_array( $this->message ) ? self::refresh_after( $this->message ) : 0;
		if ( $seconds > 0 ) {
			printf( '<meta http-equiv="refresh" content="%d">' . "\n", (int) $seconds );
		}
	}

	/**
	 * Writes the page.
	 */
	public function render(): void {
		if ( ! current_user_can( self::CAPABILITY ) ) {
			wp_die( esc_html__( 'You are not allowed to see this page.', 'postreeve' ), '', array( 'response' => 403 ) );
		}
		if ( null !== $this->message ) {
			$this->show( 'message', array( 'message' => $this->message, 'refreshes' => is_array( $this->message ) && self::refresh_after( $this->message ) > 0 ) );
			return;
		}
		$this->show(
			'overview',
			array(
				'settings'    => $this->settings,
				'whereabouts' => $this->whereabouts,
				'counts'      => $this->outbox->counts(),
				'connection'  => $this->connection ?? Connection::check( $this->settings, $this->account ),
				'messages'    => $this->messages,
			)
		);
	}

	/**
	 * Says on every screen that mail takes another way than its owner thinks.
	 */
	public function warn(): void {
		$here = get_current_screen();
		if ( ! current_user_can( self::CAPABILITY ) || ( $here && self::HOOK === $here->id ) ) {
			return;
		}
		if ( $this->settings->is_in_charge() && $this->whereabouts->is_elsewhere() ) {
			$this->show( 'elsewhere', array( 'whereabouts' => $this->whereabouts, 'buttons' => false ) );
			return;
		}
		if ( Settings::KEY_UNREADABLE !== $this->settings->key_state() ) {
			return;
		}
		printf(
			'<div class="notice notice-error"><p><strong>%1$s</strong> %2$s <a href="%3$s">%4$s</a></p></div>',
			esc_html__( 'Postreeve cannot read its API key:', 'postreeve' ),
			esc_html__( 'the secret salts in wp-config.php have changed. Until the key is entered again, WordPress sends this site\'s mail by itself.', 'postreeve' ),
			esc_url( self::url() ),
			esc_html__( 'Enter the key', 'postreeve' )
		);
	}

	/**
	 * The members of a list in the relay's answer that are what they should be.
	 *
	 * @param array  $answer The relay's answer, or a part of it.
	 * @param string $name   The list's name.
	 */
	public static function list_of( array $answer, string $name ): array {
		return array_filter( (array) ( $answer[ $name ] ?? array() ), 'is_array' );
	}

	/**
	 * Why a copy did not arrive, in the relay's words, or ''.
	 *
	 * @param array $recipient One recipient of a message.
	 */
	public static function reason_of( array $recipient ): string {
		$reason = $recipient['reason'] ?? '';
		$parts  = is_array( $reason ) ? array( $reason['title'] ?? '', $reason['detail'] ?? '' ) : array( $reason );
		$events = self::list_of( $recipient, 'events' );
		$latest = end( $events );
		$words  = implode( ' ', array_filter( array_map( array( Words::class, 'sentence' ), array_map( array( Problems::class, 'clean' ), $parts ) ) ) );
		if ( '' === $words && is_array( $latest ) && Words::BAD === Words::status( Problems::clean( $recipient['status'] ?? '' ) )['tone'] ) {
			$words = Words::sentence( Problems::clean( $latest['summary'] ?? '' ) );
		}
		return $words;
	}

	/**
	 * The message the address asks for, or ''.
	 */
	private function asked_message(): string {
		// phpcs:ignore WordPress.Security.NonceVerification.Recommended -- It only chooses what is shown.
		$id = isset( $_GET['message'] ) && is_string( $_GET['message'] ) ? sanitize_text_field( wp_unslash( $_GET['message'] ) ) : '';
		return preg_match( '/^[A-Za-z0-9_-]{1,64}$/', $id ) ? $id : '';
	}

	/**
	 * Seconds until the page of this message should ask again; 0 for never.
	 *
	 * @param array $message The relay's message.
	 */
	private static function refresh_after( array $message ): int {
		$age = time() - (int) strtotime( is_string( $message['accepted_at'] ?? null ) ? $message['accepted_at'] : '' );
		foreach ( self::list_of( $message, 'recipients' ) as $recipient ) {
			if ( in_array( $recipient['status'] ?? '', Words::MOVING, true ) && $age < HOUR_IN_SECONDS ) {
				return $age < MINUTE_IN_SECONDS ? self::REFRESH_QUICK : self::REFRESH_SLOW;
			}
		}
		return 0;
	}

	/**
	 * Writes a view.
	 *
	 * @param string $view      Its file in includes/views.
	 * @param array  $arguments What it shows; `$arguments` there.
	 */
	private function show( string $view, array $arguments ): void {
		require __DIR__ . '/views/' . $view . '.php';
	}
}
