<?php
/**
 * The form for a test mail.
 *
 * @package Postreeve
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;
?>
<h2><?php esc_html_e( 'Send a test mail', 'postreeve' ); ?></h2>
<?php View::form( Test_Mail::ACTION, '', array(), 'postreeve-test' ); ?>
	<p><?php esc_html_e( 'It goes through WordPress and the relay. The next page follows it until it has arrived.', 'postreeve' ); ?></p>
	<p class="postreeve-row">
		<label for="postreeve-test-to"><?php esc_html_e( 'To', 'postreeve' ); ?></label>
		<input type="email" id="postreeve-test-to" name="to" class="regular-text ltr" required value="<?php echo esc_attr( wp_get_current_user()->user_email ); ?>">
		<?php submit_button( __( 'Send test mail', 'postreeve' ), 'secondary', 'postreeve-test-send', false ); ?>
	</p>
</form>
