<?php
/**
 * What a site owes the people it mails.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

/**
 * Postreeve in WordPress's own privacy tools: exporting, erasing, and words for the privacy policy.
 */
final class Privacy {

	/**
	 * Where and how this site is connected.
	 */
	private Settings $settings;

	/**
	 * The relay.
	 */
	private Client $client;

	/**
	 * Where mails wait.
	 */
	private Outbox $outbox;

	/**
	 * Makes the tools.
	 *
	 * @param Settings $settings Where and how this site is connected.
	 * @param Client   $client   The relay.
	 * @param Outbox   $outbox   Where mails wait.
	 */
	public function __construct( Settings $settings, Client $client, Outbox $outbox ) {
		$this->settings = $settings;
		$this->client   = $client;
		$this->outbox   = $outbox;
	}

	/**
	 * Adds the exporter.
	 *
	 * @param array $exporters WordPress's and other plugins'.
	 */
	public function add_exporter( $exporters ): array {
		return array( 'postreeve' => array( 'exporter_friendly_name' => 'Postreeve', 'callback' => array( $this, 'export' ) ) ) + (array) $exporters;
	}

	/**
	 * Adds the eraser.
	 *
	 * @param array $erasers WordPress's and other plugins'.
	 */
	public function add_eraser( $erasers ): array {
		return array( 'postreeve' => array( 'eraser_friendly_name' => 'Postreeve', 'callback' => array( $this, 'erase' ) ) ) + (array) $erasers;
	}

	/**
	 * Everything about a person: what the relay holds, and mails to them that wait here.
	 *
	 * @param string $address The person's address.
	 * @param int    $page    Always 1.
	 */
	public function export( $address, $page = 1 ): array {
		unset( $page );
		$items = array();
		foreach ( $this->mails_to( $address ) as $row ) {
			$items[] = $this->item(
				'postreeve-outbox', __( 'Mails kept by Postreeve', 'postreeve' ), (string) $row['id'], array(
				'to'      => implode( ', ', $row['to'] ),
				'state'   => $row['state'],
				'created' => gmdate( 'c', $row['created_at'] ),
				'source'  => $row['source'],
				)
			);
		}
		if ( $this->settings->is_connected() ) {
			$answer = $this->client->ask( 'GET', '/v1/people/' . rawurlencode( $address ), Client::PATIENCE_IN_BACKGROUND );
			if ( is_wp_error( $answer ) ) {
				$answer = array( 'error' => $answer->get_error_message() );
			}
			foreach ( $answer as $name => $value ) {
				if ( null !== $value && array() !== $value && 'address' !== $name ) {
					$items[] = $this->item( 'postreeve-relay', __( 'Held by the mail relay', 'postreeve' ), (string) $name, array( $name => is_scalar( $value ) ? (string) $value : (string) wp_json_encode( $value, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE ) ) );
				}
			}
		}
		return array(
			'data' => $items,
			'done' => true,
		);
	}

	/**
	 * Erases a person: mails to them that wait here, lists they may stand in, and what the relay holds. They are not mailed newsletters again.
	 *
	 * @param string $address The person's address.
	 * @param int    $page    Always 1.
	 */
	public function erase( $address, $page = 1 ): array {
		unset( $page );
		$removed  = false;
		$retained = false;
		$messages = array();
		Desk::forget();
		foreach ( $this->mails_to( $address ) as $row ) {
			$this->outbox->leave_out( $row, $address );
			$removed = true;
		}
		if ( $this->settings->is_connected() ) {
			$answer   = Whereabouts::objection() ?? $this->client->ask( 'DELETE', '/v1/people/' . rawurlencode( $address ), Client::PATIENCE_IN_BACKGROUND );
			$retained = is_wp_error( $answer );
			$removed  = $removed || ! $retained;
			if ( is_wp_error( $answer ) ) {
				/* translators: %s: why */
				$messages[] = sprintf( __( 'The mail relay could not erase this person: %s', 'postreeve' ), $answer->get_error_message() );
			}
		}
		return array(
			'items_removed'  => $removed,
			'items_retained' => $retained,
			'messages'       => $messages,
			'done'           => true,
		);
	}

	/**
	 * Suggests words for the site's privacy policy.
	 */
	public function suggest_policy(): void {
		$text = '<p class="privacy-policy-tutorial">' . esc_html__( 'Name who runs your mail relay, and where.', 'postreeve' ) . '</p>'
			. '<p>' . esc_html__( 'Mail of this site is sent through a mail relay and Amazon SES. They get the recipient\'s address and the mail itself, and they note whether it was delivered, refused or reported as spam, so that an address that does not want or cannot take our mail is not mailed again. There are no tracking pictures and no rewritten links.', 'postreeve' ) . '</p>'
			. '<p>' . esc_html__( 'A mail that the relay cannot take at once is kept on this site, encrypted, for three days at most. Of a mail that could not be sent the address and the time are kept for a week.', 'postreeve' ) . '</p>';
		wp_add_privacy_policy_content( 'Postreeve', wp_kses_post( $text ) );
	}

	/**
	 * Mails to a person that are kept here.
	 *
	 * @param string $address The person's address.
	 */
	private function mails_to( string $address ): array {
		return array_filter(
			$this->outbox->rows(),
			static function ( $row ) use ( $address ) {
				return in_array( strtolower( $address ), array_map( 'strtolower', $row['to'] ), true );
			}
		);
	}

	/**
	 * An item as WordPress's exporter wants it.
	 *
	 * @param string $group The group's id.
	 * @param string $label The group's name.
	 * @param string $id    The item's id.
	 * @param array  $data  Values by name.
	 */
	private function item( string $group, string $label, string $id, array $data ): array {
		$fields = array();
		foreach ( $data as $name => $value ) {
			$fields[] = array(
				'name'  => $name,
				'value' => esc_html( $value ),
			);
		}
		return array(
			'group_id'    => $group,
			'group_label' => $label,
			'item_id'     => $group . '-' . $id,
			'data'        => $fields,
		);
	}
}
