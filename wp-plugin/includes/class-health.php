<?php
/**
 * Postreeve in Tools → Site Health.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Four tests, and what helps somebody who is asked for help. Nothing of it is secret.
 */
final class Health {

	/**
	 * Seconds mail may wait until that is worth saying.
	 */
	const OLD = HOUR_IN_SECONDS;

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * What the relay says about this site.
	 */
	private Account $account;

	/**
	 * Where mails wait.
	 */
	private Outbox $outbox;

	/**
	 * Whether this is the site that was connected.
	 */
	private Whereabouts $whereabouts;

	/**
	 * Makes the tests.
	 *
	 * @param Settings    $settings    Where and how this site is connected.
	 * @param Account     $account     What the relay says about this site.
	 * @param Outbox      $outbox      Where mails wait.
	 * @param Whereabouts $whereabouts Whether this is the site that was connected.
	 */
	public function __construct( Settings $settings, Account $account, Outbox $outbox, Whereabouts $whereabouts ) {
		$this->settings    = $settings;
		$this->account     = $account;
		$this->outbox      = $outbox;
		$this->whereabouts = $whereabouts;
	}

	/**
	 * Adds the tests. Those that ask the relay do it while the page is already shown.
	 *
	 * @param array $tests WordPress's tests.
	 */
	public function add_tests( $tests ): array {
		$tests = (array) $tests;

		$tests['direct']['postreeve_interception'] = array(
			'label' => __( 'Postreeve gets this site\'s mail', 'postreeve' ),
			'test'  => array( $this, 'interception' ),
		);
		$tests['direct']['postreeve_outbox']       = array(
			'label' => __( 'No mail waits in Postreeve\'s outbox', 'postreeve' ),
			'test'  => array( $this, 'outbox' ),
		);
		$tests['async']['postreeve_connected']     = array(
			'label'             => __( 'Postreeve\'s relay answers', 'postreeve' ),
			'test'              => 'postreeve_connected',
			'async_direct_test' => array( $this, 'connected' ),
		);
		if ( $this->settings->is_connected() ) {
			$tests['async']['postreeve_domain'] = array(
				'label'             => __( 'The sending domain is verified', 'postreeve' ),
				'test'              => 'postreeve_domain',
				'async_direct_test' => array( $this, 'domain' ),
			);
		}
		return $tests;
	}

	/**
	 * Answers the page's question about the connection.
	 */
	public function answer_connected(): void {
		$this->answer( 'connected' );
	}

	/**
	 * Answers the page's question about the domain.
	 */
	public function answer_domain(): void {
		$this->answer( 'domain' );
	}

	/**
	 * Whether the relay answers and takes this site's mail.
	 */
	public function connected(): array {
		if ( $this->settings->is_off() ) {
			return $this->result( 'connected', 'recommended', 'Postreeve: ' . __( 'Switched off.', 'postreeve' ), Summary::off( $this->outbox ) );
		}
		$connection = Connection::check( $this->settings, $this->account );
		$statuses   = array(
			'success' => 'good',
			'info'    => 'recommended',
			'warning' => 'recommended',
			'error'   => 'critical',
		);
		$status     = $statuses[ $connection->notice() ];
		if ( 'good' === $status && ! $this->settings->is_live() ) {
			return $this->result( 'connected', 'recommended', __( 'Postreeve is connected, but not live', 'postreeve' ), __( 'The site still mails as it did before. Hand its mail to the relay when you are ready.', 'postreeve' ) );
		}
		return $this->result( 'connected', $status, 'Postreeve: ' . $connection->title(), $connection->text() );
	}

