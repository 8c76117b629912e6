<?php
/**
 * How this site and its relay get on.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * The state of the connection, found by asking the relay, and never before there is one to ask.
 */
final class Connection {

	const READY          = 'ready';
	const NOT_READY      = 'not-ready';
	const NOT_CONNECTED  = 'not-connected';
	const KEY_UNREADABLE = 'key-unreadable';

	/**
	 * States of an account or a site that change what is sent, the strictest first.
	 */
	const STANDINGS = array( 'terminated', 'suspended', 'limited', 'pending', 'warned' );

	/**
	 * A constant above, one of STANDINGS, or the code of a problem.
	 */
	private string $state;

	/**
	 * What the relay said, or an empty array.
	 */
	private array $answer;

	/**
	 * The problem in words, or ''.
	 */
	private string $problem;

	/**
	 * Makes a connection's state.
	 *
	 * @param string $state   A constant of this class, one of STANDINGS, or the code of a problem.
	 * @param array  $answer  What the relay said.
	 * @param string $problem The problem in words.
	 */
	private function __construct( string $state, array $answer = array(), string $problem = '' ) {
		$this->state   = $state;
		$this->answer  = $answer;
		$this->problem = $problem;
	}

	/**
	 * Finds out.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 * @param Account  $account  What the relay says about this site.
	 */
	public static function check( Settings $settings, Account $account ): self {
		$nobody = Settings::KEY_UNREADABLE === $settings->key_state() || ! $settings->is_connected();
		$answer = $nobody ? array() : $account->ask();
		return self::of( $settings, is_wp_error( $answer ) ? new Reading( null, 0, $answer ) : new Reading( $answer, time() ) );
	}

	/**
	 * The same, from what the relay has said already.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 * @param Reading  $reading  What the relay says about this site.
	 */
	public static function of( Settings $settings, Reading $reading ): self {
		if ( Settings::KEY_UNREADABLE === $settings->key_state() ) {
			return new self( self::KEY_UNREADABLE );
		}
		if ( ! $settings->is_connected() ) {
			return new self( self::NOT_CONNECTED );
		}
		$problem = $reading->problem();
		if ( null !== $problem ) {
			return new self( (string) $problem->get_error_code(), $reading->answer(), $problem->get_error_message() );
		}
		return new self( self::standing( $reading->answer() ), $reading->answer() );
	}

	/**
	 * The word for this state.
	 */
	public function state(): string {
		return $this->state;
	}

	/**
	 * Whether the relay told us about this site.
	 */
	public function is_known(): bool {
		return array() !== $this->answer;
	}

	/**
	 * The kind of WordPress notice that fits: success, info, warning or error.
	 */
	public function notice(): string {
		$notices = array(
			self::READY         => 'success',
			self::NOT_CONNECTED => 'info',
			self::NOT_READY     => 'warning',
			'warned'            => 'warning',
			'limited'           => 'warning',
			'pending'           => 'warning',
			'account-pending'   => 'warning',
		);
		return $notices[ $this->state ] ?? 'error';
	}

	/**
	 * The state in a few words.
	 */
	public function title(): string {
		$titles = array(
			self::READY          => __( 'Connected and ready.', 'postreeve' ),
			self::NOT_READY      => __( 'Connected, but not ready yet.', 'postreeve' ),
			self::NOT_CONNECTED  => __( 'Not connected yet.', 'postreeve' ),
			self::KEY_UNREADABLE => __( 'The API key has to be entered again.', 'postreeve' ),
			'pending'            => __( 'Connected, and waiting for approval.', 'postreeve' ),
			'warned'             => __( 'Connected, with a warning.', 'postreeve' ),
			'limited'            => __( 'Connected, and partly held.', 'postreeve' ),
			'suspended'          => __( 'Suspended.', 'postreeve' ),
			'terminated'         => __( 'Closed.', 'postreeve' ),
			'key-invalid'        => __( 'The API key is not valid.', 'postreeve' ),
			'account-pending'    => __( 'Waiting for approval.', 'postreeve' ),
			'account-suspended'  => __( 'Suspended.', 'postreeve' ),
			'scope-missing'      => __( 'The API key may not read.', 'postreeve' ),
			'limit-reached'      => __( 'Too many questions for the moment.', 'postreeve' ),

			Problems::UNREACHABLE => __( 'The relay cannot be reached.', 'postreeve' ),
			Problems::BLOCKED     => __( 'WordPress may not talk to the relay.', 'postreeve' ),
			Problems::UNEXPECTED  => __( 'No relay at this address.', 'postreeve' ),
		);
		return $titles[ $this->state ] ?? __( 'The relay has a problem.', 'postreeve' );
	}

	/**
	 * What follows from the state, and what to do.
	 */
	public function text(): string {
		$texts = array(
			self::READY          => __( 'The relay can send this site\'s mail.', 'postreeve' ),
			self::NOT_READY      => __( 'The relay refuses this site\'s mail until a sending domain of yours is verified there.', 'postreeve' ),
			self::NOT_CONNECTED  => __( 'WordPress sends this site\'s mail by itself. To change that, connect it with your relay.', 'postreeve' ),
			self::KEY_UNREADABLE => __( 'It was sealed with the secret salts in wp-config.php, and those have changed. Until then WordPress sends this site\'s mail by itself.', 'postreeve' ),
			'pending'            => __( 'Somebody at the relay looks at every new account. Until then only mail to the account\'s owner goes out.', 'postreeve' ),
			'warned'             => __( 'Mail goes out. The relay has told the account\'s owner by mail what has to get better.', 'postreeve' ),
			'limited'            => __( 'Receipts and resets go out; newsletters and notifications wait. The relay has told the account\'s owner by mail why.', 'postreeve' ),
			'suspended'          => __( 'The relay has stopped this site\'s mail and has told the account\'s owner by mail why, and how to appeal.', 'postreeve' ),
			'terminated'         => __( 'The relay does not send mail for this account any more.', 'postreeve' ),
			'scope-missing'      => __( 'Mail may still go out, but its status cannot be shown here. Make a key that may also read.', 'postreeve' ),
		);
		return $texts[ $this->state ] ?? $this->problem;
	}

	/**
	 * A piece of what the relay said, as plain text: `text( 'account', 'name' )`.
	 *
	 * @param string ...$path The members' names, from outside in.
	 */
	public function detail( string ...$path ): string {
		$value = $this->answer;
		foreach ( $path as $name ) {
			$value = is_array( $value ) ? ( $value[ $name ] ?? '' ) : '';
		}
		return Problems::clean( $value );
	}

	/**
	 * The stricter state of account and site; both well, whether mail can go out.
	 *
	 * @param array $answer What the relay said.
	 */
	public static function standing( array $answer ): string {
		$states = array( $answer['account']['state'] ?? '', $answer['site']['state'] ?? '' );
		foreach ( self::STANDINGS as $standing ) {
			if ( in_array( $standing, $states, true ) ) {
				return $standing;
			}
		}
		return empty( $answer['ready'] ) ? self::NOT_READY : self::READY;
	}
}
