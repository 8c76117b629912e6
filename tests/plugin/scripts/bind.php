<?php
/**
 * Makes the site believe it was connected at another address: bind.php SITE-FOLDER ADDRESS
 */

require $argv[1] . '/wp-load.php';

( new Postreeve\Settings() )->bind( array( 'home' => $argv[2] ) );
