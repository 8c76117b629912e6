<?php
/**
 * What is set outside WordPress.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Settings given as a constant in wp-config.php or, below that, as a variable of the environment. An empty one is none.
 */
final class Given {

	const RELAY_URL    = 'POSTREEVE_RELAY_URL';
	const API_KEY      = 'POSTREEVE_API_KEY';
	const LIVE         = 'POSTREEVE_LIVE';
	const OFF          = 'POSTREEVE_OFF';
	const OUTBOX_LIMIT = 'POSTREEVE_OUTBOX_LIMIT';

	/**
	 * Whether it is given at all.
	 *
	 * @param string $name A constant of this class.
	 */
	public static function has( string $name ): bool {
		return self::is_constant( $name ) || '' !== (string) getenv( $name );
	}

	/**
	 * Whether the environment says it, and no constant.
	 *
	 * @param string $name A constant of this class.
	 */
	public static function is_of_environment( string $name ): bool {
		return ! self::is_constant( $name ) && self::has( $name );
	}

	/**
	 * Its text, or ''.
	 *
	 * @param string $name A constant of this class.
	 */
	public static function text( string $name ): string {
		return trim( (string) ( self::is_constant( $name ) ? constant( $name ) : getenv( $name ) ) );
	}

	/**
	 * Whether it is a yes: `true`, or one of the words 1, true, yes and on.
	 *
	 * @param string $name A constant of this class.
	 */
	public static function yes( string $name ): bool {
		return filter_var( self::text( $name ), FILTER_VALIDATE_BOOLEAN );
	}

	/**
	 * Where it comes from, for a program: its name, or its name and `(environment)`; '' if it is not given.
	 *
	 * @param string $name A constant of this class.
	 */
	public static function source( string $name ): string {
		return self::is_constant( $name ) ? $name : ( self::has( $name ) ? "$name (environment)" : '' );
	}

	/**
	 * Where it comes from, in a sentence.
	 *
	 * @param string $name A constant of this class.
	 */
	public static function sentence( string $name ): string {
		/* translators: %s: the name of a constant or a variable, such as POSTREEVE_LIVE */
		return sprintf( self::is_constant( $name ) ? __( 'Set by %s in wp-config.php.', 'postreeve' ) : __( 'Set by %s in the environment.', 'postreeve' ), $name );
	}

	/**
	 * Whether a constant says it. `false` is a word, too.
	 *
	 * @param string $name A constant of this class.
	 */
	private static function is_constant( string $name ): bool {
		return defined( $name ) && ! in_array( constant( $name ), array( '', null ), true );
	}
}
