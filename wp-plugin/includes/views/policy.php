<?php
/**
 * The relay's rules for sending are not those that were accepted: read, and accept.
 *
 * @package Postreeve
 * @var array $arguments `policy` (array), `pending` (bool): whether the account waits for approval.
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$policy = $arguments['policy'];
?>
<div class="notice notice-info inline" id="postreeve-policy" data-policy="<?php echo esc_attr( Problems::clean( $policy['version'] ) ); ?>">
	<p>
		<strong><?php echo esc_html( $policy['title'] ); ?></strong>
		<?php
		/* translators: %s: a version such as "2026-11" */
		echo esc_html( sprintf( __( 'Please read version %s and accept it.', 'postreeve' ), Problems::clean( $policy['version'] ) ) );
		?>
		<?php echo esc_html( $arguments['pending'] ? __( 'No account is approved without.', 'postreeve' ) : __( 'There is no deadline; mail goes out as before.', 'postreeve' ) ); ?>
	</p>
	<?php View::form( Errands::ACTION, Errands::ACCEPT, array( 'version' => $policy['version'] ), 'postreeve-row' ); ?>
		<a class="button" href="<?php echo esc_url( $policy['url'] ); ?>" target="_blank" rel="noopener"><?php esc_html_e( 'Read the rules', 'postreeve' ); ?></a>
		<button type="submit" class="button button-primary"><?php esc_html_e( 'Accept', 'postreeve' ); ?></button>
	</form>
</div>
