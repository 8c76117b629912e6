<?php
/**
 * Mails the relay has not got yet.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_Error;

defined( 'ABSPATH' ) || exit;

// phpcs:disable WordPress.DB -- Our own tables: reading from a cache would hand mails over twice.

/**
 * Keeps the exact bytes of mails, sealed, until the relay has taken them or their time is over.
 *
 * Whoever wants to hand them over claims them first, so that two requests never work on the same mail.
 */
final class Outbox {

	/**
	 * It goes out by itself.
	 */
	const WAITING = 'waiting';

	/**
	 * The relay refused it for a reason the owner can put right; it goes out when the owner says so.
	 */
	const PARKED = 'parked';

	/**
	 * This is a copy of the site, or it has moved: nothing leaves until the owner has said which.
	 */
	const CAPTURED = 'captured';

	/**
	 * It did not go out and will not. The bytes are gone; what it was stays to be seen for a week.
	 */
	const FAILED = 'failed';

	/**
	 * Its bytes are still being written.
	 */
	const WRITING = 'writing';

	/**
	 * Seconds a mail stays in each state, from the moment it got there.
	 */
	const KEPT = array(
		self::WAITING  => 48 * HOUR_IN_SECONDS,
		self::PARKED   => 72 * HOUR_IN_SECONDS,
		self::CAPTURED => WEEK_IN_SECONDS,
		self::FAILED   => WEEK_IN_SECONDS,
		self::WRITING  => HOUR_IN_SECONDS,
	);

	/**
	 * Bytes of a mail at most, and of a piece of it: sealed and written as text, a piece stays below the smallest
	 * limit of a statement that databases are set to (1 MB).
	 */
	const LARGEST = 50 * MB_IN_BYTES;
	const CHUNK   = 512 * KB_IN_BYTES;

	/**
	 * Megabytes of mail at most in all, where POSTREEVE_OUTBOX_LIMIT does not say otherwise, and the bytes beyond them
	 * that are kept free for mail that lets people in.
	 */
	const LIMIT   = 500;
	const RESERVE = 5 * MB_IN_BYTES;

	/**
	 * How many mails a copy of a site keeps; of older ones only what they were.
	 */
	const MOST_CAPTURED = 1000;

	/**
	 * Seconds in which the same mail is parked once: plugins repeat what has failed.
	 */
	const REPEATED = 10 * MINUTE_IN_SECONDS;

	/**
	 * Seconds somebody may work on a claimed mail until others may claim it.
	 */
	const CLAIM = 120;

	/**
	 * Keeps a mail.
	 *
	 * @param Message $message The mail.
	 * @param string  $state   WAITING, PARKED or CAPTURED.
	 * @param string  $reason  A word for why.
	 * @param int     $delay   Seconds until it is due.
	 * @return int|WP_Error Its row; 0 where it is parked already.
	 */
	public function put( Message $message, string $state, string $reason, int $delay = 0 ) {
		global $wpdb;
		$print = self::PARKED === $state ? $message->fingerprint() : '';
		if ( '' !== $print && $this->is_repeated( $print, $reason ) ) {
			return 0;
		}
		if ( $message->size() > self::LARGEST ) {
			/* translators: %s: a size such as "50 MB" */
			return Problems::problem( Problems::TOO_LARGE, 0, sprintf( __( 'This mail is too large to be kept: more than %s.', 'postreeve' ), size_format( self::LARGEST ) ) );
		}
		if ( ! $this->has_room( $message, $state ) ) {
			/* translators: %s: a size such as "500 MB" */
			return Problems::problem( Problems::FULL, 0, sprintf( __( 'The mail could not be kept for later: the mails that wait here already take all of %s.', 'postreeve' ), size_format( self::limit() ) ) );
		}
		$shown = $wpdb->suppress_errors( true );
		$id    = $this->insert( $message, $reason, $print );
		if ( 0 === $id ) {
			Schema::create();
			$id = $this->insert( $message, $reason, $print );
		}
		$written = $id > 0 && $this->write( $id, $message ) && $this->move( $id, $state, $reason, $delay );
		$cause   = $wpdb->last_error;
		if ( $id > 0 && ! $written ) {
			$this->delete( $id );
		}
		$wpdb->suppress_errors( $shown );
		if ( $written ) {
			if ( self::CAPTURED === $state ) {
				$this->thin_out();
			}
			return $id;
		}
		/* translators: %s: what the database said */
		return Problems::problem( Problems::UNWRITABLE, 0, sprintf( __( 'The mail could not be kept for later: the database does not take it (%s).', 'postreeve' ), Problems::clean( $cause ) ) );
	}

