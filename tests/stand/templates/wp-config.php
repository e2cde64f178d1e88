<?php
/**
 * WordPress as the stand runs it: one site behind several doors, alone in the world.
 */

define('DB_NAME', 'wordpress');
define('DB_USER', 'wordpress');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:@DATABASE_SOCKET@');
define('DB_CHARSET', 'utf8mb4');
$table_prefix = 'wp_';

// Every door has a port of its own, and none of them may leak into links, redirects or the issuer of a token.
define('WP_HOME', '@ISSUER@');
define('WP_SITEURL', '@ISSUER@');

define('JWT_AUTH_SECRET_KEY', '@SECRET@');

// Application passwords are refused over plain http unless the environment is a local one.
define('WP_ENVIRONMENT_TYPE', 'local');

// Nothing may happen that no test asked for: no updates, no cron, no calls to the outside.
define('AUTOMATIC_UPDATER_DISABLED', true);
define('DISABLE_WP_CRON', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);

require_once ABSPATH . 'wp-settings.php';
