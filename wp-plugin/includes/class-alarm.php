<?php
/**
 * Whether something is wrong that the owner should know on every screen.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Admin_Bar;

defined( 'ABSPATH' ) || exit;

/**
 * Keeps one word in the option that every page loads anyway, and shows it in the admin bar while it is there.
 */
final class Alarm {

	/**
	 * Mails wait this many seconds until that is worth a word.
	 */
	const LATE = 900;

	const ELSEWHERE  = 'elsewhere';
	const UNREADABLE = 'key-unreadable';
	const FULL       = 'full';
	const PARKED     = 'parked';
	const WAITS      = 'waits';
	const FAILING    = 'failing';

	/**
	 * What was wrong is no more, and nobody has seen that yet: all is well, or some mail was given up meanwhile.
	 */
	const OVER     = 'over';
	const GIVEN_UP = 'given-up';

	/**
	 * States of the account that are worth a word.
	 */
	const STANDINGS = array( 'terminated', 'suspended', 'limited', Connection::NOT_READY );

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * Where mails wait.
	 */
	private Outbox $outbox;

	/**
	 * Whether this is the site that was connected.
	 */
	private Whereabouts $whereabouts;

	/**
	 * What the relay says about this site.
	 */
	private Account $account;

	/**
	 * Whether to look after this response.
	 */
	private bool $later = false;

	/**
	 * Makes an alarm.
	 *
	 * @param Settings    $settings    Where and how this site is connected.
	 * @param Outbox      $outbox      Where mails wait.
	 * @param Whereabouts $whereabouts Whether this is the site that was connected.
	 * @param Account     $account     What the relay says about this site.
	 */
	public function __construct( Settings $settings, Outbox $outbox, Whereabouts $whereabouts, Account $account ) {
		$this->settings    = $settings;
		$this->outbox      = $outbox;
		$this->whereabouts = $whereabouts;
		$this->account     = $account;
	}

	/**
	 * Looks, and writes down what has changed.
	 *
	 * @param mixed $seen True where the owner sees a screen of ours.
	 */
	public function look( $seen = false ): void {
		$word   = $this->word();
		$before = $this->settings->alarm();
		if ( '' === $word && '' !== $before && $this->settings->is_in_charge() && ! $this->whereabouts->is_elsewhere() && ! ( in_array( $before, array( self::OVER, self::GIVEN_UP ), true ) && true === $seen ) ) {
			$word = $this->outbox->counts()[ Outbox::FAILED ] > 0 ? self::GIVEN_UP : self::OVER;
		}
		if ( $word !== $before ) {
			$this->settings->set_alarm( $word );
		}
	}

	/**
	 * A mail has failed, and may be parked now; or the relay has said how the site is.
	 */
	public function look_later(): void {
		$this->later = true;
	}

	/**
	 * After the response: looks, if something has happened.
	 */
	public function after_response(): void {
		if ( $this->later ) {
			$this->later = false;
			$this->look();
		}
	}

	/**
	 * Warns in the admin bar. Asks nobody and reads nothing but what is loaded already, and how to say it.
	 *
	 * @param WP_Admin_Bar $bar WordPress's.
	 */
	public function warn( $bar ): void {
		$word = $this->settings->alarm();
		if ( '' === $word || ! $this->settings->is_in_charge() || ! Access::may() ) {
			return;
		}
		Plugin::load_words(); // Before 6.8 WordPress does not find them by itself.
		$text = $this->title( $word );
		$bar->add_node(
			array(
				'id'    => 'postreeve',
				'title' => '<span class="ab-icon dashicons dashicons-' . ( self::OVER === $word ? 'yes-alt' : 'warning' ) . '" aria-hidden="true"></span><span class="ab-label">' . esc_html( $text ) . '</span>',
				'href'  => Screen::url(),
				// On a phone WordPress hides all but its own.
				'meta'  => array( 'html' => '<style>#wp-admin-bar-postreeve{display:block!important}</style>' ),
			)
		);
	}

	/**
	 * What is wrong, in a word, or ''.
	 */
	private function word(): string {
		if ( ! $this->settings->is_in_charge() ) {
			return '';
		}
		if ( $this->whereabouts->is_elsewhere() ) {
			return $this->whereabouts->is_copy() ? '' : self::ELSEWHERE;
		}
		if ( Settings::KEY_UNREADABLE === $this->settings->key_state() ) {
			return self::UNREADABLE;
		}
		$known = $this->account->known();
		if ( in_array( $known['state'], self::STANDINGS, true ) ) {
			return $known['state'];
		}
		if ( $this->outbox->is_full() ) {
			return self::FULL;
		}
		if ( $this->outbox->counts()[ Outbox::PARKED ] > 0 ) {
			return self::PARKED;
		}
		$next = $this->outbox->next();
		if ( null !== $next && $next['since'] < time() - self::LATE ) {
			return self::WAITS;
		}
		return '' === $known['failing'] ? '' : self::FAILING;
	}

	/**
	 * What is wrong, in a few words.
	 *
	 * @param string $word What is stored.
	 */
	private function title( string $word ): string {
		$titles = array(
			self::ELSEWHERE  => __( 'Mail: moved or a copy?', 'postreeve' ),
			self::UNREADABLE => __( 'Mail: enter the key again', 'postreeve' ),
			self::FULL       => __( 'Mail: no room for more', 'postreeve' ),
			self::PARKED     => __( 'Mail: some is parked', 'postreeve' ),
			self::WAITS      => __( 'Mail: some waits', 'postreeve' ),
			self::FAILING    => __( 'Domain', 'postreeve' ) . ': ' . Words::domain( 'failing' )[1],
			'not-ready'      => __( 'Domain', 'postreeve' ) . ': ' . Words::domain( 'lapsed' )[1],
			self::GIVEN_UP   => __( 'Mail: some was given up', 'postreeve' ),
			self::OVER       => __( 'Mail: all well again', 'postreeve' ),
			'limited'        => __( 'Mail: limited', 'postreeve' ),
			'suspended'      => __( 'Mail: suspended', 'postreeve' ),
			'terminated'     => __( 'Mail: closed', 'postreeve' ),
		);
		return $titles[ $word ] ?? '';
	}
}
