<?php
/**
 * Who may do what with Postreeve in wp-admin.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * One question for everything: the right, asked for each screen; right and nonce, asked for each button.
 */
final class Access {

	/**
	 * The capability it takes to see the screens and press the buttons.
	 */
	public static function capability(): string {
		/**
		 * Filters who may use Postreeve in wp-admin.
		 *
		 * @param string $capability A capability of WordPress's, 'manage_options'.
		 */
		$capability = apply_filters( 'postreeve_capability', 'manage_options' );
		return is_string( $capability ) && '' !== $capability ? $capability : 'manage_options';
	}

	/**
	 * Whether the person at the screen may.
	 */
	public static function may(): bool {
		return current_user_can( self::capability() );
	}

	/**
	 * Ends the request unless the person may, and the button was on a screen of theirs.
	 *
	 * @param string $nonce What the nonce was made for.
	 */
	public static function check( string $nonce ): void {
		if ( ! self::may() ) {
			wp_die( esc_html__( 'You are not allowed to do that.', 'postreeve' ), '', array( 'response' => 403 ) );
		}
		check_admin_referer( $nonce );
	}

	/**
	 * Leads on to a page that says what happened.
	 *
	 * @param string|WP_Error $said What happened, in a sentence.
	 * @param string          $url  The page.
	 */
	public static function answer( $said, string $url ): void {
		if ( is_wp_error( $said ) ) {
			$html = esc_html( $said->get_error_message() );
			$help = (string) ( ( (array) $said->get_error_data() )['relay_problem_url'] ?? '' );
			if ( '' !== $help ) {
				$html .= ' <a href="' . esc_url( $help ) . '">' . esc_html__( 'How to fix this', 'postreeve' ) . '</a>';
			}
			add_settings_error( Settings::OPTION, 'postreeve-action', $html );
		} elseif ( '' !== $said ) {
			add_settings_error( Settings::OPTION, 'postreeve-action', esc_html( $said ), 'success' );
		}
		set_transient( 'settings_errors', get_settings_errors(), 30 );
		wp_safe_redirect( add_query_arg( 'settings-updated', is_wp_error( $said ) ? 'false' : 'true', $url ) );
		exit;
	}
}
