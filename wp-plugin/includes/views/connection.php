<?php
/**
 * What the relay says about this site.
 *
 * @package Postreeve
 * @var array $arguments `connection` (Connection), `answer` (array).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$connection = $arguments['connection'];
$domains    = Screen::list_of( $arguments['answer'], 'domains' );
$sender     = $connection->detail( 'default_from' );
?>
<h2><?php esc_html_e( 'Connection', 'postreeve' ); ?></h2>
<table class="form-table postreeve-facts" role="presentation">
	<tr>
		<th scope="row"><?php esc_html_e( 'Account', 'postreeve' ); ?></th>
		<td><?php echo esc_html( $connection->detail( 'account', 'name' ) ); ?></td>
	</tr>
	<tr>
		<th scope="row"><?php esc_html_e( 'Site', 'postreeve' ); ?></th>
		<td>
			<?php echo esc_html( $connection->detail( 'site', 'name' ) ); ?>
			<span class="postreeve-quiet"><?php echo esc_html( $connection->detail( 'site', 'url' ) ); ?></span>
		</td>
	</tr>
	<tr>
		<th scope="row"><?php esc_html_e( 'Sending domains', 'postreeve' ); ?></th>
		<td>
			<?php if ( array() === $domains ) : ?>
				<a href="<?php echo esc_url( Screen::url( array( 'tab' => Screen::DOMAIN ) ) ); ?>"><?php esc_html_e( 'Add your domain', 'postreeve' ); ?></a>
			<?php else : ?>
				<ul class="postreeve-list">
					<?php foreach ( $domains as $domain ) : ?>
						<li>
							<?php View::state( ...Words::domain( Problems::clean( $domain['status'] ?? '' ) ) ); ?>
							<?php echo esc_html( Problems::clean( $domain['name'] ?? '' ) ); ?>
						</li>
					<?php endforeach; ?>
				</ul>
			<?php endif; ?>
		</td>
	</tr>
	<?php if ( '' !== $sender ) : ?>
		<tr>
			<th scope="row"><?php esc_html_e( 'Default sender', 'postreeve' ); ?></th>
			<td><?php echo esc_html( $sender ); ?></td>
		</tr>
	<?php endif; ?>
</table>
