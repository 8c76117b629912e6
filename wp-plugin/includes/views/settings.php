<?php
/**
 * The relay's address and the API key.
 *
 * @package Postreeve
 * @var Settings $settings Where and how this site is connected.
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$state        = $settings->key_state();
$key_is_fixed = in_array( $state, array( Settings::KEY_CONSTANT, Settings::KEY_NETWORK ), true );
?>
<h2><?php esc_html_e( 'Settings', 'postreeve' ); ?></h2>
<form method="post" action="<?php echo esc_url( admin_url( 'options.php' ) ); ?>">
	<?php settings_fields( Settings::GROUP ); ?>
	<table class="form-table" role="presentation">
		<tr>
			<th scope="row"><label for="postreeve-relay-url"><?php esc_html_e( 'Relay address', 'postreeve' ); ?></label></th>
			<td>
				<?php if ( $settings->relay_url_is_fixed() || $settings->relay_url_is_networks() ) : ?>
					<input type="url" id="postreeve-relay-url" class="regular-text code" readonly value="<?php echo esc_attr( $settings->relay_url() ); ?>" aria-describedby="postreeve-relay-url-help">
					<p class="description" id="postreeve-relay-url-help">
						<?php
						/* translators: %s: a constant's name */
						echo esc_html( $settings->relay_url_is_fixed() ? sprintf( __( 'Set by %s in wp-config.php.', 'postreeve' ), 'POSTREEVE_RELAY_URL' ) : __( 'Set for all sites of this network.', 'postreeve' ) );
						?>
					</p>
				<?php else : ?>
					<input type="url" id="postreeve-relay-url" name="postreeve[relay_url]" class="regular-text code" placeholder="https://relay.example" value="<?php echo esc_attr( $settings->relay_url() ); ?>">
				<?php endif; ?>
			</td>
		</tr>
		<tr>
			<th scope="row">
				<?php if ( Settings::KEY_STORED === $state ) : ?>
					<?php esc_html_e( 'API key', 'postreeve' ); ?>
				<?php else : ?>
					<label for="postreeve-new-key"><?php esc_html_e( 'API key', 'postreeve' ); ?></label>
				<?php endif; ?>
			</th>
			<td>
				<?php if ( $key_is_fixed ) : ?>
					<input type="text" id="postreeve-new-key" class="regular-text" readonly value="••••••••" aria-describedby="postreeve-new-key-help">
					<p class="description" id="postreeve-new-key-help">
						<?php
						/* translators: %s: a constant's name */
						echo esc_html( Settings::KEY_CONSTANT === $state ? sprintf( __( 'Set by %s in wp-config.php.', 'postreeve' ), 'POSTREEVE_API_KEY' ) : __( 'Set for all sites of this network.', 'postreeve' ) );
						?>
					</p>
				<?php else : ?>
					<?php if ( Settings::KEY_STORED === $state ) : ?>
						<p><?php esc_html_e( 'A key is stored. It is sealed and never shown again.', 'postreeve' ); ?></p>
						<p><label for="postreeve-new-key"><?php esc_html_e( 'Replace key', 'postreeve' ); ?></label></p>
					<?php endif; ?>
					<input type="password" id="postreeve-new-key" name="postreeve[new_key]" class="regular-text code" autocomplete="off" spellcheck="false" value="" aria-describedby="postreeve-new-key-help">
					<p class="description" id="postreeve-new-key-help">
						<?php if ( Settings::KEY_STORED === $state ) : ?>
							<?php esc_html_e( 'Leave this empty to keep the key.', 'postreeve' ); ?>
						<?php else : ?>
							<?php esc_html_e( 'The relay shows it once, when it is made. It begins with prk_.', 'postreeve' ); ?>
						<?php endif; ?>
					</p>
					<?php if ( Settings::KEY_NONE !== $state ) : ?>
						<p><label><input type="checkbox" name="postreeve[forget_key]" value="1"> <?php esc_html_e( 'Forget the key. WordPress then sends mail by itself again.', 'postreeve' ); ?></label></p>
					<?php endif; ?>
				<?php endif; ?>
			</td>
		</tr>
	</table>
	<?php
	if ( ! ( $settings->relay_url_is_fixed() || $settings->relay_url_is_networks() ) || ! $key_is_fixed ) {
		submit_button( $settings->is_connected() ? __( 'Save settings', 'postreeve' ) : __( 'Connect', 'postreeve' ) );
	}
	?>
</form>
