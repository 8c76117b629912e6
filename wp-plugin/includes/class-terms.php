<?php
/**
 * How limits, lanes, records and reasons are called.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * More of the relay's words for programs, in words for people.
 */
final class Terms {

	/**
	 * A kind of mail.
	 *
	 * @param string $lane The relay's word for a lane or a stream.
	 */
	public static function lane( string $lane ): string {
		$words = array(
			'protected'     => __( 'Security mail (password resets and the like)', 'postreeve' ),
			'transactional' => __( 'Receipts, form mail and the like', 'postreeve' ),
			'notification'  => __( 'Notifications', 'postreeve' ),
			'marketing'     => __( 'Newsletters', 'postreeve' ),
		);
		return $words[ $lane ] ?? $lane;
	}

	/**
	 * What becomes of new mail: a tone and a word or two.
	 *
	 * @param string $fate The relay's word.
	 */
	public static function fate( string $fate ): array {
		$words = array(
			'goes'    => array( Words::GOOD, __( 'Goes out', 'postreeve' ) ),
			'held'    => array( Words::WAITING, __( 'Waits at the relay', 'postreeve' ) ),
			'refused' => array( Words::BAD, __( 'Is refused', 'postreeve' ) ),
		);
		return $words[ $fate ] ?? array( Words::QUIET, $fate );
	}

	/**
	 * A state of an account, a site or a stream: a tone and a word or two.
	 *
	 * @param string $state The relay's word.
	 */
	public static function standing( string $state ): array {
		$words = array(
			'pending'    => array( Words::WAITING, __( 'Waiting for approval', 'postreeve' ) ),
			'active'     => array( Words::GOOD, __( 'In good standing', 'postreeve' ) ),
			'warned'     => array( Words::WAITING, __( 'Warned', 'postreeve' ) ),
			'limited'    => array( Words::BAD, __( 'Limited', 'postreeve' ) ),
			'suspended'  => array( Words::BAD, __( 'Suspended', 'postreeve' ) ),
			'terminated' => array( Words::BAD, __( 'Closed', 'postreeve' ) ),
		);
		return $words[ $state ] ?? array( Words::QUIET, $state );
	}

	/**
	 * What a decision was about.
	 *
	 * @param string $cause The relay's word.
	 */
	public static function cause( string $cause ): string {
		$words = array(
			'phishing'          => __( 'mail that tries to steal passwords', 'postreeve' ),
			'malware'           => __( 'mail with malicious software', 'postreeve' ),
			'stolen-key'        => __( 'a stolen API key', 'postreeve' ),
			'invalid-addresses' => __( 'too many addresses that do not exist', 'postreeve' ),
			'complaints'        => __( 'too many complaints of readers', 'postreeve' ),
			'spam'              => __( 'unwanted mail', 'postreeve' ),
			'other'             => __( 'something else', 'postreeve' ),
		);
		return $words[ $cause ] ?? $cause;
	}

	/**
	 * A limit.
	 *
	 * @param string $limit The relay's word.
	 */
	public static function limit( string $limit ): string {
		$words = array(
			'site-second'    => __( 'This second', 'postreeve' ),
			'site-hour'      => __( 'This hour', 'postreeve' ),
			'site-day'       => __( 'Today', 'postreeve' ),
			'account-second' => __( 'This second, all sites of the account', 'postreeve' ),
			'account-hour'   => __( 'This hour, all sites of the account', 'postreeve' ),
			'account-day'    => __( 'Today, all sites of the account', 'postreeve' ),
			'first-contacts' => __( 'People never mailed before, this hour', 'postreeve' ),
		);
		return $words[ $limit ] ?? '';
	}

	/**
	 * Why accepted mail waits.
	 *
	 * @param string $code  The relay's word.
	 * @param string $title The relay's sentence.
	 */
	public static function wait( string $code, string $title ): string {
		$words = array(
			'next-window' => __( 'for the next hour or day: the allowance of this one is used', 'postreeve' ),
			'warm-up'     => __( 'because the site is still being warmed up', 'postreeve' ),
			'canary'      => __( 'for the result of the first few', 'postreeve' ),
			'young-sites' => __( 'because young sites share an allowance, and it is used for today', 'postreeve' ),
		);
		return $words[ $code ] ?? $title;
	}

	/**
	 * A rule by which a site is judged.
	 *
	 * @param string $rule The relay's word.
	 */
	public static function rule( string $rule ): string {
		$words = array(
			'invalid-addresses' => __( 'Addresses that do not exist', 'postreeve' ),
			'complaints'        => __( 'Complaints', 'postreeve' ),
			'spam-refusals'     => __( 'Refused as spam', 'postreeve' ),
			'people-leave'      => __( 'Readers who left', 'postreeve' ),
			'abuse-reports'     => __( 'Reports of abuse', 'postreeve' ),
		);
		return $words[ $rule ] ?? $rule;
	}

