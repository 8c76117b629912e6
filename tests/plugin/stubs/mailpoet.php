<?php
/**
 * How MailPoet sends: a PHPMailer of its own in the global for wp_mail(), and newsletters past wp_mail() by another.
 */

class MailPoet_Like_Mailer extends PHPMailer\PHPMailer\PHPMailer {

	/**
	 * What it was given to send.
	 *
	 * @var string[]
	 */
	public static $sent = array();

	public function send() {
		self::$sent[] = $this->Subject;
		return true;
	}
}

function mailpoet_like_init() {
	$GLOBALS['phpmailer'] = new MailPoet_Like_Mailer( true );
}

function mailpoet_like_newsletter( $to ) {
	return wp_mail(
		$to,
		'Newsletter',
		'<p>News</p>',
		array( 'Content-Type: text/html; charset=UTF-8', 'List-Unsubscribe: <https://shop.example/?unsubscribe=1>', 'Precedence: bulk' )
	);
}
