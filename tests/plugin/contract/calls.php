<?php
/**
 * Forty calls of wp_mail(). `around` gives the hooks that a plugin sets for this one call.
 */

$html  = 'Content-Type: text/html; charset=UTF-8';
$mixed = "--b\r\nContent-Type: text/plain\r\n\r\nWords\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Words</p>\r\n--b--\r\n";
$link  = 'https://shop.example/unsubscribe?' . str_repeat( 'token=0123456789abcdef&', 12 ) . 'end';
$file  = __DIR__ . '/class-carrier.php';

$call = static function ( array $arguments, ?callable $init = null, array $filters = array() ) {
	$hooks = array();
	if ( $init ) {
		$hooks[] = array( 'phpmailer_init', $init );
	}
	foreach ( $filters as $name => $value ) {
		$hooks[] = array(
			$name,
			static function () use ( $value ) {
				return $value;
			},
		);
	}
	return array(
		'arguments' => $arguments,
		'around'    => static function () use ( $hooks ) {
			return $hooks;
		},
	);
};

$calls = array(
	'plain text'                   => $call( array( 'ada@x.example', 'Hello', "Line one\nLine two\r\nLine three" ) ),
	'HTML'                         => $call( array( 'ada@x.example', 'Hello', '<p>Hello</p>', $html ) ),
	'HTML with plain words'        => $call(
		array( 'ada@x.example', 'Hello', '<p>Hello</p>', $html ),
		static function ( $phpmailer ) {
			$phpmailer->AltBody = 'Hello';
		}
	),
	'a multipart of its own'       => $call( array( 'ada@x.example', 'Hello', $mixed, 'Content-Type: multipart/alternative; boundary="b"' ) ),
	'a comma-separated To'         => $call( array( 'a@x.example, B <b@x.example>', 'Hello', 'Text' ) ),
	'a comma in a name'            => $call( array( '"Doe, Jane" <jane@x.example>', 'Hello', 'Text' ) ),
	'Cc and Reply-To'              => $call( array( 'a@x.example', 'Hello', 'Text', "Cc: C <c@x.example>\nReply-To: R <r@shop.example>" ) ),
	'Cc and Bcc in several lines'  => $call( array( array( 'a@x.example', 'A2 <a2@x.example>' ), 'Hello', 'Text', array( 'Cc: c1@x.example, c2@x.example', 'Bcc: b1@x.example', 'Bcc: B2 <b2@x.example>', 'Cc: c3@x.example' ) ) ),
	'a person named twice'         => $call( array( array( 'a@x.example', 'A@x.example' ), 'Hello', 'Text', 'Bcc: a@x.example' ) ),
	'one bad address of two'       => $call( array( array( 'nonsense', 'a@x.example' ), 'Hello', 'Text' ) ),
	'only bad addresses'           => $call( array( 'nonsense', 'Hello', 'Text' ) ),
	'nobody'                       => $call( array( '', 'Hello', 'Text' ) ),
	'an empty body'                => $call( array( 'a@x.example', 'Hello', '' ) ),
	'an empty subject'             => $call( array( 'a@x.example', '', 'Text' ) ),
	'a bad From'                   => $call( array( 'a@x.example', 'Hello', 'Text', 'From: nonsense' ) ),
	'a From with a name'           => $call( array( 'a@x.example', 'Hello', 'Text', 'From: "The Shop" <shop@shop.example>' ) ),
	'a subject of many words'      => $call( array( 'a@x.example', str_repeat( 'Ünïcödé ', 30 ), 'Text' ) ),
	'a subject of two lines'       => $call( array( 'a@x.example', "Hello\r\nBcc: evil@x.example", 'Text' ) ),
	'every script, and a picture'  => $call( array( '李 <li@x.example>', 'Grüße 你好 مرحبا 😀', 'ÄÖÜ 你好 مرحبا 😀', 'From: Käthe <kaethe@shop.example>' ) ),
	'a body of one long line'      => $call( array( 'a@x.example', 'Hello', str_repeat( 'x', 3000 ) ) ),
	'dots at a line\'s start'      => $call( array( 'a@x.example', 'Hello', "one\n.\n..two\nFrom here\n" ) ),
	'slashes and links'            => $call( array( 'a@x.example', 'It\\\'s C:\\new', "C:\\temp\\new https://shop.example/?a=1&b=2 don\\'t" ) ),
	'another charset'              => $call( array( 'a@x.example', 'Hello', "Gr\xfc\xdfe", 'Content-Type: text/plain; charset=ISO-8859-1' ) ),
	'headers of its own'           => $call( array( 'a@x.example', 'Hello', 'Text', array( 'X-One: 1', 'List-Id: <shop.example>', 'Auto-Submitted: auto-generated', 'MIME-Version: 1.0', 'X-Mailer: Mine' ) ) ),
	'headers as a map'             => $call( array( 'a@x.example', 'Hello', '<b>Text</b>', array( 'Content-Type' => 'Content-Type: text/html', 'From' => 'From: Shop <shop@shop.example>', 'X-One' => 'X-One: 1' ) ) ),
	'a long header'                => $call( array( 'a@x.example', 'Hello', 'Text', 'X-Long: ' . str_repeat( 'word ', 60 ) ) ),
	'a long List-Unsubscribe'      => $call( array( 'a@x.example', 'Hello', 'Text', array( "List-Unsubscribe: <$link>", 'List-Unsubscribe-Post: List-Unsubscribe=One-Click' ) ) ),
	'a header in other letters'    => $call( array( 'a@x.example', 'Hello', 'Text', 'X-Name: Käthe' ) ),
	'an attachment with a name'    => $call( array( 'a@x.example', 'Hello', 'Text', '', array( 'Größe 7.txt' => $file ) ) ),
	'attachments as a string'      => $call( array( 'a@x.example', 'Hello', 'Text', '', $file . "\n" . __FILE__ ) ),
	'a missing attachment'         => $call( array( 'a@x.example', 'Hello', 'Text', '', array( '/nowhere/file.txt' ) ) ),
	'files out of memory'          => $call(
		array( 'a@x.example', 'Hello', '<p><img src="cid:logo"></p>', $html ),
		static function ( $phpmailer ) {
			$phpmailer->addStringAttachment( "%PDF-1.4\n\x00\xff", 'Rechnung Nº 7.pdf' );
			$phpmailer->addStringEmbeddedImage( "\x89PNG\r\n", 'logo', 'logo.png', 'base64', 'image/png' );
		}
	),
	'a calendar invitation'        => $call(
		array( 'a@x.example', 'Hello', '<p>Come</p>', $html ),
		static function ( $phpmailer ) {
			$phpmailer->Ical = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n";
		}
	),
	'a read receipt and a rank'    => $call(
		array( 'a@x.example', 'Hello', 'Text' ),
		static function ( $phpmailer ) {
			$phpmailer->ConfirmReadingTo = 'shop@shop.example';
			$phpmailer->Priority         = 1;
		}
	),
	'another encoding'             => $call(
		array( 'a@x.example', 'Hello', "Gr\xc3\xbc\xc3\x9fe" ),
		static function ( $phpmailer ) {
			$phpmailer->Encoding = 'quoted-printable';
		}
	),
	'SMTP chosen by a plugin'      => $call(
		array( 'a@x.example', 'Hello', 'Text' ),
		static function ( $phpmailer ) {
			$phpmailer->isSMTP();
			$phpmailer->Host     = 'smtp.invalid';
			$phpmailer->SMTPAuth = true;
		}
	),
	'senders and kinds by filters' => $call(
		array( 'a@x.example', 'Hello', '<p>Hello</p>' ),
		null,
		array(
			'wp_mail_from'         => 'filtered@shop.example',
			'wp_mail_from_name'    => 'Filtered & Co.',
			'wp_mail_content_type' => 'text/html',
			'wp_mail_charset'      => 'utf-8',
		)
	),
	'everything by one filter'     => $call(
		array( 'a@x.example', 'Hello', 'Text' ),
		null,
		array(
			'wp_mail' => array(
				'to'          => array( 'other@x.example' ),
				'subject'     => 'Changed',
				'message'     => 'Changed text',
				'headers'     => "X-Changed: 1\nBcc: copy@x.example",
				'attachments' => array( 'changed.txt' => $file ),
			),
		)
	),
	'a plugin that stops the mail' => $call( array( 'a@x.example', 'Hello', 'Text' ), null, array( 'pre_wp_mail' => false ) ),
	'a plugin that has sent it'    => $call( array( 'a@x.example', 'Hello', 'Text' ), null, array( 'pre_wp_mail' => true ) ),
);

// WordPress 6.9 takes embedded files as a sixth argument; before that it takes no notice of one.
$calls['a picture to embed'] = $call( array( 'a@x.example', 'Hello', '<img src="cid:logo">', $html, array(), array( 'logo' => $file ) ) );

return $calls;
