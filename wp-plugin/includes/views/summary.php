<?php
/**
 * How all is, in one sentence, and what to do next.
 *
 * @package Postreeve
 * @var array $arguments `summary` (Summary), `connection` (Connection).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$summary = $arguments['summary'];
?>
<div class="notice notice-<?php echo esc_attr( $summary->notice ); ?> inline postreeve-state" data-state="<?php echo esc_attr( $arguments['connection']->state() ); ?>" data-summary="<?php echo esc_attr( $summary->code ); ?>">
	<p>
		<strong><?php echo esc_html( $summary->title ); ?></strong>
		<?php echo esc_html( $summary->text ); ?>
	</p>
	<?php if ( array() !== $summary->next ) : ?>
		<p><a class="button button-primary" href="<?php echo esc_url( $summary->next[1] ); ?>"><?php echo esc_html( $summary->next[0] ); ?></a></p>
	<?php endif; ?>
</div>
