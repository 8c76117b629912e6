<?php
/**
 * Sends a mail as any plugin does, and prints whether WordPress took it: mail.php SITE-FOLDER TO SUBJECT
 */

list( , $folder, $to, $subject ) = $argv;

require $folder . '/wp-load.php';

echo wp_json_encode( wp_mail( $to, $subject, 'Hello.' ) );
