<?php
/**
 * Settings → Postreeve.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * The plugin's place in wp-admin: four tabs, each a page of its own.
 */
final class Screen {

	const PAGE = 'postreeve';
	const HOOK = 'settings_page_postreeve';

	const STATUS   = 'status';
	const MAILS    = 'mails';
	const DOMAIN   = 'domain';
	const SETTINGS = 'settings';

	/**
	 * What there is to show and to do.
	 *
	 * @var Status_Page|Mails_Page|Domain_Page|Settings_Page
	 */
	private $page;

	/**
	 * The pages, by tab.
	 */
	private array $pages;

	/**
	 * The relay.
	 */
	private Desk $desk;

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * Whether this is the site that was connected.
	 */
	private Whereabouts $whereabouts;

	/**
	 * Whether something is wrong.
	 */
	private Alarm $alarm;

	/**
	 * Makes the screen.
	 *
	 * @param array       $pages       The pages, by tab; each can `load` and `render`.
	 * @param Desk        $desk        The relay.
	 * @param Settings    $settings    Where and how this site is connected.
	 * @param Whereabouts $whereabouts Whether this is the site that was connected.
	 * @param Alarm       $alarm       Whether something is wrong.
	 */
	public function __construct( array $pages, Desk $desk, Settings $settings, Whereabouts $whereabouts, Alarm $alarm ) {
		$this->pages       = $pages;
		$this->desk        = $desk;
		$this->settings    = $settings;
		$this->whereabouts = $whereabouts;
		$this->alarm       = $alarm;
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
	 * What the tabs are called.
	 */
	public static function tabs(): array {
		return array(
			self::STATUS   => __( 'Status', 'postreeve' ),
			self::MAILS    => __( 'Mails', 'postreeve' ),
			self::DOMAIN   => __( 'Domain', 'postreeve' ),
			self::SETTINGS => __( 'Settings', 'postreeve' ),
		);
	}

	/**
	 * Adds the screen to WordPress's menu.
	 */
	public function add_to_menu(): void {
		add_options_page( __( 'Postreeve', 'postreeve' ), __( 'Postreeve', 'postreeve' ), Access::capability(), self::PAGE, array( $this, 'render' ) );
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
		View::dress();
		if ( self::asked( 'fresh' ) ) {
			$this->desk->ask_anew();
		}
		$this->page = $this->pages[ $this->tab() ];
		$this->page->load();
		$this->whereabouts->settle();
		$this->alarm->look( true );
	}

	/**
	 * Has a page that will change soon ask again; works without JavaScript.
	 */
	public function head(): void {
		$seconds = $this->page instanceof Mails_Page ? $this->page->refresh_after() : 0;
		if ( $seconds > 0 ) {
			printf( '<meta http-equiv="refresh" content="%d">' . "\n", (int) $seconds );
		}
	}

	/**
	 * Writes the page.
	 */
	public function render(): void {
		if ( ! Access::may() || null === $this->page ) {
			wp_die( esc_html__( 'You are not allowed to see this page.', 'postreeve' ), '', array( 'response' => 403 ) );
		}
		View::show( 'head', array( 'tab' => $this->tab() ) );
		$may_send = $this->settings->is_connected() && ! $this->settings->is_off();
		if ( ( $may_send || $this->settings->is_in_charge() ) && $this->whereabouts->is_elsewhere() ) {
			$this->say_elsewhere( true );
		}
		$this->page->render();
		echo '</div>';
	}

	/**
	 * Says on every screen that mail takes another way than its owner thinks.
	 */
	public function warn(): void {
		$here = get_current_screen();
		if ( ! Access::may() || ( $here && self::HOOK === $here->id ) ) {
			return;
		}
		if ( $this->settings->is_in_charge() && $this->whereabouts->is_elsewhere() ) {
			$this->say_elsewhere( false );
			return;
		}
		if ( Settings::KEY_UNREADABLE !== $this->settings->key_state() ) {
			return;
		}
		printf(
			'<div class="notice notice-error"><p><strong>%1$s</strong> %2$s <a href="%3$s">%4$s</a></p></div>',
			esc_html__( 'Postreeve cannot read its API key:', 'postreeve' ),
			esc_html__( 'the secret salts in wp-config.php have changed. Until the key is entered again, WordPress sends this site\'s mail by itself.', 'postreeve' ),
			esc_url( self::url( array( 'tab' => self::SETTINGS ) ) ),
			esc_html__( 'Enter the key', 'postreeve' )
		);
	}

	/**
	 * What the address asks for, as text of letters, digits and a few signs, or ''.
	 *
	 * @param string $name The query argument.
	 */
	public static function asked( string $name ): string {
		// phpcs:ignore WordPress.Security.NonceVerification.Recommended -- It only chooses what is shown.
		return isset( $_GET[ $name ] ) && is_string( $_GET[ $name ] ) ? sanitize_text_field( wp_unslash( $_GET[ $name ] ) ) : '';
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
	 * Why a copy did not arrive, in a sentence, or ''.
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
	 * The tab the address asks for; the page of one mail belongs to the mails.
	 */
	private function tab(): string {
		if ( '' !== Mails_Page::asked_message() ) {
			return self::MAILS;
		}
		$tab = self::asked( 'tab' );
		return isset( $this->pages[ $tab ] ) ? $tab : self::STATUS;
	}

	/**
	 * Says that the site is not where it was connected.
	 *
	 * @param bool $buttons Whether the owner can say so here.
	 */
	private function say_elsewhere( bool $buttons ): void {
		View::show(
			'elsewhere',
			array(
				'whereabouts' => $this->whereabouts,
				'live'        => $this->settings->is_in_charge(),
				'buttons'     => $buttons,
			)
		);
	}
}
