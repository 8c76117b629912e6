<?php
/**
 * `wp postreeve` at a terminal.
 *
 * @package Postreeve
 */

namespace Postreeve;

use WP_CLI;
use WP_CLI\Utils;
use WP_Error;

defined( 'ABSPATH' ) || exit;

/**
 * Sends this site's mail through a Postreeve relay.
 *
 * Exit codes: 0 all well; 1 it did not work, or something needs a human.
 */
final class CLI {

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * The relay.
	 */
	private Client $client;

	/**
	 * What the relay says about this site.
	 */
	private Account $account;

	/**
	 * Where mails wait.
	 */
	private Outbox $outbox;

	/**
	 * Hands over what waits.
	 */
	private Runner $runner;

	/**
	 * Whether this is the site that was connected.
	 */
	private Whereabouts $whereabouts;

	/**
	 * Gets hold of mails.
	 */
	private Interceptor $interceptor;

	/**
	 * Makes the commands.
	 *
	 * @param Settings    $settings    Where and how this site is connected.
	 * @param Client      $client      The relay.
	 * @param Outbox      $outbox      Where mails wait.
	 * @param Runner      $runner      Hands over what waits.
	 * @param Interceptor $interceptor Gets hold of mails.
	 */
	public function __construct( Settings $settings, Client $client, Outbox $outbox, Runner $runner, Interceptor $interceptor ) {
		$this->settings    = $settings;
		$this->client      = $client;
		$this->outbox      = $outbox;
		$this->runner      = $runner;
		$this->interceptor = $interceptor;
		$this->account     = new Account( $client );
		$this->whereabouts = new Whereabouts( $settings, $outbox );
	}

	/**
	 * Says how the connection is and what waits; exits with 1 unless mail goes out.
	 *
	 * ## OPTIONS
	 *
	 * [--format=<format>]
	 * : table, json, csv or yaml.
	 * ---
	 * default: table
	 * ---
	 *
	 * @param array $args    Positional arguments.
	 * @param array $options Options.
	 */
	public function status( $args, $options ): void {
		unset( $args );
		$connection = Connection::check( $this->settings, $this->account );
		$counts     = $this->outbox->counts();
		$conflicts  = Conflicts::found();
		$facts      = array(
			'state'     => $connection->state(),
			'says'      => trim( $connection->title() . ' ' . $connection->text() ),
			'relay'     => $this->settings->relay_url(),
			'live'      => $this->settings->takes_mail() ? 'yes' : 'no',
			'elsewhere' => $this->whereabouts->is_elsewhere() ? ( $this->whereabouts->is_copy() ? 'copy' : 'yes' ) : 'no',
			'waiting'   => $counts[ Outbox::WAITING ],
			'parked'    => $counts[ Outbox::PARKED ],
			'captured'  => $counts[ Outbox::CAPTURED ],
			'failed'    => $counts[ Outbox::FAILED ],
			'conflicts' => implode( ', ', array_column( $conflicts, 'plugin' ) ),
		) + $this->outbox->room();
		$this->show_facts( $facts, $options );
		$this->warn_of_fullness();
		$well = in_array( $facts['state'], array( Connection::READY, 'warned' ), true ) && 'yes' === $facts['live'] && 'no' === $facts['elsewhere']
			&& 0 === $facts['parked'] && 'ok' === $facts['outbox'] && array() === array_filter( array_column( $conflicts, 'harm' ) );
		if ( ! $well ) {
			WP_CLI::halt( 1 );
		}
	}