	/**
	 * Takes mails that are due; nobody else gets them for a while.
	 *
	 * @param int $most  How many at most.
	 * @param int $bytes Bytes at most, but for a first mail that is larger alone.
	 * @return array Each `id`, `attempts`, `message` (null if it cannot be read) and `fits` (into PHP's memory).
	 */
	public function claim( int $most, int $bytes ): array {
		global $wpdb;
		$table = Schema::outbox();
		$now   = time();
		$token = bin2hex( random_bytes( 16 ) );
		$ids   = array();
		$sum   = 0;
		$due   = (array) $wpdb->get_results( $wpdb->prepare( "SELECT id, size FROM $table WHERE state = %s AND due_at <= %d AND claimed_until <= %d ORDER BY due_at, id LIMIT %d", self::WAITING, $now, $now, $most ) );
		foreach ( $due as $row ) {
			$sum += (int) $row->size;
			if ( array() !== $ids && $sum > $bytes ) {
				break;
			}
			$ids[] = (int) $row->id;
		}
		if ( array() === $ids ) {
			return array();
		}
		$list = implode( ', ', $ids );
		$wpdb->query( $wpdb->prepare( "UPDATE $table SET claimed_by = %s, claimed_until = %d WHERE id IN ($list) AND state = %s AND claimed_until <= %d", $token, $now + self::CLAIM, self::WAITING, $now ) );
		$rows    = (array) $wpdb->get_results( $wpdb->prepare( "SELECT * FROM $table WHERE id IN ($list) AND claimed_by = %s ORDER BY due_at, id", $token ) );
		$claimed = array();
		foreach ( $rows as $row ) {
			$fits      = Memory::has( Memory::TO_HAND_OVER * (int) $row->size );
			$claimed[] = array(
				'id'       => (int) $row->id,
				'attempts' => (int) $row->attempts,
				'fits'     => $fits,
				'message'  => $fits ? $this->read( $row ) : null,
			);
		}
		return $claimed;
	}

	/**
	 * Whether somebody has claimed mails and is at work.
	 */
	public function is_worked_on(): bool {
		$table = Schema::outbox();
		return array() !== $this->query( "SELECT id FROM $table WHERE state = 'waiting' AND claimed_until > " . time() . ' LIMIT 1' );
	}

	/**
	 * Forgets a mail: the relay has it, or the owner wants it gone.
	 *
	 * @param int $id Its row.
	 */
	public function delete( int $id ): void {
		global $wpdb;
		$wpdb->delete( Schema::chunks(), array( 'mail_id' => $id ) );
		$wpdb->delete( Schema::outbox(), array( 'id' => $id ) );
	}

	/**
	 * Leaves a person out of a mail that waits; the others get it. With nobody left it is forgotten.
	 *
	 * @param array  $row     Of `rows()`.
	 * @param string $address The person's.
	 */
	public function leave_out( array $row, string $address ): void {
		global $wpdb;
		$table  = Schema::outbox();
		$stored = $wpdb->get_row( $wpdb->prepare( "SELECT * FROM $table WHERE id = %d", $row['id'] ) );
		$about  = $stored ? $this->about( $stored ) : null;
		$others = preg_grep( '/^' . preg_quote( $address, '/' ) . '$/Di', $row['to'], PREG_GREP_INVERT );
		if ( null === $about || array() === $others ) {
			$this->delete( $row['id'] );
			return;
		}
		$about['envelope']['to'] = array_values( $others );
		$wpdb->update( $table, array( 'about' => $this->seal( $about, $row['key'] ) ), array( 'id' => $row['id'] ) );
	}

	/**
	 * Gives a claimed mail back, to be tried again.
	 *
	 * @param int    $id     Its row.
	 * @param string $reason A word for why.
	 * @param int    $delay  Seconds until then.
	 */
	public function postpone( int $id, string $reason, int $delay ): void {
		global $wpdb;
		$table = Schema::outbox();
		$wpdb->query( $wpdb->prepare( "UPDATE $table SET reason = %s, due_at = %d, attempts = attempts + 1, claimed_by = '', claimed_until = 0 WHERE id = %d", $reason, time() + $delay, $id ) );
	}

	/**
	 * Puts a mail aside until the owner has put something right.
	 *
	 * @param int    $id     Its row.
	 * @param string $reason A word for what.
	 */
	public function park( int $id, string $reason ): void {
		$this->move( $id, self::PARKED, $reason );
	}

