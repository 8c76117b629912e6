<?php
/**
 * What the relay says about this site.
 *
 * @package Postreeve
 * @var array $arguments `connection` (Connection).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$connection = $arguments['connection'];
$domains    = $connection->domains();
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
				<?php esc_html_e( 'None yet. Add the domain of your senders\' addresses on the relay.', 'postreeve' ); ?>
			<?php else : ?>
				<ul class="postreeve-list">
					<?php
					foreach ( $domains as list( $name, $status ) ) :
						$tone = 'verified' === $status ? Words::GOOD : Words::WAITING;
						?>
						<li>
							<?php View::state( $tone, Words::domain( $status ) ); ?>
							<?php echo esc_html( $name ); ?>
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