	/**
	 * Sends a test mail through WordPress and the relay, live or not.
	 *
	 * ## OPTIONS
	 *
	 * [<address>]
	 * : Who gets it; the site's administrator if nobody is named.
	 *
	 * [--follow]
	 * : Waits, a minute at most, for what becomes of it.
	 *
	 * @param array $args    Positional arguments.
	 * @param array $options Options.
	 */
	public function test( $args, $options ): void {
		$to      = (string) ( $args[0] ?? get_option( 'admin_email' ) );
		$outcome = ( new Test_Mail( $this->settings, $this->interceptor ) )->deliver( $to );
		if ( is_wp_error( $outcome ) ) {
			$this->fail( $outcome );
			return;
		}
		if ( isset( $outcome['queued'] ) ) {
			WP_CLI::error( __( 'The test mail could not be handed to the relay at once. It is kept here and tried again.', 'postreeve' ) );
			return;
		}
		$id = (string) ( $outcome['id'] ?? '' );
		/* translators: 1: an e-mail address, 2: the relay's number of the message */
		WP_CLI::log( sprintf( __( 'The relay has taken the mail to %1$s: %2$s', 'postreeve' ), $to, $id ) );
		if ( ! empty( $options['follow'] ) ) {
			$this->follow( $id );
		}
		WP_CLI::success( __( 'Done.', 'postreeve' ) );
	}

	/**
	 * Shows the outbox, or does something with it.
	 *
	 * ## OPTIONS
	 *
	 * <what>
	 * : list: what is kept. status: how many, and in how much of the room; exits with 1 from nine tenths on. run: hand over what waits, now. send-parked: send what was parked. purge: delete.
	 *
	 * [--state=<state>]
	 * : For list and purge: waiting, parked, captured or failed.
	 *
	 * [--yes]
	 * : Delete without asking.
	 *
	 * [--format=<format>]
	 * : table, json, csv, yaml, count or ids.
	 * ---
	 * default: table
	 * ---
	 *
	 * @param array $args    Positional arguments.
	 * @param array $options Options.
	 */
	public function outbox( $args, $options ): void {
		$state  = (string) ( $options['state'] ?? '' );
		$states = $this->outbox->counts();
		if ( isset( $options['state'] ) && ! isset( $states[ $state ] ) ) {
			// What a shell makes of a variable that is not set must not mean all of them.
			WP_CLI::error( '--state=' . implode( '|', array_keys( $states ) ) );
			return;
		}
		switch ( $args[0] ?? '' ) {
			case 'list':
				$rows   = array_map( array( $this, 'line' ), $this->outbox->rows( $state ) );
				$format = (string) ( $options['format'] ?? 'table' );
				Utils\format_items( $format, 'ids' === $format ? array_column( $rows, 'id' ) : $rows, array( 'id', 'state', 'reason', 'to', 'source', 'size', 'attempts', 'created', 'due', 'expires' ) );
				$this->warn_of_fullness();
				return;
			case 'status':
				$this->show_facts( $this->outbox->counts() + $this->outbox->room(), $options );
				if ( $this->warn_of_fullness() ) {
					WP_CLI::halt( 1 );
				}
				return;
			case 'send-parked':
			case 'run':
				$hindrance = $this->hindrance();
				if ( '' !== $hindrance ) {
					WP_CLI::error( $hindrance );
					return;
				}
				'run' === $args[0] ? $this->outbox->hurry() : $this->outbox->release( Outbox::PARKED );
				$this->run_outbox( $options );
				return;
			case 'purge':
				WP_CLI::confirm( __( 'Delete these mails for good?', 'postreeve' ), $options );
				$count = $this->outbox->purge( $state );
				$this->runner->schedule();
				/* translators: %d: number of mails */
				WP_CLI::success( sprintf( __( 'Deleted: %d.', 'postreeve' ), $count ) );
				return;
			default:
				WP_CLI::error( __( 'Say list, status, run, send-parked or purge.', 'postreeve' ) );
		}
	}