	/**
	 * Gives a mail up: its bytes go, what it was stays to be seen.
	 *
	 * @param int    $id     Its row.
	 * @param string $reason A word for why.
	 */
	public function fail( int $id, string $reason ): void {
		global $wpdb;
		$wpdb->delete( Schema::chunks(), array( 'mail_id' => $id ) );
		$this->move( $id, self::FAILED, $reason );
	}

	/**
	 * Sends on all mails of a state by themselves whose time is not over.
	 *
	 * @param string $state PARKED or CAPTURED.
	 * @return int How many.
	 */
	public function release( string $state ): int {
		global $wpdb;
		$table = Schema::outbox();
		$now   = time();
		return (int) $wpdb->query( $wpdb->prepare( "UPDATE $table SET state = %s, due_at = %d, expires_at = %d, claimed_by = '', claimed_until = 0 WHERE state = %s AND expires_at > %d", self::WAITING, $now, $now + self::KEPT[ self::WAITING ], $state, $now ) );
	}

	/**
	 * Has mails that wait tried at once.
	 */
	public function hurry(): void {
		global $wpdb;
		$table = Schema::outbox();
		$now   = time();
		$wpdb->query( $wpdb->prepare( "UPDATE $table SET due_at = %d WHERE state = %s AND due_at > %d", $now, self::WAITING, $now ) );
	}

	/**
	 * Ends what has been here too long.
	 *
	 * @return int[] The rows of mails that were given up unsent.
	 */
	public function expire(): array {
		global $wpdb;
		$table  = Schema::outbox();
		$now    = time();
		$rows   = (array) $wpdb->get_results( $wpdb->prepare( "SELECT id, state FROM $table WHERE expires_at <= %d AND claimed_until <= %d LIMIT 500", $now, $now ) );
		$unsent = array();
		foreach ( $rows as $row ) {
			if ( in_array( $row->state, array( self::WAITING, self::PARKED ), true ) ) {
				$this->fail( (int) $row->id, 'expired' );
				$unsent[] = (int) $row->id;
			} else {
				$this->delete( (int) $row->id );
			}
		}
		return $unsent;
	}

	/**
	 * Deletes all mails of a state, or all there are.
	 *
	 * @param string $state One of the states; '' for all.
	 * @return int How many.
	 */
	public function purge( string $state = '' ): int {
		global $wpdb;
		$outbox = Schema::outbox();
		$chunks = Schema::chunks();
		$shown  = $wpdb->suppress_errors( true ); // The tables may not have been made yet.
		// There may be more mails than PHP's memory holds.
		$wpdb->query( $wpdb->prepare( "DELETE FROM $chunks WHERE mail_id IN (SELECT id FROM $outbox WHERE state <> 'writing' AND %s IN ('', state))", $state ) );
		$count = (int) $wpdb->query( $wpdb->prepare( "DELETE FROM $outbox WHERE state <> 'writing' AND %s IN ('', state)", $state ) );
		$wpdb->suppress_errors( $shown );
		return $count;
	}

	/**
	 * How many mails there are in each state.
	 *
	 * @return int[] By state.
	 */
	public function counts(): array {
		$counts = array_fill_keys( array( self::WAITING, self::PARKED, self::CAPTURED, self::FAILED ), 0 );
		$table  = Schema::outbox();
		foreach ( $this->query( "SELECT state, COUNT(*) AS mails FROM $table GROUP BY state" ) as $row ) {
			if ( isset( $counts[ $row->state ] ) ) {
				$counts[ $row->state ] = (int) $row->mails;
			}
		}
		return $counts;
	}

	/**
	 * When the next mail that waits is due, and since when the oldest waits; null if none does.
	 *
	 * @return int[]|null `due` and `since`, Unix times.
	 */
	public function next(): ?array {
		$table = Schema::outbox();
		$rows  = $this->query( "SELECT COUNT(*) AS mails, MIN(due_at) AS due, MIN(created_at) AS since FROM $table WHERE state = 'waiting'" );
		if ( empty( $rows[0]->mails ) ) {
			return null;
		}
		return array(
			'due'   => (int) $rows[0]->due,
			'since' => (int) $rows[0]->since,
		);
	}

	/**
	 * When the first of what is here has been here too long, a Unix time; null if nothing is here.
	 */
	public function ends(): ?int {
		$table = Schema::outbox();
		$end   = $this->query( "SELECT MIN(expires_at) AS end_at FROM $table" )[0]->end_at ?? null;
		return null === $end ? null : (int) $end;
	}

