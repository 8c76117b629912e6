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
<form method="post" action="<?php echo esc_url( admin_url( 'admin-post.php' ) ); ?>" class="postreeve-test">
	<input type="hidden" name="action" value="<?php echo esc_attr( Test_Mail::ACTION ); ?>">
	<?php wp_nonce_field( Test_Mail::ACTION ); ?>
	<p><?php esc_html_e( 'It goes through WordPress and the relay. The next page follows it until it has arrived.', 'postreeve' ); ?></p>
	<p class="postreeve-row">
		<label for="postreeve-test-to"><?php esc_html_e( 'To', 'postreeve' ); ?></label>
		<input type="email" id="postreeve-test-to" name="to" class="regular-text ltr" required value="<?php echo esc_attr( wp_get_current_user()->user_email ); ?>">
		<?php submit_button( __( 'Send test mail', 'postreeve' ), 'secondary', 'postreeve-test-send', false ); ?>
	</p>
</form>
