<?php
/**
 * How this site's mail is, in one sentence.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * The answer first: what is the matter most of all, and what to do next.
 */
final class Summary {

	/**
	 * The kind of WordPress notice that fits: success, info, warning or error.
	 */
	public string $notice;

	/**
	 * The state in a word, for programs.
	 */
	public string $code;

	/**
	 * The state in a few words.
	 */
	public string $title;

	/**
	 * What follows from it.
	 */
	public string $text;

	/**
	 * What to do next: a label and an address, or an empty array.
	 */
	public array $next;

	/**
	 * Makes a summary.
	 *
	 * @param string   $notice The kind of WordPress notice that fits.
	 * @param string   $code   The state in a word.
	 * @param string   $title  The state in a few words.
	 * @param string   $text   What follows from it.
	 * @param string[] $next   What to do next: a label and an address.
	 */
	private function __construct( string $notice, string $code, string $title, string $text, array $next = array() ) {
		$this->notice = $notice;
		$this->code   = $code;
		$this->title  = $title;
		$this->text   = $text;
		$this->next   = $next;
	}

	/**
	 * Finds the one thing to say. What stops mail comes first, what only delays it later, and good news last.
	 *
	 * @param Settings    $settings    Where and how this site is connected.
	 * @param Whereabouts $whereabouts Whether this is the site that was connected.
	 * @param Outbox      $outbox      Where mails wait.
	 * @param Connection  $connection  How the connection is.
	 * @param array       $answer      What the relay says about this site.
	 */
	public static function of( Settings $settings, Whereabouts $whereabouts, Outbox $outbox, Connection $connection, array $answer ): self {
		if ( $settings->is_off() ) {
			return new self( 'warning', 'off', __( 'Switched off.', 'postreeve' ), self::off( $outbox ) );
		}
		if ( $settings->is_in_charge() && $whereabouts->is_elsewhere() ) {
			$is_copy = $whereabouts->is_copy();
			$title   = $is_copy ? __( 'Postreeve: this copy sends no mail.', 'postreeve' ) : __( 'Postreeve: no mail leaves this site.', 'postreeve' );
			$way     = $is_copy ? array() : array( __( 'Say whether it has moved or is a copy', 'postreeve' ), Screen::url() );
			return new self( $is_copy ? 'info' : 'error', 'elsewhere', $title, $whereabouts->sentence(), $way );
		}
		$counts = $outbox->counts();
		$next   = $outbox->next();
		$takes  = in_array( $connection->state(), array( Connection::READY, 'warned' ), true );
		if ( $outbox->is_full() ) {
			$cause = $takes ? '' : $connection->title() . ' ';
			return new self( 'error', 'full', __( 'Too much mail is kept here.', 'postreeve' ), $cause . self::full( $outbox ), self::way_out( $connection->state() ) );
		}
		if ( ! $takes ) {
			$text = $connection->text();
			if ( null !== $next ) {
				/* translators: 1: number of mails, 2: a span such as "3 minutes" */
				$text .= ' ' . sprintf( __( 'Mails kept here until then: %1$s, the oldest for %2$s.', 'postreeve' ), Words::count( $counts[ Outbox::WAITING ] ), human_time_diff( $next['since'] ) );
			}
			$way = 'pending' === $connection->state() && array() !== Status_Page::policy( $answer ) ? self::rules() : self::way_out( $connection->state() );
			return new self( $connection->notice(), $connection->state(), $connection->title(), $text, $way );
		}
		if ( $settings->is_live() ) {
			foreach ( Conflicts::found() as $conflict ) {
				if ( $conflict['harm'] ) {
					return new self( 'error', 'conflict', __( 'Another plugin takes this site\'s mail.', 'postreeve' ), Conflicts::sentence( $conflict ), array( __( 'Open Plugins', 'postreeve' ), admin_url( 'plugins.php' ) ) );
				}
			}
		}
		if ( $counts[ Outbox::PARKED ] > 0 ) {
			return new self( 'error', 'parked', __( 'Some mails are parked.', 'postreeve' ), __( 'The relay refused them for a reason you can put right; then send them below.', 'postreeve' ) );
		}
		if ( null !== $next && $next['since'] < time() - Alarm::LATE ) {
			/* translators: %s: a span such as "2 hours" */
			return new self( 'warning', 'waits', __( 'Mail waits.', 'postreeve' ), sprintf( __( 'The oldest has waited for %s. It goes out by itself when the relay takes it.', 'postreeve' ), human_time_diff( $next['since'] ) ) );
		}
		$failing = Account::failing( $answer );
		if ( '' !== $failing ) {
			list( $title, $text ) = self::failing( $failing );
			return new self( 'warning', 'failing', $title, $text, self::way_out( Connection::NOT_READY ) );
		}
		if ( 'warned' === $connection->state() ) {
			return new self( 'warning', 'warned', $connection->title(), __( 'Mail goes out. What has to get better stands below.', 'postreeve' ) );
		}
		if ( ! $settings->is_live() ) {
			return new self( 'info', Connection::READY, __( 'Connected and ready.', 'postreeve' ), __( 'Send a test mail; when it has arrived, go live. Until then this site mails as it did before.', 'postreeve' ) );
		}
		$policy = Status_Page::policy( $answer );
		if ( array() !== $policy ) {
			return new self( 'info', 'policy', __( 'Mail goes out, and there is something to read.', 'postreeve' ), $policy['title'], self::rules() );
		}
		$today = $answer['usage']['day']['recipients'] ?? null;
		/* translators: %s: number of mails */
		$text = is_numeric( $today ) ? sprintf( _n( 'The relay has taken %s mail today (UTC).', 'The relay has taken %s mails today (UTC).', (int) $today, 'postreeve' ), Words::count( $today ) ) : __( 'The relay sends this site\'s mail.', 'postreeve' );
		return new self( 'success', Connection::READY, __( 'All well.', 'postreeve' ), $text );
	}

