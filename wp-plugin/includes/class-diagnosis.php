<?php
/**
 * Why a mail came back, in plain words.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Puts a relay's diagnosis of a refusal into the reader's language: what happened, why, what follows, what to do.
 */
final class Diagnosis {

	/**
	 * The sentences about the latest refusal of a copy, or an empty array: `happened`, `why`, `follows`, `do`, and the
	 * server's own `code` and `words`.
	 *
	 * @param array $recipient One recipient of a message.
	 */
	public static function of( array $recipient ): array {
		foreach ( array_reverse( Screen::list_of( $recipient, 'events' ) ) as $event ) {
			$data = is_array( $event['data'] ?? null ) ? $event['data'] : array();
			if ( is_array( $data['diagnosis'] ?? null ) ) {
				return self::sentences( $data, Problems::clean( $recipient['address'] ?? '' ) );
			}
		}
		return array();
	}

	/**
	 * Why a copy is where it is, in a sentence, or ''.
	 *
	 * @param array $recipient One recipient of a message.
	 */
	public static function reason( array $recipient ): string {
		$reason = is_array( $recipient['reason'] ?? null ) ? $recipient['reason'] : array();
		$told   = array( Problems::clean( $reason['reason'] ?? ( $reason['code'] ?? '' ) ), Problems::clean( $reason['title'] ?? '' ) );
		return 'suppressed' === ( $recipient['status'] ?? '' ) && '' !== $told[1] ? Terms::suppression( ...$told ) : Screen::reason_of( $recipient );
	}

	/**
	 * The sentences.
	 *
	 * @param array  $data    What the event holds: `diagnosis`, `follows`, `diagnosticCode`.
	 * @param string $address Whom the mail was for.
	 */
	private static function sentences( array $data, string $address ): array {
		$found      = $data['diagnosis'];
		$parameters = is_array( $found['parameters'] ?? null ) ? $found['parameters'] : array();
		$server     = self::server( Problems::clean( $parameters['domain'] ?? '' ), Problems::clean( $found['vendor'] ?? '' ) );
		$words      = self::words()[ Problems::clean( $found['class'] ?? '' ) ] ?? array();
		if ( array() === $words ) {
			$words = array( Words::sentence( Problems::clean( $found['summary'] ?? '' ) ), Problems::clean( $found['explanation'] ?? '' ), '' );
		}
		$filled = array();
		foreach ( $words as $sentence ) {
			$filled[] = str_replace( array( '{server}', '{recipient}' ), array( $server, $address ), $sentence );
		}
		return array(
			'happened' => $filled[0],
			'why'      => $filled[1],
			'follows'  => self::follows( is_array( $data['follows'] ?? null ) ? $data['follows'] : array() ),
			'do'       => $filled[2],
			'code'     => Problems::clean( $parameters['code'] ?? '' ),
			'words'    => Problems::clean( $data['diagnosticCode'] ?? '' ),
		);
	}

	/**
	 * What the receiving server is called.
	 *
	 * @param string $domain The part after the @.
	 * @param string $vendor Whose product it is, if known: "microsoft-365".
	 */
	private static function server( string $domain, string $vendor ): string {
		/* translators: %s: a domain */
		$server = sprintf( __( 'The mail server of %s', 'postreeve' ), $domain );
		return '' === $vendor ? $server : $server . ' (' . ucwords( str_replace( '-', ' ', $vendor ) ) . ')';
	}

	/**
	 * What follows from the refusal.
	 *
	 * @param array $follows The relay's word and, perhaps, until when.
	 */
	private static function follows( array $follows ): string {
		$words = array(
			'suppress' => __( 'The relay does not mail this address any more.', 'postreeve' ),
			'dispute'  => __( 'The address was good lately, so the refusal is doubted: one more mail will tell.', 'postreeve' ),
			'cool-off' => __( 'The relay leaves the address alone for a while.', 'postreeve' ),
			're-probe' => __( 'The address is probably fine. The relay tries once more.', 'postreeve' ),
			'nothing'  => __( 'The address stays as it is.', 'postreeve' ),
		);
		$code  = Problems::clean( $follows['code'] ?? '' );
		$text  = $words[ $code ] ?? '';
		$until = Words::date( $follows['at'] ?? '' );
		return '' === $text || '' === $until ? $text : $text . ' (' . $until . ')';
	}