	/**
	 * Bytes of mail that are kept here.
	 */
	public function held(): int {
		$table = Schema::outbox();
		return (int) ( $this->query( "SELECT SUM(size) AS bytes FROM $table WHERE state <> 'failed'" )[0]->bytes ?? 0 );
	}

	/**
	 * Bytes of mail that may be kept here.
	 */
	public static function limit(): int {
		$given = Given::text( Given::OUTBOX_LIMIT );
		return MB_IN_BYTES * max( 1, is_numeric( $given ) ? (int) $given : self::LIMIT );
	}

	/**
	 * Whether nine tenths of that are taken: what does not fit any more fails.
	 */
	public function is_full(): bool {
		return 'ok' !== $this->room()['outbox'];
	}

	/**
	 * The same for programs: `outbox`, a word (ok; nearly-full from nine tenths on; full), and the bytes taken and allowed.
	 */
	public function room(): array {
		$held  = $this->held();
		$limit = self::limit();
		return array(
			'outbox'       => $held >= $limit ? 'full' : ( $held >= 0.9 * $limit ? 'nearly-full' : 'ok' ),
			'outbox_bytes' => $held,
			'outbox_limit' => $limit,
		);
	}

	/**
	 * What is here, newest first, without the mails' bytes.
	 *
	 * @param string $state One of the states; '' for all.
	 * @return array Each id, key, state, reason, source, size, attempts, created_at, due_at, expires_at, to.
	 */
	public function rows( string $state = '' ): array {
		$table = Schema::outbox();
		$found = array();
		foreach ( $this->query( "SELECT * FROM $table WHERE state <> 'writing' ORDER BY id DESC" ) as $row ) {
			if ( '' === $state || $state === $row->state ) {
				$about   = $this->about( $row );
				$found[] = array(
					'id'         => (int) $row->id,
					'key'        => $row->mail_key,
					'state'      => $row->state,
					'reason'     => $row->reason,
					'source'     => $row->source,
					'size'       => (int) $row->size,
					'attempts'   => (int) $row->attempts,
					'created_at' => (int) $row->created_at,
					'due_at'     => (int) $row->due_at,
					'expires_at' => (int) $row->expires_at,
					'to'         => array_map( 'strval', (array) ( $about['envelope']['to'] ?? array() ) ),
				);
			}
		}
		return $found;
	}

	/**
	 * Whether one more mail may be kept. A copy's latest mails push out its oldest; mail that lets people in has a reserve.
	 *
	 * @param Message $message The mail.
	 * @param string  $state   WAITING, PARKED or CAPTURED.
	 */
	private function has_room( Message $message, string $state ): bool {
		$excess = $this->held() + $message->size() - self::limit();
		if ( $excess > 0 && self::CAPTURED === $state ) {
			$table = Schema::outbox();
			foreach ( $this->query( "SELECT id, size FROM $table WHERE state = 'captured' ORDER BY id" ) as $row ) {
				if ( $excess > 0 ) {
					$this->fail( (int) $row->id, 'captured-too-many' );
					$excess -= (int) $row->size;
				}
			}
		}
		return $excess <= ( $message->is_security() ? self::RESERVE : 0 );
	}

	/**
	 * Whether the same mail was parked a moment ago: then that one is, from now on.
	 *
	 * @param string $print  Its fingerprint.
	 * @param string $reason A word for why.
	 */
	private function is_repeated( string $print, string $reason ): bool {
		$table = Schema::outbox();
		foreach ( $this->query( "SELECT * FROM $table WHERE state = 'parked' AND due_at > " . ( time() - self::REPEATED ) . ' ORDER BY due_at DESC LIMIT 100' ) as $row ) {
			if ( ( $this->about( $row )['print'] ?? '' ) === $print ) {
				$this->move( (int) $row->id, self::PARKED, $reason );
				return true;
			}
		}
		return false;
	}

	/**
	 * Keeps a copy of a busy site from filling its database.
	 */
	private function thin_out(): void {
		$table = Schema::outbox();
		foreach ( $this->query( "SELECT id FROM $table WHERE state = 'captured' ORDER BY id DESC LIMIT 50 OFFSET " . self::MOST_CAPTURED ) as $row ) {
			$this->fail( (int) $row->id, 'captured-too-many' );
		}
	}

