<?php
/**
 * Installs WordPress into the stand's empty database and prints the application passwords as KEY=value lines.
 *
 * Does what the browser's five-minute installation does, without wp-cli, which Debian does not have.
 * Reads SITE_ROOT, ADMIN_USER, ADMIN_PASSWORD, SUBSCRIBER_USER and SUBSCRIBER_PASSWORD from the environment.
 */

define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = 'wordpress.test';
require getenv('SITE_ROOT') . '/wp-load.php';

/** Takes the place of WordPress's own function, which would send mail. */
function wp_new_blog_notification(): void
{
}

/** Creates an application password, which WordPress shows this one time only. */
function application_password(int $user): string
{
    $created = WP_Application_Passwords::create_new_application_password($user, ['name' => 'stand']);
    if (is_wp_error($created)) {
        throw new RuntimeException($created->get_error_message());
    }
    return $created[0];
}

function create_subscriber(): int
{
    $user = wp_insert_user([
        'user_login' => getenv('SUBSCRIBER_USER'),
        'user_pass' => getenv('SUBSCRIBER_PASSWORD'),
        'user_email' => getenv('SUBSCRIBER_USER') . '@wordpress.test',
        'role' => 'subscriber',
    ]);
    if (is_wp_error($user)) {
        throw new RuntimeException($user->get_error_message());
    }
    return $user;
}

// The installer asks its own site whether permalinks work; no door is open yet, so it must not wait for one.
add_filter('pre_http_request', fn () => new WP_Error('no_door_yet', 'The stand has no open door yet.'));

require_once ABSPATH . 'wp-admin/includes/upgrade.php';
$admin = wp_install(
    'Header Doctor Stand',
    getenv('ADMIN_USER'),
    getenv('ADMIN_USER') . '@wordpress.test',
    true,
    '',
    getenv('ADMIN_PASSWORD')
)['user_id'];

$GLOBALS['wp_rewrite']->set_permalink_structure('/%postname%/');
flush_rewrite_rules(false);

echo 'ADMIN_APP_PASSWORD=', application_password($admin), "\n";
echo 'SUBSCRIBER_APP_PASSWORD=', application_password(create_subscriber()), "\n";
