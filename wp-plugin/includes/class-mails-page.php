<?php
/**
 * Settings → Postreeve → Mails.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * What became of the mails, one mail in full, and the addresses that are not mailed.
 */
final class Mails_Page {

	/**
	 * Mails on a page.
	 */
	const PAGE = 20;

	/**
	 * Characters of a word to search for, as the relay takes them.
	 */
	const SHORTEST = 2;
	const LONGEST  = 100;

	/**
	 * A page that follows a mail asks again by itself: every few seconds at first, and not for ever.
	 */
	const REFRESH_QUICK = 3;
	const REFRESH_SLOW  = 15;

	/**
	 * The filters: which statuses each shows.
	 */
	const FILTERS = array(
		'moving'    => array( 'queued', 'sending', 'sent', 'deferred', 'unknown' ),
		'delivered' => array( 'delivered', 'no_report' ),
		'held'      => array( 'held' ),
		'problems'  => array( 'bounced', 'soft_bounced', 'complained', 'suppressed', 'rejected', 'failed', 'render_failed', 'expired', 'unconfirmed' ),
	);

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * The relay.
	 */
	private Desk $desk;

	/**
	 * What the page shows.
	 */
	private Reading $reading;

	/**
	 * Addresses of the one mail that are not mailed, or were not.
	 */
	private array $suppressions = array();

	/**
	 * Makes the page.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 * @param Desk     $desk     The relay.
	 */
	public function __construct( Settings $settings, Desk $desk ) {
		$this->settings = $settings;
		$this->desk     = $desk;
	}

	/**
	 * Asks the relay.
	 */
	public function load(): void {
		if ( ! $this->settings->is_connected() ) {
			$this->reading = new Reading( null, 0 );
		} elseif ( '' !== self::asked_message() ) {
			$this->load_message( self::asked_message() );
		} elseif ( self::shows_suppressions() ) {
			$this->reading = $this->desk->read( Desk::SUPPRESSIONS, '/v1/suppressions?' . http_build_query( array_filter( array( 'limit' => self::PAGE, 'ended' => 'true', 'cursor' => Screen::asked( 'cursor' ), 'address' => self::searched_address() ) ) ) );
		} else {
			$this->load_list();
		}
	}

	/**
	 * Seconds until the page should ask again; 0 for never.
	 */
	public function refresh_after(): int {
		return '' !== self::asked_message() && $this->reading->is_known() ? self::message_moves( $this->reading->answer() ) : 0;
	}

	/**
	 * Writes the page.
	 */
	public function render(): void {
		if ( ! $this->settings->is_connected() ) {
			View::not_connected( __( 'As soon as this site sends its mail through a relay, you see here what became of every mail.', 'postreeve' ) );
			return;
		}
		if ( '' !== self::asked_message() ) {
			View::show( 'message', array( 'reading' => $this->reading, 'refreshes' => $this->refresh_after() > 0, 'suppressions' => $this->suppressions ) );
			return;
		}
		if ( self::shows_suppressions() ) {
			View::show( 'suppressions', array( 'reading' => $this->reading ) );
			return;
		}
		View::show( 'mails', array( 'reading' => $this->reading, 'filter' => self::filter(), 'word' => self::word(), 'rows' => self::rows( $this->reading->list_of( 'messages' ), self::filter(), self::word() ) ) );
	}

	/**
	 * Why a mail cannot be sent again, in a sentence; '' if it can, or the relay does not say.
	 *
	 * @param array $message The relay's message.
	 */
	public static function hindrance( array $message ): string {
		if ( $message['resendable'] ?? true ) {
			return '';
		}
		return 'relay' === ( $message['source']['written_by'] ?? '' ) ? __( 'The relay wrote this mail itself; only the relay sends it.', 'postreeve' )
			: __( 'The relay no longer keeps the content of this mail, so it cannot be sent again.', 'postreeve' );
	}

	/**
	 * The message the address asks for, or ''. WordPress takes an argument named `message` out of the address bar.
	 */
	public static function asked_message(): string {
		$id = Screen::asked( 'mail' );
		return preg_match( '/^[A-Za-z0-9_-]{1,64}$/', $id ) ? $id : '';
	}

	/**
	 * What of a list of messages is worth remembering: what the list shows, and no more.
	 *
	 * @param array $answer The relay's list.
	 */
	public static function condense( array $answer ): array {
		$messages = array();
		foreach ( Screen::list_of( $answer, 'messages' ) as $message ) {
			$recipients = array();
			foreach ( Screen::list_of( $message, 'recipients' ) as $recipient ) {
				$recipients[] = array(
					'address' => Problems::clean( $recipient['address'] ?? '' ),
					'status'  => Problems::clean( $recipient['status'] ?? '' ),
					'reason'  => Diagnosis::reason( $recipient ),
				);
			}
			$messages[] = array(
				'id'          => Problems::clean( $message['id'] ?? '' ),
				'subject'     => Problems::clean( $message['subject'] ?? '' ),
				'accepted_at' => Problems::clean( $message['accepted_at'] ?? '' ),
				'recipients'  => $recipients,
			);
		}
		return array(
			'messages'    => $messages,
			'next_cursor'    => Problems::clean( $answer['next_cursor'] ?? '' ),
			'looked_back_to' => Problems::clean( $answer['looked_back_to'] ?? '' ),
		);
	}