	/**
	 * Why an address is not mailed.
	 *
	 * @param string $reason The relay's word.
	 * @param string $title  The relay's sentence.
	 */
	public static function suppression( string $reason, string $title ): string {
		$words = array(
			'invalid-address'  => __( 'Mail came back: the mailbox does not exist.', 'postreeve' ),
			'complaint'        => __( 'The person marked mail of this site as spam.', 'postreeve' ),
			'provider-list'    => __( 'Amazon SES lists the address as undeliverable.', 'postreeve' ),
			'mailbox-full'     => __( 'The mailbox was full for weeks.', 'postreeve' ),
			'inactive-mailbox' => __( 'The mailbox was out of use, and still was weeks later.', 'postreeve' ),
			'unknown-address'  => __( 'The mailbox does not exist, as another mail proved lately.', 'postreeve' ),
			'disputed'         => __( 'The address is contested; one more mail will tell.', 'postreeve' ),
			'cool-off'         => __( 'The mailbox is full or out of use; it is left alone for a while.', 'postreeve' ),
			'manual'           => __( 'It was put on the list by hand.', 'postreeve' ),
			'never-subscribed' => __( 'The person never subscribed to this list.', 'postreeve' ),
			'unconfirmed'      => __( 'The person has not confirmed the subscription yet.', 'postreeve' ),
			'unsubscribed'     => __( 'The person has unsubscribed from this list.', 'postreeve' ),
			'opted-out'        => __( 'The person wants no more mail of this kind.', 'postreeve' ),
		);
		return $words[ $reason ] ?? Words::sentence( $title );
	}

	/**
	 * Where a suppression stands: a tone and a word.
	 *
	 * @param array $entry The relay's entry.
	 */
	public static function ending( array $entry ): array {
		if ( empty( $entry['ended_at'] ) ) {
			return array( Words::BAD, __( 'Not mailed', 'postreeve' ) );
		}
		return 'contested' === ( $entry['ending'] ?? '' ) ? array( Words::WAITING, __( 'Contested', 'postreeve' ) ) : array( Words::QUIET, __( 'Over', 'postreeve' ) );
	}

	/**
	 * What happened to a suppressed address.
	 *
	 * @param string $code  The relay's word.
	 * @param string $title The relay's sentence.
	 */
	public static function moment( string $code, string $title ): string {
		$words = array(
			'contested'     => __( 'You contested it: one mail will tell', 'postreeve' ),
			'lifted'        => __( 'You lifted it', 'postreeve' ),
			'disputed'      => __( 'The address waits for one more try', 'postreeve' ),
			'probed'        => __( 'One more mail was sent to find out', 'postreeve' ),
			'cleared'       => __( 'Mail was delivered: the address is right', 'postreeve' ),
			'suppressed'    => __( 'The address is not mailed any more', 'postreeve' ),
			'refused-again' => __( 'It was refused again', 'postreeve' ),
			'next-mail'     => __( 'The next mail will tell', 'postreeve' ),
			'no-answer'     => __( 'Nothing was heard of it', 'postreeve' ),
			'over'          => __( 'The pause is over', 'postreeve' ),
		);
		return $words[ $code ] ?? $title;
	}

	/**
	 * What a DNS record is for.
	 *
	 * @param string $key     The relay's word: `ownership`, `dkim-1` …
	 * @param string $purpose The relay's sentence.
	 */
	public static function purpose( string $key, string $purpose ): string {
		$words = array(
			'ownership'     => __( 'Proves that the domain is yours', 'postreeve' ),
			'dkim'          => __( 'Signs your mail (DKIM)', 'postreeve' ),
			'mail-from-mx'  => __( 'Brings bounces home', 'postreeve' ),
			'mail-from-spf' => __( 'Says who sends for you (SPF)', 'postreeve' ),
			'spf'           => __( 'Says who sends for you (SPF)', 'postreeve' ),
			'dmarc'         => __( 'Tells others what to do with forgeries (DMARC)', 'postreeve' ),
			'mx'            => __( 'Lets the domain receive mail', 'postreeve' ),
		);
		return $words[ preg_replace( '/^(dkim)-?\d*$/', '$1', $key ) ] ?? $purpose;
	}

	/**
	 * What was found of a DNS record: a tone and a word.
	 *
	 * @param string $result The relay's word.
	 */
	public static function result( string $result ): array {
		$words = array(
			'pass' => array( Words::GOOD, __( 'Found', 'postreeve' ) ),
			'fail' => array( Words::BAD, __( 'Not right yet', 'postreeve' ) ),
		);
		return $words[ $result ] ?? array( Words::WAITING, __( 'Not known yet', 'postreeve' ) );
	}
}
