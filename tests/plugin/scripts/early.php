<?php
/**
 * Loads WordPress; a must-use plugin sends the mail on the way: early.php SITE-FOLDER
 */

require $argv[1] . '/wp-load.php';
