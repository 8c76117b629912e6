<?php
/**
 * The head of every page: the title and the tabs.
 *
 * @package Postreeve
 * @var array $arguments `tab` (string).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;
?>
<div class="wrap postreeve">
	<h1><?php esc_html_e( 'Postreeve', 'postreeve' ); ?></h1>
	<nav class="nav-tab-wrapper" aria-label="<?php esc_attr_e( 'Postreeve', 'postreeve' ); ?>">
		<?php foreach ( Screen::tabs() as $tab => $label ) : ?>
			<a class="<?php echo esc_attr( $tab === $arguments['tab'] ? 'nav-tab nav-tab-active' : 'nav-tab' ); ?>" aria-current="<?php echo esc_attr( $tab === $arguments['tab'] ? 'page' : 'false' ); ?>" href="<?php echo esc_url( Screen::STATUS === $tab ? Screen::url() : Screen::url( array( 'tab' => $tab ) ) ); ?>"><?php echo esc_html( $label ); ?></a>
		<?php endforeach; ?>
	</nav>