	/**
	 * Where Postreeve was switched off, and what that does.
	 *
	 * @param Outbox $outbox Where mails wait.
	 */
	public static function off( Outbox $outbox ): string {
		$text = Given::sentence( Given::OFF ) . ' ' . __( 'WordPress sends this site\'s mail by itself.', 'postreeve' );
		$kept = array_sum( array_diff_key( $outbox->counts(), array( Outbox::FAILED => 0 ) ) );
		if ( $kept > 0 ) {
			/* translators: %s: number of mails */
			$text .= ' ' . sprintf( __( 'Mails kept here that do not go out meanwhile: %s.', 'postreeve' ), Words::count( $kept ) );
		}
		return $text;
	}

	/**
	 * How much is kept, what that does to new mail, and what to do.
	 *
	 * @param Outbox $outbox Where mails wait.
	 */
	public static function full( Outbox $outbox ): string {
		if ( Given::is_of_environment( Given::OUTBOX_LIMIT ) ) {
			/* translators: 1: a size such as "490 MB", 2: a size such as "500 MB", 3: a variable's name */
			$text = __( 'Mails that wait or are parked take %1$s of %2$s. New mail that does not fit fails. Put right what keeps them here, or raise %3$s in the environment.', 'postreeve' );
		} else {
			/* translators: 1: a size such as "490 MB", 2: a size such as "500 MB", 3: a constant's name */
			$text = __( 'Mails that wait or are parked take %1$s of %2$s. New mail that does not fit fails. Put right what keeps them here, or raise %3$s in wp-config.php.', 'postreeve' );
		}
		return sprintf( $text, size_format( $outbox->held() ), size_format( Outbox::limit() ), Given::OUTBOX_LIMIT );
	}

	/**
	 * That a domain's DNS records are gone, and what that does: a title and a sentence.
	 *
	 * @param string $domain Its name.
	 */
	public static function failing( string $domain ): array {
		return array( Words::sentence( "$domain: " . Words::domain( 'failing' )[1] ), __( 'Mail still goes out, and stops after three days. Publish the records again.', 'postreeve' ) );
	}

	/**
	 * Where the relay's rules are read and accepted.
	 */
	private static function rules(): array {
		return array( __( 'Read and accept the rules', 'postreeve' ), Screen::url() . '#postreeve-policy' );
	}

	/**
	 * Where to put right what is the matter.
	 *
	 * @param string $state A state of the connection.
	 */
	private static function way_out( string $state ): array {
		$settings = Screen::url( array( 'tab' => 'settings' ) );
		$standing = array( __( 'What goes out, and how to appeal', 'postreeve' ), '#postreeve-standing' );
		$ways     = array(
			'limited'                  => $standing,
			'suspended'                => $standing,
			'terminated'               => $standing,
			Connection::NOT_CONNECTED  => array( __( 'Connect this site', 'postreeve' ), $settings ),
			Connection::KEY_UNREADABLE => array( __( 'Enter the key again', 'postreeve' ), $settings ),
			Connection::NOT_READY      => array( __( 'Verify the domain', 'postreeve' ), Screen::url( array( 'tab' => 'domain' ) ) ),
			'key-invalid'              => array( __( 'Connect anew', 'postreeve' ), $settings ),
			'scope-missing'            => array( __( 'Connect anew', 'postreeve' ), $settings ),
			'key-site-mismatch'        => array( __( 'Connect anew', 'postreeve' ), $settings ),
			Problems::UNREACHABLE      => array( __( 'Ask again', 'postreeve' ), Screen::url( array( 'fresh' => '1' ) ) ),
			Problems::UNEXPECTED       => array( __( 'Check the address', 'postreeve' ), $settings ),
		);
		return $ways[ $state ] ?? array();
	}
}
