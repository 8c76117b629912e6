<?php
/**
 * Hands over what waits in the outbox.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Empties the outbox: by WP-Cron while something waits, after a response, for an administrator where WP-Cron is dead.
 */
final class Runner {

	const HOOK = 'postreeve_outbox';

	/**
	 * Mails and bytes of one batch.
	 */
	const MOST  = 50;
	const BYTES = 8 * MB_IN_BYTES;

	/**
	 * Seconds until the next try, by how often it was tried; the last one counts for all further.
	 */
	const PATIENCE = array( 60, 300, 900, 3600 );

	/**
	 * Seconds until WP-Cron looks after mails that should have left with the response.
	 */
	const SOON = 30;

	/**
	 * Seconds a batch may take: a large mail on a slow line, and less than the outbox's claim.
	 */
	const LONGEST = 60.0;

	/**
	 * Seconds WP-Cron may be late until an administrator's visit does its work.
	 */
	const LATE = 300;

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
	 * Whether this site's mail goes through the relay.
	 */
	private Settings $settings;

	/**
	 * Whether this is the site that was connected.
	 */
	private Whereabouts $whereabouts;

	/**
	 * The sites, by their numbers in a network, whose outbox is to be run after this response.
	 *
	 * @var bool[]
	 */
	private $later = array();

	/**
	 * Makes a runner.
	 *
	 * @param Client      $client      The relay.
	 * @param Outbox      $outbox      Where mails wait.
	 * @param Breaker     $breaker     Whether the relay answers.
	 * @param Settings    $settings    Whether this site's mail goes through the relay.
	 * @param Whereabouts $whereabouts Whether this is the site that was connected.
	 */
	public function __construct( Client $client, Outbox $outbox, Breaker $breaker, Settings $settings, Whereabouts $whereabouts ) {
		$this->client      = $client;
		$this->outbox      = $outbox;
		$this->breaker     = $breaker;
		$this->settings    = $settings;
		$this->whereabouts = $whereabouts;
	}

	/**
	 * Seconds until a mail is tried again: longer each time, never sooner than the relay asked, and spread by a fifth
	 * so that many sites do not come back in the same second.
	 *
	 * @param int $attempts How often it has been tried from the outbox.
	 * @param int $wait     Seconds the relay asked for.
	 */
	public static function delay( int $attempts, int $wait = 0 ): int {
		$delay = self::PATIENCE[ min( $attempts, count( self::PATIENCE ) - 1 ) ];
		$delay = (int) ( $delay * wp_rand( 80, 120 ) / 100 );
		return $wait > 0 ? max( $delay, $wait + wp_rand( 0, (int) ceil( $wait / 5 ) ) ) : $delay;
	}

	/**
	 * Hands over what is due.
	 *
	 * @param float $seconds How long to go on.
	 * @return int[] How many were `accepted`, `postponed`, `parked`, `failed`.
	 */
	public function run( float $seconds = Client::PATIENCE_IN_BACKGROUND ): array {
		$tally = array_fill_keys( array( 'accepted', 'postponed', 'parked', 'failed' ), 0 );

		unset( $this->later[ get_current_blog_id() ] );
		foreach ( $this->outbox->expire() as $id ) {
			$this->tell( $id, 'expired', $tally );
		}
		if ( $this->may_send() ) {
			if ( null !== $this->outbox->next() ) {
				// PHP may end this before its time, and WP-Cron has forgotten the plan that led here.
				$guard = time() + Outbox::CLAIM;
				$this->plan( $guard );
			}
			$end = microtime( true ) + $seconds;
			do {
				$left    = $end - microtime( true );
				$claimed = $left > 0 ? $this->outbox->claim( self::MOST, self::BYTES ) : array();
				$goes_on = array() !== $claimed && $this->hand_over( $claimed, min( self::LONGEST, max( 1.0, $left ) ), $tally );
				// After an outage every page with a mail ends here: one works on, and the server keeps the others.
				$goes_on = $goes_on && ( self::is_unwatched() || ! $this->outbox->is_worked_on() );
			} while ( $goes_on );
		}
		if ( isset( $guard ) && wp_next_scheduled( self::HOOK ) === $guard ) {
			wp_clear_scheduled_hook( self::HOOK );
		}
		$this->schedule();
		return $tally;
	}

	/**
	 * WP-Cron's call.
	 */
	public function run_by_cron(): void {
		$this->run( self::LONGEST );
	}

	/**
	 * The plugin is deactivated: WP-Cron has nothing to do for it any more.
	 */
	public function rest(): void {
		wp_clear_scheduled_hook( self::HOOK );
	}

