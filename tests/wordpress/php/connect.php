<?php
/**
 * Connects Postreeve as its settings page would, and goes live: connect.php SITE-FOLDER RELAY-URL API-KEY
 */

list( , $folder, $url, $key ) = $argv;

require $folder . '/wp-load.php';

( new Postreeve\Settings() )->connect( $url, $key );
( new Postreeve\Settings() )->set_live( true );
