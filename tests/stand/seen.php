<?php
/**
 * Plugin Name: Stand: what PHP saw
 *
 * Answers GET /wp-json/stand/v1/seen with what became of the credential on its way into PHP, so that a test
 * can prove at which hop it was lost. Tells presence and length, never a value.
 *
 * Answers before WordPress judges anything: a refused credential must not hide how it arrived.
 */

namespace Stand\Seen;

/** PHP_AUTH_USER may also be WordPress's doing: since 5.6 it fills it from HTTP_AUTHORIZATION where PHP did not. */
const CREDENTIALS = ['HTTP_AUTHORIZATION', 'REDIRECT_HTTP_AUTHORIZATION', 'PHP_AUTH_USER'];

function sighting(string $name): array
{
    $value = wp_unslash($_SERVER[$name] ?? null);
    return ['present' => $value !== null, 'length' => strlen((string) $value)];
}

function answer(): void
{
    if (($GLOBALS['wp']->query_vars['rest_route'] ?? '') !== '/stand/v1/seen') {
        return;
    }
    nocache_headers();
    wp_send_json([
        'sapi' => PHP_SAPI,
        'server' => array_combine(CREDENTIALS, array_map(__NAMESPACE__ . '\sighting', CREDENTIALS)),
        'headers' => array_map('strval', array_keys(getallheaders())),
    ]);
}

add_action('rest_api_init', __NAMESPACE__ . '\answer', PHP_INT_MIN);