	/**
	 * Remembers to run after this response.
	 */
	public function run_later(): void {
		$this->later[ get_current_blog_id() ] = true;
	}

	/**
	 * After the response: hands over what this request has kept, and after a success whatever else is due.
	 *
	 * Not if the relay has just left somebody waiting in vain: where the response cannot be finished first, this
	 * page's visitor would wait once more for the same.
	 *
	 * @param float $seconds How long somebody would wait for it where the response cannot be finished first.
	 */
	public function after_response( float $seconds ): void {
		$sites       = array_keys( $this->later );
		$this->later = array();
		$end         = null;
		foreach ( $sites as $site_id ) {
			$is_away = get_current_blog_id() !== $site_id;
			if ( $is_away ) {
				switch_to_blog( $site_id );
			}
			$next = $this->outbox->next();
			$due  = null === $next ? $this->outbox->ends() : $next['due'];
			if ( null !== $due && ( $due > time() || $this->breaker->is_open() ) ) {
				$this->schedule();
			} elseif ( null !== $due ) {
				$end = $end ?? microtime( true ) + ( $this->finish_response() ? Client::PATIENCE_IN_BACKGROUND : $seconds );
				$this->run( $end - microtime( true ) );
			}
			if ( $is_away ) {
				restore_current_blog();
			}
		}
	}

	/**
	 * In wp-admin: does WP-Cron's work where WP-Cron does not, or where its plan was lost.
	 */
	public function look_after(): void {
		$planned = wp_next_scheduled( self::HOOK );
		if ( wp_doing_cron() ) {
			return;
		}
		if ( $planned ? $planned < time() - self::LATE : ! wp_doing_ajax() && null !== $this->outbox->ends() ) {
			$this->run_later();
		}
	}

	/**
	 * Has WP-Cron run when the next mail is due, or the time of one is over, and only while something is here.
	 */
	public function schedule(): void {
		$next = $this->outbox->next();
		$ends = $this->outbox->ends();
		if ( null === $ends ) {
			if ( wp_next_scheduled( self::HOOK ) ) {
				wp_clear_scheduled_hook( self::HOOK );
			}
			return;
		}
		$due = null === $next ? $ends : min( $ends, max( $next['due'], time() + ( $this->may_send() ? self::SOON : HOUR_IN_SECONDS ) ) );
		$this->plan( max( $due, time() + self::SOON ) );
	}

	/**
	 * Has WP-Cron run at a time, or earlier if it is planned to.
	 *
	 * @param int $when Unix time.
	 */
	public function plan( int $when ): void {
		$planned = wp_next_scheduled( self::HOOK );
		if ( ! $planned || $planned > $when ) {
			wp_clear_scheduled_hook( self::HOOK );
			wp_schedule_single_event( $when, self::HOOK );
		}
	}

	/**
	 * Whether the relay has just not answered, so that nothing is tried for a minute but by WP-Cron.
	 */
	public function is_held_up(): bool {
		return $this->breaker->is_open();
	}

	/**
	 * Whether anything may leave: the site is connected, not switched off, and where it was connected.
	 */
	public function may_send(): bool {
		return ! $this->settings->is_off() && $this->settings->is_connected() && ! $this->whereabouts->is_elsewhere();
	}

	/**
	 * Hands a batch over and settles each of its mails.
	 *
	 * @param array $claimed What the outbox gave.
	 * @param float $seconds How long to wait.
	 * @param int[] $tally   What became of them is counted here.
	 * @return bool Whether it is worth going on.
	 */
	private function hand_over( array $claimed, float $seconds, array &$tally ): bool {
		$rows = array();
		foreach ( $claimed as $row ) {
			if ( ! $row['fits'] && ! self::is_unwatched() ) {
				// This page has filled PHP's memory with its own; WP-Cron begins with an empty one.
				$this->outbox->postpone( $row['id'], 'memory-limit', self::SOON );
				++$tally['postponed'];
			} elseif ( ! $row['fits'] ) {
				$this->outbox->park( $row['id'], 'memory-limit' );
				++$tally['parked'];
			} elseif ( null === $row['message'] ) {
				$this->fail( $row, 'unreadable', $tally );
			} else {
				$rows[] = $row;
			}
		}
		if ( array() === $rows ) {
			return true;
		}
		$answer = $this->ask( array_column( $rows, 'message' ), $seconds );
		if ( ! is_wp_error( $answer ) ) {
			$this->breaker->close();
			$before = $tally['postponed'];
			foreach ( $rows as $number => $row ) {
				if ( isset( $answer[ $number ] ) ) {
					$this->settle( $row, $answer[ $number ], $tally );
				} else {
					$this->outbox->postpone( $row['id'], 'no-time', self::SOON );
					++$tally['postponed'];
				}
			}
			// Where the relay wants none of a batch now, it wants none of the next.
			return $tally['postponed'] - $before < count( $rows );
		}
		if ( Problems::UNREACHABLE === $answer->get_error_code() ) {
			$this->breaker->open();
		}
		foreach ( $rows as $row ) {
			$this->settle( $row, $answer, $tally );
		}
		return false;
	}

