<?php
/**
 * As much of WP-CLI as commands need: what they say is kept, and where they would end the process they throw.
 */

use Postreeve\Tests\Halted;

final class WP_CLI {

	/**
	 * What was said, each a kind and a text.
	 *
	 * @var array
	 */
	public static $said = array();

	/**
	 * What was shown, each the format, the rows and the fields.
	 *
	 * @var array
	 */
	public static $shown = array();

	/**
	 * The commands that were added, by name.
	 *
	 * @var array
	 */
	public static $commands = array();

	public static function add_command( $name, $command ): void {
		self::$commands[ $name ] = $command;
	}

	public static function log( $text ): void {
		self::$said[] = array( 'log', $text );
	}

	public static function success( $text ): void {
		self::$said[] = array( 'success', $text );
	}

	public static function warning( $text ): void {
		self::$said[] = array( 'warning', $text );
	}

	public static function error( $text ): void {
		self::$said[] = array( 'error', $text );
		throw new Halted( $text, 1 );
	}

	public static function halt( $code ): void {
		throw new Halted( '', $code );
	}

	public static function confirm( $question, $options = array() ): void {
		if ( empty( $options['yes'] ) ) {
			throw new Halted( $question, 0 );
		}
	}
}
