<?php
/**
 * Settings → Postreeve → Domain.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * The domains this site may send from, and the DNS records that prove it.
 */
final class Domain_Page {

	/**
	 * Seconds a domain may wait until the record that is in the way is named first.
	 */
	const PATIENCE = 72 * HOUR_IN_SECONDS;

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * The relay.
	 */
	private Desk $desk;

	/**
	 * The domains.
	 */
	private Reading $domains;

	/**
	 * Makes the page.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 * @param Desk     $desk     The relay.
	 */
	public function __construct( Settings $settings, Desk $desk ) {
		$this->settings = $settings;
		$this->desk     = $desk;
	}

	/**
	 * Asks the relay.
	 */
	public function load(): void {
		wp_enqueue_script( 'postreeve', plugins_url( 'assets/admin.js', FILE ), array(), VERSION, true );
		$this->domains = $this->settings->is_connected() ? $this->desk->read( Desk::DOMAINS, '/v1/domains' ) : new Reading( null, 0 );
	}

	/**
	 * Writes the page.
	 */
	public function render(): void {
		if ( ! $this->settings->is_connected() ) {
			View::not_connected( __( 'A relay sends only from domains that you have proved to be yours. Here you see how.', 'postreeve' ) );
			return;
		}
		$domains = array_values( $this->domains->list_of( 'domains' ) );
		View::show(
			'domain',
			array(
				'reading'    => $this->domains,
				'domains'    => $domains,
				'domain'     => self::chosen( $domains, Screen::asked( 'domain' ) ),
				'suggestion' => self::suggestion( $domains ),
			)
		);
	}

	/**
	 * The domain to show: the one asked for; else one that is not verified yet; else the first; null if there is none.
	 *
	 * @param array  $domains The relay's list.
	 * @param string $name    The one asked for, or ''.
	 */
	public static function chosen( array $domains, string $name ): ?array {
		foreach ( $domains as $domain ) {
			if ( '' !== $name && $name === ( $domain['name'] ?? '' ) ) {
				return $domain;
			}
		}
		foreach ( $domains as $domain ) {
			if ( 'verified' !== ( $domain['status'] ?? '' ) ) {
				return $domain;
			}
		}
		return $domains[0] ?? null;
	}

	/**
	 * The record that has kept a domain waiting too long, or null.
	 *
	 * @param array $domain One domain.
	 * @param int   $now    A Unix time.
	 */
	public static function obstacle( array $domain, int $now ): ?array {
		$began = strtotime( is_string( $domain['created_at'] ?? null ) ? $domain['created_at'] : '' );
		if ( 'verified' === ( $domain['status'] ?? '' ) || false === $began || $began > $now - self::PATIENCE ) {
			return null;
		}
		foreach ( Screen::list_of( $domain, 'records' ) as $record ) {
			if ( ! empty( $record['required'] ) && 'fail' === ( $record['result'] ?? '' ) ) {
				return $record;
			}
		}
		return null;
	}

	/**
	 * The domain to suggest: the site's own without `www.`, unless it is there already.
	 *
	 * @param array $domains The relay's list.
	 */
	public static function suggestion( array $domains ): string {
		$host = (string) wp_parse_url( Whereabouts::address(), PHP_URL_HOST );
		$host = (string) preg_replace( '/^www\./', '', strtolower( $host ) );
		return in_array( $host, array_column( $domains, 'name' ), true ) || false === strpos( $host, '.' ) || filter_var( $host, FILTER_VALIDATE_IP ) ? '' : $host;
	}
}
