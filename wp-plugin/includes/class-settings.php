<?php
/**
 * Where and how this site is connected.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Reads and keeps the relay's address, the API key and whether the site is live: what is given from outside first, then
 * what a network has set for all its sites, then the site's own option.
 *
 * Nothing is remembered between calls, so that switching sites in a network just works.
 */
final class Settings {

	const OPTION = 'postreeve';
	const GROUP  = 'postreeve';

	/**
	 * The site's further addresses. Not loaded with every page: nobody asks for them at the address that was connected.
	 */
	const ALIASES = 'postreeve_aliases';

	const KEY_NONE       = 'none';
	const KEY_STORED     = 'stored';
	const KEY_GIVEN      = 'given';
	const KEY_NETWORK    = 'network';
	const KEY_UNREADABLE = 'unreadable';

	/**
	 * Members that name a place. They are stored as base64: whatever searches a copy's database for the site's name, and
	 * puts the copy's there, must not make the copy believe that it was connected.
	 */
	const PLACES = array( 'home', 'address', 'stored', 'copy' );

	/**
	 * What the owner has said about other addresses, before they have said anything.
	 */
	const NOT_SAID = array(
		'copy'    => '',
		'aliases' => '',
	);

	/**
	 * Whether code of ours is saving, which needs no look at what a form may have sent.
	 */
	private static bool $saving = false;

	/**
	 * Whether what a form has sent is wrong.
	 */
	private bool $complained = false;

	/**
	 * Whether Postreeve is switched off from outside.
	 */
	public function is_off(): bool {
		return Given::yes( Given::OFF );
	}

	/**
	 * Whether there is a relay to talk to, and a key to do it with.
	 */
	public function is_connected(): bool {
		return '' !== $this->relay_url() && '' !== $this->api_key();
	}

	/**
	 * Whether the owner has handed this site's mail to the relay. What was connected before this could be said is.
	 */
	public function is_live(): bool {
		return $this->live_is_fixed() ? Given::yes( Given::LIVE ) : $this->stored()['live'];
	}

	/**
	 * Whether that is given from outside.
	 */
	public function live_is_fixed(): bool {
		return Given::has( Given::LIVE );
	}

	/**
	 * Whether this site's mail is ours to carry, be it that we can or cannot read the key at the moment.
	 */
	public function is_in_charge(): bool {
		return ! $this->is_off() && $this->is_live() && '' !== $this->relay_url() && self::KEY_NONE !== $this->key_state();
	}

	/**
	 * Whether this site's mail goes through the relay.
	 */
	public function takes_mail(): bool {
		return $this->is_in_charge() && $this->is_connected();
	}

	/**
	 * The relay's address without a slash at its end, or '' when there is none.
	 */
	public function relay_url(): string {
		$network = $this->of_network()['relay_url'];
		$url     = $this->relay_url_is_fixed() ? Given::text( Given::RELAY_URL ) : ( '' === $network ? $this->stored()['relay_url'] : $network );
		return untrailingslashit( trim( $url ) );
	}

	/**
	 * The address to begin with in a form: the relay's, else that of the relay which has handed this plugin out, or ''.
	 */
	public function relay_url_to_offer(): string {
		$file = dirname( FILE ) . '/relay.json';
		$told = '' === $this->relay_url() && is_readable( $file ) ? wp_json_file_decode( $file, array( 'associative' => true ) ) : null;
		return is_string( $told['relay_url'] ?? null ) ? $told['relay_url'] : $this->relay_url();
	}

	/**
	 * Whether the address is given from outside.
	 */
	public function relay_url_is_fixed(): bool {
		return Given::has( Given::RELAY_URL );
	}

	/**
	 * The API key, or '' when there is none that can be read.
	 */
	public function api_key(): string {
		if ( Given::has( Given::API_KEY ) ) {
			return Given::text( Given::API_KEY );
		}
		$sealed = $this->sealed_key();
		return '' === $sealed ? '' : (string) Vault::open( $sealed );
	}

	/**
	 * What is known about the key: one of the KEY_ words.
	 */
	public function key_state(): string {
		if ( Given::has( Given::API_KEY ) ) {
			return self::KEY_GIVEN;
		}
		if ( '' === $this->sealed_key() ) {
			return self::KEY_NONE;
		}
		if ( '' === $this->api_key() ) {
			return self::KEY_UNREADABLE;
		}
		return '' === $this->of_network()['api_key'] ? self::KEY_STORED : self::KEY_NETWORK;
	}

	/**
	 * Whether the network's administrator has set the address for all sites.
	 */
	public function relay_url_is_networks(): bool {
		return ! $this->relay_url_is_fixed() && '' !== $this->of_network()['relay_url'];
	}

