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
			<a class="nav-tab<?php echo $tab === $arguments['tab'] ? ' nav-tab-active' : ''; ?>"<?php echo $tab === $arguments['tab'] ? ' aria-current="page"' : ''; ?> href="<?php echo esc_url( Screen::STATUS === $tab ? Screen::url() : Screen::url( array( 'tab' => $tab ) ) ); ?>"><?php echo esc_html( $label ); ?></a>
		<?php endforeach; ?>
	</nav>
