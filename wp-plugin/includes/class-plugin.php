<?php
/**
 * The composition root.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Puts the parts together; the only place that adds actions and filters.
 */
final class Plugin {

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * The relay.
	 */
	private Client $client;

	/**
	 * What the relay says about this site.
	 */
	private Account $account;

	/**
	 * Where mails wait.
	 */
	private Outbox $outbox;

	/**
	 * Whether this is the site that was connected.
	 */
	private Whereabouts $whereabouts;

	/**
	 * Hands over what waits.
	 */
	private Runner $runner;

	/**
	 * Takes finished mails.
	 */
	private Courier $courier;

	/**
	 * Gets hold of mails.
	 */
	private Interceptor $interceptor;

	/**
	 * Whether something is wrong.
	 */
	private Alarm $alarm;

	/**
	 * Puts the parts together.
	 */
	public function __construct() {
		$breaker           = new Breaker();
		$this->settings    = new Settings();
		$this->client      = new Client( $this->settings );
		$this->account     = new Account( $this->client );
		$this->outbox      = new Outbox();
		$this->whereabouts = new Whereabouts( $this->settings, $this->outbox );
		$this->runner      = new Runner( $this->client, $this->outbox, $breaker, $this->settings, $this->whereabouts );
		$this->courier     = new Courier( $this->client, $this->outbox, $breaker, $this->runner, $this->whereabouts, $this->account );
		$this->interceptor = new Interceptor( $this->settings, $this->courier, $this->account, $this->whereabouts );
		$this->alarm       = new Alarm( $this->settings, $this->outbox, $this->whereabouts, $this->account );
	}

	/**
	 * Registers every hook of the plugin.
	 */
	public function register(): void {
		$marker      = new Security_Mail( $this->settings );
		$upgrade     = new Upgrade( $this->settings );
		$at_terminal = defined( 'WP_CLI' ) && WP_CLI;

		add_filter( 'pre_wp_mail', array( $this->interceptor, 'install_mailer' ), PHP_INT_MAX );
		add_action( 'wp_mail_failed', array( $this->interceptor, 'explain_failure' ), PHP_INT_MIN );
		add_filter( 'bp_email_use_wp_mail', array( $this->interceptor, 'have_wp_mail_used' ) );
		foreach ( Security_Mail::FILTERS as $filter ) {
			add_filter( $filter, array( $marker, 'mark' ), PHP_INT_MAX );
		}

		add_filter( 'http_request_args', array( $this->client, 'keep_in_time' ), PHP_INT_MAX );
		add_action( 'http_api_curl', array( $this->client, 'connect_in_time' ), 10, 2 );

		add_action( Runner::HOOK, array( $this->runner, 'run_by_cron' ) );
		add_action( 'shutdown', array( $this->interceptor, 'let_go' ), PHP_INT_MAX );
		add_action( 'shutdown', array( $this->courier, 'after_response' ), PHP_INT_MAX );

		add_action( 'wp_mail_failed', array( $this->alarm, 'look_later' ) );
		add_action( 'update_option_' . Account::OPTION, array( $this->alarm, 'look_later' ) );
		add_action( 'shutdown', array( $this->alarm, 'after_response' ), PHP_INT_MAX );
		add_action( Runner::HOOK, array( $this->alarm, 'look' ), 20 );
		add_action( 'admin_bar_menu', array( $this->alarm, 'warn' ), 90 );

		register_activation_hook( FILE, array( $upgrade, 'activate' ) );
		register_deactivation_hook( FILE, array( $this->runner, 'rest' ) );
		add_action( 'wp_initialize_site', array( $upgrade, 'welcome' ), 100 );
		add_filter( 'wpmu_drop_tables', array( Schema::class, 'go_with_site' ) );

		if ( is_admin() || wp_doing_cron() || $at_terminal ) {
			$this->register_tools();
		}
		if ( $at_terminal ) {
			\WP_CLI::add_command( 'postreeve', new CLI( $this->settings, $this->client, $this->outbox, $this->runner, $this->interceptor ) );
		}
		if ( is_admin() ) {
			add_action( 'admin_menu', array( $upgrade, 'check' ) ); // Strangers get no menu.
			add_action( 'admin_init', array( $this->runner, 'look_after' ) );
			$this->register_screen();
		}
	}

