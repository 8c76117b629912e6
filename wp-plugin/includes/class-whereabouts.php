<?php
/**
 * Whether this is the site that was connected.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Notices that a connected site runs at another address, or as another kind of environment, than it was connected at.
 *
 * Then it is either a copy, which must not mail the original's customers, or the site itself after a move. Only its
 * owner knows; until they have said it, every mail is kept and none leaves.
 */
final class Whereabouts {

	/**
	 * Where and how this site is connected.
	 *
	 * @var Settings
	 */
	private $settings;

	/**
	 * Where mails wait.
	 *
	 * @var Outbox
	 */
	private $outbox;

	/**
	 * Makes an observer.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 * @param Outbox   $outbox   Where mails wait.
	 */
	public function __construct( Settings $settings, Outbox $outbox ) {
		$this->settings = $settings;
		$this->outbox   = $outbox;
	}

	/**
	 * The site's address as it is set, not as plugins show it for a language or a visitor.
	 */
	public static function address(): string {
		if ( defined( 'WP_HOME' ) && ! is_multisite() ) {
			return untrailingslashit( (string) WP_HOME );
		}
		$options = wp_load_alloptions();
		return untrailingslashit( (string) ( $options['home'] ?? get_option( 'home' ) ) );
	}

	/**
	 * What tells this site from a copy: its address without `https://` and `www.`, and the kind of environment.
	 */
	public static function here(): array {
		return array(
			'home'        => strtolower( (string) preg_replace( '~^[a-z]+://(www\.)?~i', '', self::address() ) ),
			'environment' => wp_get_environment_type(),
		);
	}

	/**
	 * Whether the site was connected elsewhere.
	 */
	public function is_elsewhere(): bool {
		$bound = $this->settings->bound_to();
		$here  = self::here();
		// Where wp-config.php makes the address from the request, there is none at a terminal.
		return '' !== $bound['home'] && '' !== $here['home'] && $here !== $bound;
	}

	/**
	 * Whether the owner has said that this is a copy.
	 */
	public function is_copy(): bool {
		return $this->is_elsewhere() && $this->settings->copy_at() === self::here()['home'];
	}

	/**
	 * Where the site was connected, in words: "shop.example (production)".
	 */
	public function origin(): string {
		$bound = $this->settings->bound_to();
		return sprintf( '%1$s (%2$s)', $bound['home'], $bound['environment'] );
	}

	/**
	 * The owner says: this is the site itself. From now on it belongs here, and what was kept goes out.
	 *
	 * @return int How many mails go out.
	 */
	public function has_moved(): int {
		$this->settings->bind( self::here() );
		return $this->outbox->release( Outbox::CAPTURED );
	}

	/**
	 * The owner says: this is a copy. Its mail goes on being kept.
	 */
	public function is_a_copy(): void {
		$this->settings->mark_copy( self::here()['home'] );
	}
}
