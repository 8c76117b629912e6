<?php
/**
 * The sending domains: what to publish, what was found, and the page for the person with the DNS.
 *
 * @package Postreeve
 * @var array $arguments `reading` (Reading), `domains` (array), `domain` (array or null), `suggestion` (string).
 */

namespace Postreeve;

defined( 'ABSPATH' ) || exit;

$domain = $arguments['domain'];
$chosen = null === $domain ? '' : Problems::clean( $domain['name'] ?? '' );
View::age( $arguments['reading'] );
?>
<?php if ( count( $arguments['domains'] ) > 1 ) : ?>
	<ul class="postreeve-list postreeve-domains">
		<?php
		foreach ( $arguments['domains'] as $each ) :
			$name   = Problems::clean( $each['name'] ?? '' );
			$status = Problems::clean( $each['status'] ?? '' );
			?>
			<li>
				<?php View::state( ...Words::domain( $status ) ); ?>
				<a href="<?php echo esc_url( Screen::url( array( 'tab' => Screen::DOMAIN, 'domain' => rawurlencode( $name ) ) ) ); ?>" aria-current="<?php echo esc_attr( $name === $chosen ? 'true' : 'false' ); ?>"><?php echo esc_html( $name ); ?></a>
			</li>
		<?php endforeach; ?>
	</ul>
<?php endif; ?>

<?php
if ( null !== $domain ) {
	View::show( 'records', array( 'domain' => $domain ) );
} elseif ( $arguments['reading']->is_known() ) {
	?>
	<div class="postreeve-empty"><p><?php esc_html_e( 'No domain yet. Add the one behind the @ of your senders\' addresses; the relay then shows which DNS records prove that it is yours.', 'postreeve' ); ?></p></div>
	<?php
}
?>

<?php if ( $arguments['reading']->is_known() ) : ?>
	<h2><?php echo esc_html( null === $domain ? __( 'Add your domain', 'postreeve' ) : __( 'Add another domain', 'postreeve' ) ); ?></h2>
	<?php View::form( Errands::ACTION, Errands::ADD_DOMAIN, array(), 'postreeve-add' ); ?>
		<p class="postreeve-row">
			<label for="postreeve-domain"><?php esc_html_e( 'Domain', 'postreeve' ); ?></label>
			<input type="text" id="postreeve-domain" name="domain" class="regular-text ltr" required placeholder="shop.example" value="<?php echo esc_attr( $arguments['suggestion'] ); ?>" autocomplete="off" spellcheck="false">
			<button type="submit" class="<?php echo esc_attr( null === $domain ? 'button button-primary' : 'button' ); ?>"><?php esc_html_e( 'Add domain', 'postreeve' ); ?></button>
		</p>
	</form>
<?php endif; ?>
