<?php
/**
 * Other plugins that want this site's mail.
 *
 * @package Postreeve
 */

namespace Postreeve;

use PHPMailer\PHPMailer\PHPMailer;

defined( 'ABSPATH' ) || exit;

/**
 * Finds by what it does, not by its name, any code that keeps mail from us or could.
 */
final class Conflicts {

	/**
	 * It has put its own function in the place of wp_mail(): no mail comes to us.
	 */
	const REDECLARES = 'redeclares-wp-mail';

	/**
	 * It answers pre_wp_mail: mail it answers for does not come to us.
	 */
	const ANSWERS = 'answers-pre-wp-mail';

	/**
	 * It has a mailer of its own: mail it sends with that does not come to us.
	 */
	const OWN_MAILER = 'own-mailer';

	/**
	 * What is found: `plugin` (a slug), `how` (a constant above) and `harm` (whether mail surely misses us).
	 */
	public static function found(): array {
		$found = array();
		$file  = ( new \ReflectionFunction( 'wp_mail' ) )->getFileName();
		if ( wp_normalize_path( (string) $file ) !== wp_normalize_path( ABSPATH . WPINC . '/pluggable.php' ) ) {
			$found[] = self::conflict( (string) $file, self::REDECLARES, true );
		}
		foreach ( self::callbacks( 'pre_wp_mail' ) as $callback ) {
			$file = self::file_of( $callback );
			if ( '' !== Origin::slug_of( $file ) && ! self::is_ours( $file ) ) {
				$found[] = self::conflict( $file, self::ANSWERS, false );
			}
		}
		foreach ( get_declared_classes() as $class ) {
			if ( is_subclass_of( $class, PHPMailer::class ) ) {
				$file = (string) ( new \ReflectionClass( $class ) )->getFileName();
				if ( '' !== Origin::slug_of( $file ) && ! self::is_ours( $file ) ) {
					$found[] = self::conflict( $file, self::OWN_MAILER, false );
				}
			}
		}
		return array_values( array_unique( $found, SORT_REGULAR ) );
	}

	/**
	 * A conflict in a sentence.
	 *
	 * @param array $conflict One of those found.
	 */
	public static function sentence( array $conflict ): string {
		$sentences = array(
			/* translators: %s: a plugin's short name */
			self::REDECLARES => __( '%s has put its own function in the place of wp_mail(), so no mail comes to Postreeve. Switch off its mailing, or deactivate it.', 'postreeve' ),
			/* translators: %s: a plugin's short name */
			self::ANSWERS    => __( '%s may answer for mails itself. Those do not come to Postreeve.', 'postreeve' ),
			/* translators: %s: a plugin's short name */
			self::OWN_MAILER => __( '%s has a mailer of its own. What it sends with that does not come to Postreeve.', 'postreeve' ),
		);
		return sprintf( $sentences[ $conflict['how'] ], '' === $conflict['plugin'] ? __( 'Some code outside plugins and themes', 'postreeve' ) : $conflict['plugin'] );
	}

	/**
	 * A conflict.
	 *
	 * @param string $file Where the code stands.
	 * @param string $how  What it does.
	 * @param bool   $harm Whether mail surely misses us.
	 */
	private static function conflict( string $file, string $how, bool $harm ): array {
		return array(
			'plugin' => Origin::slug_of( $file ),
			'how'    => $how,
			'harm'   => $harm,
		);
	}

	/**
	 * Whether a file belongs to this plugin.
	 *
	 * @param string $file A PHP file's full path.
	 */
	private static function is_ours( string $file ): bool {
		return Origin::slug_of( $file ) === Origin::slug_of( FILE );
	}

	/**
	 * What listens to a filter.
	 *
	 * @param string $hook The filter's name.
	 */
	private static function callbacks( string $hook ): array {
		global $wp_filter;
		$callbacks = array();
		foreach ( isset( $wp_filter[ $hook ] ) ? $wp_filter[ $hook ]->callbacks : array() as $same_priority ) {
			$callbacks = array_merge( $callbacks, array_column( $same_priority, 'function' ) );
		}
		return $callbacks;
	}

	/**
	 * The file a callback stands in, or ''.
	 *
	 * @param mixed $callback What was registered.
	 */
	private static function file_of( $callback ): string {
		try {
			if ( is_string( $callback ) && false !== strpos( $callback, '::' ) ) {
				$callback = explode( '::', $callback );
			}
			if ( is_array( $callback ) ) {
				$code = new \ReflectionMethod( $callback[0], $callback[1] );
			} elseif ( is_object( $callback ) && ! $callback instanceof \Closure ) {
				$code = new \ReflectionMethod( $callback, '__invoke' );
			} else {
				$code = new \ReflectionFunction( $callback );
			}
			return (string) $code->getFileName();
		} catch ( \ReflectionException $nothing ) {
			return '';
		}
	}
}
