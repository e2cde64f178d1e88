<?php
/**
 * Plugin Name: Stand: lock-down
 *
 * Where a door says STAND_LOCKDOWN, refuses REST to whoever is not logged in, as plugins of that kind do: whatever the
 * route and the method, so that neither a preflight nor a login gets through.
 */

namespace Stand\Lockdown;

use WP_Error;

function refuse(mixed $error): mixed
{
    if (!isset($_SERVER['STAND_LOCKDOWN']) || is_wp_error($error) || is_user_logged_in()) {
        return $error;
    }
    return new WP_Error(
        'rest_cannot_access',
        'Only authenticated users can access the REST API.',
        ['status' => rest_authorization_required_code()]
    );
}

// Behind core's own check of cookies (100): before it, a request with a cookie alone counts as logged in.
add_filter('rest_authentication_errors', __NAMESPACE__ . '\refuse', 101);
