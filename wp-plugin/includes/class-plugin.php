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
	 * Registers every hook of the plugin.
	 */
	public function register(): void {
		$settings    = new Settings();
		$client      = new Client( $settings );
		$interceptor = new Interceptor( $settings, $client );
		$marker      = new Security_Mail( $settings );

		add_filter( 'pre_wp_mail', array( $interceptor, 'install_mailer' ), PHP_INT_MAX );
		add_action( 'wp_mail_failed', array( $interceptor, 'explain_failure' ), PHP_INT_MIN );

		foreach ( Security_Mail::FILTERS as $filter ) {
			add_filter( $filter, array( $marker, 'mark' ), PHP_INT_MAX );
		}

		add_filter( 'http_request_args', array( $client, 'keep_in_time' ), PHP_INT_MAX );
		add_action( 'http_api_curl', array( $client, 'connect_in_time' ), 10, 2 );

		if ( is_admin() ) {
			$this->register_screen( $settings, $client, $interceptor );
		}
	}

	/**
	 * Registers what only people in wp-admin meet.
	 *
	 * @param Settings    $settings    Where and how this site is connected.
	 * @param Client      $client      The relay.
	 * @param Interceptor $interceptor Knows what became of the test mail.
	 */
	private function register_screen( Settings $settings, Client $client, Interceptor $interceptor ): void {
		$screen = new Screen( $settings, $client );
		$test   = new Test_Mail( $settings, $interceptor );

		add_action( 'admin_menu', array( $screen, 'add_to_menu' ) );
		add_action( 'admin_init', array( $settings, 'register' ) );
		add_action( 'admin_notices', array( $screen, 'warn' ) );
		add_action( 'load-' . Screen::HOOK, array( $screen, 'load' ) );
		add_action( 'admin_head-' . Screen::HOOK, array( $screen, 'head' ) );
		add_filter( 'plugin_action_links_' . plugin_basename( FILE ), array( $screen, 'link' ) );
		add_action( 'admin_post_' . Test_Mail::ACTION, array( $test, 'handle' ) );
	}
}
