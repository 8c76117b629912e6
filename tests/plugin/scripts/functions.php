<?php
/**
 * Prints the functions and classes that the plugin calls and this WordPress does not have: functions.php SITE-FOLDER
 */

require $argv[1] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
require_once ABSPATH . 'wp-admin/includes/dashboard.php';
// What only networks have.
require_once ABSPATH . WPINC . '/ms-blogs.php';
require_once ABSPATH . WPINC . '/ms-site.php';

$missing = array();
$files   = new RecursiveIteratorIterator( new RecursiveDirectoryIterator( WP_PLUGIN_DIR . '/postreeve', FilesystemIterator::FOLLOW_SYMLINKS ) );
foreach ( $files as $file ) {
	if ( 'php' !== $file->getExtension() ) {
		continue;
	}
	$code   = file_get_contents( $file->getPathname() );
	$tokens = array_values(
		array_filter(
			token_get_all( $code ),
			function ( $token ) {
				return ! is_array( $token ) || ! in_array( $token[0], array( T_WHITESPACE, T_COMMENT, T_DOC_COMMENT ), true );
			}
		)
	);
	foreach ( $tokens as $place => $token ) {
		$before = $tokens[ $place - 1 ] ?? '';
		$called = is_array( $token ) && T_STRING === $token[0] && '(' === ( $tokens[ $place + 1 ] ?? '' );
		$ours   = is_array( $before ) && in_array( $before[0], array( T_OBJECT_OPERATOR, T_DOUBLE_COLON, T_FUNCTION, T_NEW, T_NS_SEPARATOR ), true );
		if ( $called && ! $ours && ! function_exists( $token[1] ) && false === strpos( $code, "function_exists( '{$token[1]}'" ) ) {
			$missing[] = $token[1];
		}
	}
}
echo wp_json_encode( array_values( array_unique( $missing ) ) );
