<?php
/**
 * Settings → Postreeve → Status.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * How this site's mail is, what to do next, what waits, and what it may send.
 */
final class Status_Page {

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
	 * What the relay says about this site.
	 */
	private Reading $account;

	/**
	 * Appeals and their answers.
	 */
	private Reading $appeals;

	/**
	 * The rates by which the site is judged.
	 */
	private Reading $reputation;

	/**
	 * Makes the page.
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
	 * Asks the relay. Appeals and rates only where the site is not in good standing.
	 */
	public function load(): void {
		$nothing          = new Reading( null, 0 );
		$this->account    = $this->settings->is_connected() ? $this->desk->account() : $nothing;
		$this->appeals    = $nothing;
		$this->reputation = $nothing;
		if ( null === $this->account->problem() && self::is_restricted( $this->account->answer() ) ) {
			$this->appeals    = $this->desk->read( Desk::APPEALS, '/v1/account/appeals' );
			$this->reputation = $this->desk->read( Desk::REPUTATION, '/v1/account/reputation' );
		}
	}

	/**
	 * Writes the page.
	 */
	public function render(): void {
		$answer     = $this->account->answer();
		$connection = Connection::of( $this->settings, $this->account );
		$arguments  = array(
			'settings'    => $this->settings,
			'whereabouts' => $this->whereabouts,
			'connection'  => $connection,
			'account'     => $this->account,
			'answer'      => $answer,
			'counts'      => $this->outbox->counts(),
			'next'        => $this->outbox->next(),
			'appeals'     => $this->appeals,
			'reputation'  => $this->reputation,
		);
		$summary    = Summary::of( $this->settings, $this->whereabouts, $this->outbox, $connection, $answer );
		// These two have a box of their own, with buttons.
		if ( ! in_array( $summary->code, array( 'policy', 'elsewhere' ), true ) ) {
			View::show( 'summary', compact( 'summary', 'connection' ) );
		}
		if ( $this->account->is_known() && null !== $this->account->problem() ) {
			/* translators: %s: a span such as "3 minutes" */
			printf( '<p class="postreeve-quiet">%s</p>', esc_html( sprintf( __( 'You see what was known %s ago.', 'postreeve' ), $this->account->age() ) ) );
		}
		if ( null === $this->account->problem() && array() !== self::policy( $answer ) ) {
			View::show( 'policy', array( 'policy' => self::policy( $answer ), 'pending' => 'pending' === $connection->state() ) );
		}
		if ( ! $this->settings->takes_mail() && ! $this->settings->is_off() ) {
			View::show( 'checklist', array( 'steps' => self::checklist( $this->settings->is_connected(), $answer, Test_Mail::last() ) ) );
		}
		if ( $this->account->is_known() && self::is_restricted( $answer ) ) {
			View::show( 'standing', $arguments );
		}
		View::show( 'state', $arguments );
		if ( $this->account->is_known() ) {
			View::show( 'connection', $arguments );
			View::show( 'limits', $arguments );
		}
	}

	/**
	 * Whether the site, its account or one of its streams is warned or worse, or mail of it is held.
	 *
	 * @param array $answer What the relay says about this site.
	 */
	public static function is_restricted( array $answer ): bool {
		$standing = is_array( $answer['standing'] ?? null ) ? $answer['standing'] : array();
		$held     = array_filter( (array) ( $standing['held'] ?? array() ) );
		return ! in_array( $standing['state'] ?? 'active', array( 'active' ), true ) || array() !== Screen::list_of( $standing, 'streams' ) || array() !== $held;
	}

	/**
	 * The relay's rules for sending where the account has not accepted them as they are now: `version`, `url` and what
	 * that is called, `title`; else an empty array.
	 *
	 * @param array $answer What the relay says about this site.
	 */
	public static function policy( array $answer ): array {
		$policy = $answer['policy'] ?? null;
		if ( ! is_array( $policy ) || ! is_string( $policy['version'] ?? null ) || ( $policy['accepted_version'] ?? '' ) === $policy['version'] ) {
			return array();
		}
		return array(
			'version' => $policy['version'],
			'url'     => is_string( $policy['url'] ?? null ) ? $policy['url'] : '',
			'title'   => empty( $policy['accepted_version'] ) ? __( 'The relay\'s rules for sending are not accepted yet.', 'postreeve' ) : __( 'The relay\'s rules for sending have changed.', 'postreeve' ),
		);
	}

	/**
	 * What is to be done until the site is live: `label`, `done`, `text`, `url`.
	 *
	 * @param bool  $connected Whether there is a relay and a key.
	 * @param array $answer    What the relay says about this site.
	 * @param array $test      The last test mail.
	 */
	public static function checklist( bool $connected, array $answer, array $test ): array {
		$verified = array();
		foreach ( Screen::list_of( $answer, 'domains' ) as $domain ) {
			if ( in_array( $domain['status'] ?? '', Account::USABLE, true ) ) {
				$verified[] = Problems::clean( $domain['name'] ?? '' );
			}
		}
		$rules = array() === self::policy( $answer ) ? array() : array(
			array(
				'label' => __( 'Read and accept the rules', 'postreeve' ),
				'done'  => false,
				'text'  => 'pending' === Connection::standing( $answer ) ? __( 'No account is approved without.', 'postreeve' ) : '',
				'url'   => '#postreeve-policy',
			),
		);
		$first = array(
			array(
				'label' => __( 'Connect this site with a relay', 'postreeve' ),
				'done'  => $connected,
				'text'  => Problems::clean( $answer['account']['name'] ?? '' ),
				'url'   => Screen::url( array( 'tab' => Screen::SETTINGS ) ),
			),
			array(
				'label' => __( 'Verify the domain you send from', 'postreeve' ),
				'done'  => array() !== $verified,
				'text'  => implode( ', ', $verified ),
				'url'   => Screen::url( array( 'tab' => Screen::DOMAIN ) ),
			),
		);
		$last  = array(
			array(
				'label' => __( 'Send a test mail and see it delivered', 'postreeve' ),
				'done'  => $test['delivered'],
				'text'  => '' !== $test['id'] && ! $test['delivered'] ? __( 'It is on its way.', 'postreeve' ) : '',
				'url'   => '' !== $test['id'] ? Screen::url( array( 'mail' => rawurlencode( $test['id'] ) ) ) : '#postreeve-test-to',
			),
			array(
				'label' => __( 'Go live: hand this site\'s mail to the relay', 'postreeve' ),
				'done'  => false,
				'text'  => '',
				'url'   => '#postreeve-live',
			),
		);
		return array_merge( $first, $rules, $last );
	}
}
