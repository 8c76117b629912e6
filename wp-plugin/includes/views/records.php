<?php
/**
 * One sending domain and its DNS records.
 *
 * @package Postreeve
 * @var array $arguments `domain` (array).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$domain   = $arguments['domain'];
$name     = Problems::clean( $domain['name'] ?? '' );
$status   = Problems::clean( $domain['status'] ?? '' );
$checked  = strtotime( is_string( $domain['checked_at'] ?? null ) ? $domain['checked_at'] : '' );
$coming   = strtotime( is_string( $domain['next_check_at'] ?? null ) ? $domain['next_check_at'] : '' );
$share    = Problems::clean( $domain['share_url'] ?? '' );
$obstacle = Domain_Page::obstacle( $domain, time() );
$records  = Screen::list_of( $domain, 'records' );
?>
<h2 class="postreeve-row">
	<span><?php echo esc_html( $name ); ?></span>
	<span data-domain="<?php echo esc_attr( $status ); ?>"><?php View::state( ...Words::domain( $status ) ); ?></span>
</h2>
<p><?php echo esc_html( Problems::clean( $domain['summary'] ?? '' ) ); ?></p>
<?php if ( null !== $obstacle ) : ?>
	<div class="notice notice-error inline"><p>
		<strong>
			<?php
			/* translators: 1: a kind of DNS record, 2: its name */
			echo esc_html( sprintf( __( 'What is in the way is the %1$s record %2$s.', 'postreeve' ), Problems::clean( $obstacle['type'] ?? '' ), Problems::clean( $obstacle['name'] ?? '' ) ) );
			?>
		</strong>
		<?php echo esc_html( Problems::clean( $obstacle['fix'] ?? '' ) ); ?>
	</p></div>
<?php endif; ?>
<div class="postreeve-row">
	<?php View::button( Errands::ACTION, Errands::CHECK_DOMAIN, __( 'Check now', 'postreeve' ), array( 'domain' => $name ), 'verified' === $status ? 'secondary' : 'primary' ); ?>
	<span class="postreeve-quiet">
		<?php
		/* translators: %s: a span such as "4 minutes" */
		echo esc_html( false === $checked ? '' : sprintf( __( 'Checked %s ago.', 'postreeve' ), human_time_diff( $checked ) ) );
		?>
		<?php
		/* translators: %s: a span such as "10 minutes" */
		echo esc_html( false === $coming ? '' : ( $coming > time() ? sprintf( __( 'Next in %s.', 'postreeve' ), human_time_diff( $coming ) ) : __( 'Next in a moment.', 'postreeve' ) ) );
		?>
	</span>
</div>

<?php if ( array() !== $records ) : ?>
	<table class="wp-list-table widefat striped postreeve-mails postreeve-records">
		<caption class="screen-reader-text"><?php esc_html_e( 'DNS records to publish', 'postreeve' ); ?></caption>
		<thead>
			<tr>
				<th scope="col" class="column-primary"><?php esc_html_e( 'What for', 'postreeve' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Type', 'postreeve' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Name', 'postreeve' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Value', 'postreeve' ); ?></th>
				<th scope="col"><?php esc_html_e( 'Found', 'postreeve' ); ?></th>
			</tr>
		</thead>
		<tbody>
			<?php
			foreach ( $records as $record ) :
				$value  = Problems::clean( $record['value'] ?? '' );
				$result = Problems::clean( $record['result'] ?? '' );
				$fix    = Problems::clean( $record['fix'] ?? '' );
				$texts  = array_filter( array( __( 'Name', 'postreeve' ) => Problems::clean( $record['name'] ?? '' ), __( 'Value', 'postreeve' ) => $value ) );
				?>
				<tr class="is-expanded" data-result="<?php echo esc_attr( $result ); ?>">
					<th scope="row" class="column-primary">
						<?php echo esc_html( Terms::purpose( Problems::clean( $record['key'] ?? '' ), Problems::clean( $record['purpose'] ?? '' ) ) ); ?>
						<span class="postreeve-quiet"><?php echo esc_html( empty( $record['required'] ) ? __( 'advised', 'postreeve' ) : __( 'required', 'postreeve' ) ); ?></span>
					</th>
					<td data-colname="<?php esc_attr_e( 'Type', 'postreeve' ); ?>"><?php echo esc_html( Problems::clean( $record['type'] ?? '' ) ); ?></td>
					<?php foreach ( array( __( 'Name', 'postreeve' ), __( 'Value', 'postreeve' ) ) as $column ) : ?>
						<td data-colname="<?php echo esc_attr( $column ); ?>">
							<?php if ( ! isset( $texts[ $column ] ) ) : ?>
								<span class="postreeve-quiet"><?php esc_html_e( 'nothing to publish', 'postreeve' ); ?></span>
							<?php else : ?>
								<code dir="ltr"><?php echo esc_html( $texts[ $column ] ); ?></code>
							<?php endif; ?>
							<?php if ( isset( $texts[ $column ] ) && '' !== $value ) : ?>
								<?php
								/* translators: 1: "Name" or "Value", 2: a DNS record's name */
								$label = sprintf( __( 'Copy: %1$s of %2$s', 'postreeve' ), $column, Problems::clean( $record['name'] ?? '' ) );
								?>
								<button type="button" class="button button-small postreeve-copies" hidden data-copy="<?php echo esc_attr( $texts[ $column ] ); ?>" data-done="<?php esc_attr_e( 'Copied', 'postreeve' ); ?>" aria-label="<?php echo esc_attr( $label ); ?>"><?php esc_html_e( 'Copy', 'postreeve' ); ?></button>
							<?php endif; ?>
						</td>
					<?php endforeach; ?>
					<td data-colname="<?php esc_attr_e( 'Found', 'postreeve' ); ?>">
						<?php View::state( ...Terms::result( $result ) ); ?>
						<?php if ( '' !== $fix && 'pass' !== $result ) : ?>
							<span class="postreeve-reason"><?php echo esc_html( $fix ); ?></span>
						<?php endif; ?>
					</td>
				</tr>
			<?php endforeach; ?>
		</tbody>
	</table>
	<p class="screen-reader-text" role="status" id="postreeve-copied"></p>
<?php endif; ?>

<?php if ( '' !== $share ) : ?>
	<h3><?php esc_html_e( 'Somebody else looks after your DNS?', 'postreeve' ); ?></h3>
	<p><?php esc_html_e( 'Send them this link. It shows these records and what was found, and needs no log-in.', 'postreeve' ); ?></p>
	<p class="postreeve-row">
		<label class="screen-reader-text" for="postreeve-share"><?php esc_html_e( 'The link for the person with the DNS', 'postreeve' ); ?></label>
		<input type="text" id="postreeve-share" class="large-text code postreeve-share" readonly dir="ltr" value="<?php echo esc_attr( $share ); ?>">
		<button type="button" class="button postreeve-copies" hidden data-copy="<?php echo esc_attr( $share ); ?>" data-done="<?php esc_attr_e( 'Copied', 'postreeve' ); ?>"><?php esc_html_e( 'Copy the link', 'postreeve' ); ?></button>
		<a href="<?php echo esc_url( $share, array( 'http', 'https' ) ); ?>"><?php esc_html_e( 'Open it', 'postreeve' ); ?></a>
	</p>
<?php endif; ?>
