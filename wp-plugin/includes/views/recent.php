<?php
/**
 * The latest mails, one line for each copy.
 *
 * @package Postreeve
 * @var array $arguments `messages` (array or WP_Error).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$messages = $arguments['messages'];
?>
<h2><?php esc_html_e( 'Recent mails', 'postreeve' ); ?></h2>
<?php if ( is_wp_error( $messages ) ) : ?>
	<div class="notice notice-error inline"><p><?php echo esc_html( $messages->get_error_message() ); ?></p></div>
<?php elseif ( array() === $messages ) : ?>
	<p><?php esc_html_e( 'None yet. As soon as this site sends a mail, you see here what became of it.', 'postreeve' ); ?></p>
<?php else : ?>
	<table class="wp-list-table widefat fixed striped postreeve-mails">
		<thead>
			<tr>
				<th scope="col" class="column-primary"><?php esc_html_e( 'To', 'postreeve' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Subject', 'postreeve' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Status', 'postreeve' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Accepted', 'postreeve' ); ?></th>
			</tr>
		</thead>
		<tbody>
			<?php
			foreach ( $messages as $message ) :
				foreach ( Screen::list_of( $message, 'recipients' ) as $recipient ) :
					?>
					<tr class="is-expanded">
						<td class="column-primary">
							<a class="row-title" href="<?php echo esc_url( Screen::url( array( 'message' => rawurlencode( Problems::clean( $message['id'] ?? '' ) ) ) ) ); ?>"><?php echo esc_html( Problems::clean( $recipient['address'] ?? '' ) ); ?></a>
						</td>
						<td data-colname="<?php esc_attr_e( 'Subject', 'postreeve' ); ?>"><?php echo esc_html( Problems::clean( $message['subject'] ?? '' ) ); ?></td>
						<td data-colname="<?php esc_attr_e( 'Status', 'postreeve' ); ?>"><?php require __DIR__ . '/status.php'; ?></td>
						<td data-colname="<?php esc_attr_e( 'Accepted', 'postreeve' ); ?>"><?php echo esc_html( Words::time( $message['accepted_at'] ?? '' ) ); ?></td>
					</tr>
					<?php
				endforeach;
			endforeach;
			?>
		</tbody>
	</table>
	<p class="description"><?php esc_html_e( 'Asked from the relay just now; WordPress keeps no list of its own.', 'postreeve' ); ?></p>
<?php endif; ?>
