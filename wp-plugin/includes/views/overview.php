<?php
/**
 * The screen's first page.
 *
 * @package Postreeve
 * @var array $arguments `settings` (Settings), `connection` (Connection), `messages` (array or WP_Error),
 *                        `whereabouts` (Whereabouts), `counts` (array).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$settings   = $arguments['settings'];
$connection = $arguments['connection'];
?>
<div class="wrap postreeve">
	<h1><?php esc_html_e( 'Postreeve', 'postreeve' ); ?></h1>

	<?php if ( $settings->is_off() ) : ?>
		<div class="notice notice-warning inline"><p>
			<strong><?php esc_html_e( 'Switched off.', 'postreeve' ); ?></strong>
			<?php
			/* translators: %s: a constant's name */
			echo esc_html( sprintf( __( '%s is set in wp-config.php, so WordPress sends this site\'s mail by itself.', 'postreeve' ), 'POSTREEVE_OFF' ) );
			?>
		</p></div>
	<?php endif; ?>

	<?php
	if ( $settings->is_in_charge() && $arguments['whereabouts']->is_elsewhere() ) {
		$arguments['buttons'] = true;
		require __DIR__ . '/elsewhere.php';
	}
	?>

	<div class="notice notice-<?php echo esc_attr( $connection->notice() ); ?> inline postreeve-state" data-state="<?php echo esc_attr( $connection->state() ); ?>"><p>
		<strong><?php echo esc_html( $connection->title() ); ?></strong>
		<?php echo esc_html( $connection->text() ); ?>
	</p></div>

	<?php
	if ( $connection->is_known() ) {
		require __DIR__ . '/connection.php';
	}
	require __DIR__ . '/state.php';
	if ( $settings->is_connected() && ! $settings->is_off() ) {
		require __DIR__ . '/test-mail.php';
	}
	if ( $connection->is_known() ) {
		require __DIR__ . '/recent.php';
	}
	require __DIR__ . '/settings.php';
	?>
</div>
