<?php
/**
 * What the relay said, when, and why it is not newer.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * An answer of the relay, perhaps an old one because it does not answer now.
 */
final class Reading {

	/**
	 * The answer; null if there is none, new or old.
	 */
	private ?array $answer;

	/**
	 * When it was given, a Unix time.
	 */
	private int $asked_at;

	/**
	 * Why there is no newer one.
	 */
	private ?WP_Error $problem;

	/**
	 * Makes a reading.
	 *
	 * @param array|null    $answer   The answer, if there is one.
	 * @param int           $asked_at When it was given.
	 * @param WP_Error|null $problem  Why there is no newer one.
	 */
	public function __construct( ?array $answer, int $asked_at, ?WP_Error $problem = null ) {
		$this->answer   = $answer;
		$this->asked_at = $asked_at;
		$this->problem  = $problem;
	}

	/**
	 * The answer, or an empty array.
	 */
	public function answer(): array {
		return $this->answer ?? array();
	}

	/**
	 * Whether there is an answer, new or old.
	 */
	public function is_known(): bool {
		return null !== $this->answer;
	}

	/**
	 * Why the relay did not answer now, or null.
	 */
	public function problem(): ?WP_Error {
		return $this->problem;
	}

	/**
	 * How old the answer is: "3 minutes".
	 */
	public function age(): string {
		return human_time_diff( $this->asked_at, time() );
	}

	/**
	 * A list in the answer, its members what they should be.
	 *
	 * @param string $name The list's name.
	 */
	public function list_of( string $name ): array {
		return Screen::list_of( $this->answer(), $name );
	}
}
