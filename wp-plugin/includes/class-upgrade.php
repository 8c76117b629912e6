<?php
/**
 * Brings a site up to this version of the plugin.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Site;

defined( 'ABSPATH' ) || exit;

/**
 * Makes tables and keys on activation, on new sites of a network, and after an update.
 */
final class Upgrade {

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * Makes an upgrade.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 */
	public function __construct( Settings $settings ) {
		$this->settings = $settings;
	}

	/**
	 * The plugin is activated: nothing of a site's mail changes by that.
	 *
	 * @param bool $network_wide For all sites of a network.
	 */
	public function activate( $network_wide ): void {
		if ( ! is_multisite() || ! $network_wide ) {
			$this->run( false );
			return;
		}
		$sites = get_sites(
			array(
				'fields' => 'ids',
				'number' => 0,
			)
		);
		foreach ( $sites as $site_id ) {
			switch_to_blog( $site_id );
			$this->run( false );
			restore_current_blog();
		}
	}

	/**
	 * A network gets a new site.
	 *
	 * @param WP_Site $site The site.
	 */
	public function welcome( $site ): void {
		if ( array_key_exists( plugin_basename( FILE ), (array) get_site_option( 'active_sitewide_plugins' ) ) ) {
			switch_to_blog( (int) $site->blog_id );
			$this->run( false );
			restore_current_blog();
		}
	}

	/**
	 * In wp-admin: does what an update of the plugin, or a constant set since, has left to do. Costs nothing when
	 * there is nothing.
	 */
	public function check(): void {
		$is_new_here = '' === $this->settings->bound_to()['home'] && $this->settings->takes_mail();
		if ( $is_new_here || $this->settings->version() < Schema::VERSION ) {
			$this->run( true );
		}
	}

	/**
	 * Brings the current site up to date. What was connected before there was a switch for it stays live.
	 *
	 * @param bool $was_here Whether the plugin has been active already.
	 */
	private function run( bool $was_here ): void {
		$version = $this->settings->version();
		Schema::create();
		if ( 1 === $version ) {
			Schema::add_index();
		}
		Outbox_Key::get();
		$this->settings->upgrade( Schema::VERSION, $was_here );
	}
}
