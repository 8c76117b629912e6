<?php
/**
 * The mails, one line for each copy.
 *
 * @package Postreeve
 * @var array $arguments `reading` (Reading), `filter` (string), `rows` (array).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$reading = $arguments['reading'];
$rows    = $arguments['rows'];
$search  = Screen::asked( 's' );
$older   = Problems::clean( $reading->answer()['next_cursor'] ?? '' );
$here    = array_filter( array( 'tab' => Screen::MAILS, 'status' => $arguments['filter'], 's' => rawurlencode( $search ) ) );
?>
<h2 class="screen-reader-text"><?php esc_html_e( 'Mails', 'postreeve' ); ?></h2>
<?php View::age( $reading ); ?>
<div class="postreeve-tools">
<ul class="subsubsub">
	<?php foreach ( Mails_Page::filters() as $filter => $label ) : ?>
		<li><a href="<?php echo esc_url( Screen::url( array_filter( array( 'tab' => Screen::MAILS, 'status' => $filter ) ) ) ); ?>" class="<?php echo esc_attr( $filter === $arguments['filter'] ? 'current' : '' ); ?>" aria-current="<?php echo esc_attr( $filter === $arguments['filter'] ? 'page' : 'false' ); ?>"><?php echo esc_html( $label ); ?></a> | </li>
	<?php endforeach; ?>
	<li><a href="<?php echo esc_url( Screen::url( array( 'tab' => Screen::MAILS, 'view' => 'suppressions' ) ) ); ?>"><?php esc_html_e( 'Addresses not mailed', 'postreeve' ); ?></a></li>
</ul>
<form method="get" action="<?php echo esc_url( admin_url( 'options-general.php' ) ); ?>" class="postreeve-search">
	<input type="hidden" name="page" value="<?php echo esc_attr( Screen::PAGE ); ?>">
	<input type="hidden" name="tab" value="<?php echo esc_attr( Screen::MAILS ); ?>">
	<?php if ( '' !== $arguments['filter'] ) : ?>
		<input type="hidden" name="status" value="<?php echo esc_attr( $arguments['filter'] ); ?>">
	<?php endif; ?>
	<label class="screen-reader-text" for="postreeve-search"><?php esc_html_e( 'Address or subject', 'postreeve' ); ?></label>
	<input type="search" id="postreeve-search" name="s" value="<?php echo esc_attr( $search ); ?>" placeholder="<?php esc_attr_e( 'Address or subject', 'postreeve' ); ?>">
	<button type="submit" class="button"><?php esc_html_e( 'Search mails', 'postreeve' ); ?></button>
</form>
</div>

<?php if ( array() === $rows && $reading->is_known() ) : ?>
	<div class="postreeve-empty">
		<p>
			<?php
			if ( '' === $arguments['filter'] && '' === $search ) {
				esc_html_e( 'None yet. As soon as this site sends a mail, you see here what became of it.', 'postreeve' );
			} elseif ( '' === $older ) {
				esc_html_e( 'No mail fits.', 'postreeve' );
			} else {
				esc_html_e( 'None of these mails fits. Older ones may.', 'postreeve' );
			}
			?>
		</p>
		<?php if ( '' !== $search || '' !== $arguments['filter'] ) : ?>
			<p><a href="<?php echo esc_url( Screen::url( array( 'tab' => Screen::MAILS ) ) ); ?>"><?php esc_html_e( 'Show all', 'postreeve' ); ?></a></p>
		<?php else : ?>
			<p><a href="<?php echo esc_url( Screen::url() . '#postreeve-test-to' ); ?>"><?php esc_html_e( 'Send a test mail', 'postreeve' ); ?></a></p>
		<?php endif; ?>
	</div>
<?php elseif ( array() !== $rows ) : ?>
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
			foreach ( $rows as $row ) :
				$status = Words::status( $row['status'] );
				?>
				<tr class="is-expanded">
					<td class="column-primary">
						<a class="row-title" href="<?php echo esc_url( Screen::url( array( 'message' => rawurlencode( $row['id'] ) ) ) ); ?>"><?php echo esc_html( $row['address'] ); ?></a>
					</td>
					<td data-colname="<?php esc_attr_e( 'Subject', 'postreeve' ); ?>"><?php echo esc_html( $row['subject'] ); ?></td>
					<td data-colname="<?php esc_attr_e( 'Status', 'postreeve' ); ?>">
						<?php View::state( $status['tone'], $status['label'] ); ?>
						<?php if ( '' !== $row['reason'] ) : ?>
							<span class="postreeve-reason"><?php echo esc_html( $row['reason'] ); ?></span>
						<?php endif; ?>
					</td>
					<td data-colname="<?php esc_attr_e( 'Accepted', 'postreeve' ); ?>"><?php echo esc_html( Words::time( $row['accepted_at'] ) ); ?></td>
				</tr>
			<?php endforeach; ?>
		</tbody>
	</table>
<?php endif; ?>

<p class="postreeve-row">
	<?php if ( '' !== Screen::asked( 'cursor' ) ) : ?>
		<a class="button" href="<?php echo esc_url( Screen::url( $here ) ); ?>"><?php esc_html_e( 'Newest', 'postreeve' ); ?></a>
	<?php endif; ?>
	<?php if ( '' !== $older ) : ?>
		<a class="button" href="<?php echo esc_url( Screen::url( $here + array( 'cursor' => rawurlencode( $older ) ) ) ); ?>"><?php esc_html_e( 'Older', 'postreeve' ); ?></a>
	<?php endif; ?>
	<a class="button" href="<?php echo esc_url( Screen::url( $here + array( 'fresh' => '1' ) ) ); ?>"><?php esc_html_e( 'Refresh', 'postreeve' ); ?></a>
	<?php if ( $reading->is_known() && null === $reading->problem() ) : ?>
		<span class="postreeve-quiet"><?php esc_html_e( 'Asked from the relay within the last minute; WordPress keeps no mails.', 'postreeve' ); ?></span>
	<?php endif; ?>
</p>