	/**
	 * Registers what WordPress's own tools ask for: Site Health and privacy.
	 */
	private function register_tools(): void {
		add_action( 'init', array( $this, 'load_words' ) );

		$health = new Health( $this->settings, $this->account, $this->outbox, $this->whereabouts );
		add_filter( 'site_status_tests', array( $health, 'add_tests' ) );
		add_filter( 'debug_information', array( $health, 'add_information' ) );
		add_action( 'wp_ajax_health-check-postreeve-connected', array( $health, 'answer_connected' ) );
		add_action( 'wp_ajax_health-check-postreeve-domain', array( $health, 'answer_domain' ) );

		$privacy = new Privacy( $this->settings, $this->client, $this->outbox );
		add_filter( 'wp_privacy_personal_data_exporters', array( $privacy, 'add_exporter' ) );
		add_filter( 'wp_privacy_personal_data_erasers', array( $privacy, 'add_eraser' ) );
		add_action( 'admin_init', array( $privacy, 'suggest_policy' ) );
	}

	/**
	 * Loads the translations that come with the plugin, where people read them.
	 */
	public static function load_words(): void {
		load_plugin_textdomain( 'postreeve', false, dirname( plugin_basename( FILE ) ) . '/languages' );
	}

	/**
	 * Registers what only people in wp-admin meet.
	 */
	private function register_screen(): void {
		$desk      = new Desk( $this->settings, $this->account );
		$handshake = new Handshake( $this->settings );
		$pages     = array(
			Screen::STATUS   => new Status_Page( $this->settings, $desk, $this->outbox, $this->whereabouts ),
			Screen::MAILS    => new Mails_Page( $this->settings, $desk ),
			Screen::DOMAIN   => new Domain_Page( $this->settings, $desk ),
			Screen::SETTINGS => new Settings_Page( $this->settings, $handshake ),
		);
		$screen    = new Screen( $pages, $desk, $this->settings, $this->whereabouts, $this->alarm );
		$widget    = new Widget( $this->settings, $desk, $this->outbox, $this->whereabouts );
		$test      = new Test_Mail( $this->settings, $this->interceptor );
		$live      = new Go_Live( $this->settings, $this->account );
		$actions   = new Actions( $live, $this->whereabouts, $this->outbox, $this->runner );
		$errands   = new Errands( $desk, $handshake );

		add_action( 'admin_menu', array( $screen, 'add_to_menu' ) );
		add_action( 'admin_init', array( $this->settings, 'register' ) );
		add_filter( 'wp_redirect', array( $this->settings, 'lead_back' ) );
		add_action( 'admin_notices', array( $screen, 'warn' ) );
		add_action( 'load-' . Screen::HOOK, array( $screen, 'load' ) );
		add_action( 'admin_head-' . Screen::HOOK, array( $screen, 'head' ) );
		add_filter( 'plugin_action_links_' . plugin_basename( FILE ), array( $screen, 'link' ) );
		add_action( 'admin_post_' . Test_Mail::ACTION, array( $test, 'handle' ) );
		add_action( 'admin_post_' . Actions::ACTION, array( $actions, 'handle' ) );
		add_action( 'admin_post_' . Errands::ACTION, array( $errands, 'handle' ) );
		add_filter( 'allowed_redirect_hosts', array( $handshake, 'allow' ) );
		add_filter( 'option_page_capability_' . Settings::GROUP, array( Access::class, 'capability' ) );
		add_action( 'wp_dashboard_setup', array( $widget, 'add' ) );
	}
}
