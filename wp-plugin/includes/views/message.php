<?php
/**
 * One mail: how far it came, what happened, why, and what can be done.
 *
 * @package Postreeve
 * @var array $arguments `reading` (Reading), `refreshes` (bool), `suppressions` (array, by address).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$reading = $arguments['reading'];
$message = $reading->answer();
$id      = Mails_Page::asked_message();

$hindrance = Mails_Page::hindrance( $message );
?>
<p><a href="<?php echo esc_url( Screen::url( array( 'tab' => Screen::MAILS ) ) ); ?>"><?php esc_html_e( 'Back to all mails', 'postreeve' ); ?></a></p>

<?php if ( ! $reading->is_known() ) : ?>
	<?php View::age( $reading ); ?>
<?php else : ?>
	<h2 class="postreeve-subject"><?php echo esc_html( Problems::clean( $message['subject'] ?? '' ) ); ?></h2>
	<p class="postreeve-quiet">
		<?php
		/* translators: 1: an e-mail address, 2: a time such as "3 minutes ago (14:05:12)" */
		echo esc_html( sprintf( __( 'From %1$s. The relay accepted it %2$s.', 'postreeve' ), Problems::clean( $message['from'] ?? '' ), Words::time( $message['accepted_at'] ?? '' ) ) );
		?>
	</p>

	<?php
	foreach ( Screen::list_of( $message, 'recipients' ) as $recipient ) {
		$address = Problems::clean( $recipient['address'] ?? '' );
		View::show( 'copy', array( 'recipient' => $recipient, 'message' => $id, 'suppressions' => $arguments['suppressions'][ $address ] ?? array() ) );
	}
	?>

	<p class="postreeve-row">
		<a class="button" href="<?php echo esc_url( Screen::url( array( 'mail' => rawurlencode( $id ) ) ) ); ?>"><?php esc_html_e( 'Refresh', 'postreeve' ); ?></a>
		<?php if ( $arguments['refreshes'] ) : ?>
			<span class="postreeve-quiet"><?php esc_html_e( 'The mail is on its way; this page looks again by itself.', 'postreeve' ); ?></span>
		<?php endif; ?>
	</p>

	<?php if ( ! $arguments['refreshes'] ) : ?>
		<h2><?php esc_html_e( 'Send it again', 'postreeve' ); ?></h2>
		<?php if ( '' !== $hindrance ) : ?>
			<p><?php echo esc_html( $hindrance ); ?></p>
		<?php else : ?>
			<?php View::form( Errands::ACTION, Errands::RESEND, array( 'message' => $id ), 'postreeve-resend' ); ?>
				<p><label for="postreeve-resend-to"><?php esc_html_e( 'To another address, or leave it empty for the same people', 'postreeve' ); ?></label></p>
				<p class="postreeve-row">
					<input type="email" id="postreeve-resend-to" name="to" class="regular-text ltr" value="">
					<button type="submit" class="button"><?php esc_html_e( 'Send again', 'postreeve' ); ?></button>
				</p>
				<p class="description"><?php esc_html_e( 'The relay sends the very same mail once more, as long as it keeps it.', 'postreeve' ); ?></p>
			</form>
		<?php endif; ?>
	<?php endif; ?>
<?php endif; ?>
