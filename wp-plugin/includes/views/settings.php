<?php
/**
 * Connecting, the key, the switch, what is kept, and the way out.
 *
 * @package Postreeve
 * @var array $arguments `settings` (Settings).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$settings  = $arguments['settings'];
$state     = $settings->key_state();
$is_fixed  = in_array( $state, array( Settings::KEY_GIVEN, Settings::KEY_NETWORK ), true );
$connected = $settings->is_connected();
?>
<?php if ( ! $is_fixed ) : ?>
	<h2><?php echo esc_html( $connected ? __( 'Connect anew', 'postreeve' ) : __( 'Connect this site', 'postreeve' ) ); ?></h2>
	<p><?php esc_html_e( 'You sign in at your relay by e-mail, agree, and come back. Nothing of this site\'s mail changes until you go live.', 'postreeve' ); ?></p>
	<?php View::form( Errands::ACTION, Errands::CONNECT, array(), 'postreeve-connect' ); ?>
		<p><label for="postreeve-relay"><?php esc_html_e( 'Address of your relay', 'postreeve' ); ?></label></p>
		<p class="postreeve-row">
			<input type="url" id="postreeve-relay" name="relay_url" class="regular-text code" required placeholder="https://relay.example" value="<?php echo esc_attr( $settings->relay_url_to_offer() ); ?>" <?php wp_readonly( $settings->relay_url_is_fixed() ); ?>>
			<button type="submit" class="<?php echo esc_attr( $connected ? 'button' : 'button button-primary' ); ?>"><?php esc_html_e( 'Connect in the browser', 'postreeve' ); ?></button>
		</p>
	</form>
<?php endif; ?>

<h2><?php echo esc_html( $connected ? __( 'Relay and key', 'postreeve' ) : __( 'Or connect with a key', 'postreeve' ) ); ?></h2>
<form method="post" action="<?php echo esc_url( admin_url( 'options.php' ) ); ?>">
	<?php settings_fields( Settings::GROUP ); ?>
	<input type="hidden" name="_wp_http_referer" value="<?php echo esc_attr( wp_make_link_relative( Screen::url() ) ); ?>">
	<table class="form-table" role="presentation">
		<tr>
			<th scope="row"><label for="postreeve-relay-url"><?php esc_html_e( 'Relay address', 'postreeve' ); ?></label></th>
			<td>
				<?php if ( $settings->relay_url_is_fixed() || $settings->relay_url_is_networks() ) : ?>
					<input type="url" id="postreeve-relay-url" class="regular-text code" readonly value="<?php echo esc_attr( $settings->relay_url() ); ?>" aria-describedby="postreeve-relay-url-help">
					<p class="description" id="postreeve-relay-url-help">
						<?php echo esc_html( $settings->relay_url_is_fixed() ? Given::sentence( Given::RELAY_URL ) : __( 'Set for all sites of this network.', 'postreeve' ) ); ?>
					</p>
				<?php else : ?>
					<input type="url" id="postreeve-relay-url" name="postreeve[relay_url]" class="regular-text code" placeholder="https://relay.example" value="<?php echo esc_attr( $settings->relay_url_to_offer() ); ?>">
				<?php endif; ?>
			</td>
		</tr>
		<tr>
			<th scope="row"><label for="postreeve-new-key"><?php echo esc_html( Settings::KEY_STORED === $state ? __( 'Replace key', 'postreeve' ) : __( 'API key', 'postreeve' ) ); ?></label></th>
			<td>
				<?php if ( $is_fixed ) : ?>
					<input type="text" id="postreeve-new-key" class="regular-text" readonly value="••••••••" aria-describedby="postreeve-new-key-help">
					<p class="description" id="postreeve-new-key-help">
						<?php echo esc_html( Settings::KEY_GIVEN === $state ? Given::sentence( Given::API_KEY ) : __( 'Set for all sites of this network.', 'postreeve' ) ); ?>
					</p>
				<?php else : ?>
					<input type="password" id="postreeve-new-key" name="postreeve[new_key]" class="regular-text code" autocomplete="off" spellcheck="false" value="" aria-describedby="postreeve-new-key-help">
					<p class="description" id="postreeve-new-key-help">
						<?php if ( Settings::KEY_STORED === $state ) : ?>
							<?php esc_html_e( 'A key is stored. It is sealed and never shown again. Leave this empty to keep it.', 'postreeve' ); ?>
						<?php else : ?>
							<?php esc_html_e( 'If somebody gave you a key: the relay shows it once, when it is made. It begins with prk_.', 'postreeve' ); ?>
						<?php endif; ?>
					</p>
				<?php endif; ?>
			</td>
		</tr>
	</table>
	<?php
	if ( ! ( $settings->relay_url_is_fixed() || $settings->relay_url_is_networks() ) || ! $is_fixed ) {
		submit_button( $connected ? __( 'Save settings', 'postreeve' ) : __( 'Connect with the key', 'postreeve' ), $connected ? 'primary' : 'secondary' );
	}
	?>
</form>

<?php if ( $connected ) : ?>
	<h2><?php esc_html_e( 'This site\'s mail', 'postreeve' ); ?></h2>
	<div class="postreeve-row">
		<?php
		View::state( $settings->takes_mail() ? Words::GOOD : Words::QUIET, $settings->takes_mail() ? __( 'Live: it goes through the relay', 'postreeve' ) : __( 'Not live: it goes the way it did before', 'postreeve' ) );
		if ( $settings->is_off() || $settings->live_is_fixed() ) {
			echo '<span class="postreeve-quiet">' . esc_html( Given::sentence( $settings->is_off() ? Given::OFF : Given::LIVE ) ) . '</span>';
		} elseif ( $settings->is_live() ) {
			Actions::button( Actions::GO_BACK, __( 'Go back to the earlier way', 'postreeve' ) );
		} else {
			Actions::button( Actions::GO_LIVE, __( 'Go live', 'postreeve' ) );
		}
		?>
	</div>
<?php endif; ?>

<?php if ( array() !== $settings->aliases() ) : ?>
	<h2><?php esc_html_e( 'Further addresses of this site', 'postreeve' ); ?></h2>
	<ul class="postreeve-list">
		<?php foreach ( $settings->aliases() as $alias ) : ?>
			<li class="postreeve-row" data-alias="<?php echo esc_attr( $alias ); ?>">
				<code><?php echo esc_html( $alias ); ?></code>
				<?php
				/* translators: %s: an address such as "shop.example" */
				Actions::button( Actions::FORGET, sprintf( __( 'Forget %s', 'postreeve' ), $alias ), 'secondary', array( 'address' => $alias ) );
				?>
			</li>
		<?php endforeach; ?>
	</ul>
