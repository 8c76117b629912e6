<?php
/**
 * Whether this is the site that was connected.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Notices that a connected site runs at another address, or as another kind of environment, than it was connected at.
 *
 * Then it is either a copy, which must not mail the original's customers, or the site itself after a move, or under one
 * more address where wp-config.php makes the address from the request. Only its owner knows: a copy of a whole server
 * has the same paths, the same database's name and the same options. Until they have said it, every mail is kept and
 * none leaves.
 */
final class Whereabouts {

	/**
	 * How many further addresses one site may have.
	 */
	const MOST_ALIASES = 10;

	/**
	 * Names by which every machine calls itself: they tell no site from its copy.
	 */
	const EVERYWHERE = '~^(localhost|127\.|\[::1\]|[^/:]+\.localhost)([:/.\d]|$)~';

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * Where mails wait.
	 */
	private Outbox $outbox;

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
	 * The address by which the relay knows this site: that at which it was connected, if this is it.
	 */
	public static function address(): string {
		$settings = new Settings();
		$known    = $settings->bound_to()['address'];
		return '' === $known || ( new self( $settings, new Outbox() ) )->is_elsewhere() ? self::found_at() : $known;
	}

	/**
	 * The site's address as it is set, not as plugins show it for a language or a visitor.
	 */
	public static function found_at(): string {
		return untrailingslashit( defined( 'WP_HOME' ) && ! is_multisite() ? (string) WP_HOME : self::option() );
	}

	/**
	 * What tells this site from a copy: its address without `https://` and `www.`, and the kind of environment.
	 */
	public static function here(): array {
		return array(
			'home'        => self::bare( self::found_at() ),
			'environment' => wp_get_environment_type(),
		);
	}

	/**
	 * All there is to remember about this place: besides that, the full address, and the one in the database.
	 */
	public static function place(): array {
		$here = self::here();
		return $here + array(
			'address' => '' === $here['home'] ? '' : self::found_at(),
			'stored'  => self::bare( self::option() ),
		);
	}

	/**
	 * Whether the site was connected elsewhere.
	 */
	public function is_elsewhere(): bool {
		$bound = $this->settings->bound_to();
		$here  = self::here();
		if ( '' === $bound['home'] ) {
			return false;
		}
		if ( '' === $here['home'] ) {
			// A terminal knows no address that wp-config.php makes from the request.
			return '' !== $this->settings->copy_at() || ! in_array( $bound['stored'], array( '', self::bare( self::option() ) ), true );
		}
		return $here['environment'] !== $bound['environment'] || ( $here['home'] !== $bound['home'] && ! in_array( $here['home'], $this->settings->aliases(), true ) );
	}

	/**
	 * Why this site must do nothing to people by the relay, if it was connected elsewhere; else null.
	 */
	public static function objection(): ?WP_Error {
		return ( new self( new Settings(), new Outbox() ) )->is_elsewhere() ? new WP_Error( 'elsewhere', __( 'It is not where it was connected. Say whether it has moved or is a copy.', 'postreeve' ) ) : null;
	}

	/**
	 * Whether this may be the site itself under one more address: only wp-config.php can give a site two.
	 */
	public function may_be_the_same(): bool {
		$here = self::here();
		return $this->is_elsewhere() && defined( 'WP_HOME' ) && ! is_multisite() && '' !== $here['home']
			&& $here['environment'] === $this->settings->bound_to()['environment'] && ! preg_match( self::EVERYWHERE, $here['home'] );
	}

	/**
	 * Whether the owner has said that this is a copy.
	 */
	public function is_copy(): bool {
		return $this->is_elsewhere() && '' !== $this->settings->copy_at() && in_array( self::here()['home'], array( '', $this->settings->copy_at() ), true );
	}

	/**
	 * Where the site was connected, in words: "shop.example (production)".
	 */
	public function origin(): string {
		$bound = $this->settings->bound_to();
		return sprintf( '%1$s (%2$s)', $bound['home'], $bound['environment'] );
	}

	/**
	 * Where it was and is, in a sentence.
	 */
	public function sentence(): string {
		/* translators: 1: an address and a kind of environment, such as "shop.example (production)", 2: the same of this site */
		return sprintf( __( 'It was connected as %1$s and runs as %2$s. Its mails are kept here.', 'postreeve' ), $this->origin(), implode( ' (', self::here() ) . ')' );
	}

	/**
	 * A site that was never bound to a place, because its key came from outside, belongs where its first mail is sent,
	 * if that is the address in its database: any other may be one that a visitor has made up.
	 */
	public function begin(): void {
		$place = self::place();
		if ( '' === $this->settings->bound_to()['home'] && '' !== $place['home'] && $place['home'] === $place['stored'] ) {
			$this->settings->bind( $place );
		}
	}

	/**
	 * The owner says: this is the site itself. From now on it belongs here, and what was kept goes out.
	 *
	 * @return int How many mails go out.
	 */
	public function has_moved(): int {
		$this->settings->bind( self::place() );
		return $this->outbox->release( Outbox::CAPTURED );
	}

	/**
	 * The owner says: this is the site itself under another address. What was kept goes out.
	 *
	 * @return int|WP_Error How many mails go out.
	 */
	public function is_the_same() {
		$known = $this->settings->aliases();
		if ( ! $this->may_be_the_same() || count( $known ) >= self::MOST_ALIASES ) {
			/* translators: %d: a number */
			return new WP_Error( 'no-alias', sprintf( __( 'This cannot be one more address of the site. It can have %d; forget one under Settings first.', 'postreeve' ), self::MOST_ALIASES ) );
		}
		$this->settings->set_aliases( array_merge( $known, array( self::here()['home'] ) ) );
		return $this->outbox->release( Outbox::CAPTURED );
	}

	/**
	 * The owner says: this is a copy. Its mail goes on being kept.
	 */
	public function is_a_copy(): void {
		$home = self::here()['home'];
		$this->settings->mark_copy( '' === $home ? '-' : $home );
	}

	/**
	 * The owner says: this address is none of the site's any more.
	 *
	 * @param string $home As it is remembered, or a URL.
	 * @return bool Whether it was one.
	 */
	public function forget( string $home ): bool {
		$known = $this->settings->aliases();
		$rest  = array_diff( $known, array( false === strpos( $home, '://' ) ? $home : self::bare( $home ) ) );
		$this->settings->set_aliases( $rest );
		return count( $rest ) < count( $known );
	}

	/**
	 * The owner is here, and here is home: what was said of a copy, or remembered of another database, came with some
	 * database that was put into this one's place.
	 */
	public function settle(): void {
		$place = self::place();
		if ( '' !== $place['home'] && '' !== $this->settings->bound_to()['home'] && ! $this->is_elsewhere() ) {
			$this->settings->settle( $place['stored'] );
		}
	}

	/**
	 * The address in the database, beside whatever wp-config.php says.
	 */
	private static function option(): string {
		$options = wp_load_alloptions();
		return (string) ( $options['home'] ?? get_option( 'home' ) );
	}

	/**
	 * An address without what makes no other site: `https://`, `www.`, a slash at its end; '' if it names no host.
	 *
	 * @param string $address A URL.
	 */
	private static function bare( string $address ): string {
		return strtolower( untrailingslashit( (string) preg_replace( '~^[a-z]+:/*(www\.)?~i', '', $address ) ) );
	}
}