	/**
	 * Reads our own table; nothing where it has not been made yet.
	 *
	 * @param string $statement A SELECT of ours, without anybody's words in it.
	 */
	private function query( string $statement ): array {
		global $wpdb;
		$shown = $wpdb->suppress_errors( true );
		$rows  = $wpdb->get_results( $statement );
		$wpdb->suppress_errors( $shown );
		return is_array( $rows ) ? $rows : array();
	}

	/**
	 * Writes a mail's row, not to be sent yet.
	 *
	 * @param Message $message The mail.
	 * @param string  $reason  A word for why it is here.
	 * @param string  $print   Its fingerprint, or ''.
	 * @return int Its id, 0 if that failed.
	 */
	private function insert( Message $message, string $reason, string $print ): int {
		global $wpdb;
		$now  = time();
		$row  = array(
			'mail_key'   => $message->key(),
			'state'      => self::WRITING,
			'reason'     => substr( $reason, 0, 64 ),
			'source'     => substr( $message->source(), 0, 64 ),
			'size'       => $message->size(),
			'created_at' => $now,
			'expires_at' => $now + self::KEPT[ self::WRITING ],
			'about'      => $this->seal( $message->metadata() + array( 'print' => $print ), $message->key() ),
		);
		$done = $wpdb->insert( Schema::outbox(), $row );
		return $done ? (int) $wpdb->insert_id : 0;
	}

	/**
	 * Writes a mail's bytes.
	 *
	 * @param int     $id      Its row.
	 * @param Message $message The mail.
	 */
	private function write( int $id, Message $message ): bool {
		global $wpdb;
		$key    = Outbox_Key::for_mail( $message->key() );
		$number = 0;
		foreach ( $message->chunks( self::CHUNK ) as $bytes ) {
			$row = array(
				'mail_id' => $id,
				'bytes'   => Vault::seal( pack( 'N', $number++ ) . $bytes, $key ),
			);
			if ( ! $wpdb->insert( Schema::chunks(), $row ) ) {
				return false;
			}
		}
		return true;
	}

	/**
	 * Puts a mail into a state.
	 *
	 * @param int    $id     Its row.
	 * @param string $state  One of the states.
	 * @param string $reason A word for why.
	 * @param int    $delay  Seconds until it is due.
	 */
	private function move( int $id, string $state, string $reason, int $delay = 0 ): bool {
		global $wpdb;
		$now     = time();
		$changes = array(
			'state'         => $state,
			'reason'        => substr( $reason, 0, 64 ),
			'due_at'        => $now + $delay,
			'expires_at'    => $now + self::KEPT[ $state ],
			'claimed_by'    => '',
			'claimed_until' => 0,
		);
		return 1 === $wpdb->update( Schema::outbox(), $changes, array( 'id' => $id ) );
	}

	/**
	 * The mail of a row, or null when it cannot be read any more.
	 *
	 * @param object $row A row of the outbox.
	 */
	private function read( $row ): ?Message {
		global $wpdb;
		$about = $this->about( $row );
		$key   = Outbox_Key::for_mail( $row->mail_key );
		$table = Schema::chunks();
		$ids   = $wpdb->get_col( $wpdb->prepare( "SELECT id FROM $table WHERE mail_id = %d ORDER BY id", $row->id ) );
		$mail  = array();
		$size  = 0;
		// One at a time: a large mail is in the memory once and not twice.
		foreach ( (array) $ids as $number => $id ) {
			$bytes = Vault::open( (string) $wpdb->get_var( $wpdb->prepare( "SELECT bytes FROM $table WHERE id = %d", $id ) ), $key );
			if ( null === $bytes || pack( 'N', $number ) !== substr( $bytes, 0, 4 ) ) {
				return null;
			}
			$mail[] = substr( $bytes, 4 );
			$size  += strlen( $bytes ) - 4;
		}
		$wpdb->flush();
		return null === $about || (int) $row->size !== $size ? null : Message::from_metadata( $about, $mail, $row->mail_key );
	}

	/**
	 * What a mail is told to the relay as, sealed.
	 *
	 * @param array  $about    A message's metadata.
	 * @param string $mail_key The mail's key.
	 */
	private function seal( array $about, string $mail_key ): string {
		return Vault::seal( (string) wp_json_encode( $about ), Outbox_Key::for_mail( $mail_key ) );
	}

	/**
	 * What a row's mail was told to the relay as, or null when it cannot be read any more.
	 *
	 * @param object $row A row of the outbox.
	 */
	private function about( $row ): ?array {
		$about = json_decode( (string) Vault::open( (string) $row->about, Outbox_Key::for_mail( $row->mail_key ) ), true );
		return is_array( $about ) ? $about : null;
	}
}