<?php endif; ?>

<h2><?php esc_html_e( 'What is kept here', 'postreeve' ); ?></h2>
<ul class="ul-disc">
	<li><?php esc_html_e( 'Mails the relay has not taken yet, sealed: those that wait for two days, parked ones for three, caught ones for a week. A mail that was taken is deleted at once.', 'postreeve' ); ?></li>
	<li><?php esc_html_e( 'What the relay said last, sealed, for a day: the latest list of mails with addresses and subjects, never their text.', 'postreeve' ); ?></li>
	<li><?php esc_html_e( 'The relay\'s address and the key, sealed with the secret salts of wp-config.php. Deleting the plugin deletes everything.', 'postreeve' ); ?></li>
</ul>

<?php if ( Settings::KEY_STORED === $state || Settings::KEY_UNREADABLE === $state ) : ?>
	<h2><?php esc_html_e( 'Disconnect', 'postreeve' ); ?></h2>
	<p><?php esc_html_e( 'Forgets the key. WordPress then sends this site\'s mail by itself again; you can connect anew at any time.', 'postreeve' ); ?></p>
	<?php View::form( Actions::ACTION, Actions::DISCONNECT ); ?>
		<?php if ( Settings::KEY_STORED === $state ) : ?>
			<p><label><input type="checkbox" name="ends_key" value="1"> <?php esc_html_e( 'Also end the key at the relay, so that it works nowhere any more', 'postreeve' ); ?></label></p>
		<?php endif; ?>
		<button type="submit" class="button button-secondary"><?php esc_html_e( 'Disconnect this site', 'postreeve' ); ?></button>
	</form>
<?php endif; ?>
