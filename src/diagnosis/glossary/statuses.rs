//! Statuses, by who sends them on a REST route.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        &["200"],
        "Good, mostly: WPGraphQL puts errors into a 200, and with plain permalinks a POST to /wp-json/… gets the front page as 200. \
         token/validate says 200 also for a user who was deleted.",
        &[],
        "wp-includes/rest-api.php; measured",
    ),
    (
        &["301", "302", "307", "308"],
        "A redirect: http to https, www, a slash. To another scheme, host or port clients go without Authorization; 301 and \
         302 make a GET of a POST; a preflight must not be redirected at all.",
        &[
            "redirect-drops-authorization",
            "redirect-changes-method",
            "redirect-to-itself",
            "login-page-in-front",
            "preflight-redirected",
            "forwarded-proto-untrusted",
        ],
        "Fetch, HTTP-redirect fetch; measured with 12 clients",
    ),
    (
        &["400"],
        "The request is malformed: for nginx also two Authorization lines or a header that is too long, for WordPress a parameter \
         (looked at before permissions), for the doctor what its code says.",
        &["authorization-twice", "header-too-large"],
        "measured with nginx 1.22, Apache 2.4 and WordPress 7.1",
    ),
    (
        &["401"],
        "Nobody is known. From WordPress with rest_*: the header was lost, or passed over for its spelling, or the user is \
         gone; never a lack of permission. With WWW-Authenticate: something before WordPress asks for a login.",
        &[
            "authorization-lost-before-php",
            "authorization-lost-between-doctors",
            "authorization-lost-before-doctor",
            "gate-in-front",
            "bearer-scheme-wrong",
            "application-password-refused",
            "error-page-hides-code",
            "validate-accepts-route-refuses",
            "user-deleted-after-issue",
            "refresh-token-reused",
            "refresh-after-refused-refresh",
            "login-refused",
        ],
        "wp-includes/rest-api.php, rest_authorization_required_code; measured",
    ),
    (
        &["403"],
        "Somebody is known and may not (rest_*), or a token is refused: JWT Authentication for WP REST API says 403 to every \
         bad token, and its code and message tell why. As a page in HTML: a firewall.",
        &[
            "permission-refused",
            "refresh-after-permission-refusal",
            "refresh-storm",
            "refresh-with-access-token",
            "token-expired",
            "token-signature-refused",
            "token-of-another-site",
            "token-issuer-mismatch",
            "firewall-blocked",
            "placeholder-token",
            "stale-token-on-public-route",
            "nonce-refused",
            "rest-locked-down",
        ],
        "wp-includes/rest-api.php, rest_authorization_required_code; class-jwt-auth-public.php",
    ),
    (
        &["404"],
        "The route or its method is unknown (rest_no_route; core has no 405): the plugin is not active, or a redirect made a \
         GET of a POST. As a page in HTML: permalinks are plain, or the web server does not send /wp-json/ to WordPress.",
        &[
            "route-wrong-method",
            "redirect-changes-method",
            "jwt-plugin-inactive",
            "permalinks-plain",
            "redirect-drops-authorization",
        ],
        "class-wp-rest-server.php, match_request_to_handler; measured",
    ),
    (
        &["405"],
        "A web server, a firewall or the doctor refuses the method: TRACE and CONNECT here. WordPress itself says 404 instead.",
        &["preflight-method-refused"],
        "class-wp-rest-server.php; RFC 9110 section 9.3.8",
    ),
    (
        &["408"],
        "The head of the request did not come in time. From the doctor: `limits.header_timeout`.",
        &[],
        "`header-doctor config schema`",
    ),
    (
        &["413"],
        "The body is too large for somebody on the way; from CloudFront, to a request without a body, its head.",
        &["header-too-large"],
        "AWS, CloudFront quotas",
    ),
    (
        &["421"],
        "From the doctor: no site answers for this Host (`sites[].hosts`).",
        &["header-changed-between-doctors"],
        "RFC 9110 section 15.5.20",
    ),
    (
        &["429"],
        "Too many requests: an edge or a plugin counts them, by address most often; behind a proxy all clients may be one address.",
        &[],
        "RFC 6585 section 4",
    ),
    (
        &["431", "494"],
        "The head of the request is too large: a long token, or many cookies. Envoy, Caddy and Apache over HTTP/2 say 431, nginx \
         and Apache over HTTP/1.1 say 400; 494 is nginx's own number for it.",
        &["header-too-large"],
        "measured; nginx, ngx_http_request.h",
    ),
    (
        &["500"],
        "PHP broke off: a page with \"critical error\", or JSON where JSON was asked for. usefulteam/jwt-auth says 500 at its token \
         route when no secret is set, and WordPress to everybody when it cannot use its database. From the doctor: a defect of its own, header_doctor_panic.",
        &["php-fatal", "jwt-secret-missing", "database-unreachable"],
        "measured with WordPress 7.1; usefulteam/jwt-auth, class-auth.php",
    ),
    (
        &["501"],
        "From WordPress: application passwords are not available, since it does not believe in TLS or a plugin turned them off. From the doctor: a \
         Transfer-Encoding other than chunked.",
        &["application-passwords-need-https", "application-passwords-off", "forwarded-proto-untrusted"],
        "wp-includes/rest-api, application passwords controller; RFC 9112 section 6.1",
    ),
    (
        &["502"],
        "What stands behind cannot be reached or answered in a broken way; the doctor's code and its log say which. It says nothing of \
         credentials.",
        &["php-not-running", "php-socket-forbidden", "header-too-large"],
        "RFC 9110 section 15.6.3",
    ),
    (
        &["503"],
        "Not now: WordPress in maintenance (Retry-After: 600), a firewall's challenge, or too many connections at the doctor.",
        &["maintenance-mode", "php-pool-exhausted"],
        "wp-includes/load.php, wp_maintenance",
    ),
    (
        &["504"],
        "What stands behind did not answer in time: WordPress is slow, or its machine does not answer at all.",
        &["php-pool-exhausted"],
        "RFC 9110 section 15.6.5",
    ),
];
