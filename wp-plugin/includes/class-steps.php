<?php
/**
 * How far a mail has come.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * The stations of one copy, from WordPress to the reader's server.
 */
final class Steps {

	const DONE   = 'done';
	const NOW    = 'now';
	const LATER  = 'later';
	const FAILED = 'failed';

	/**
	 * How many stations a copy of this status has behind it, of three; all others stopped at the relay.
	 */
	const REACHED = array(
		'queued'       => 1,
		'sending'      => 1,
		'held'         => 1,
		'unknown'      => 1,
		'sent'         => 2,
		'deferred'     => 2,
		'no_report'    => 2,
		'unconfirmed'  => 1,
		'soft_bounced' => 2,
		'bounced'      => 2,
		'delivered'    => 3,
		'complained'   => 3,
	);

	/**
	 * The stations: `label` and `state`, one of the words above.
	 *
	 * @param array $recipient One recipient of a message.
	 */
	public static function of( array $recipient ): array {
		$status  = Problems::clean( $recipient['status'] ?? '' );
		$reached = self::REACHED[ $status ] ?? 1;
		$failed  = in_array( Words::status( $status )['tone'], array( Words::BAD, Words::QUIET ), true );
		$labels  = array(
			__( 'The relay has accepted it', 'postreeve' ),
			__( 'Amazon SES has taken it', 'postreeve' ),
			__( 'The receiving server has accepted it', 'postreeve' ),
		);
		$steps   = array();
		foreach ( $labels as $number => $label ) {
			$state   = $number < $reached ? self::DONE : ( $number > $reached ? self::LATER : ( $failed ? self::FAILED : self::NOW ) );
			$steps[] = compact( 'label', 'state' );
		}
		return $steps;
	}

	/**
	 * A station's state: a tone and a word.
	 *
	 * @param string $state One of the words above.
	 */
	public static function word( string $state ): array {
		$words = array(
			self::DONE   => array( Words::GOOD, __( 'Done', 'postreeve' ) ),
			self::NOW    => array( Words::WAITING, __( 'Now', 'postreeve' ) ),
			self::LATER  => array( Words::QUIET, __( 'Then', 'postreeve' ) ),
			self::FAILED => array( Words::BAD, __( 'Ended here', 'postreeve' ) ),
		);
		return $words[ $state ];
	}
}