	/**
	 * Shows the sending domains; with a name, has the relay look at its DNS records now. Exits with 1 unless verified.
	 *
	 * ## OPTIONS
	 *
	 * [<domain>]
	 * : The domain to look at.
	 *
	 * [--records]
	 * : With a name: shows the DNS records to publish, and how each was found.
	 *
	 * [--format=<format>]
	 * : table, json, csv or yaml.
	 * ---
	 * default: table
	 * ---
	 *
	 * @param array $args    Positional arguments.
	 * @param array $options Options.
	 */
	public function domain( $args, $options ): void {
		if ( isset( $args[0] ) ) {
			$domains = $this->client->ask( 'POST', '/v1/domains/' . rawurlencode( $args[0] ) . '/check', Client::PATIENCE_IN_BACKGROUND );
			$domains = is_wp_error( $domains ) ? $domains : array( $domains );
		} else {
			$domains = $this->account->ask();
			$domains = is_wp_error( $domains ) ? $domains : Screen::list_of( $domains, 'domains' );
		}
		if ( is_wp_error( $domains ) ) {
			$this->fail( $domains );
			return;
		}
		$rows = array();
		foreach ( $domains as $domain ) {
			$rows[] = array(
				'name'   => Problems::clean( $domain['name'] ?? $domain['domain'] ?? '' ),
				'status' => Problems::clean( $domain['status'] ?? '' ),
			);
		}
		if ( empty( $options['records'] ) ) {
			Utils\format_items( (string) ( $options['format'] ?? 'table' ), $rows, array( 'name', 'status' ) );
		} else {
			Utils\format_items( (string) ( $options['format'] ?? 'table' ), self::records( $domains ), array( 'type', 'name', 'value', 'needed', 'result' ) );
		}
		if ( ! in_array( 'verified', array_column( $rows, 'status' ), true ) ) {
			WP_CLI::halt( 1 );
		}
	}

	/**
	 * Shows where each setting comes from; never the key.
	 *
	 * ## OPTIONS
	 *
	 * [--format=<format>]
	 * : table, json, csv or yaml.
	 * ---
	 * default: table
	 * ---
	 *
	 * @param array $args    Positional arguments.
	 * @param array $options Options.
	 */
	public function config( $args, $options ): void {
		unset( $args );
		$rows = array(
			array(
				'setting' => 'relay_url',
				'value'   => $this->settings->relay_url(),
				'from'    => $this->settings->relay_url_is_fixed() ? Given::source( Given::RELAY_URL ) : ( $this->settings->relay_url_is_networks() ? 'network' : 'site' ),
			),
			array(
				'setting' => 'api_key',
				'value'   => Settings::KEY_NONE === $this->settings->key_state() ? '' : '••••••••',
				'from'    => Settings::KEY_GIVEN === $this->settings->key_state() ? Given::source( Given::API_KEY ) : $this->settings->key_state(),
			),
			array(
				'setting' => 'live',
				'value'   => $this->settings->is_live() ? 'yes' : 'no',
				'from'    => $this->settings->live_is_fixed() ? Given::source( Given::LIVE ) : 'site',
			),
			array(
				'setting' => 'off',
				'value'   => $this->settings->is_off() ? 'yes' : 'no',
				'from'    => Given::has( Given::OFF ) ? Given::source( Given::OFF ) : '-',
			),
			array(
				'setting' => 'outbox_limit',
				'value'   => size_format( Outbox::limit() ),
				'from'    => Given::has( Given::OUTBOX_LIMIT ) ? Given::source( Given::OUTBOX_LIMIT ) : '-',
			),
		);
		Utils\format_items( (string) ( $options['format'] ?? 'table' ), $rows, array( 'setting', 'value', 'from' ) );
	}

