<?php
/**
 * A page of a site that is not connected: what it will show.
 *
 * @package Postreeve
 * @var array $arguments `text` (string).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;
?>
<div class="postreeve-empty">
	<p><?php echo esc_html( $arguments['text'] ); ?></p>
	<p><a class="button button-primary" href="<?php echo esc_url( Screen::url( array( 'tab' => Screen::SETTINGS ) ) ); ?>"><?php esc_html_e( 'Connect this site', 'postreeve' ); ?></a></p>
</div>
