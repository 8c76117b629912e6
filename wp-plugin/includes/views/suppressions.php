<?php
/**
 * The addresses that are not mailed.
 *
 * @package Postreeve
 * @var array $arguments `reading` (Reading).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$reading = $arguments['reading'];
$entries = $reading->list_of( 'suppressions' );
$older   = Problems::clean( $reading->answer()['next_cursor'] ?? '' );
$here    = array(
	'tab'  => Screen::MAILS,
	'view' => 'suppressions',
);
?>
<p><a href="<?php echo esc_url( Screen::url( array( 'tab' => Screen::MAILS ) ) ); ?>"><?php esc_html_e( 'Back to all mails', 'postreeve' ); ?></a></p>
<h2><?php esc_html_e( 'Addresses not mailed', 'postreeve' ); ?></h2>
<?php View::age( $reading ); ?>
<?php if ( array() === $entries && $reading->is_known() ) : ?>
	<div class="postreeve-empty"><p><?php esc_html_e( 'None. When mail to an address comes back for good, or its reader complains, it stands here with the reason.', 'postreeve' ); ?></p></div>
<?php elseif ( array() !== $entries ) : ?>
	<table class="wp-list-table widefat fixed striped postreeve-mails">
		<thead>
			<tr>
				<th scope="col" class="column-primary"><?php esc_html_e( 'Address', 'postreeve' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Why', 'postreeve' ); ?></th>
				<th scope="col"><?php esc_html_e( 'What happened since', 'postreeve' ); ?></th>
			</tr>
		</thead>
		<tbody>
			<?php foreach ( $entries as $entry ) : ?>
				<tr class="is-expanded">
					<th scope="row" class="column-primary"><?php echo esc_html( Problems::clean( $entry['address'] ?? '' ) ); ?></th>
					<td data-colname="<?php esc_attr_e( 'Why', 'postreeve' ); ?>">
						<?php View::state( ...Terms::ending( $entry ) ); ?>
						<span class="postreeve-reason"><?php echo esc_html( Terms::suppression( Problems::clean( $entry['reason'] ?? '' ), Problems::clean( $entry['title'] ?? '' ) ) ); ?></span>
					</td>
					<td data-colname="<?php esc_attr_e( 'Since', 'postreeve' ); ?>"><?php View::show( 'suppression', array( 'suppression' => $entry, 'message' => '' ) ); ?></td>
				</tr>
			<?php endforeach; ?>
		</tbody>
	</table>
<?php endif; ?>
<?php if ( '' !== $older ) : ?>
	<p><a class="button" href="<?php echo esc_url( Screen::url( $here + array( 'cursor' => rawurlencode( $older ) ) ) ); ?>"><?php esc_html_e( 'Older', 'postreeve' ); ?></a></p>
<?php endif; ?>
