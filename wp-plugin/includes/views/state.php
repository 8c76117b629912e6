<?php
/**
 * Whether the relay gets this site's mail, what waits, the buttons that change it, and the form for a test mail.
 *
 * @package Postreeve
 * @var array $arguments `settings` (Settings), `connection` (Connection), `whereabouts` (Whereabouts), `counts` (array),
 *                       `next` (array or null).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$settings    = $arguments['settings'];
$whereabouts = $arguments['whereabouts'];
$counts      = $arguments['counts'];
$can_send    = $settings->is_connected() && ! $settings->is_off() && ! $whereabouts->is_elsewhere();
?>
<?php if ( $can_send ) : ?>
	<h2 id="postreeve-live"><?php esc_html_e( 'Who sends this site\'s mail', 'postreeve' ); ?></h2>
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
			echo '<p class="description">' . esc_html( Given::sentence( Given::LIVE ) ) . '</p>';
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
				<?php View::state( $words['tone'], $words['label'] . ': ' . number_format_i18n( $number ) ); ?>
				<?php
				if ( Outbox::WAITING !== $state || $can_send ) {
					echo '<span class="postreeve-quiet">' . esc_html( $words['text'] ) . '</span>';
				}
				if ( Outbox::WAITING === $state && null !== $arguments['next'] ) {
					/* translators: %s: a span such as "3 minutes" */
					echo '<span class="postreeve-quiet">' . esc_html( sprintf( __( 'The oldest has been here for %s.', 'postreeve' ), human_time_diff( $arguments['next']['since'] ) ) ) . '</span>';
				}
				?>
			</li>
		<?php endforeach; ?>
	</ul>
	<?php
	if ( $counts[ Outbox::PARKED ] > 0 && $can_send ) {
		/* translators: %s: number of mails */
		Actions::button( Actions::SEND_PARKED, sprintf( _n( 'Send %s parked mail', 'Send %s parked mails', $counts[ Outbox::PARKED ], 'postreeve' ), number_format_i18n( $counts[ Outbox::PARKED ] ) ) );
	}
	if ( $counts[ Outbox::CAPTURED ] > 0 && $can_send ) {
		// A new key was entered here before anybody said that the site has moved.
		Actions::button( Actions::MOVED, __( 'The site has moved: send from here', 'postreeve' ) );
	}
	?>
<?php endif; ?>

<?php if ( $can_send ) : ?>
	<h2><?php esc_html_e( 'Send a test mail', 'postreeve' ); ?></h2>
	<?php View::form( Test_Mail::ACTION, '', array(), 'postreeve-test' ); ?>
		<p><?php esc_html_e( 'It goes through WordPress and the relay. The next page follows it until it has arrived.', 'postreeve' ); ?></p>
		<p class="postreeve-row">
			<label for="postreeve-test-to"><?php esc_html_e( 'To', 'postreeve' ); ?></label>
			<input type="email" id="postreeve-test-to" name="to" class="regular-text ltr" required value="<?php echo esc_attr( wp_get_current_user()->user_email ); ?>">
			<?php submit_button( __( 'Send test mail', 'postreeve' ), 'secondary', 'postreeve-test-send', false ); ?>
		</p>
	</form>
<?php endif; ?>
