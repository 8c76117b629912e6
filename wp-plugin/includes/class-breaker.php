<?php
/**
 * Remembers that the relay did not answer.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Spares the next visitors the wait that one had: for a minute nobody asks the relay while a page is made.
 */
final class Breaker {

	const OPTION  = 'postreeve_breaker';
	const SECONDS = 60;

	/**
	 * Whether it is better not to ask at the moment.
	 */
	public function is_open(): bool {
		$left = (int) get_option( self::OPTION ) - time();
		return $left > 0 && $left <= self::SECONDS; // More than that was written by a clock that was wrong.
	}

	/**
	 * The relay did not answer.
	 */
	public function open(): void {
		update_option( self::OPTION, time() + self::SECONDS, false );
	}

	/**
	 * The relay has answered.
	 */
	public function close(): void {
		if ( get_option( self::OPTION ) ) {
			delete_option( self::OPTION );
		}
	}
}
