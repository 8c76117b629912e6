<?php
/**
 * What core itself would send.
 */

namespace Postreeve\Contract;

require_once ABSPATH . WPINC . '/PHPMailer/PHPMailer.php';
require_once ABSPATH . WPINC . '/PHPMailer/SMTP.php';
require_once ABSPATH . WPINC . '/PHPMailer/Exception.php';
if ( is_readable( ABSPATH . WPINC . '/class-wp-phpmailer.php' ) ) {
	require_once ABSPATH . WPINC . '/class-wp-phpmailer.php';
	class_alias( 'WP_PHPMailer', __NAMESPACE__ . '\Core_Mailer' );
} else {
	class_alias( 'PHPMailer\PHPMailer\PHPMailer', __NAMESPACE__ . '\Core_Mailer' );
}

/**
 * Core's mailer sending by SMTP, with the wire cut: the yardstick for ours.
 */
final class Reference_Mailer extends Core_Mailer {

	/**
	 * The mail as it would have gone over the wire.
	 *
	 * @var string
	 */
	public $wire = '';

	/**
	 * Whom it would have gone to.
	 *
	 * @var string[]
	 */
	public $everybody = array();

	public function preSend() {
		$this->Mailer = 'smtp';
		return parent::preSend();
	}

	public function postSend() {
		$this->wire      = rtrim( $this->MIMEHeader ) . "\r\n\r\n" . $this->MIMEBody;
		$this->everybody = array_column( array_merge( $this->to, $this->cc, $this->bcc ), 0 );
		return true;
	}
}