	/**
	 * Shows what happened to mails: delivered, bounced and so on, oldest first.
	 *
	 * ## OPTIONS
	 *
	 * [--cursor=<cursor>]
	 * : Where the last answer ended.
	 * ---
	 * default: 0
	 * ---
	 *
	 * [--format=<format>]
	 * : table, json, csv or yaml.
	 * ---
	 * default: table
	 * ---
	 *
	 * @param array $args    Positional arguments.
	 * @param array $options Options.
	 */
	public function events( $args, $options ): void {
		unset( $args );
		$answer = $this->client->ask( 'GET', '/v1/events?cursor=' . rawurlencode( $options['cursor'] ?? '0' ) );
		if ( is_wp_error( $answer ) ) {
			$this->fail( $answer );
			return;
		}
		$rows   = array();
		$format = (string) ( $options['format'] ?? 'table' );
		$next   = array( 'next_cursor' => Problems::clean( $answer['next_cursor'] ?? '' ) );
		foreach ( Screen::list_of( $answer, 'events' ) as $event ) {
			$rows[] = array(
				'at'      => Problems::clean( $event['occurred_at'] ?? '' ),
				'type'    => Problems::clean( $event['type'] ?? '' ),
				'to'      => Problems::clean( $event['recipient'] ?? $event['address'] ?? '' ),
				'message' => Problems::clean( $event['message_id'] ?? '' ),
				'summary' => Problems::clean( $event['summary'] ?? '' ),
			) + $next;
		}
		$fields = array( 'at', 'type', 'to', 'message', 'summary' );
		Utils\format_items( $format, $rows, 'table' === $format ? $fields : array_merge( $fields, array_keys( $next ) ) );
		if ( 'table' === $format ) {
			/* translators: %s: a number */
			WP_CLI::log( sprintf( __( 'Go on with --cursor=%s', 'postreeve' ), $next['next_cursor'] ) );
		}
	}

	/**
	 * Connects the site. Its mail goes on as before until `wp postreeve live`.
	 *
	 * With a key of the account, the relay makes the site and a key for it, which is fetched and kept here; the account's
	 * key is not. With a key of the site, that is kept.
	 *
	 * ## OPTIONS
	 *
	 * [--token=<token>]
	 * : A key of the account (pra_…), or of the site (prk_…); - to read it from standard input, where no history keeps it.
	 *
	 * [--key=<key>]
	 * : A key of the site (prk_…), as the relay showed it; - to read it from standard input.
	 *
	 * [--relay=<address>]
	 * : The relay's address, unless it is set already.
	 *
	 * [--domain=<domain>]
	 * : With a key of the account: the sending domain to claim, or none. Without this, the one registered for the site's address.
	 *
	 * [--network]
	 * : For all sites of this network, with a key of the site.
	 *
	 * ## EXAMPLES
	 *
	 *     wp postreeve connect --relay=https://relay.example --token=- < agency.key
	 *     wp --url=https://shop.example postreeve connect --token=- --domain=shop.example < agency.key
	 *
	 * @param array $args    Positional arguments.
	 * @param array $options Options.
	 */
	public function connect( $args, $options ): void {
		unset( $args );
		// WordPress loads what collects the form's complaints in wp-admin only.
		require_once ABSPATH . 'wp-admin/includes/template.php';

		if ( isset( $options['token'], $options['key'] ) ) {
			WP_CLI::error( __( 'Say either --token or --key.', 'postreeve' ) );
			return;
		}
		$key   = (string) ( $options['key'] ?? $options['token'] ?? '' );
		$key   = trim( '-' === $key ? (string) stream_get_contents( STDIN ) : $key );
		$input = $this->settings->sanitize(
			array(
				'relay_url' => (string) ( $options['relay'] ?? $this->settings->relay_url() ),
				'new_key'   => Enrolment::is_account_key( $key ) ? '' : $key,
			)
		);
		$wrong = get_settings_errors( Settings::OPTION );
		if ( array() !== $wrong ) {
			WP_CLI::error( wp_specialchars_decode( $wrong[0]['message'], ENT_QUOTES ) );
			return;
		}
		if ( '' === $input['relay_url'] || '' === $key ) {
			WP_CLI::error( __( 'Both --relay and --token are needed.', 'postreeve' ) );
			return;
		}
		if ( Enrolment::is_account_key( $key ) ) {
			$this->enrol( $input['relay_url'], $key, $options );
			return;
		}
		if ( ! empty( $options['network'] ) ) {
			$this->settings->connect_network( $input['relay_url'], $key );
		} else {
			$this->settings->connect( $input['relay_url'], $key );
		}
		$connection = $this->known();
		if ( null !== $connection ) {
			$this->succeed( $connection );
		}
	}

