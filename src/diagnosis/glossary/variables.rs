//! What PHP has in `$_SERVER`, and functions that read headers past it.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        &["HTTP_AUTHORIZATION"],
        "Authorization as PHP has it; the JWT plugins read this first. Not there: the web server withholds it (Apache before \
         PHP-FPM and CGI, HAProxy's fcgi-app, mod_php always). There but empty: a rule of Apache or nginx sets it and no header came.",
        &["authorization-lost-before-php"],
        "class-jwt-auth-public.php; measured with Apache, nginx, HAProxy and Caddy",
    ),
    (
        &["REDIRECT_HTTP_AUTHORIZATION"],
        "Apache's copy behind an internal redirect, when a rewrite rule set HTTP_AUTHORIZATION. Core and the JWT plugins read it \
         where the former is missing; for Basic, core does not when the former is there and empty.",
        &["authorization-lost-before-php", "authorization-only-redirected"],
        "wp-includes/load.php, wp_populate_basic_auth_from_authorization_header; measured",
    ),
    (
        &["REDIRECT_REDIRECT_HTTP_AUTHORIZATION"],
        "Two internal redirects of Apache: neither core nor any plugin reads it. The form of the URL decides how many there are; \
         /index.php?rest_route=/ has none.",
        &["authorization-lost-before-php"],
        "class-wp-rest-server.php, get_headers",
    ),
    (
        &["PHP_AUTH_USER", "PHP_AUTH_PW"],
        "User and password of Basic, from PHP itself or, when they are missing, from core. WordPress takes them for an application \
         password, the gate's too. With PHP_AUTH_USER set, Site Health leaves out its test of the header.",
        &[
            "gate-login-reaches-wordpress",
            "authorization-replaced-before-php",
            "basic-unreadable",
            "application-password-refused",
        ],
        "wp-includes/load.php; class-wp-site-health.php",
    ),
    (
        &["REMOTE_USER", "REDIRECT_REMOTE_USER", "AUTH_TYPE"],
        "Set by a web server that asked for a login itself, or by HAProxy's fcgi-app: AUTH_TYPE=Bearer without \
         HTTP_AUTHORIZATION is its mark.",
        &["gate-in-front", "authorization-lost-before-php"],
        "measured with HAProxy 2.6 and Apache 2.4",
    ),
    (
        &["HTTPS"],
        "on or 1 when WordPress is to believe in TLS (is_ssl()). Missing behind a proxy that ends TLS: application passwords are \
         ignored, iss of tokens differs, and redirects to https may loop.",
        &[
            "forwarded-proto-untrusted",
            "application-passwords-need-https",
            "issuer-flips-with-https",
            "redirect-drops-authorization",
        ],
        "wp-includes/load.php, is_ssl; measured",
    ),
    (
        &["SERVER_PORT"],
        "443 counts as TLS for is_ssl(), when HTTPS says nothing.",
        &["forwarded-proto-untrusted", "application-passwords-need-https", "issuer-flips-with-https"],
        "wp-includes/load.php, is_ssl",
    ),
    (
        &["HTTP_X_FORWARDED_PROTO"],
        "What a proxy says of the scheme. Core never reads it; wp-config.php must make HTTPS=on of it, as WordPress's \
         image for Docker does.",
        &["forwarded-proto-untrusted"],
        "wp-includes/load.php, is_ssl",
    ),
    (
        &["SCRIPT_FILENAME"],
        "The script that PHP-FPM is told to run, as a path that PHP itself must find: with php_root, where PHP runs in \
         another container than the doctor or web server.",
        &["php-script-unknown", "php-script-denied"],
        "php-src, sapi/fpm; measured",
    ),
    (
        &["HTTP_ORIGIN"],
        "Origin as PHP has it. WordPress sends Access-Control-Allow-Origin only where it is there.",
        &["origin-header-stripped", "cors-headers-wrong"],
        "wp-includes/rest-api.php, rest_send_cors_headers",
    ),
    (
        &["HTTP_X_WP_NONCE"],
        "The nonce that a page of WordPress sends with its cookie. Wrong or old it refuses the request, whatever else came.",
        &["nonce-refused"],
        "wp-includes/rest-api.php, rest_cookie_check_errors",
    ),
    (
        &["getallheaders", "apache_request_headers"],
        "Reads headers past $_SERVER: under mod_php Authorization is there alone. Simple JWT Login, miniOrange and WooCommerce use \
         it, core and the JWT plugins do not: one plugin works, the other says no header. It keeps the client's letter case.",
        &["authorization-lost-before-php", "header-changed-between-doctors"],
        "measured with mod_php 8.2",
    ),
];