	/**
	 * By class of refusal: what happened, why, and what to do.
	 */
	private static function words(): array {
		$nothing = __( 'Nothing needs to be done.', 'postreeve' );
		$later   = __( 'Nothing needs to be done unless it lasts for weeks.', 'postreeve' );
		$domain  = __( 'Open the tab Domain, publish the records it shows, and send the mail again.', 'postreeve' );
		$contest = __( 'If you know that the address is right, say so below, and one more mail is tried.', 'postreeve' );
		return array(
			'invalid_recipient'     => array(
				__( '{server} says that {recipient} does not exist.', 'postreeve' ),
				__( 'The address was mistyped, or the person has left.', 'postreeve' ),
				__( 'Correct the address and send the mail again, or take it out of your lists.', 'postreeve' ) . ' ' . $contest,
			),
			'bad_domain'            => array(
				__( 'The domain of {recipient} does not receive mail.', 'postreeve' ),
				__( 'It does not exist, has expired, or says that it takes no mail.', 'postreeve' ),
				__( 'Look for a typing mistake in the part after the @.', 'postreeve' ),
			),
			'suppressed'            => array(
				__( 'Amazon SES did not even try to send this mail.', 'postreeve' ),
				__( 'It lists {recipient} as undeliverable, because mail there came back lately.', 'postreeve' ),
				$contest,
			),
			'inactive_mailbox'      => array(
				__( 'The mailbox of {recipient} is closed or out of use.', 'postreeve' ),
				__( 'Providers close mailboxes that nobody opens, and companies those of people who have left.', 'postreeve' ),
				__( 'If you know the person, ask for another address.', 'postreeve' ),
			),
			'mailbox_full'          => array(
				__( 'The mailbox of {recipient} is full.', 'postreeve' ),
				__( 'Its owner has not made room for some time.', 'postreeve' ),
				$nothing,
			),
			'message_too_large'     => array(
				__( 'This mail is larger than {server} accepts.', 'postreeve' ),
				__( 'Many servers refuse mails with large attachments.', 'postreeve' ),
				__( 'Send a link in place of the attachment.', 'postreeve' ),
			),
			'rate_limited'          => array(
				__( '{server} asked for fewer mails at a time.', 'postreeve' ),
				__( 'It received many in a short time.', 'postreeve' ),
				$nothing,
			),
			'spam_block'            => array(
				__( '{server} refused this mail because of where it came from.', 'postreeve' ),
				__( 'The sending server or your domain is on a block list, or has too poor a name there.', 'postreeve' ),
				__( 'If it happens at several companies, tell whoever runs the relay.', 'postreeve' ),
			),
			'spam_content'          => array(
				__( '{server} took this mail for spam.', 'postreeve' ),
				__( 'Its filter judged the text, the links or the look of the mail.', 'postreeve' ),
				__( 'Shorten the mail, link only to your own domain, and send it again.', 'postreeve' ),
			),
			'virus_detected'        => array(
				__( '{server} refused an attachment of this mail.', 'postreeve' ),
				__( 'It holds a virus, or is of a kind that is not let in there.', 'postreeve' ),
				__( 'Check the attachment; send a link to it if it is clean.', 'postreeve' ),
			),
			'policy_related'        => array(
				__( '{server} refused this mail because of its own rule.', 'postreeve' ),
				__( 'That is the decision of the people who run it, not a fault of the address.', 'postreeve' ),
				__( 'You can send their IT department the time and the code below.', 'postreeve' ),
			),
			'authentication_failed' => array(
				__( '{server} could not make sure that this mail is really from your domain.', 'postreeve' ),
				__( 'One of the proofs that servers ask for (SPF, DKIM, DMARC) is missing or wrong.', 'postreeve' ),
				$domain,
			),
			'invalid_sender'        => array(
				__( '{server} does not accept the sender of this mail.', 'postreeve' ),
				__( 'The sender\'s domain does not exist in DNS, or is blocked there.', 'postreeve' ),
				$domain,
			),
			'relay_denied'          => array(
				__( 'The server that answers for the domain of {recipient} does not take mail for it.', 'postreeve' ),
				__( 'The domain points to the wrong server, often after a move.', 'postreeve' ),
				__( 'If you know the recipient, tell them in another way: nobody can write to them.', 'postreeve' ),
			),
			'protocol_errors'       => array(
				__( '{server} could not read this mail.', 'postreeve' ),
				__( 'Something in its form is not as the standard asks.', 'postreeve' ),
				__( 'If it happens at several companies, look for an update of the plugin that wrote the mail.', 'postreeve' ),
			),
			'network_failure'       => array(
				__( '{server} could not be reached.', 'postreeve' ),
				__( 'It did not answer, or the way there was broken.', 'postreeve' ),
				$later,
			),
			'transient_failure'     => array(
				__( '{server} put this mail off.', 'postreeve' ),
				__( 'It is busy, has trouble of its own, or does so with every sender it does not know yet.', 'postreeve' ),
				$later,
			),
			'auto_reply'            => array(
				__( '{recipient} answered automatically.', 'postreeve' ),
				__( 'Most often that is an out-of-office note. The mail counts as delivered.', 'postreeve' ),
				$nothing,
			),
			'undetermined'          => array(
				__( '{server} sent this mail back without saying clearly why.', 'postreeve' ),
				__( 'Its own words are below.', 'postreeve' ),
				__( 'If you can make more of them, act on them; else wait for the next mail.', 'postreeve' ),
			),
		);
	}
}
