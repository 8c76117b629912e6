<?php
/**
 * One copy of a mail: its stations, why it stopped, what happened, and how to contest.
 *
 * @package Postreeve
 * @var array $arguments `recipient` (array), `message` (string), `suppressions` (array).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$recipient = $arguments['recipient'];
$word      = Problems::clean( $recipient['status'] ?? '' );
$status    = Words::status( $word );
$diagnosis = Diagnosis::of( $recipient );
$events    = Screen::list_of( $recipient, 'events' );
if ( array() !== $diagnosis && array() !== array_filter( array_column( $arguments['suppressions'], 'ended_at' ) ) ) {
	$diagnosis['follows'] = ''; // The owner has said otherwise since; that stands below.
}
?>
<div class="postreeve-copy" data-status="<?php echo esc_attr( $word ); ?>">
	<h3><?php echo esc_html( Problems::clean( $recipient['address'] ?? '' ) ); ?></h3>
	<p>
		<?php View::state( $status['tone'], $status['label'] ); ?>
		<?php echo esc_html( $status['text'] ); ?>
	</p>
	<ol class="postreeve-steps">
		<?php foreach ( Steps::of( $recipient ) as $step ) : ?>
			<li data-step="<?php echo esc_attr( $step['state'] ); ?>">
				<?php View::state( ...Steps::word( $step['state'] ) ); ?>
				<span><?php echo esc_html( $step['label'] ); ?></span>
			</li>
		<?php endforeach; ?>
	</ol>

	<?php if ( array() !== $diagnosis && 'delivered' !== $word ) : ?>
		<dl class="postreeve-diagnosis">
			<?php
			$labels = array(
				'happened' => __( 'What happened', 'postreeve' ),
				'why'      => __( 'Why', 'postreeve' ),
				'follows'  => __( 'What follows', 'postreeve' ),
				'do'       => __( 'What to do', 'postreeve' ),
			);
			foreach ( $labels as $part => $label ) :
				if ( '' !== $diagnosis[ $part ] ) :
					?>
					<dt><?php echo esc_html( $label ); ?></dt>
					<dd><?php echo esc_html( $diagnosis[ $part ] ); ?></dd>
					<?php
				endif;
			endforeach;
			?>
			<?php if ( '' !== $diagnosis['code'] . $diagnosis['words'] ) : ?>
				<dt><?php esc_html_e( 'The server\'s words', 'postreeve' ); ?></dt>
				<dd><code><?php echo esc_html( '' === $diagnosis['words'] ? $diagnosis['code'] : $diagnosis['words'] ); ?></code></dd>
			<?php endif; ?>
		</dl>
	<?php elseif ( '' !== Diagnosis::reason( $recipient ) ) : ?>
		<p><?php echo esc_html( Diagnosis::reason( $recipient ) ); ?></p>
	<?php endif; ?>

	<?php
	foreach ( $arguments['suppressions'] as $suppression ) {
		View::show( 'suppression', array( 'suppression' => $suppression, 'message' => $arguments['message'] ) );
	}
	?>

	<?php if ( array() !== $events ) : ?>
		<details class="postreeve-details">
			<summary><?php esc_html_e( 'Everything in order of time', 'postreeve' ); ?></summary>
			<ol class="postreeve-list">
				<?php foreach ( $events as $event ) : ?>
					<li>
						<?php echo esc_html( Problems::clean( ( $event['summary'] ?? '' ) ? $event['summary'] : ( $event['type'] ?? '' ) ) ); ?>
						<span class="postreeve-quiet"><?php echo esc_html( Words::time( $event['occurred_at'] ?? '' ) ); ?></span>
					</li>
				<?php endforeach; ?>
			</ol>
		</details>
	<?php endif; ?>
</div>
