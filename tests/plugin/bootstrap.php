<?php
/**
 * Loads the WordPress site the tests run in. Needs two environment variables: POSTREEVE_TEST_SITE,
 * the site's folder, and POSTREEVE_TEST_RELAY, the address of the recording relay.
 */

$address                    = 'shop.example';
$_SERVER['HTTP_HOST']       = $address;
$_SERVER['SERVER_NAME']     = $address;
$_SERVER['REQUEST_URI']     = '/';
$_SERVER['REQUEST_METHOD']  = 'GET';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REMOTE_ADDR']     = '127.0.0.1';

// WordPress keeps its state in globals; PHPUnit loads this file inside a function.
foreach ( array( 'wpdb', 'wp_version', 'wp_filter', 'wp_actions', 'wp_filters', 'wp_current_filter', 'table_prefix', 'wp_object_cache', 'wp_rewrite', 'wp', 'wp_the_query', 'wp_query', 'wp_roles', 'shortcode_tags', 'wp_plugin_paths', 'phpmailer', 'pagenow', 'blog_id', 'wp_locale', 'wp_locale_switcher', 'wp_textdomain_registry', 'l10n', 'wp_embed', 'wp_widget_factory' ) as $name ) {
	global $$name;
}

require getenv( 'POSTREEVE_TEST_SITE' ) . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
require_once __DIR__ . '/support/class-relay.php';
require_once __DIR__ . '/contract/class-carrier.php';
require_once __DIR__ . '/contract/class-reference-mailer.php';
require_once __DIR__ . '/contract/class-reader.php';
require_once __DIR__ . '/contract/class-contract.php';
require_once __DIR__ . '/support/class-site-test-case.php';
require_once __DIR__ . '/support/class-wp-cli.php';
require_once __DIR__ . '/support/cli-utils.php';
require_once __DIR__ . '/support/class-halted.php';
