<?php
/**
 * What a list of mails says about itself.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * How many mails were found, how far was looked, and why there are none.
 */
final class Findings {

	/**
	 * How many mails a list shows, and whether there are more.
	 *
	 * @param array  $rows    What it shows.
	 * @param string $older   Where it goes on, or ''.
	 * @param string $back_to When the last mail was accepted that the relay looked at, if it has not looked at all.
	 */
	public static function count( array $rows, string $older, string $back_to ): string {
		/* translators: %s: a number */
		$text = sprintf( _n( '%s mail, newest first.', '%s mails, newest first.', count( $rows ), 'postreeve' ), number_format_i18n( count( $rows ) ) );
		if ( '' !== $back_to ) {
			/* translators: %s: a date and time */
			return $text . ' ' . sprintf( __( 'The relay has looked through those since %s.', 'postreeve' ), Words::date( $back_to ) );
		}
		return '' === $older ? $text : $text . ' ' . __( 'There are older ones.', 'postreeve' );
	}

	/**
	 * Why a list is empty, and what would fill it or what to do: one or two sentences, or none if there is nothing to say.
	 *
	 * @param Reading $reading What the relay said, if it did.
	 * @param string  $filter  One of the page's FILTERS, or ''.
	 * @param string  $word    What was searched for, or ''.
	 */
	public static function none( Reading $reading, string $filter, string $word ): array {
		if ( ! $reading->is_known() ) {
			return self::silence( $reading, '' !== $filter . $word );
		}
		$back_to = Problems::clean( $reading->answer()['looked_back_to'] ?? '' );
		if ( '' !== $back_to ) {
			/* translators: %s: a date and time */
			return array( sprintf( __( 'Of the mails since %s none fits. Older ones may.', 'postreeve' ), Words::date( $back_to ) ) );
		}
		if ( '' !== Screen::asked( 'cursor' ) ) {
			return array( __( 'No older mail fits.', 'postreeve' ) );
		}
		if ( '' !== $word && '' !== $filter ) {
			/* translators: 1: what was searched for, 2: the name of a filter, such as "Delivered" */
			return array( sprintf( __( 'No mail with "%1$s" in its address or subject is under "%2$s".', 'postreeve' ), $word, Mails_Page::filters()[ $filter ] ) );
		}
		if ( '' !== $word ) {
			/* translators: %s: what was searched for */
			return array( sprintf( __( 'No mail has "%s" in its address or subject.', 'postreeve' ), $word ) );
		}
		$words = array(
			''          => array( __( 'None yet. As soon as this site sends a mail, you see here what became of it.', 'postreeve' ) ),
			'moving'    => array( __( 'No mail is on its way.', 'postreeve' ), __( 'A mail stands here until the receiving server has answered, most often for seconds.', 'postreeve' ) ),
			'delivered' => array( __( 'No mail was delivered yet.', 'postreeve' ), __( 'A mail stands here as soon as the receiving server has accepted it.', 'postreeve' ) ),
			'held'      => array( __( 'No mail is held.', 'postreeve' ), __( 'A mail stands here while the relay waits for somebody to look at it.', 'postreeve' ) ),
			'problems'  => array( __( 'No mail has a problem.', 'postreeve' ), __( 'A mail stands here, with the reason, when it came back, was refused, or was marked as spam.', 'postreeve' ) ),
		);
		return $words[ $filter ];
	}

	/**
	 * Why nothing is known.
	 *
	 * @param Reading $reading What the relay did not say.
	 * @param bool    $picked  Whether a filter or a word was asked for.
	 */
	private static function silence( Reading $reading, bool $picked ): array {
		$problem = $reading->problem();
		if ( null === $problem ) {
			return array( __( 'Enter at least two letters to search for.', 'postreeve' ) );
		}
		return $picked && Problems::passes( $problem )
			? array( __( 'This was not asked before, so there is no answer to show. The list of all mails may be remembered.', 'postreeve' ) )
			: array();
	}
}
