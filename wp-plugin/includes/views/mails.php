<?php
/**
 * The mails, one line for each copy.
 *
 * @package Postreeve
 * @var array $arguments `reading` (Reading), `filter` (string), `word` (string), `rows` (array).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$reading = $arguments['reading'];
$rows    = $arguments['rows'];
$word    = $arguments['word'];
$chosen  = $arguments['filter'];
$search  = array_filter( array( 's' => rawurlencode( $word ) ), 'strlen' );
$older   = Problems::clean( $reading->answer()['next_cursor'] ?? '' );
$back_to = Problems::clean( $reading->answer()['looked_back_to'] ?? '' );
$none    = array() === $rows ? Findings::none( $reading, $chosen, $word ) : array();
$here    = array_filter( array( 'tab' => Screen::MAILS, 'status' => $chosen ) ) + $search;
?>
<h2 class="screen-reader-text"><?php esc_html_e( 'Mails', 'postreeve' ); ?></h2>
<?php View::age( $reading ); ?>
<div class="postreeve-tools">
<ul class="subsubsub">
	<?php foreach ( Mails_Page::filters() as $filter => $label ) : ?>
		<li><a href="<?php echo esc_url( Screen::url( array_filter( array( 'tab' => Screen::MAILS, 'status' => $filter ) ) + $search ) ); ?>" class="<?php echo esc_attr( $filter === $chosen ? 'current' : '' ); ?>" aria-current="<?php echo esc_attr( $filter === $chosen ? 'page' : 'false' ); ?>"><?php echo esc_html( $label ); ?></a> | </li>
	<?php endforeach; ?>
	<li><a href="<?php echo esc_url( Screen::url( array( 'tab' => Screen::MAILS, 'view' => 'suppressions' ) ) ); ?>"><?php esc_html_e( 'Addresses not mailed', 'postreeve' ); ?></a></li>
</ul>
<form method="get" action="<?php echo esc_url( admin_url( 'options-general.php' ) ); ?>" class="postreeve-search">
	<input type="hidden" name="page" value="<?php echo esc_attr( Screen::PAGE ); ?>">
	<input type="hidden" name="tab" value="<?php echo esc_attr( Screen::MAILS ); ?>">
	<?php if ( '' !== $chosen ) : ?>
		<input type="hidden" name="status" value="<?php echo esc_attr( $chosen ); ?>">
	<?php endif; ?>
	<label class="screen-reader-text" for="postreeve-search"><?php esc_html_e( 'Address or subject', 'postreeve' ); ?></label>
	<input type="search" id="postreeve-search" name="s" value="<?php echo esc_attr( $word ); ?>" minlength="<?php echo esc_attr( (string) Mails_Page::SHORTEST ); ?>" maxlength="<?php echo esc_attr( (string) Mails_Page::LONGEST ); ?>" placeholder="<?php esc_attr_e( 'Address or subject', 'postreeve' ); ?>">
	<button type="submit" class="button"><?php esc_html_e( 'Search mails', 'postreeve' ); ?></button>
</form>
</div>

<?php if ( array() !== $none ) : ?>
	<div class="postreeve-empty" role="status">
		<?php foreach ( $none as $sentence ) : ?>
			<p><?php echo esc_html( $sentence ); ?></p>
		<?php endforeach; ?>
		<?php if ( '' !== $word || '' !== $chosen ) : ?>
			<p><a href="<?php echo esc_url( Screen::url( array( 'tab' => Screen::MAILS ) ) ); ?>"><?php esc_html_e( 'Show all', 'postreeve' ); ?></a></p>
		<?php else : ?>
			<p><a href="<?php echo esc_url( Screen::url() . '#postreeve-test-to' ); ?>"><?php esc_html_e( 'Send a test mail', 'postreeve' ); ?></a></p>
		<?php endif; ?>
	</div>
<?php elseif ( array() !== $rows ) : ?>
	<p class="postreeve-quiet" role="status"><?php echo esc_html( Findings::count( $rows, $older, $back_to ) ); ?></p>
	<table class="wp-list-table widefat fixed striped postreeve-mails">
		<caption class="screen-reader-text"><?php echo esc_html( Mails_Page::filters()[ $chosen ] ); ?></caption>
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
					<th scope="row" class="column-primary">
						<a class="row-title" href="<?php echo esc_url( Screen::url( array( 'mail' => rawurlencode( $row['id'] ) ) ) ); ?>"><?php echo esc_html( $row['address'] ); ?></a>
					</th>
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
		<a class="button" href="<?php echo esc_url( Screen::url( $here + array( 'cursor' => rawurlencode( $older ) ) ) ); ?>"><?php echo esc_html( '' === $back_to ? __( 'Older', 'postreeve' ) : __( 'Look further back', 'postreeve' ) ); ?></a>
	<?php endif; ?>
	<a class="button" href="<?php echo esc_url( Screen::url( $here + array( 'fresh' => '1' ) ) ); ?>"><?php esc_html_e( 'Refresh', 'postreeve' ); ?></a>
	<?php if ( $reading->is_known() && null === $reading->problem() ) : ?>
		<span class="postreeve-quiet"><?php esc_html_e( 'Asked from the relay within the last minute; WordPress keeps no mails.', 'postreeve' ); ?></span>
	<?php endif; ?>
</p>
