<?php
/**
 * Decides which way a mail takes.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Hands a finished mail to the relay at once, or keeps it and hands it over after the response.
 *
 * One page waits two seconds for the relay at most, however many mails it sends. What the relay cannot take now is
 * kept and tried again; what it refuses is never sent another way.
 */
final class Courier {

	/**
	 * Seconds one PHP request spends on talking to the relay, and how many mails it hands over while it runs.
	 */
	const SECONDS     = 2.0;
	const MOST_DIRECT = 2;

	/**
	 * The shortest wait that is worth a try, in seconds.
	 */
	const SHORTEST = 0.2;

	/**
	 * Bytes of a mail that is not sent while a page waits for it.
	 */
	const LARGE = 5 * MB_IN_BYTES;

	/**
	 * The relay.
	 */
	private Client $client;

	/**
	 * Where mails wait.
	 */
	private Outbox $outbox;

	/**
	 * Whether the relay answers.
	 */
	private Breaker $breaker;

	/**
	 * Hands over what waits.
	 */
	private Runner $runner;

	/**
	 * Whether this is the site that was connected.
	 */
	private Whereabouts $whereabouts;

	/**
	 * What the relay says about this site.
	 */
	private Account $account;

	/**
	 * Seconds this request has spent on talking to the relay.
	 */
	private float $spent = 0.0;

	/**
	 * How many mails this request has handed over, or tried to.
	 */
	private int $direct = 0;

	/**
	 * Makes a courier.
	 *
	 * @param Client      $client      The relay.
	 * @param Outbox      $outbox      Where mails wait.
	 * @param Breaker     $breaker     Whether the relay answers.
	 * @param Runner      $runner      Hands over what waits.
	 * @param Whereabouts $whereabouts Whether this is the site that was connected.
	 * @param Account     $account     What the relay says about this site.
	 */
	public function __construct( Client $client, Outbox $outbox, Breaker $breaker, Runner $runner, Whereabouts $whereabouts, Account $account ) {
		$this->client      = $client;
		$this->outbox      = $outbox;
		$this->breaker     = $breaker;
		$this->runner      = $runner;
		$this->whereabouts = $whereabouts;
		$this->account     = $account;
	}

	/**
	 * Takes a mail.
	 *
	 * @param Message $message The mail, to any number of people.
	 * @return array|WP_Error The relay's receipt; for a mail that is kept, its `queued` key and the `reason`.
	 */
	public function carry( Message $message ) {
		$this->whereabouts->begin();
		if ( $this->whereabouts->is_elsewhere() ) {
			return $this->keep( $message->split(), Outbox::CAPTURED, 'captured' );
		}
		$messages = $message->split();
		$reason   = $this->reason_to_wait( $message );
		if ( '' !== $reason ) {
			$kept = $this->keep( $messages, Outbox::WAITING, $reason );
			$code = is_wp_error( $kept ) ? $kept->get_error_code() : '';
			// What does not fit into the outbox does not get through in a page's seconds.
			if ( in_array( $code, array( '', Problems::TOO_LARGE ), true ) || ( Problems::FULL === $code && Problems::UNREACHABLE === $reason ) ) {
				return $kept;
			}
		}
		$first  = array_shift( $messages );
		$answer = $this->hand_over( $first );
		if ( ! is_wp_error( $answer ) ) {
			$this->runner->run_later();
			if ( array() !== $messages && is_wp_error( $this->keep( $messages, Outbox::WAITING, 'many-recipients' ) ) ) {
				array_map( array( $this, 'hand_over' ), $messages );
			}
			return $answer;
		}
		if ( Problems::passes( $answer ) ) {
			return $this->keep( array_merge( array( $first ), $messages ), Outbox::WAITING, (string) $answer->get_error_code(), $answer );
		}
		if ( Problems::can_be_fixed( $answer ) && ! is_wp_error( $this->keep( array_merge( array( $first ), $messages ), Outbox::PARKED, (string) $answer->get_error_code() ) ) ) {
			$answer->add_data( array( 'relay_parked' => true ) + (array) $answer->get_error_data() );
		}
		return $answer;
	}

