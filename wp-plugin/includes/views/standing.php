<?php
/**
 * What the relay has decided about this site, what that means for each kind of mail, and how to appeal.
 *
 * @package Postreeve
 * @var array $arguments `answer` (array), `appeals` (Reading), `reputation` (Reading).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$standing = is_array( $arguments['answer']['standing'] ?? null ) ? $arguments['answer']['standing'] : array();
$state    = Problems::clean( $standing['state'] ?? '' );
$reason   = Problems::clean( $standing['reason'] ?? '' );
$cause    = Problems::clean( $standing['cause'] ?? '' );
$streams  = Screen::list_of( $standing, 'streams' );
$held     = array_sum( array_map( 'intval', array_filter( (array) ( $standing['held'] ?? array() ), 'is_numeric' ) ) );
$appeals  = array_slice( $arguments['appeals']->list_of( 'appeals' ), 0, 5 );
$is_open  = count( array_filter( array_column( $appeals, 'decision' ), 'is_string' ) ) < count( $appeals );
?>
<h2 id="postreeve-standing"><?php esc_html_e( 'Standing', 'postreeve' ); ?></h2>
<p>
	<?php View::state( ...Terms::standing( $state ) ); ?>
	<?php
	if ( '' !== $cause ) {
		/* translators: %s: what it is about, such as "too many complaints of readers" */
		echo esc_html( sprintf( __( 'Because of %s.', 'postreeve' ), Terms::cause( $cause ) ) );
	}
	?>
	<span class="postreeve-quiet"><?php echo esc_html( Words::time( $standing['since'] ?? '' ) ); ?></span>
</p>
<?php if ( '' !== $reason ) : ?>
	<blockquote class="postreeve-quote"><?php echo esc_html( $reason ); ?></blockquote>
<?php endif; ?>

<?php if ( 'pending' !== $state ) : // Mail to the account's owner goes out then. ?>
<table class="widefat striped postreeve-table postreeve-lanes">
	<caption class="screen-reader-text"><?php esc_html_e( 'What becomes of new mail', 'postreeve' ); ?></caption>
	<thead>
		<tr>
			<th scope="col"><?php esc_html_e( 'Kind of mail', 'postreeve' ); ?></th>
			<th scope="col"><?php esc_html_e( 'What becomes of it now', 'postreeve' ); ?></th>
		</tr>
	</thead>
	<tbody>
		<?php foreach ( array_filter( (array) ( $standing['lanes'] ?? array() ), 'is_string' ) as $lane => $fate ) : ?>
			<tr>
				<th scope="row"><?php echo esc_html( Terms::lane( (string) $lane ) ); ?></th>
				<td><?php View::state( ...Terms::fate( $fate ) ); ?></td>
			</tr>
		<?php endforeach; ?>
	</tbody>
</table>
<?php endif; ?>

<?php if ( $held > 0 ) : ?>
	<p>
		<?php
		/* translators: %s: number of mails */
		echo esc_html( sprintf( _n( '%s mail waits at the relay until somebody has looked. It is not lost.', '%s mails wait at the relay until somebody has looked. None is lost.', $held, 'postreeve' ), Words::count( $held ) ) );
		?>
	</p>
<?php endif; ?>

<?php foreach ( $streams as $stream ) : ?>
	<p>
		<?php View::state( ...Terms::standing( Problems::clean( $stream['state'] ?? '' ) ) ); ?>
		<?php echo esc_html( Terms::lane( Problems::clean( $stream['stream'] ?? '' ) ) . ': ' . Terms::cause( Problems::clean( $stream['cause'] ?? '' ) ) . '. ' . Problems::clean( $stream['reason'] ?? '' ) ); ?>
		<span class="postreeve-quiet"><?php echo esc_html( Words::time( $stream['since'] ?? '' ) ); ?></span>
	</p>
<?php endforeach; ?>

