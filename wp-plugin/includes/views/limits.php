<?php
/**
 * What the site and each of its plugins and forms may send, what they have used, and what waits or is stopped.
 *
 * @package Postreeve
 * @var array $arguments `answer` (array).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$answer = $arguments['answer'];
$lines  = array();
foreach ( Screen::list_of( $answer, 'allowances' ) as $allowance ) {
	$label = Terms::limit( Problems::clean( $allowance['limit'] ?? '' ) );
	if ( '' !== $label && ! in_array( $allowance['limit'], array( 'site-second', 'account-second' ), true ) && ( $allowance['allowed'] ?? 0 ) > 0 ) {
		$lines[] = array( $label, __( 'Receipts and the like', 'postreeve' ), $allowance['used'] ?? 0, $allowance['allowed'] );
	}
}
$climb = is_array( $answer['warm_up'] ?? null ) ? $answer['warm_up'] : array();
foreach ( array( 'hour' => 'site-hour', 'day' => 'site-day' ) as $window => $limit ) {
	if ( ( $climb[ $window ]['allowed'] ?? 0 ) > 0 ) {
		$lines[] = array( Terms::limit( $limit ), __( 'Newsletters and notifications', 'postreeve' ), $climb[ $window ]['used'] ?? 0, $climb[ $window ]['allowed'] );
	}
}
$full    = Problems::clean( $climb['full_volume_on'] ?? '' );
$waiting = Screen::list_of( $climb, 'waiting' );
$queue   = Screen::list_of( $answer, 'queue' );
$sources = Screen::list_of( $answer, 'sources' );
$stopped = 0;

$standing = is_array( $answer['standing'] ?? null ) ? $answer['standing'] : array();
$lanes    = array_filter( (array) ( $standing['lanes'] ?? array() ), 'is_string' );
$now      = Terms::fate( empty( $answer['ready'] ) ? 'refused' : 'goes' );
if ( array() !== array_diff( $lanes, array( 'goes' ) ) ) {
	$now = Terms::standing( Problems::clean( $standing['state'] ?? '' ) ); // A source sends mail of any kind.
}
?>
<?php if ( array() !== $lines ) : ?>
	<h2><?php esc_html_e( 'What this site may send', 'postreeve' ); ?></h2>
	<table class="widefat striped postreeve-table postreeve-limits">
		<thead>
			<tr>
				<th scope="col"><?php esc_html_e( 'When', 'postreeve' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Mail', 'postreeve' ); ?></th>
				<th scope="col" class="postreeve-number"><?php esc_html_e( 'Used', 'postreeve' ); ?></th>
				<th scope="col" class="postreeve-bar"><span class="screen-reader-text"><?php esc_html_e( 'The same as a bar', 'postreeve' ); ?></span></th>
			</tr>
		</thead>
		<tbody>
			<?php foreach ( $lines as list( $when, $mail, $used, $allowed ) ) : ?>
				<tr>
					<th scope="row"><?php echo esc_html( $when ); ?></th>
					<td><?php echo esc_html( $mail ); ?></td>
					<td class="postreeve-number">
						<?php
						/* translators: 1: a number, 2: the number it is part of */
						echo esc_html( sprintf( __( '%1$s of %2$s', 'postreeve' ), Words::count( $used ), Words::count( $allowed ) ) );
						?>
					</td>
					<td class="postreeve-bar" aria-hidden="true"><span class="postreeve-track"><span class="<?php echo esc_attr( $used >= 0.9 * $allowed ? 'postreeve-nearly' : '' ); ?>" style="inline-size: <?php echo (int) min( 100, round( 100 * $used / $allowed ) ); ?>%"></span></span></td>
				</tr>
			<?php endforeach; ?>
		</tbody>
	</table>
<?php endif; ?>

<?php if ( '' !== $full ) : ?>
	<p>
		<?php
		/* translators: 1: number of days, 2: a date, 3: number of mails */
		echo esc_html( sprintf( __( 'Newsletters and notifications are being warmed up: clean days so far %1$s. If all days are clean, the full volume of %3$s a day is reached on %2$s.', 'postreeve' ), Words::count( $climb['clean_days'] ?? 0 ), wp_date( get_option( 'date_format' ), (int) strtotime( $full ) ), Words::count( $climb['plan']['per_day'] ?? 0 ) ) );
		?>
	</p>