	/**
	 * After the response: hands over what this request has kept, and learns anew what mails have to know.
	 */
	public function after_response(): void {
		$this->runner->after_response( max( 1.0, $this->seconds_left() ) );
		if ( $this->direct > 0 && $this->account->is_stale() && ! $this->breaker->is_open() ) {
			$this->runner->finish_response();
			$this->account->refresh( max( 1.0, $this->seconds_left() ) );
		}
		$this->spent  = 0.0;
		$this->direct = 0;
	}

	/**
	 * Seconds this request may still spend on talking to the relay.
	 */
	public function seconds_left(): float {
		/**
		 * Filters how many seconds one PHP request spends on talking to the relay while it runs.
		 *
		 * @param float $seconds 2 where somebody may be waiting; 20 in WP-Cron and at a terminal.
		 */
		$seconds = (float) apply_filters( 'postreeve_seconds_per_request', Runner::is_unwatched() ? Client::PATIENCE_IN_BACKGROUND : self::SECONDS );
		return max( 0.0, $seconds - $this->spent );
	}

	/**
	 * Why a mail should not be handed over while the page waits, or ''.
	 *
	 * @param Message $message The mail.
	 */
	private function reason_to_wait( Message $message ): string {
		/**
		 * Filters how many mails one PHP request hands over while it runs; the others leave together after it.
		 *
		 * @param int $most 2.
		 */
		if ( $this->direct >= (int) apply_filters( 'postreeve_direct_mails', self::MOST_DIRECT ) ) {
			return 'many-mails';
		}
		if ( $message->size() > self::LARGE ) {
			return 'large';
		}
		if ( $this->seconds_left() < self::SHORTEST ) {
			return 'no-time';
		}
		return $this->breaker->is_open() ? Problems::UNREACHABLE : '';
	}

	/**
	 * Hands one message to the relay, and looks at the clock.
	 *
	 * @param Message $message The message.
	 * @return array|WP_Error
	 */
	private function hand_over( Message $message ) {
		++$this->direct;
		$began        = microtime( true );
		$answer       = $this->client->send( $message, max( self::SHORTEST, $this->seconds_left() ) );
		$this->spent += microtime( true ) - $began;
		if ( is_wp_error( $answer ) && Problems::UNREACHABLE === $answer->get_error_code() ) {
			$this->breaker->open();
		} else {
			$this->breaker->close();
		}
		return $answer;
	}

	/**
	 * Keeps messages.
	 *
	 * @param Message[]     $messages At least one.
	 * @param string        $state    Outbox::WAITING, PARKED or CAPTURED.
	 * @param string        $reason   A word for why.
	 * @param WP_Error|null $problem  What the relay said, if it was asked.
	 * @return array|WP_Error
	 */
	private function keep( array $messages, string $state, string $reason, ?WP_Error $problem = null ) {
		$delay = null === $problem ? 0 : Runner::delay( 0, Problems::wait_of( $problem ) );
		$ids   = array();
		foreach ( $messages as $message ) {
			$kept = $this->outbox->put( $message, $state, $reason, $delay );
			if ( is_wp_error( $kept ) ) {
				// All or nothing: what is said to have failed must not go out in part.
				array_map( array( $this->outbox, 'delete' ), $ids );
				return $kept;
			}
			$ids[] = $kept;
		}
		$this->runner->plan( time() + ( Outbox::WAITING === $state ? max( $delay, Runner::SOON ) : Outbox::KEPT[ $state ] ) );
		if ( Outbox::PARKED === $state ) {
			return array();
		}
		if ( Outbox::WAITING === $state && null === $problem && Problems::UNREACHABLE !== $reason ) {
			$this->runner->run_later();
		}
		$this->tell( $messages[0], $reason );
		return array(
			'queued' => $messages[0]->key(),
			'reason' => $reason,
		);
	}

	/**
	 * Tells other plugins that a mail waits; a mistake of theirs does not unmake it.
	 *
	 * @param Message $message The mail.
	 * @param string  $reason  A word for why.
	 */
	private function tell( Message $message, string $reason ): void {
		try {
			/**
			 * Fires when a mail could not be handed to the relay at once and is kept.
			 *
			 * @param string   $key        The mail's key in the outbox.
			 * @param string   $reason     A word for why, such as 'relay-unreachable' or 'captured'.
			 * @param string[] $recipients The addresses it goes to.
			 */
			do_action( 'postreeve_mail_queued', $message->key(), $reason, $message->recipients() );
		} catch ( \Throwable $fault ) {
			unset( $fault );
		}
	}
}