	/**
	 * Hands messages over together; one by one where the relay, or something before it, does not take them together.
	 *
	 * @param Message[] $messages The messages.
	 * @param float     $seconds  How long to wait.
	 * @return array|WP_Error What became of each, in order; of fewer where time was over.
	 */
	private function ask( array $messages, float $seconds ) {
		$end    = microtime( true ) + $seconds;
		$answer = count( $messages ) > 1 ? $this->client->send_batch( $messages, $seconds ) : null;
		if ( null !== $answer && ! ( is_wp_error( $answer ) && Problems::may_be_about_one( $answer ) ) ) {
			return $answer;
		}
		$results = array();
		foreach ( $messages as $message ) {
			$left = $end - microtime( true );
			if ( array() !== $results && $left <= 0 ) {
				break;
			}
			$results[] = $this->client->send( $message, max( 1.0, $left ) );
			if ( is_wp_error( end( $results ) ) && Problems::UNREACHABLE === end( $results )->get_error_code() ) {
				return array() === array_filter( $results, 'is_array' ) ? end( $results ) : array_pad( $results, count( $messages ), end( $results ) );
			}
		}
		return $results;
	}

	/**
	 * Does with one mail what the relay's answer asks for.
	 *
	 * @param array          $row    A claimed mail.
	 * @param array|WP_Error $answer The relay's.
	 * @param int[]          $tally  Counted here.
	 */
	private function settle( array $row, $answer, array &$tally ): void {
		$code = is_wp_error( $answer ) ? (string) $answer->get_error_code() : '';
		// The key is ours alone: a relay that knows it has the mail from a try whose answer was lost.
		if ( '' === $code || 'idempotency-key-reused' === $code ) {
			$this->outbox->delete( $row['id'] );
			++$tally['accepted'];
		} elseif ( Problems::passes( $answer ) || Problems::FAULT === $code ) {
			$this->outbox->postpone( $row['id'], $code, self::delay( $row['attempts'], Problems::wait_of( $answer ) ) );
			++$tally['postponed'];
		} elseif ( Problems::can_be_fixed( $answer ) ) {
			$this->outbox->park( $row['id'], $code );
			++$tally['parked'];
		} else {
			$this->fail( $row, $code, $tally );
		}
	}

	/**
	 * Gives a mail up that wp_mail() had taken, and says so.
	 *
	 * @param array  $row    A claimed mail.
	 * @param string $reason A word for why.
	 * @param int[]  $tally  Counted here.
	 */
	private function fail( array $row, string $reason, array &$tally ): void {
		$this->outbox->fail( $row['id'], $reason );
		$this->tell( $row['id'], $reason, $tally );
	}

	/**
	 * Tells other plugins that a mail was given up; a mistake of theirs holds nothing up.
	 *
	 * @param int    $id     Its row.
	 * @param string $reason A word for why.
	 * @param int[]  $tally  Counted here.
	 */
	private function tell( int $id, string $reason, array &$tally ): void {
		++$tally['failed'];
		try {
			/**
			 * Fires when a mail that was kept cannot be sent after all.
			 *
			 * @param int    $id     Its number in the outbox.
			 * @param string $reason The relay's word for why, or 'expired' or 'unreadable'.
			 */
			do_action( 'postreeve_mail_failed', $id, $reason );
		} catch ( \Throwable $fault ) {
			unset( $fault );
		}
	}

	/**
	 * Lets the visitor go, where PHP can do that.
	 *
	 * @return bool Whether nobody waits any more.
	 */
	public function finish_response(): bool {
		foreach ( array( 'fastcgi_finish_request', 'litespeed_finish_request' ) as $finish ) {
			if ( function_exists( $finish ) ) {
				if ( PHP_SESSION_ACTIVE === session_status() ) {
					session_write_close(); // Else the visitor's next page waits for the end of this one.
				}
				return $finish() || self::is_unwatched();
			}
		}
		return self::is_unwatched();
	}

	/**
	 * Whether nobody waits for this request: WP-Cron, a terminal.
	 */
	public static function is_unwatched(): bool {
		return wp_doing_cron() || ( defined( 'WP_CLI' ) && WP_CLI );
	}
}
