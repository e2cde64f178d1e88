<?php
/**
 * Plugin Name: Stand: what PHP saw
 *
 * Answers /wp-json/stand/v1/seen, whatever the method, with what became of the request on its way into PHP, so that a
 * test can prove at which hop a credential was lost, or a body changed. Of a credential it tells presence and length, never
 * the value.
 *
 * Answers before WordPress judges anything: a refused credential must not hide how it arrived.
 */

namespace Stand\Seen;

/**
 * PHP_AUTH_USER may also be WordPress's doing: since 5.6 it fills it from HTTP_AUTHORIZATION where PHP did not. AUTH_TYPE
 * is the web server's word for a credential that it may have kept to itself.
 */
const CREDENTIALS = ['HTTP_AUTHORIZATION', 'REDIRECT_HTTP_AUTHORIZATION', 'PHP_AUTH_USER', 'AUTH_TYPE'];

function sighting(string $name): array
{
    $value = wp_unslash($_SERVER[$name] ?? null);
    return ['present' => $value !== null, 'length' => strlen((string) $value)];
}

/** What came, and whether all that was announced did. */
function body(): array
{
    $body = file_get_contents('php://input');
    return ['announced' => $_SERVER['CONTENT_LENGTH'] ?? null, 'length' => strlen($body), 'md5' => md5($body)];
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
        'method' => $_SERVER['REQUEST_METHOD'],
        'host' => $_SERVER['HTTP_HOST'] ?? '',
        'address' => $_SERVER['REMOTE_ADDR'] ?? '',
        'https' => is_ssl(),
        'forwarded_proto' => $_SERVER['HTTP_X_FORWARDED_PROTO'] ?? null,
        'proxy' => getenv('HTTP_PROXY') !== false || isset($_SERVER['HTTP_PROXY']),
        'body' => body(),
    ]);
}

add_action('rest_api_init', __NAMESPACE__ . '\answer', PHP_INT_MIN);
