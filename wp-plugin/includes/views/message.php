<?php
/**
 * The page that follows one mail.
 *
 * @package Postreeve
 * @var array $arguments `message` (array or WP_Error), `refreshes` (bool).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$message = $arguments['message'];
?>
<div class="wrap postreeve">
	<h1><?php esc_html_e( 'Postreeve', 'postreeve' ); ?></h1>
	<p><a href="<?php echo esc_url( Screen::url() ); ?>"><?php esc_html_e( 'Back to all mails and settings', 'postreeve' ); ?></a></p>

	<?php if ( is_wp_error( $message ) ) : ?>
		<div class="notice notice-error inline"><p><?php echo esc_html( $message->get_error_message() ); ?></p></div>
	<?php else : ?>
		<h2><?php echo esc_html( Problems::clean( $message['subject'] ?? '' ) ); ?></h2>
		<p class="postreeve-quiet">
			<?php
			/* translators: 1: an e-mail address, 2: a time such as "3 minutes ago (14:05:12)" */
			echo esc_html( sprintf( __( 'From %1$s. The relay accepted it %2$s.', 'postreeve' ), Problems::clean( $message['from'] ?? '' ), Words::time( $message['accepted_at'] ?? '' ) ) );
			?>
		</p>

		<?php
		foreach ( Screen::list_of( $message, 'recipients' ) as $recipient ) :
			$meaning = Words::status( Problems::clean( $recipient['status'] ?? '' ) )['text'];
			$events  = Screen::list_of( $recipient, 'events' );
			?>
			<div class="postreeve-copy" data-status="<?php echo esc_attr( Problems::clean( $recipient['status'] ?? '' ) ); ?>">
				<h3><?php echo esc_html( Problems::clean( $recipient['address'] ?? '' ) ); ?></h3>
				<p><?php require __DIR__ . '/status.php'; ?></p>
				<?php if ( '' !== $meaning ) : ?>
					<p class="postreeve-quiet"><?php echo esc_html( $meaning ); ?></p>
				<?php endif; ?>
				<?php if ( array() !== $events ) : ?>
					<ol class="postreeve-list">
						<?php foreach ( $events as $event ) : ?>
							<li>
								<?php echo esc_html( Problems::clean( ( $event['summary'] ?? '' ) ? $event['summary'] : ( $event['type'] ?? '' ) ) ); ?>
								<span class="postreeve-quiet"><?php echo esc_html( Words::time( $event['occurred_at'] ?? '' ) ); ?></span>
							</li>
						<?php endforeach; ?>
					</ol>
				<?php endif; ?>
			</div>
		<?php endforeach; ?>

		<p class="postreeve-row">
			<a class="button" href="<?php echo esc_url( Screen::url( array( 'message' => rawurlencode( Problems::clean( $message['id'] ?? '' ) ) ) ) ); ?>"><?php esc_html_e( 'Refresh', 'postreeve' ); ?></a>
			<?php if ( $arguments['refreshes'] ) : ?>
				<span class="postreeve-quiet"><?php esc_html_e( 'The mail is on its way; this page looks again by itself.', 'postreeve' ); ?></span>
			<?php endif; ?>
		</p>
	<?php endif; ?>
</div>
