<?php
/**
 * Whether the relay gets this site's mail, what waits, and the buttons that change it.
 *
 * @package Postreeve
 * @var array $arguments `settings` (Settings), `connection` (Connection), `whereabouts` (Whereabouts), `counts` (array).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$settings    = $arguments['settings'];
$whereabouts = $arguments['whereabouts'];
$counts      = $arguments['counts'];
?>
<?php if ( $settings->is_connected() && ! $settings->is_off() && ! $whereabouts->is_elsewhere() ) : ?>
	<h2><?php esc_html_e( 'Who sends this site\'s mail', 'postreeve' ); ?></h2>
	<?php if ( $settings->is_live() ) : ?>
		<p data-live="yes"><?php esc_html_e( 'The relay. What it cannot take at once is kept here and tried again.', 'postreeve' ); ?></p>
		<?php
		if ( ! $settings->live_is_fixed() ) {
			Actions::button( Actions::GO_BACK, __( 'Go back to the earlier way', 'postreeve' ) );
		}
		?>
	<?php else : ?>
		<p data-live="no"><?php esc_html_e( 'Still the way it was before Postreeve. Connecting has changed nothing; send a test mail, then hand the mail over.', 'postreeve' ); ?></p>
		<?php
		if ( $settings->live_is_fixed() ) {
			/* translators: %s: a constant's name */
			echo '<p class="description">' . esc_html( sprintf( __( 'Set by %s in wp-config.php.', 'postreeve' ), 'POSTREEVE_LIVE' ) ) . '</p>';
		} elseif ( Connection::READY === $arguments['connection']->state() || 'warned' === $arguments['connection']->state() ) {
			Actions::button( Actions::GO_LIVE, __( 'Go live', 'postreeve' ), 'primary' );
		} else {
			echo '<p class="description">' . esc_html__( 'You can go live as soon as the relay says that it is ready.', 'postreeve' ) . '</p>';
		}
		?>
	<?php endif; ?>
<?php endif; ?>

<?php if ( array_sum( $counts ) > 0 ) : ?>
	<h2><?php esc_html_e( 'Mails kept here', 'postreeve' ); ?></h2>
	<ul class="postreeve-list postreeve-outbox">
		<?php
		foreach ( array_filter( $counts ) as $state => $number ) :
			$words = Words::kept( $state );
			?>
			<li data-kept="<?php echo esc_attr( $state ); ?>">
				<span class="postreeve-status postreeve-<?php echo esc_attr( $words['tone'] ); ?>"><span class="dashicons <?php echo esc_attr( Words::icon( $words['tone'] ) ); ?>" aria-hidden="true"></span><?php echo esc_html( $words['label'] . ': ' . number_format_i18n( $number ) ); ?></span>
				<span class="postreeve-quiet"><?php echo esc_html( $words['text'] ); ?></span>
			</li>
		<?php endforeach; ?>
	</ul>
	<?php
	if ( $counts[ Outbox::PARKED ] > 0 ) {
		/* translators: %s: number of mails */
		Actions::button( Actions::SEND_PARKED, sprintf( _n( 'Send %s parked mail', 'Send %s parked mails', $counts[ Outbox::PARKED ], 'postreeve' ), number_format_i18n( $counts[ Outbox::PARKED ] ) ) );
	}
	?>
<?php endif; ?>
