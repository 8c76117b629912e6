<?php
/**
 * The status of one copy: icon, word and, for what went wrong, why.
 *
 * @package Postreeve
 * @var array $recipient One recipient of a message.
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$status = Words::status( Problems::clean( $recipient['status'] ?? '' ) );
$reason = Screen::reason_of( $recipient );
?>
<span class="postreeve-status postreeve-<?php echo esc_attr( $status['tone'] ); ?>"><span class="dashicons <?php echo esc_attr( Words::icon( $status['tone'] ) ); ?>" aria-hidden="true"></span><?php echo esc_html( $status['label'] ); ?></span>
<?php if ( '' !== $reason ) : ?>
	<span class="postreeve-reason"><?php echo esc_html( $reason ); ?></span>
<?php endif; ?>