	/**
	 * Whether a domain is verified that mail can come from.
	 */
	public function domain(): array {
		$answer = $this->settings->is_connected() ? $this->account->ask() : null;
		$known  = $this->account->known();
		if ( null === $answer || is_wp_error( $answer ) ) {
			return $this->result( 'domain', 'recommended', __( 'Whether the sending domain is verified is not known', 'postreeve' ), __( 'The relay could not be asked.', 'postreeve' ) );
		}
		if ( array() === $known['domains'] ) {
			return $this->result( 'domain', 'critical', __( 'No sending domain is verified', 'postreeve' ), __( 'The relay refuses this site\'s mail until the DNS records of its domain are published.', 'postreeve' ) );
		}
		$failing = Account::failing( $answer );
		if ( '' !== $failing ) {
			return $this->result( 'domain', 'recommended', ...Summary::failing( $failing ) );
		}
		/* translators: %s: names of domains */
		return $this->result( 'domain', 'good', __( 'The sending domain is verified', 'postreeve' ), sprintf( __( 'Mail can come from %s.', 'postreeve' ), implode( ', ', $known['domains'] ) ) );
	}

	/**
	 * Whether mail comes to us, and nobody is in the way.
	 */
	public function interception(): array {
		$conflicts = Conflicts::found();
		$harm      = array_filter( array_column( $conflicts, 'harm' ) );
		$text      = implode( ' ', array_map( array( Conflicts::class, 'sentence' ), $conflicts ) );
		if ( $this->settings->is_in_charge() && $this->whereabouts->is_elsewhere() && ! $this->whereabouts->is_copy() ) {
			return $this->result( 'interception', 'critical', __( 'No mail leaves this site', 'postreeve' ), __( 'It is not where it was connected. Say whether it has moved or is a copy.', 'postreeve' ) );
		}
		if ( array() !== $harm ) {
			return $this->result( 'interception', 'critical', __( 'Another plugin takes this site\'s mail', 'postreeve' ), $text );
		}
		if ( array() !== $conflicts ) {
			return $this->result( 'interception', 'recommended', __( 'Some mail may not come to Postreeve', 'postreeve' ), $text );
		}
		return $this->result( 'interception', 'good', __( 'Nothing keeps mail from Postreeve', 'postreeve' ), __( 'WordPress builds its mails itself, and Postreeve carries them away.', 'postreeve' ) );
	}

	/**
	 * Whether mail waits, and whether WP-Cron would send it.
	 */
	public function outbox(): array {
		$counts = $this->outbox->counts();
		$next   = $this->outbox->next();
		if ( null !== $next && $this->settings->is_off() ) {
			return $this->result( 'outbox', 'recommended', __( 'Mail waits.', 'postreeve' ), Summary::off( $this->outbox ) );
		}
		if ( $this->outbox->is_full() && ! $this->whereabouts->is_elsewhere() ) {
			return $this->result( 'outbox', 'critical', __( 'Too much mail is kept here.', 'postreeve' ), Summary::full( $this->outbox ) );
		}
		if ( null !== $next && $next['due'] < time() - Runner::LATE && (int) wp_next_scheduled( Runner::HOOK ) < time() - Runner::LATE ) {
			return $this->result( 'outbox', 'critical', __( 'Mail waits, and WP-Cron does not run', 'postreeve' ), __( 'Mails that could not be handed over at once are tried again by WP-Cron, which is late. Have it called by the server, or visit wp-admin.', 'postreeve' ) );
		}
		if ( $counts[ Outbox::PARKED ] > 0 ) {
			/* translators: %d: number of mails */
			return $this->result( 'outbox', 'critical', __( 'Mails are parked', 'postreeve' ), sprintf( __( 'The relay refused mails for a reason you can put right: %d. They are kept for three days.', 'postreeve' ), $counts[ Outbox::PARKED ] ) );
		}
		if ( null !== $next && $next['since'] < time() - self::OLD ) {
			/* translators: 1: number of mails, 2: a span such as "2 hours" */
			return $this->result( 'outbox', 'recommended', __( 'Mail waits for the relay', 'postreeve' ), sprintf( __( 'Mails that wait: %1$d, the oldest for %2$s. They go out by themselves when the relay can be reached.', 'postreeve' ), $counts[ Outbox::WAITING ], human_time_diff( $next['since'] ) ) );
		}
		if ( $counts[ Outbox::FAILED ] > 0 ) {
			$words = Words::kept( Outbox::FAILED );
			return $this->result( 'outbox', 'recommended', 'Postreeve: ' . $words['label'] . ': ' . Words::count( $counts[ Outbox::FAILED ] ), $words['text'] );
		}
		return $this->result( 'outbox', 'good', __( 'Postreeve\'s outbox is in order', 'postreeve' ), __( 'What could not be handed over at once was handed over later.', 'postreeve' ) );
	}

