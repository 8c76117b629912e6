<?php
/**
 * What all views write alike.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Writes views, and the parts they share: a state, a form, a point in time.
 */
final class View {

	/**
	 * Writes a view.
	 *
	 * @param string $view      Its file in includes/views.
	 * @param array  $arguments What it shows; `$arguments` there.
	 */
	public static function show( string $view, array $arguments = array() ): void {
		require __DIR__ . '/views/' . $view . '.php';
	}

	/**
	 * Brings our style to this screen.
	 */
	public static function dress(): void {
		wp_enqueue_style( 'postreeve', plugins_url( 'assets/admin.css', FILE ), array( 'dashicons' ), VERSION );
	}

	/**
	 * Writes a state: icon, word and colour, never the colour alone.
	 *
	 * @param string $tone  One of Words's tones.
	 * @param string $label A word or two.
	 */
	public static function state( string $tone, string $label ): void {
		printf(
			'<span class="postreeve-status postreeve-%1$s"><span class="dashicons %2$s" aria-hidden="true"></span>%3$s</span>',
			esc_attr( $tone ),
			esc_attr( Words::icon( $tone ) ),
			esc_html( $label )
		);
	}

	/**
	 * Begins a form that answers a button; the view writes its fields and ends it.
	 *
	 * @param string $action The action of admin-post.php.
	 * @param string $what   Which button.
	 * @param array  $fields Hidden fields, by name.
	 * @param string $style  A class for the form.
	 */
	public static function form( string $action, string $what, array $fields = array(), string $style = 'postreeve-button' ): void {
		printf( '<form method="post" action="%1$s" class="%2$s">', esc_url( admin_url( 'admin-post.php' ) ), esc_attr( $style ) );
		$hidden = array(
			'action'   => $action,
			'what'     => $what,
			'_wpnonce' => wp_create_nonce( $action . $what ),
		);
		foreach ( $hidden + $fields as $name => $value ) {
			printf( '<input type="hidden" name="%1$s" value="%2$s">', esc_attr( $name ), esc_attr( $value ) );
		}
	}

	/**
	 * Writes a form that is one button.
	 *
	 * @param string $action The action of admin-post.php.
	 * @param string $what   Which button.
	 * @param string $label  What stands on it.
	 * @param array  $fields Hidden fields, by name.
	 * @param string $kind   'primary' or 'secondary'.
	 */
	public static function button( string $action, string $what, string $label, array $fields = array(), string $kind = 'secondary' ): void {
		self::form( $action, $what, $fields );
		printf( '<button type="submit" class="button button-%1$s">%2$s</button></form>', esc_attr( $kind ), esc_html( $label ) );
	}

	/**
	 * Says what a page will show once the site is connected.
	 *
	 * @param string $text A sentence.
	 */
	public static function not_connected( string $text ): void {
		printf(
			'<div class="postreeve-empty"><p>%1$s</p><p><a class="button button-primary" href="%2$s">%3$s</a></p></div>',
			esc_html( $text ),
			esc_url( Screen::url( array( 'tab' => Screen::SETTINGS ) ) ),
			esc_html__( 'Connect this site', 'postreeve' )
		);
	}

	/**
	 * Says that what is shown is old, or why nothing is.
	 *
	 * @param Reading $reading What the relay said.
	 */
	public static function age( Reading $reading ): void {
		$problem = $reading->problem();
		if ( null === $problem ) {
			return;
		}
		$text = $problem->get_error_message();
		if ( $reading->is_known() ) {
			/* translators: %s: a span such as "3 minutes" */
			$text = sprintf( __( 'You see what was known %s ago.', 'postreeve' ), $reading->age() ) . ' ' . $text;
		}
		printf(
			'<div class="notice notice-%1$s inline postreeve-age"><p>%2$s <a href="%3$s">%4$s</a></p></div>',
			$reading->is_known() ? 'warning' : 'error',
			esc_html( $text ),
			esc_url( add_query_arg( 'fresh', '1' ) ),
			esc_html__( 'Ask again', 'postreeve' )
		);
	}
}