<?php endif; ?>

<?php if ( array() !== $waiting || array() !== $queue ) : ?>
	<h2><?php esc_html_e( 'What waits at the relay', 'postreeve' ); ?></h2>
	<ul class="postreeve-list">
		<?php foreach ( $queue as $lane ) : ?>
			<li>
				<?php View::state( Words::WAITING, Words::count( array_sum( array_map( 'intval', (array) ( $lane['stages'] ?? array() ) ) ) ) ); ?>
				<?php echo esc_html( Terms::lane( Problems::clean( $lane['lane'] ?? '' ) ) ); ?>
				<?php if ( is_numeric( $lane['gone_in_seconds'] ?? null ) ) : ?>
					<span class="postreeve-quiet">
						<?php
						/* translators: %s: a span such as "3 minutes" */
						echo esc_html( sprintf( __( 'the last has left in about %s', 'postreeve' ), human_time_diff( time(), time() + max( 60, (int) $lane['gone_in_seconds'] ) ) ) );
						?>
					</span>
				<?php endif; ?>
			</li>
		<?php endforeach; ?>
		<?php foreach ( $waiting as $sending ) : ?>
			<li>
				<?php View::state( Words::WAITING, Words::count( $sending['copies'] ?? 0 ) ); ?>
				<?php
				$list = Problems::clean( $sending['list'] ?? '' );
				/* translators: 1: a list's name, 2: why it waits, such as "for the result of the first few" */
				echo esc_html( sprintf( __( '%1$s wait %2$s', 'postreeve' ), '' === $list ? __( 'notifications', 'postreeve' ) : $list, Terms::wait( Problems::clean( $sending['code'] ?? '' ), Problems::clean( $sending['title'] ?? '' ) ) ) );
				?>
				<span class="postreeve-quiet"><?php echo esc_html( Words::date( $sending['until'] ?? '' ) ); ?></span>
			</li>
		<?php endforeach; ?>
	</ul>
<?php endif; ?>

<?php if ( array() !== $sources ) : ?>
	<h2><?php esc_html_e( 'Which plugins and forms send', 'postreeve' ); ?></h2>
	<table class="widefat striped postreeve-table postreeve-sources">
		<thead>
			<tr>
				<th scope="col"><?php esc_html_e( 'Plugin or form', 'postreeve' ); ?></th>
				<th scope="col" class="postreeve-number"><?php esc_html_e( 'This hour', 'postreeve' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Now', 'postreeve' ); ?></th>
			</tr>
		</thead>
		<tbody>
			<?php foreach ( $sources as $source ) : ?>
				<?php $until = is_string( $source['open_until'] ?? null ) ? $source['open_until'] : ''; ?>
				<tr>
					<th scope="row"><?php echo esc_html( implode( ' / ', array_filter( array( Problems::clean( $source['plugin'] ?? '' ), Problems::clean( $source['form'] ?? '' ) ), 'strlen' ) ) ); ?></th>
					<td class="postreeve-number">
						<?php
						/* translators: 1: a number, 2: the number it is part of */
						echo esc_html( sprintf( __( '%1$s of %2$s', 'postreeve' ), Words::count( $source['used'] ?? 0 ), Words::count( $source['allowed'] ?? 0 ) ) );
						?>
					</td>
					<td>
						<?php
						if ( strtotime( $until ) > time() ) {
							++$stopped;
							/* translators: %s: a date and time */
							View::state( Words::BAD, sprintf( __( 'Stopped until %s', 'postreeve' ), Words::date( $until ) ) );
						} else {
							View::state( ...$now );
						}
						?>
					</td>
				</tr>
			<?php endforeach; ?>
		</tbody>
	</table>
	<?php if ( $stopped > 0 && 'goes' === ( $lanes['transactional'] ?? 'goes' ) ) : ?>
		<p><?php esc_html_e( 'A plugin or form that sends more than its share of the hour is stopped for a while. Its mails wait here; all other mail goes on. See whether strangers use it.', 'postreeve' ); ?></p>
	<?php endif; ?>
<?php endif; ?>
