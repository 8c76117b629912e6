<?php
/**
 * Who sent a mail.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Finds the plugin or theme on whose behalf wp_mail() runs.
 *
 * The relay limits each source on its own, so that one spammed contact form cannot stop the site.
 */
final class Origin {

	const CORE = 'wordpress';

	/**
	 * The slug of the nearest plugin or theme that led to the call of wp_mail(), else 'wordpress'.
	 */
	public static function of_mail(): string {
		// phpcs:ignore WordPress.PHP.DevelopmentFunctions.error_log_debug_backtrace -- There is no other way to know.
		$frames = debug_backtrace( DEBUG_BACKTRACE_IGNORE_ARGS );
		foreach ( array_slice( $frames, self::position_of_call( $frames ) ) as $frame ) {
			$slug = isset( $frame['file'] ) ? self::slug_of( $frame['file'] ) : '';
			if ( '' !== $slug ) {
				return $slug;
			}
		}
		return self::CORE;
	}

	/**
	 * The slug of the plugin or theme a file belongs to, or ''.
	 *
	 * @param string $file A PHP file's full path.
	 */
	public static function slug_of( string $file ): string {
		$file = wp_normalize_path( $file );

		// Knows about plugins that are symbolic links.
		$relative = plugin_basename( $file );
		if ( trim( $file, '/' ) === $relative ) {
			$theme_root = trailingslashit( wp_normalize_path( get_theme_root() ) );
			if ( 0 !== strpos( $file, $theme_root ) ) {
				return '';
			}
			$relative = substr( $file, strlen( $theme_root ) );
		}
		return sanitize_key( basename( (string) strtok( $relative, '/' ), '.php' ) );
	}

	/**
	 * Where in the stack wp_mail() was called; without it, where PHPMailer was.
	 *
	 * @param array $frames The stack, innermost first.
	 */
	private static function position_of_call( array $frames ): int {
		$functions = array_column( $frames, 'function' );
		foreach ( array( 'wp_mail', 'send' ) as $name ) {
			$position = array_search( $name, $functions, true );
			if ( false !== $position ) {
				return $position;
			}
		}
		return 0;
	}
}