	/**
	 * Forgets the key; the site mails as it did before.
	 *
	 * ## OPTIONS
	 *
	 * [--network]
	 * : What was set for all sites of this network.
	 *
	 * [--revoke]
	 * : Ends the key at the relay first; if that fails, nothing is forgotten.
	 *
	 * @param array $args    Positional arguments.
	 * @param array $options Options.
	 */
	public function disconnect( $args, $options ): void {
		unset( $args );
		$is_networks = ! empty( $options['network'] );
		if ( ! empty( $options['revoke'] ) ) {
			$ended = ( new Go_Live( $this->settings, $this->account ) )->end_key( $is_networks ? Settings::KEY_NETWORK : Settings::KEY_STORED );
			if ( is_wp_error( $ended ) ) {
				$this->fail( $ended );
				return;
			}
			WP_CLI::log( __( 'The key has ended at the relay.', 'postreeve' ) );
		}
		if ( $is_networks ) {
			$this->settings->connect_network( '', '' );
		} else {
			( new Go_Live( $this->settings, $this->account ) )->disconnect();
		}
		WP_CLI::success( __( 'From now on this site mails as it did before.', 'postreeve' ) );
	}

	/**
	 * Hands the site's mail to the relay, if the relay is ready for it.
	 */
	public function live(): void {
		$this->act( Actions::GO_LIVE );
	}

	/**
	 * Takes the site's mail back; the connection stays.
	 */
	public function back(): void {
		$this->act( Actions::GO_BACK );
	}

	/**
	 * Says that the site has moved here: what was kept goes out.
	 */
	public function moved(): void {
		$this->act( Actions::MOVED );
	}

	/**
	 * Says that this is a copy: its mail goes on being kept.
	 */
	public function copy(): void {
		$this->act( Actions::COPY );
	}

	/**
	 * Says that this is the same site under another address: what was kept goes out. Name the address with --url.
	 *
	 * ## OPTIONS
	 *
	 * [--forget=<address>]
	 * : Says that this address is none of the site's any more.
	 *
	 * ## EXAMPLES
	 *
	 *     wp --url=https://shop.example.net postreeve same
	 *     wp postreeve same --forget=shop.example.net
	 *
	 * @param array $args    Positional arguments.
	 * @param array $options Options.
	 */
	public function same( $args, $options ): void {
		unset( $args );
		$this->act( isset( $options['forget'] ) ? Actions::FORGET : Actions::SAME, (string) ( $options['forget'] ?? '' ) );
	}

	/**
	 * The DNS records of sending domains, each as a line.
	 *
	 * @param array $domains What the relay says of them.
	 */
	private static function records( array $domains ): array {
		$lines = array();
		foreach ( $domains as $domain ) {
			foreach ( Screen::list_of( $domain, 'records' ) as $record ) {
				$line = array( 'needed' => empty( $record['required'] ) ? 'no' : 'yes' );
				foreach ( array( 'type', 'name', 'value', 'result' ) as $name ) {
					$line[ $name ] = Problems::clean( $record[ $name ] ?? '' );
				}
				$lines[] = $line;
			}
		}
		return $lines;
	}

