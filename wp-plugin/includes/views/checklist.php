<?php
/**
 * What is to be done until the site is live.
 *
 * @package Postreeve
 * @var array $arguments `steps` (array).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$now = false;
?>
<h2><?php esc_html_e( 'On the way to live', 'postreeve' ); ?></h2>
<ol class="postreeve-steps">
	<?php
	foreach ( $arguments['steps'] as $step ) :
		$is_next = ! $step['done'] && ! $now;
		$now     = $now || $is_next;
		$state   = $step['done'] ? Steps::DONE : ( $is_next ? Steps::NOW : Steps::LATER );
		?>
		<li data-step="<?php echo esc_attr( $state ); ?>">
			<?php View::state( ...Steps::word( $state ) ); ?>
			<span>
				<?php if ( $is_next ) : ?>
					<a href="<?php echo esc_url( $step['url'] ); ?>"><?php echo esc_html( $step['label'] ); ?></a>
				<?php else : ?>
					<?php echo esc_html( $step['label'] ); ?>
				<?php endif; ?>
				<?php if ( '' !== $step['text'] ) : ?>
					<span class="postreeve-quiet"><?php echo esc_html( $step['text'] ); ?></span>
				<?php endif; ?>
			</span>
		</li>
	<?php endforeach; ?>
</ol>