	/**
	 * Keeps an address and a key as the settings page would. A site that was not connected does not go live by that.
	 *
	 * @param string $relay_url The relay's address.
	 * @param string $api_key   The key as the relay showed it; '' to forget it.
	 */
	public function connect( string $relay_url, string $api_key ): void {
		$stored  = $this->fresh();
		$changes = array(
			'relay_url' => $relay_url,
			'api_key'   => '' === $api_key ? '' : Vault::seal( $api_key ),
		);
		$this->save( self::consequences( $stored, array_replace( $stored, $changes ) ) );
	}

	/**
	 * Keeps what holds for all sites of a network; '' leaves it to each site. Without a network, this is all its sites:
	 * WordPress would write it over the site's own option.
	 *
	 * @param string $relay_url The relay's address.
	 * @param string $api_key   A key for all sites, as the relay showed it.
	 */
	public function connect_network( string $relay_url, string $api_key ): void {
		if ( ! is_multisite() ) {
			$this->connect( $relay_url, $api_key );
			return;
		}
		$changes = array(
			'relay_url' => $relay_url,
			'api_key'   => '' === $api_key ? '' : Vault::seal( $api_key ),
		);
		if ( array( '', '' ) === array_values( $changes ) ) {
			delete_site_option( self::OPTION );
		} else {
			update_site_option( self::OPTION, $changes );
		}
	}

	/**
	 * Hands this site's mail to the relay, or back.
	 *
	 * @param bool $live Whether the relay gets it.
	 */
	public function set_live( bool $live ): void {
		$stored         = $this->fresh();
		$stored['live'] = $live;
		if ( $live && '' === $stored['home'] ) {
			$stored = array_replace( $stored, Whereabouts::place() );
		}
		$this->save( $stored );
	}

	/**
	 * Where the site was connected: `home` ('' if it never was), `environment`, the full `address`, and the one `stored`
	 * in the database.
	 */
	public function bound_to(): array {
		return array_intersect_key( $this->stored(), array_flip( array( 'home', 'environment', 'address', 'stored' ) ) );
	}

	/**
	 * The connection belongs to this place from now on.
	 *
	 * @param array $place What `Whereabouts::place()` gives.
	 */
	public function bind( array $place ): void {
		$this->save( array_replace( $this->fresh(), $place, self::NOT_SAID ) );
	}

	/**
	 * Further addresses of this site, as `Whereabouts::here()` gives them.
	 *
	 * @return string[]
	 */
	public function aliases(): array {
		$mark = $this->stored()['aliases'];
		if ( is_array( $mark ) || '' === $mark ) {
			return array_filter( (array) ( '' === $mark ? array() : $mark ), 'is_string' );
		}
		$aliases = array_filter( (array) get_option( self::ALIASES ), 'is_string' );
		return self::mark( $aliases ) === $mark ? $aliases : array();
	}

	/**
	 * Keeps its further addresses.
	 *
	 * @param string[] $aliases All of them.
	 */
	public function set_aliases( array $aliases ): void {
		$aliases = array_values( array_unique( $aliases ) );
		update_option( self::ALIASES, $aliases, false );
		$this->save( array_replace( $this->fresh(), array( 'aliases' => self::mark( $aliases ) ) ) );
	}

	/**
	 * What the option that is always loaded says of them: '' for none. Other addresses than those it marks are over.
	 *
	 * @param string[] $aliases All of them.
	 */
	private static function mark( array $aliases ): string {
		return array() === $aliases ? '' : hash( 'crc32b', implode( ' ', $aliases ) );
	}

	/**
	 * Where the owner has said that this is a copy, or ''.
	 */
	public function copy_at(): string {
		return $this->stored()['copy'];
	}

	/**
	 * The owner has said that the site at this place is a copy.
	 *
	 * @param string $home Where.
	 */
	public function mark_copy( string $home ): void {
		$this->save( array_replace( $this->fresh(), array( 'copy' => $home ) ) );
	}

	/**
	 * This is no copy, and this address stands in its database.
	 *
	 * @param string $home The address.
	 */
	public function settle( string $home ): void {
		$settled = array( 'copy' => '', 'stored' => $home );
		$stored  = $this->stored();
		if ( array_replace( $stored, $settled ) !== $stored ) {
			$this->save( array_replace( $this->fresh(), $settled ) );
		}
	}

	/**
	 * What is wrong, in a word of `Alarm`'s, or ''.
	 */
	public function alarm(): string {
		return $this->stored()['alarm'];
	}

	/**
	 * Keeps what is wrong.
	 *
	 * @param string $word A word of `Alarm`'s, or ''.
	 */
	public function set_alarm( string $word ): void {
		$this->save( array_replace( $this->fresh(), array( 'alarm' => $word ) ) );
	}

