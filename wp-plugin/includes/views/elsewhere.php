<?php
/**
 * The site is not where it was connected: nothing leaves until its owner has said why.
 *
 * @package Postreeve
 * @var array $arguments `whereabouts` (Whereabouts), `live` (bool), `buttons` (bool).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$whereabouts = $arguments['whereabouts'];
?>
<div class="notice notice-<?php echo esc_attr( ( $whereabouts->is_copy() ? 'info' : 'error' ) . ( $arguments['buttons'] ? ' inline' : '' ) ); ?> postreeve-elsewhere" data-elsewhere="<?php echo esc_attr( $whereabouts->is_copy() ? 'copy' : 'unknown' ); ?>">
	<p>
		<?php if ( $arguments['live'] ) : ?>
			<strong><?php echo esc_html( $whereabouts->is_copy() ? __( 'Postreeve: this copy sends no mail.', 'postreeve' ) : __( 'Postreeve: no mail leaves this site.', 'postreeve' ) ); ?></strong>
			<?php echo esc_html( $whereabouts->sentence() ); ?>
		<?php else : ?>
			<strong><?php echo esc_html( Whereabouts::objection()->get_error_message() ); ?></strong>
		<?php endif; ?>
	</p>
	<?php if ( $arguments['buttons'] ) : ?>
		<div class="postreeve-row">
			<?php
			Actions::button( Actions::MOVED, __( 'The site has moved: send from here', 'postreeve' ) );
			if ( $whereabouts->may_be_the_same() ) {
				Actions::button( Actions::SAME, __( 'It is the same site under another address', 'postreeve' ) );
			}
			if ( ! $whereabouts->is_copy() ) {
				Actions::button( Actions::COPY, __( 'This is a copy: keep its mail', 'postreeve' ), 'primary' );
			}
			?>
		</div>
	<?php else : ?>
		<p><a href="<?php echo esc_url( Screen::url() ); ?>"><?php esc_html_e( 'Say whether it has moved or is a copy', 'postreeve' ); ?></a></p>
	<?php endif; ?>
</div>
