<?php
/**
 * WP-CLI's way of showing rows.
 */

namespace WP_CLI\Utils;

function format_items( $format, $items, $fields ): void {
	\WP_CLI::$shown[] = array( $format, array_values( $items ), $fields );
}