	/**
	 * Which version of what is stored this is; 0 before there were versions.
	 */
	public function version(): int {
		return $this->stored()['version'];
	}

	/**
	 * Writes down what an earlier version has not.
	 *
	 * @param int  $version  The version of what is stored.
	 * @param bool $was_here Whether the plugin has been active already.
	 */
	public function upgrade( int $version, bool $was_here ): void {
		$stored = $this->fresh();
		$known  = is_array( get_option( self::OPTION ) );
		if ( ! $known && ! $was_here ) {
			$stored['live'] = false;
		}
		$place = Whereabouts::place();
		if ( ( '' === $stored['home'] && $this->is_connected() ) || ( '' === $stored['address'] && $stored['home'] === $place['home'] && $stored['environment'] === $place['environment'] ) ) {
			$stored = array_replace( $stored, $place );
		}
		$stored['version'] = $version;
		$this->save( $stored );
	}

	/**
	 * Registers the option with WordPress's Settings API.
	 */
	public function register(): void {
		register_setting(
			self::GROUP,
			self::OPTION,
			array(
				'type'              => 'array',
				'sanitize_callback' => array( $this, 'sanitize' ),
				'show_in_rest'      => false,
			)
		);
	}

	/**
	 * Turns what the form sent into what is stored; what is wrong is said and left as it was.
	 *
	 * WordPress may call this twice for one save, so its own result passes unchanged.
	 *
	 * @param mixed $input The form's fields: relay_url, new_key, forget_key.
	 */
	public function sanitize( $input ): array {
		$input  = is_array( $input ) ? $input : array();
		$before = $this->stored();
		$stored = $before;
		if ( self::$saving ) {
			return $input;
		}

		if ( isset( $input['relay_url'] ) && is_string( $input['relay_url'] ) ) {
			$stored['relay_url'] = $this->sanitize_relay_url( $input['relay_url'], $stored['relay_url'] );
		}
		if ( ! empty( $input['forget_key'] ) ) {
			$stored['api_key'] = '';
		} elseif ( isset( $input['new_key'] ) && is_string( $input['new_key'] ) && '' !== trim( $input['new_key'] ) ) {
			$stored['api_key'] = $this->sanitize_key( trim( $input['new_key'] ), $stored['api_key'] );
		} elseif ( isset( $input['api_key'] ) && is_string( $input['api_key'] ) ) {
			$stored['api_key'] = $input['api_key'];
		}
		return self::hide( self::consequences( $before, $stored ) );
	}

	/**
	 * What follows from a change of the key: connecting takes nothing over, and forgetting gives everything back.
	 *
	 * @param array $before What was stored.
	 * @param array $after  What is to be stored.
	 * @return array The latter, with its consequences.
	 */
	private static function consequences( array $before, array $after ): array {
		if ( $before['api_key'] === $after['api_key'] ) {
			return $after;
		}
		if ( '' === $before['api_key'] || '' === $after['api_key'] ) {
			$after['live'] = false;
		}
		$place = '' === $after['api_key'] ? array_fill_keys( array( 'home', 'environment', 'address', 'stored' ), '' ) : Whereabouts::place();
		return array_replace( $after, $place, self::NOT_SAID );
	}

	/**
	 * Stores what our own code says.
	 *
	 * @param array $stored The option, complete.
	 */
	private function save( array $stored ): void {
		self::$saving = true;
		update_option( self::OPTION, self::hide( $stored ) );
		self::$saving = false;
	}

	/**
	 * The option as it is in the database now: what somebody else has changed since this request began must not be
	 * undone by it, and one at WP-Cron takes a minute.
	 */
	private function fresh(): array {
		wp_cache_delete( 'alloptions', 'options' );
		wp_cache_delete( self::OPTION, 'options' );
		return $this->stored();
	}

	/**
	 * The option as it is written.
	 *
	 * @param array $stored The option, complete.
	 */
	private static function hide( array $stored ): array {
		foreach ( self::PLACES as $name ) {
			$stored[ $name ] = '' === $stored[ $name ] ? '' : '=' . base64_encode( $stored[ $name ] );
		}
		return $stored;
	}

	/**
	 * The key as it is stored, sealed: the network's before the site's.
	 */
	private function sealed_key(): string {
		$network = $this->of_network()['api_key'];
		return '' === $network ? $this->stored()['api_key'] : $network;
	}