	/**
	 * Connects with a key of the account.
	 *
	 * @param string $relay_url The relay's address.
	 * @param string $token     The account's key.
	 * @param array  $options   The command's.
	 */
	private function enrol( string $relay_url, string $token, array $options ): void {
		if ( ! empty( $options['network'] ) ) {
			WP_CLI::error( __( 'With a key of the account each site gets a key of its own: leave out --network, and say the command for each site of the network, with --url.', 'postreeve' ) );
			return;
		}
		$old       = $relay_url === $this->settings->relay_url() ? $this->settings->api_key() : '';
		$domain    = (string) ( $options['domain'] ?? 'auto' );
		$enrolment = new Enrolment( $this->settings, $relay_url, $token );
		$answer    = $enrolment->enrol( 'none' === $domain ? '' : $domain );
		if ( is_wp_error( $answer ) ) {
			$this->fail( $answer );
			return;
		}
		/* translators: 1: a site's address, 2: an account's name */
		$made = empty( $answer['created'] ) ? __( '%1$s is known in the account %2$s. It has a new key.', 'postreeve' ) : __( '%1$s is new in the account %2$s. It has a key of its own.', 'postreeve' );
		WP_CLI::log( sprintf( $made, Problems::clean( $answer['site']['url'] ?? '' ), Problems::clean( $answer['account']['name'] ?? '' ) ) );
		$connection = $this->known();
		if ( null === $connection ) {
			return;
		}
		$ended = '' === $old ? false : $enrolment->replace( $answer, $old );
		if ( is_wp_error( $ended ) ) {
			/* translators: %s: what is the matter */
			WP_CLI::warning( sprintf( __( 'The key this site had before still works: %s', 'postreeve' ), $ended->get_error_message() ) );
		} elseif ( $ended ) {
			WP_CLI::log( __( 'The key this site had before has ended.', 'postreeve' ) );
		}
		$this->tell_of_domain( Problems::clean( $answer['domain']['name'] ?? '' ), Problems::clean( $answer['domain']['status'] ?? '' ) );
		$this->succeed( $connection );
	}

	/**
	 * Says which sending domain there is, and how to go on with it.
	 *
	 * @param string $name   The domain's name, or ''.
	 * @param string $status The relay's word for it.
	 */
	private function tell_of_domain( string $name, string $status ): void {
		if ( '' === $name ) {
			WP_CLI::log( __( 'No sending domain was named. To name one: the same command with --domain=…', 'postreeve' ) );
		} elseif ( 'verified' === $status ) {
			/* translators: %s: a domain */
			WP_CLI::log( sprintf( __( 'The sending domain %s is verified.', 'postreeve' ), $name ) );
		} else {
			/* translators: 1: a domain, 2: a command */
			WP_CLI::log( sprintf( __( 'The sending domain %1$s needs DNS records. To see them: %2$s', 'postreeve' ), $name, "wp postreeve domain $name --records" ) );
		}
	}

	/**
	 * The connection, once the relay knows this site; if it does not, says why and exits with 1.
	 */
	private function known(): ?Connection {
		$connection = Connection::check( $this->settings, $this->account );
		if ( $connection->is_known() ) {
			return $connection;
		}
		WP_CLI::error( trim( $connection->title() . ' ' . $connection->text() ) );
		return null;
	}

	/**
	 * Says that the site is connected, and what comes next.
	 *
	 * @param Connection $connection What the relay said.
	 */
	private function succeed( Connection $connection ): void {
		WP_CLI::success( trim( $connection->title() . ' ' . ( $this->settings->is_live() ? '' : __( 'The site mails as before until: wp postreeve live', 'postreeve' ) ) ) );
	}

	/**
	 * Does what a button does.
	 *
	 * @param string $what    A constant of Actions.
	 * @param string $address For FORGET, the address.
	 */
	private function act( string $what, string $address = '' ): void {
		$actions = new Actions( new Go_Live( $this->settings, $this->account ), $this->whereabouts, $this->outbox, $this->runner );
		$said    = $actions->act( $what, $address );
		if ( is_wp_error( $said ) ) {
			$this->fail( $said );
			return;
		}
		WP_CLI::success( $said );
	}

	/**
	 * Why nothing can go out, or ''.
	 */
	private function hindrance(): string {
		if ( $this->settings->is_off() ) {
			return Given::sentence( Given::OFF ) . ' ' . __( 'WordPress sends this site\'s mail by itself.', 'postreeve' );
		}
		if ( ! $this->settings->is_connected() ) {
			return __( 'The site is not connected to a relay yet.', 'postreeve' );
		}
		$objection = Whereabouts::objection();
		return null === $objection ? '' : $objection->get_error_message();
	}

