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
// The parameters STAND_* are set by the doors that need another site; see nginx.conf.
define('WP_HOME', $_SERVER['STAND_HOME'] ?? '@ISSUER@');
define('WP_SITEURL', '@ISSUER@');

$stand_secret = $_SERVER['STAND_SECRET'] ?? '@SECRET@';
if ($stand_secret !== '') {
    define('JWT_AUTH_SECRET_KEY', $stand_secret);
}

// Application passwords are refused over plain http unless the environment is a local one. A doctor that asks PHP-FPM
// itself sets no parameters: there, a host stands for a site in production.
$stand_production = isset($_SERVER['STAND_PRODUCTION'])
    || ($_SERVER['HTTP_HOST'] ?? '') === 'production.wordpress.test';
define('WP_ENVIRONMENT_TYPE', $stand_production ? 'production' : 'local');

// What sites behind a proxy that ends TLS have in here.
if (isset($_SERVER['STAND_BELIEVES_PROTO']) && ($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') === 'https') {
    $_SERVER['HTTPS'] = 'on';
}

// Nothing may happen that no test asked for: no updates, no cron, no calls to the outside.
define('AUTOMATIC_UPDATER_DISABLED', true);
define('DISABLE_WP_CRON', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);

require_once ABSPATH . 'wp-settings.php';