	/**
	 * What the network's administrator has set for all sites: `relay_url`, `api_key` (sealed), '' if nothing.
	 */
	private function of_network(): array {
		$option = is_multisite() ? get_site_option( self::OPTION ) : null;
		$option = is_array( $option ) ? $option : array();
		return array(
			'relay_url' => is_string( $option['relay_url'] ?? null ) ? $option['relay_url'] : '',
			'api_key'   => is_string( $option['api_key'] ?? null ) ? $option['api_key'] : '',
		);
	}

	/**
	 * The address if a relay can be there, else the earlier one and a word about why.
	 *
	 * @param string $url     What was entered.
	 * @param string $earlier What is stored.
	 */
	public function sanitize_relay_url( string $url, string $earlier ): string {
		$url = untrailingslashit( esc_url_raw( trim( $url ), array( 'http', 'https' ) ) );
		if ( '' === $url ) {
			return '';
		}
		$parts = wp_parse_url( $url );
		if ( ! is_array( $parts ) || empty( $parts['host'] ) || isset( $parts['user'] ) || isset( $parts['query'] ) || isset( $parts['fragment'] ) ) {
			$this->complain( 'relay-url', __( 'That is not the address of a relay. It looks like https://relay.example.', 'postreeve' ) );
			return $earlier;
		}
		if ( 'https' !== $parts['scheme'] && ! $this->may_be_plain( $parts['host'] ) ) {
			$this->complain( 'relay-url', __( 'The address must begin with https://, so that nobody on the way can read your API key and your mail.', 'postreeve' ) );
			return $earlier;
		}
		return $url;
	}

	/**
	 * Whether unencrypted HTTP is all right: on this machine, or where people develop.
	 *
	 * @param string $host The relay's host.
	 */
	private function may_be_plain( string $host ): bool {
		$is_here = in_array( $host, array( 'localhost', '[::1]' ), true ) || preg_match( '/^127(\.\d{1,3}){3}$/', $host );
		return $is_here || in_array( wp_get_environment_type(), array( 'local', 'development' ), true );
	}

	/**
	 * The key, sealed, if it can be one, else the earlier one and a word about why.
	 *
	 * @param string $key     What was entered.
	 * @param string $earlier What is stored.
	 */
	private function sanitize_key( string $key, string $earlier ): string {
		if ( ! self::is_key( $key ) ) {
			$this->complain( 'api-key', __( 'That is not an API key. Copy the whole key, as the relay showed it, without spaces.', 'postreeve' ) );
			return $earlier;
		}
		if ( Enrolment::is_account_key( $key ) ) {
			$this->complain( 'account-key', __( 'That is a key of your account, which opens all its sites, so no site keeps it. Enter a key of this site, or connect at a terminal: wp postreeve connect', 'postreeve' ) );
			return $earlier;
		}
		return Vault::seal( $key );
	}

	/**
	 * Whether this can be a key: one word of plain ASCII.
	 *
	 * @param string $key What was entered.
	 */
	public static function is_key( string $key ): bool {
		return 1 === preg_match( '/^[\x21-\x7e]{20,200}$/D', $key );
	}

	/**
	 * Tells the person at the form what is wrong.
	 *
	 * @param string $code A word for programs.
	 * @param string $text A sentence for people.
	 */
	private function complain( string $code, string $text ): void {
		add_settings_error( self::OPTION, $code, esc_html( $text ) );
		$this->complained = true;
	}

	/**
	 * Leads back to the form where what it has sent is wrong.
	 *
	 * @param string $url Where WordPress leads after saving.
	 */
	public function lead_back( $url ) {
		return $this->complained ? add_query_arg( 'tab', Screen::SETTINGS, $url ) : $url;
	}

	/**
	 * The option, complete whatever is in the database.
	 */
	private function stored(): array {
		$option   = get_option( self::OPTION );
		$is_known = is_array( $option );
		$option   = $is_known ? $option : array();
		$texts    = array();
		foreach ( array( 'relay_url', 'api_key', 'home', 'environment', 'address', 'stored', 'copy', 'alarm' ) as $name ) {
			$texts[ $name ] = is_string( $option[ $name ] ?? null ) ? $option[ $name ] : '';
		}
		foreach ( self::PLACES as $name ) {
			$texts[ $name ] = 0 === strpos( $texts[ $name ], '=' ) ? (string) base64_decode( substr( $texts[ $name ], 1 ) ) : $texts[ $name ];
		}
		return $texts + array(
			'aliases' => is_string( $option['aliases'] ?? null ) || is_array( $option['aliases'] ?? null ) ? $option['aliases'] : '',
			// A network's key must not take over a site where the plugin has not been yet.
			'live'    => (bool) ( $option['live'] ?? ( $is_known || ! is_multisite() ) ),
			'version' => (int) ( is_scalar( $option['version'] ?? null ) ? $option['version'] : 0 ),
		);
	}
}