	/**
	 * Hands over what is due and says what became of it; exits with 1 if something waits on or was given up.
	 *
	 * @param array $options The command's.
	 */
	private function run_outbox( array $options ): void {
		$tally = $this->runner->run( 10 * Client::PATIENCE_IN_BACKGROUND );
		$this->show_facts( $tally, $options );
		if ( $tally['postponed'] + $tally['parked'] + $tally['failed'] > 0 ) {
			WP_CLI::halt( 1 );
		}
	}

	/**
	 * Warns, beside the output, from nine tenths of the outbox on.
	 *
	 * @return bool Whether it had to.
	 */
	private function warn_of_fullness(): bool {
		$is_full = $this->outbox->is_full();
		if ( $is_full ) {
			WP_CLI::warning( Summary::full( $this->outbox ) );
		}
		return $is_full;
	}

	/**
	 * Waits for what becomes of a mail.
	 *
	 * @param string $id The relay's id of the message.
	 */
	private function follow( string $id ): void {
		$said = '';
		for ( $asked = 0; $asked < 20; $asked++ ) {
			$message = $this->client->ask( 'GET', '/v1/messages/' . rawurlencode( $id ) );
			if ( is_wp_error( $message ) ) {
				$this->fail( $message );
				return;
			}
			foreach ( Screen::list_of( $message, 'recipients' ) as $recipient ) {
				$status = Problems::clean( $recipient['status'] ?? '' );
				$words  = Words::status( $status );
				if ( $words['label'] !== $said ) {
					$said = $words['label'];
					WP_CLI::log( trim( $said . ': ' . ( Screen::reason_of( $recipient ) ? Screen::reason_of( $recipient ) : $words['text'] ) ) );
				}
				if ( Words::BAD === $words['tone'] ) {
					WP_CLI::halt( 1 );
					return;
				}
				if ( ! in_array( $status, Words::MOVING, true ) ) {
					return;
				}
			}
			sleep( 3 );
		}
	}

	/**
	 * One kept mail as a line.
	 *
	 * @param array $row The outbox's row.
	 */
	private function line( array $row ): array {
		return array(
			'id'       => $row['id'],
			'state'    => $row['state'],
			'reason'   => $row['reason'],
			'to'       => implode( ', ', $row['to'] ),
			'source'   => $row['source'],
			'size'     => $row['size'],
			'attempts' => $row['attempts'],
			'created'  => gmdate( 'c', $row['created_at'] ),
			'due'      => Outbox::WAITING === $row['state'] ? gmdate( 'c', $row['due_at'] ) : '',
			'expires'  => gmdate( 'c', $row['expires_at'] ),
		);
	}

	/**
	 * Shows values by name: as a table of two columns, else as one item.
	 *
	 * @param array $facts   Values by name.
	 * @param array $options The command's.
	 */
	private function show_facts( array $facts, array $options ): void {
		$format = (string) ( $options['format'] ?? 'table' );
		if ( 'table' !== $format ) {
			Utils\format_items( $format, array( $facts ), array_keys( $facts ) );
			return;
		}
		$rows = array();
		foreach ( $facts as $name => $value ) {
			$rows[] = array(
				'name'  => $name,
				'value' => $value,
			);
		}
		Utils\format_items( 'table', $rows, array( 'name', 'value' ) );
	}

	/**
	 * Says what is the matter, with the address of help, and exits with 1.
	 *
	 * @param WP_Error $problem What.
	 */
	private function fail( WP_Error $problem ): void {
		$data = (array) $problem->get_error_data();
		$url  = (string) ( $data['relay_problem_url'] ?? '' );
		WP_CLI::error( $problem->get_error_message() . ( '' === $url ? '' : ' ' . $url ) );
	}
}
