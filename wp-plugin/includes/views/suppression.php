<?php
/**
 * One address that is not mailed: what happened since, and what its owner may do.
 *
 * @package Postreeve
 * @var array $arguments `suppression` (array), `message` (string).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$suppression = $arguments['suppression'];
$fields      = array(
	'id'      => Problems::clean( $suppression['id'] ?? '' ),
	'message' => $arguments['message'],
);
$moments     = Screen::list_of( $suppression, 'timeline' );
$codes       = array_column( $moments, 'code' );
$probe_at    = is_string( $suppression['probe_at'] ?? null ) ? $suppression['probe_at'] : '';
?>
<div class="postreeve-suppression" data-ended="<?php echo esc_attr( empty( $suppression['ended_at'] ) ? 'no' : 'yes' ); ?>">
	<?php if ( array() !== $moments ) : ?>
		<ol class="postreeve-list postreeve-moments">
			<?php
			foreach ( $moments as $moment ) :
				if ( 'disputed' === ( $moment['code'] ?? '' ) && in_array( 'contested', $codes, true ) ) {
					continue; // That is what contesting began.
				}
				?>
				<li>
					<?php echo esc_html( Words::sentence( Terms::moment( Problems::clean( $moment['code'] ?? '' ), Problems::clean( $moment['title'] ?? '' ) ) ) ); ?>
					<span class="postreeve-quiet"><?php echo esc_html( Words::time( $moment['at'] ?? '' ) ); ?></span>
				</li>
			<?php endforeach; ?>
		</ol>
	<?php endif; ?>
	<?php if ( '' !== $probe_at ) : ?>
		<p>
			<?php
			if ( strtotime( $probe_at ) > time() ) {
				/* translators: %s: a date and time to come */
				echo esc_html( sprintf( __( 'It is tried on %s.', 'postreeve' ), Words::ahead( $probe_at ) ) );
			} else {
				esc_html_e( 'The next mail there will tell.', 'postreeve' );
			}
			?>
		</p>
	<?php endif; ?>
	<?php if ( ! empty( $suppression['liftable'] ) ) : ?>
		<div class="postreeve-row">
			<?php View::button( Errands::ACTION, Errands::CONTEST, __( 'The address is right: try once more', 'postreeve' ), $fields ); ?>
			<?php View::button( Errands::ACTION, Errands::LIFT, __( 'Mail it again at once', 'postreeve' ), $fields ); ?>
		</div>
	<?php elseif ( 'complaint' === ( $suppression['reason'] ?? '' ) && empty( $suppression['ended_at'] ) ) : ?>
		<p class="description"><?php esc_html_e( 'Only the person can take a complaint back, by signing up anew.', 'postreeve' ); ?></p>
	<?php endif; ?>
</div>
