<?php
/**
 * What PHP-FPM has and a terminal has not: notes whether the visitor's session was still open when it was called.
 */

function fastcgi_finish_request() {
	$GLOBALS['open'] = PHP_SESSION_ACTIVE === session_status();
	return true;
}