	/**
	 * Adds what helps somebody who is asked for help.
	 *
	 * @param array $information WordPress's own.
	 */
	public function add_information( $information ): array {
		$information = (array) $information;
		$bound       = $this->settings->bound_to();
		$known       = $this->account->known();
		$counts      = $this->outbox->counts();
		$facts       = array(
			'version'     => array( __( 'Version', 'postreeve' ), VERSION ),
			'relay'       => array( __( 'Relay address', 'postreeve' ), $this->settings->relay_url() ),
			'key'         => array( __( 'API key', 'postreeve' ), $this->settings->key_state() ),
			'live'        => array( __( 'Live', 'postreeve' ), $this->settings->takes_mail() ? 'yes' : 'no' ),
			'connected'   => array( __( 'Connected at', 'postreeve' ), '' === $bound['home'] ? '-' : $this->whereabouts->origin() ),
			'here'        => array( __( 'Runs at', 'postreeve' ), implode( ' ', Whereabouts::here() ) ),
			'sender'      => array( __( 'Default sender', 'postreeve' ), $known['default_from'] ),
			'domains'     => array( __( 'Sending domains', 'postreeve' ), implode( ', ', $known['domains'] ) ),
			'outbox'      => array( __( 'Mails kept here', 'postreeve' ), http_build_query( $counts, '', ', ' ) . ', ' . size_format( $this->outbox->held() ) . ' / ' . size_format( Outbox::limit() ) ),
			'conflicts'   => array( __( 'Other mailers', 'postreeve' ), implode( ', ', array_column( Conflicts::found(), 'plugin' ) ) ),
			'encryption'  => array( __( 'Encryption', 'postreeve' ), extension_loaded( 'sodium' ) ? 'sodium' : 'WordPress' ),
			'finish'      => array( __( 'Response can be finished early', 'postreeve' ), function_exists( 'fastcgi_finish_request' ) || function_exists( 'litespeed_finish_request' ) ? 'yes' : 'no' ),
		);

		$information['postreeve'] = array(
			'label'  => 'Postreeve',
			'fields' => array_map(
				static function ( $fact ) {
					return array(
						'label' => $fact[0],
						'value' => $fact[1],
					);
				},
				$facts
			),
		);
		return $information;
	}

	/**
	 * Answers the page's question.
	 *
	 * @param string $test Which.
	 */
	private function answer( string $test ): void {
		check_ajax_referer( 'health-check-site-status' );
		if ( ! current_user_can( 'view_site_health_checks' ) ) {
			wp_send_json_error( null, 403 );
		}
		wp_send_json_success( 'domain' === $test ? $this->domain() : $this->connected() );
	}

	/**
	 * A test's result as WordPress wants it.
	 *
	 * @param string $test   Which.
	 * @param string $status 'good', 'recommended' or 'critical'.
	 * @param string $label  In a few words.
	 * @param string $text   What it means and what to do.
	 */
	private function result( string $test, string $status, string $label, string $text ): array {
		return array(
			'test'        => 'postreeve_' . $test,
			'status'      => $status,
			'label'       => $label,
			'description' => '<p>' . esc_html( $text ) . '</p>',
			'badge'       => array(
				'label' => __( 'Mail', 'postreeve' ),
				'color' => 'blue',
			),
			'actions'     => 'good' === $status ? '' : '<p><a href="' . esc_url( Screen::url() ) . '">' . esc_html__( 'Open Postreeve', 'postreeve' ) . '</a></p>',
		);
	}
}
