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
	const LOST   = 'lost';

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
		$moves   = in_array( $status, array_merge( Words::MOVING, array( 'held', 'unknown' ) ), true );
		$stopped = in_array( $status, array( 'unconfirmed', 'no_report' ), true ) ? self::LOST : self::FAILED;
		$labels  = array(
			array( __( 'The relay has accepted it', 'postreeve' ), '', '' ),
			array( __( 'Amazon SES has taken it', 'postreeve' ), __( 'Amazon SES takes it', 'postreeve' ), __( 'It was not given to Amazon SES', 'postreeve' ) ),
			array( __( 'The receiving server has accepted it', 'postreeve' ), __( 'The receiving server accepts it', 'postreeve' ), __( 'The receiving server has not accepted it', 'postreeve' ) ),
		);
		$steps   = array();
		foreach ( $labels as $number => $texts ) {
			$state   = $number < $reached ? self::DONE : ( $moves ? ( $number === $reached ? self::NOW : self::LATER ) : $stopped );
			$text    = self::DONE === $state ? 0 : ( self::FAILED === $state ? 2 : 1 );
			$steps[] = array(
				'label' => $texts[ $text ],
				'state' => $state,
			);
			if ( self::FAILED === $state || self::LOST === $state ) {
				break;
			}
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
			self::LOST   => array( Words::QUIET, __( 'Not known', 'postreeve' ) ),
		);
		return $words[ $state ];
	}
}