	/**
	 * The rows of the table: of the messages that the relay found, one for each copy that the filter and the word are
	 * about.
	 *
	 * @param array  $messages What the relay listed, condensed.
	 * @param string $filter   One of the FILTERS, or ''.
	 * @param string $word     What was searched for in addresses and subjects, or ''.
	 */
	public static function rows( array $messages, string $filter, string $word ): array {
		$rows = array();
		foreach ( $messages as $message ) {
			foreach ( self::copies( $message, $filter, $word ) as $copy ) {
				$rows[] = array( 'id' => $message['id'], 'subject' => $message['subject'], 'accepted_at' => $message['accepted_at'] ) + $copy;
			}
		}
		return $rows;
	}

	/**
	 * The copies of a message that a filter and a word are about; the relay has found that there are some.
	 *
	 * @param array  $message A message, condensed.
	 * @param string $filter  One of the FILTERS, or ''.
	 * @param string $word    What was searched for, or ''.
	 */
	private static function copies( array $message, string $filter, string $word ): array {
		$copies = Screen::list_of( $message, 'recipients' );
		if ( '' !== $filter ) {
			$copies = array_filter(
				$copies,
				static function ( $copy ) use ( $filter ) {
					return in_array( $copy['status'], self::FILTERS[ $filter ], true );
				}
			);
		}
		if ( '' === $word || false !== stripos( $message['subject'], $word ) ) {
			return $copies;
		}
		$named = array_filter(
			$copies,
			static function ( $copy ) use ( $word ) {
				return false !== stripos( $copy['address'], $word );
			}
		);
		return array() === $named ? $copies : $named;
	}

	/**
	 * What the filters are called.
	 */
	public static function filters(): array {
		return array(
			''          => __( 'All', 'postreeve' ),
			'moving'    => __( 'On the way', 'postreeve' ),
			'delivered' => __( 'Delivered', 'postreeve' ),
			'held'      => __( 'Held', 'postreeve' ),
			'problems'  => __( 'Problems', 'postreeve' ),
		);
	}

	/**
	 * The filter the address asks for, or ''.
	 */
	private static function filter(): string {
		$filter = Screen::asked( 'status' );
		return isset( self::FILTERS[ $filter ] ) ? $filter : '';
	}

	/**
	 * Whether the address asks for the addresses that are not mailed.
	 */
	private static function shows_suppressions(): bool {
		return 'suppressions' === Screen::asked( 'view' );
	}

	/**
	 * What is searched for, or ''.
	 */
	private static function word(): string {
		return mb_substr( trim( Screen::asked( 's' ) ), 0, self::LONGEST );
	}

	/**
	 * What is searched for, if it is a whole address; else ''.
	 */
	private static function searched_address(): string {
		return is_email( self::word() ) ? self::word() : '';
	}

	/**
	 * Asks for a list. What is found is remembered apart, so that a search does not take the place of the whole list.
	 */
	private function load_list(): void {
		$filter  = self::filter();
		$word    = self::word();
		$address = self::searched_address();
		if ( '' !== $word && mb_strlen( $word ) < self::SHORTEST ) {
			$this->reading = new Reading( null, 0 );
			return;
		}
		$query         = array(
			'limit'     => self::PAGE,
			'cursor'    => Screen::asked( 'cursor' ),
			'status'    => '' === $filter ? '' : implode( ',', self::FILTERS[ $filter ] ),
			'recipient' => $address,
			'q'         => '' === $address ? $word : '',
		);
		$kind          = '' === $filter . $word ? Desk::MESSAGES : Desk::FOUND;
		$this->reading = $this->desk->read( $kind, '/v1/messages?' . http_build_query( array_filter( $query, 'strlen' ) ), array( __CLASS__, 'condense' ) );
	}

	/**
	 * Asks for one mail, and for what is known of its addresses that are not mailed. Not remembered: it is watched.
	 *
	 * @param string $id The message's id.
	 */
	private function load_message( string $id ): void {
		$answer        = $this->desk->ask( 'GET', '/v1/messages/' . rawurlencode( $id ) );
		$this->reading = is_wp_error( $answer ) ? new Reading( null, 0, $answer ) : new Reading( $answer, time() );
		if ( is_wp_error( $answer ) ) {
			return;
		}
		$statuses = array();
		foreach ( Screen::list_of( $answer, 'recipients' ) as $recipient ) {
			$status     = Problems::clean( $recipient['status'] ?? '' );
			$statuses[] = $status;
			if ( in_array( $status, array( 'bounced', 'suppressed' ), true ) && count( $this->suppressions ) < 3 ) {
				$address = Problems::clean( $recipient['address'] ?? '' );
				$found   = $this->desk->ask( 'GET', '/v1/suppressions?' . http_build_query( array( 'address' => $address, 'ended' => 'true', 'limit' => 1 ) ) );

				$this->suppressions[ $address ] = is_wp_error( $found ) ? array() : Screen::list_of( $found, 'suppressions' );
			}
		}
		if ( Test_Mail::last()['id'] === $id && array( 'delivered' ) === array_unique( $statuses ) && ! Test_Mail::last()['delivered'] ) {
			Test_Mail::remember( $id, true );
		}
	}

	/**
	 * Seconds until the page of this message should ask again; 0 for never.
	 *
	 * @param array $message The relay's message.
	 */
	private static function message_moves( array $message ): int {
		$age = time() - (int) strtotime( is_string( $message['accepted_at'] ?? null ) ? $message['accepted_at'] : '' );
		foreach ( Screen::list_of( $message, 'recipients' ) as $recipient ) {
			if ( in_array( $recipient['status'] ?? '', Words::MOVING, true ) && $age < HOUR_IN_SECONDS ) {
				return $age < MINUTE_IN_SECONDS ? self::REFRESH_QUICK : self::REFRESH_SLOW;
			}
		}
		return 0;
	}
}
