<?php
/**
 * Adds an editor unless there is one: add-editor.php SITE-FOLDER NAME PASSWORD
 */

require $argv[1] . '/wp-load.php';

if ( ! username_exists( $argv[2] ) ) {
	wp_insert_user(
		array(
			'user_login' => $argv[2],
			'user_pass'  => $argv[3],
			'user_email' => $argv[2] . '@shop.example',
			'role'       => 'editor',
		)
	);
}
