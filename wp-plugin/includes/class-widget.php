<?php
/**
 * Postreeve on the dashboard.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Today's mails in three numbers, and how all is in one sentence.
 */
final class Widget {

	/**
	 * Seconds an answer is good enough for the dashboard, which people open often.
	 */
	const FRESH = 300;

	/**
	 * Mails that are looked at to count those of today.
	 */
	const MOST = 100;

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * The relay.
	 */
	private Desk $desk;

	/**
	 * Where mails wait.
	 */
	private Outbox $outbox;

	/**
	 * Whether this is the site that was connected.
	 */
	private Whereabouts $whereabouts;

	/**
	 * Makes the widget.
	 *
	 * @param Settings    $settings    Where and how this site is connected.
	 * @param Desk        $desk        The relay.
	 * @param Outbox      $outbox      Where mails wait.
	 * @param Whereabouts $whereabouts Whether this is the site that was connected.
	 */
	public function __construct( Settings $settings, Desk $desk, Outbox $outbox, Whereabouts $whereabouts ) {
		$this->settings    = $settings;
		$this->desk        = $desk;
		$this->outbox      = $outbox;
		$this->whereabouts = $whereabouts;
	}

	/**
	 * Adds it for people who may see it.
	 */
	public function add(): void {
		if ( Access::may() ) {
			wp_add_dashboard_widget( 'postreeve', __( 'Mail', 'postreeve' ), array( $this, 'render' ) );
			View::dress();
		}
	}

	/**
	 * Writes it.
	 */
	public function render(): void {
		$connected  = $this->settings->is_connected();
		$account    = $connected ? $this->desk->account( self::FRESH ) : new Reading( null, 0 );
		$counts     = $connected && null === $account->problem() ? $this->desk->read( Desk::TODAY, '/v1/messages?limit=' . self::MOST, array( __CLASS__, 'count' ), self::FRESH ) : new Reading( null, 0 );
		$connection = Connection::of( $this->settings, $account );
		View::show(
			'widget',
			array(
				'summary' => Summary::of( $this->settings, $this->whereabouts, $this->outbox, $connection, $account->answer() ),
				'counts'  => $counts->answer(),
				'kept'    => $this->outbox->counts(),
			)
		);
	}

	/**
	 * Counts today's copies by what became of them: `delivered`, and of these `complained`, for what its reader marks
	 * as spam has arrived; `moving`, `problems`; `all` unless there were more than were looked at.
	 *
	 * @param array $answer The relay's list of messages.
	 */
	public static function count( array $answer ): array {
		$today  = wp_date( 'Y-m-d' );
		$counts = array( 'delivered' => 0, 'complained' => 0, 'moving' => 0, 'problems' => 0, 'all' => empty( $answer['next_cursor'] ) );
		foreach ( Screen::list_of( $answer, 'messages' ) as $message ) {
			$time = strtotime( is_string( $message['accepted_at'] ?? null ) ? $message['accepted_at'] : '' );
			if ( false === $time || wp_date( 'Y-m-d', $time ) !== $today ) {
				$counts['all'] = true;
				continue;
			}
			foreach ( Screen::list_of( $message, 'recipients' ) as $recipient ) {
				$status = $recipient['status'] ?? '';
				if ( 'complained' === $status ) {
					++$counts['delivered'];
					++$counts['complained'];
					continue;
				}
				foreach ( Mails_Page::FILTERS as $filter => $statuses ) {
					$counts[ 'held' === $filter ? 'moving' : $filter ] += (int) in_array( $status, $statuses, true );
				}
			}
		}
		return $counts;
	}
}
