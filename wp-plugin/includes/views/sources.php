<?php
/**
 * Which plugins and forms send, how much of their share of the hour they have used, and which are stopped.
 *
 * @package Postreeve
 * @var array $arguments `answer` (array).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$sources = Screen::list_of( $arguments['answer'], 'sources' );
if ( array() === $sources ) {
	return;
}
$stopped = 0;
?>
<h2><?php esc_html_e( 'Which plugins and forms send', 'postreeve' ); ?></h2>
<table class="widefat striped postreeve-table postreeve-sources">
	<thead>
		<tr>
			<th scope="col"><?php esc_html_e( 'Plugin or form', 'postreeve' ); ?></th>
			<th scope="col" class="postreeve-number"><?php esc_html_e( 'This hour', 'postreeve' ); ?></th>
			<th scope="col"><?php esc_html_e( 'Now', 'postreeve' ); ?></th>
		</tr>
	</thead>
	<tbody>
		<?php foreach ( $sources as $source ) : ?>
			<?php $until = is_string( $source['open_until'] ?? null ) ? $source['open_until'] : ''; ?>
			<tr>
				<th scope="row"><?php echo esc_html( implode( ' / ', array_filter( array( Problems::clean( $source['plugin'] ?? '' ), Problems::clean( $source['form'] ?? '' ) ), 'strlen' ) ) ); ?></th>
				<td class="postreeve-number">
					<?php
					/* translators: 1: a number, 2: the number it is part of */
					echo esc_html( sprintf( __( '%1$s of %2$s', 'postreeve' ), Words::count( $source['used'] ?? 0 ), Words::count( $source['allowed'] ?? 0 ) ) );
					?>
				</td>
				<td>
					<?php
					if ( strtotime( $until ) > time() ) {
						++$stopped;
						/* translators: %s: a date and time */
						View::state( Words::BAD, sprintf( __( 'Stopped until %s', 'postreeve' ), Words::date( $until ) ) );
					} else {
						View::state( ...Terms::fate( 'goes' ) );
					}
					?>
				</td>
			</tr>
		<?php endforeach; ?>
	</tbody>
</table>
<?php if ( $stopped > 0 ) : ?>
	<p><?php esc_html_e( 'A plugin or form that sends more than its share of the hour is stopped for a while. Its mails wait here; all other mail goes on. See whether strangers use it.', 'postreeve' ); ?></p>
<?php endif; ?>
