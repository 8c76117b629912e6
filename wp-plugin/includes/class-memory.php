<?php
/**
 * Whether something fits into the memory PHP has left.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Asks before it is too late: PHP ends a page that needs more memory than it may have.
 */
final class Memory {

	/**
	 * How much of its size a mail takes while it is composed from files (their base64, and once more while it is put
	 * together), and while a finished one is handed over (itself, and the request). Measured, with a little to spare.
	 */
	const TO_COMPOSE   = 3.0;
	const TO_HAND_OVER = 2.2;

	/**
	 * Whether that many bytes are left.
	 *
	 * @param float $bytes Bytes.
	 */
	public static function has( float $bytes ): bool {
		$limit = wp_convert_hr_to_bytes( (string) ini_get( 'memory_limit' ) );
		return $limit <= 0 || $limit - memory_get_usage( true ) > $bytes + MB_IN_BYTES;
	}
}