<?php
$rates = array();
foreach ( $arguments['reputation']->list_of( 'streams' ) as $stream ) {
	foreach ( Screen::list_of( $stream, 'rates' ) as $rate ) {
		if ( ( $rate['cases'] ?? 0 ) > 0 ) {
			$rates[] = array( Terms::lane( Problems::clean( $stream['stream'] ?? '' ) ), $rate );
		}
	}
}
if ( array() !== $rates ) :
	?>
	<details class="postreeve-details">
		<summary><?php esc_html_e( 'The numbers this is about', 'postreeve' ); ?></summary>
		<table class="widefat striped postreeve-table">
			<thead>
				<tr>
					<th scope="col"><?php esc_html_e( 'What', 'postreeve' ); ?></th>
					<th scope="col"><?php esc_html_e( 'Mail', 'postreeve' ); ?></th>
					<th scope="col"><?php esc_html_e( 'In', 'postreeve' ); ?></th>
					<th scope="col" class="postreeve-number"><?php esc_html_e( 'How many', 'postreeve' ); ?></th>
					<th scope="col" class="postreeve-number"><?php esc_html_e( 'Surely at least', 'postreeve' ); ?></th>
				</tr>
			</thead>
			<tbody>
				<?php foreach ( $rates as list( $lane, $rate ) ) : ?>
					<tr>
						<th scope="row"><?php echo esc_html( Terms::rule( Problems::clean( $rate['rule'] ?? '' ) ) ); ?></th>
						<td><?php echo esc_html( $lane ); ?></td>
						<td>
							<?php
							/* translators: %s: number of hours */
							echo esc_html( sprintf( _n( '%s hour', '%s hours', (int) ( is_numeric( $rate['window_hours'] ?? null ) ? $rate['window_hours'] : 0 ), 'postreeve' ), Words::count( $rate['window_hours'] ?? 0 ) ) );
							?>
						</td>
						<td class="postreeve-number">
							<?php
							/* translators: 1: a number, 2: the number it is part of */
							echo esc_html( sprintf( __( '%1$s of %2$s', 'postreeve' ), Words::count( $rate['cases'] ?? 0 ), Words::count( $rate['of'] ?? 0 ) ) );
							?>
						</td>
						<td class="postreeve-number"><?php echo esc_html( number_format_i18n( 100 * (float) ( is_numeric( $rate['at_least'] ?? null ) ? $rate['at_least'] : 0 ), 2 ) . ' %' ); ?></td>
					</tr>
				<?php endforeach; ?>
			</tbody>
		</table>
	</details>
<?php endif; ?>

<?php foreach ( $appeals as $appeal ) : ?>
	<div class="postreeve-copy" data-appeal="<?php echo esc_attr( Problems::clean( $appeal['decision'] ?? 'open' ) ); ?>">
		<p>
			<strong><?php esc_html_e( 'Your appeal', 'postreeve' ); ?></strong>
			<span class="postreeve-quiet"><?php echo esc_html( Words::time( $appeal['at'] ?? '' ) ); ?></span>
		</p>
		<p><?php echo esc_html( Problems::clean( $appeal['text'] ?? '' ) ); ?></p>
		<p>
			<?php if ( 'accepted' === ( $appeal['decision'] ?? '' ) ) : ?>
				<?php View::state( Words::GOOD, _x( 'Accepted', 'an appeal', 'postreeve' ) ); ?>
			<?php elseif ( 'declined' === ( $appeal['decision'] ?? '' ) ) : ?>
				<?php View::state( Words::BAD, __( 'Declined', 'postreeve' ) ); ?>
			<?php else : ?>
				<?php
				/* translators: %s: a date and time */
				View::state( Words::WAITING, sprintf( __( 'Answered by %s', 'postreeve' ), Words::date( $appeal['answer_by'] ?? '' ) ) );
				?>
			<?php endif; ?>
			<?php echo esc_html( Problems::clean( $appeal['answer'] ?? '' ) ); ?>
		</p>
	</div>
<?php endforeach; ?>

<?php if ( $arguments['appeals']->is_known() && ! $is_open && 'pending' !== $state ) : ?>
	<?php View::form( Errands::ACTION, Errands::APPEAL, array(), 'postreeve-appeal' ); ?>
		<p><label for="postreeve-appeal-text"><strong><?php esc_html_e( 'Appeal: what happened, and what have you put right?', 'postreeve' ); ?></strong></label></p>
		<textarea id="postreeve-appeal-text" name="text" rows="4" class="large-text" required maxlength="5000" aria-describedby="postreeve-appeal-help"></textarea>
		<p class="description" id="postreeve-appeal-help"><?php esc_html_e( 'Somebody at the relay reads it and answers within two working days. The answer appears here and comes by mail.', 'postreeve' ); ?></p>
		<p><button type="submit" class="button button-primary"><?php esc_html_e( 'Send the appeal', 'postreeve' ); ?></button></p>
	</form>
<?php endif; ?>
