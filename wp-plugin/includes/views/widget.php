<?php
/**
 * The dashboard's widget.
 *
 * @package Postreeve
 * @var array $arguments `summary` (Summary), `counts` (array), `kept` (array).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$summary = $arguments['summary'];
$counts  = $arguments['counts'];
$kept    = $arguments['kept'][ Outbox::WAITING ] + $arguments['kept'][ Outbox::PARKED ];
$tones   = array(
	'success' => Words::GOOD,
	'info'    => Words::QUIET,
	'warning' => Words::WAITING,
);
?>
<p data-summary="<?php echo esc_attr( $summary->code ); ?>">
	<?php View::state( $tones[ $summary->notice ] ?? Words::BAD, $summary->title ); ?>
	<?php echo esc_html( $summary->text ); ?>
</p>
<?php if ( array() !== $counts ) : ?>
	<ul class="postreeve-list postreeve-today">
		<li><?php View::state( Words::GOOD, Words::count( $counts['delivered'] ?? 0 ) ); ?> <?php esc_html_e( 'delivered today', 'postreeve' ); ?></li>
		<?php if ( ! empty( $counts['complained'] ) ) : ?>
			<li><?php View::state( Words::BAD, Words::count( $counts['complained'] ) ); ?> <?php esc_html_e( 'of these marked as spam', 'postreeve' ); ?></li>
		<?php endif; ?>
		<li><?php View::state( Words::WAITING, Words::count( $counts['moving'] ?? 0 ) ); ?> <?php esc_html_e( 'on the way', 'postreeve' ); ?></li>
		<li><?php View::state( empty( $counts['problems'] ) ? Words::QUIET : Words::BAD, Words::count( $counts['problems'] ?? 0 ) ); ?> <?php esc_html_e( 'not delivered', 'postreeve' ); ?></li>
	</ul>
	<?php if ( empty( $counts['all'] ) ) : ?>
		<p class="description"><?php esc_html_e( 'Of today\'s last 100 mails.', 'postreeve' ); ?></p>
	<?php endif; ?>
<?php endif; ?>
<?php if ( $kept > 0 ) : ?>
	<p>
		<?php
		/* translators: %s: number of mails */
		echo esc_html( sprintf( _n( '%s mail is kept here.', '%s mails are kept here.', $kept, 'postreeve' ), Words::count( $kept ) ) );
		?>
	</p>
<?php endif; ?>
<p><a href="<?php echo esc_url( Screen::url() ); ?>"><?php esc_html_e( 'Open Postreeve', 'postreeve' ); ?></a></p>
