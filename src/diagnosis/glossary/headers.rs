//! Header fields of requests and replies.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        &["Authorization"],
        "The credential. The JWT plugins want `Bearer`, in that spelling, and the token; core wants `Basic` and an application password. \
         It is one header for one credential: a gate before WordPress uses the same. No proxy may change it (RFC 9110 section 11.6.2).",
        &[
            "authorization-lost-before-php",
            "authorization-lost-between-doctors",
            "authorization-lost-before-doctor",
            "redirect-drops-authorization",
            "bearer-scheme-wrong",
            "authorization-twice",
            "authorization-nominated",
        ],
        "RFC 9110; class-jwt-auth-public.php",
    ),
    (
        &["X-Authorization", "X-Auth-Token"],
        "Read by no JWT plugin and not by core. Some clients send the token there where a hop drops Authorization; \
         `authorization.recover_from` of the doctor puts it back, from trusted proxies only.",
        &["authorization-lost-before-doctor"],
        "measured with WordPress 7.1; `header-doctor config schema`",
    ),
    (
        &["X-Amzn-Remapped-Authorization"],
        "What AWS API Gateway makes of Authorization where it is not mapped. `authorization.recover_from` can put it back.",
        &["authorization-lost-before-doctor"],
        "AWS, API Gateway, known issues",
    ),
    (
        &["X-Serverless-Authorization"],
        "Google Cloud Run takes its own token here, and then leaves Authorization alone; else it consumes Authorization and \
         removes the signature.",
        &["signature-removed-by-google", "authorization-lost-before-doctor"],
        "Google Cloud Run, troubleshooting",
    ),
    (
        &["Cf-Access-Jwt-Assertion", "X-Goog-Iap-Jwt-Assertion", "X-Amzn-Oidc-Data"],
        "An edge's own word about who its visitor is. It is no credential of WordPress, and the doctor refuses to make it one.",
        &["login-page-in-front", "gate-in-front"],
        "`header-doctor config schema`, recover_from",
    ),
    (
        &["Proxy-Authorization"],
        "A credential for a proxy, which ends there. WordPress does not read it.",
        &["authorization-lost-before-doctor"],
        "RFC 9110 section 11.7.2",
    ),
    (
        &["WWW-Authenticate"],
        "Core never sends it. On a 401 it is the mark of another authentication in front (htpasswd, a gateway), or of WooCommerce \
         with a wrong secret.",
        &["gate-in-front"],
        "grep of wp-includes and wp-admin; measured",
    ),
    (
        &["Origin"],
        "Sent by a browser for a page of another site. WordPress answers with Access-Control-Allow-Origin only when it sees it, \
         and reflects any. Where it is taken off on the way, every page is refused.",
        &["origin-header-stripped", "cors-headers-wrong", "preflight-blocked"],
        "Fetch; wp-includes/rest-api.php, rest_send_cors_headers",
    ),
    (
        &["Access-Control-Request-Method", "Access-Control-Request-Headers"],
        "The marks of a preflight: OPTIONS with Origin and these asks whether a request may come. It never carries a \
         credential. OPTIONS without them is WordPress's own question for the schema of a route.",
        &[
            "preflight-blocked",
            "preflight-refused",
            "preflight-needs-login",
            "preflight-closed-by-plugin",
            "preflight-promise-broken",
        ],
        "Fetch, CORS-preflight fetch",
    ),
    (
        &["Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"],
        "The leave for a page to read the reply: the page's origin, once, or * where no cookie is sent. It must be on errors, \
         too, else the browser hides them.",
        &[
            "cors-headers-doubled",
            "cors-headers-wrong",
            "cors-headers-missing-on-error",
            "error-hidden-as-cors",
            "origin-header-stripped",
            "preflight-blocked",
        ],
        "Fetch, CORS check",
    ),
    (
        &["Access-Control-Allow-Headers", "Access-Control-Allow-Methods"],
        "The headers and methods that a page may send, in the reply to a preflight. authorization must stand there by name. Core \
         lists Authorization, X-WP-Nonce, Content-Disposition, Content-MD5 and Content-Type.",
        &[
            "preflight-header-unlisted",
            "preflight-method-unlisted",
            "preflight-wildcard",
            "preflight-refused",
        ],
        "Fetch; class-wp-rest-server.php, serve_request",
    ),
    (
        &["Access-Control-Max-Age"],
        "How long a browser keeps the answer to a preflight: 5 s without it, and core sends none. Chromium caps it at 7200 s, Firefox \
         at 86400 s.",
        &["preflight-blocked"],
        "Fetch; MDN",
    ),
    (
        &["Access-Control-Expose-Headers"],
        "The headers of a reply that a page may read. Core lists X-WP-Total, X-WP-TotalPages and Link.",
        &["cors-headers-wrong"],
        "class-wp-rest-server.php, serve_request",
    ),
    (
        &["Vary"],
        "What a cache must tell replies apart by. Core sends Origin and never Authorization, so a cache that ignores \
         Cache-Control may hand one user's reply to another.",
        &[
            "authenticated-reply-cached",
            "refusal-from-cache",
            "preflight-cached-wrongly",
            "cors-headers-wrong",
        ],
        "wp-includes/rest-api.php, rest_send_cors_headers",
    ),
    (
        &["X-WP-Nonce"],
        "What makes a login cookie count on a REST route. A wrong or old one is refused with rest_cookie_invalid_nonce, on \
         public routes as well; with a good Bearer it is ignored.",
        &["nonce-refused", "cookie-without-nonce", "permission-refused"],
        "wp-includes/rest-api.php, rest_cookie_check_errors; measured",
    ),
    (
        &["Cookie"],
        "A login cookie without X-WP-Nonce counts for nothing on a REST route, but it beats an application password: the caller \
         is then anonymous. With a Bearer, the token counts.",
        &[
            "cookie-beats-basic",
            "header-changed-between-doctors",
            "refresh-cookie-missing",
            "permission-refused",
            "cookie-without-nonce",
        ],
        "wp-includes/default-filters.php; measured",
    ),
    (
        &["Content-Type"],
        "How the body is read. A login as JSON without `application/json` is a login without a user name.",
        &["login-body-unread", "header-changed-between-doctors", "login-refused"],
        "class-wp-rest-request.php; measured",
    ),
    (
        &["Host"],
        "The name that was asked for. A proxy that sends its own makes WordPress redirect to its address, and a client drops \
         Authorization there.",
        &["header-changed-between-doctors", "redirect-drops-authorization", "token-issuer-mismatch"],
        "wp-includes/canonical.php; Fetch",
    ),
    (
        &[
            "Forwarded",
            "X-Forwarded-For",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "CloudFront-Forwarded-Proto",
        ],
        "What a proxy says of the client: its address, its scheme, the name it asked for. The doctor believes `trusted_proxies` alone. \
         Core reads none of them, so wp-config.php must turn X-Forwarded-Proto into HTTPS=on.",
        &[
            "forwarded-proto-untrusted",
            "redirect-to-itself",
            "application-passwords-need-https",
            "issuer-flips-with-https",
            "header-changed-between-doctors",
        ],
        "RFC 7239; wp-includes/load.php, is_ssl",
    ),
    (
        &["Via"],
        "The proxies that a message passed, when they say so. That none stands there proves nothing.",
        &["authorization-lost-before-doctor"],
        "RFC 9110 section 7.6.3",
    ),
    (
        &["Connection"],
        "Names headers that the next hop shall remove. A client or proxy that names authorization there has it removed by Apache and \
         Caddy; the doctor keeps it and says so.",
        &["authorization-nominated"],
        "RFC 9110 section 7.6.1; measured",
    ),
    (
        &["Location"],
        "Where a redirect leads. To another scheme, host or port, browsers, curl and most libraries go without Authorization, and \
         301 and 302 make a GET of a POST. WordPress without a site sends everybody to its installer.",
        &[
            "redirect-drops-authorization",
            "redirect-changes-method",
            "login-page-in-front",
            "preflight-redirected",
            "wordpress-not-installed",
            "site-unknown-to-network",
        ],
        "Fetch, HTTP-redirect fetch; measured with 12 clients",
    ),
    (
        &["X-Redirect-By"],
        "Who redirects: WordPress or a plugin of it. A redirect without it is of the web server or an edge.",
        &["redirect-drops-authorization", "redirect-changes-method", "preflight-redirected"],
        "wp-includes/pluggable.php, wp_redirect",
    ),
    (
        &["Link"],
        "With rel=\"https://api.w.org/\" it is on every reply of WordPress's REST server and names its root, from which the site's \
         address is read. Not there: something else answered.",
        &["token-issuer-mismatch", "gate-in-front"],
        "class-wp-rest-server.php, serve_request",
    ),
    (
        &["Cache-Control"],
        "WordPress forbids storing replies to known users (no-store, private) and says nothing on others, errors among them: an \
         edge may keep a 401 and hand it to all.",
        &["authenticated-reply-cached", "refusal-from-cache", "report-of-another-exchange"],
        "class-wp-rest-server.php, serve_request; measured",
    ),
    (
        &["Age", "X-Cache", "Cache-Status", "Cf-Cache-Status", "X-LiteSpeed-Cache"],
        "The marks of a cache. A reply from one was made for another request: the header was not lost, nobody asked for it.",
        &[
            "refusal-from-cache",
            "authenticated-reply-cached",
            "preflight-cached-wrongly",
            "report-of-another-exchange",
        ],
        "RFC 9111 section 5.1; RFC 9211",
    ),
    (
        &["Date"],
        "The clock of the machine that answered. Against a token's exp and iat and our own clock it tells whose is off.",
        &[
            "token-not-yet-valid",
            "clock-ahead-on-node",
            "clock-behind-on-node",
            "token-expired",
            "doctor-clocks-differ",
        ],
        "RFC 9110 section 6.6.1",
    ),
    (
        &["Server"],
        "The web server, or the edge in front of it. It tells which cure fits where a header is lost before PHP.",
        &["authorization-lost-before-php"],
        "RFC 9110 section 10.2.4",
    ),
    (
        &["X-HTTP-Method-Override"],
        "Another method for WordPress than the one sent. CloudFront removes it, and core does not allow it to pages of other sites.",
        &["method-overridden", "preflight-header-unlisted"],
        "class-wp-rest-server.php, serve_request",
    ),
    (
        &["Retry-After"],
        "On 503, when to ask again: WordPress in maintenance says 600; the doctor says so when it has too many connections.",
        &["maintenance-mode"],
        "wp-includes/load.php, wp_maintenance",
    ),
    (
        &["traceparent", "X-Request-Id"],
        "What joins the logs of several hops: one number that all of them write. `header-doctor compare` joins by it.",
        &["trail-lost"],
        "W3C Trace Context; docs/compare.md",
    ),
    (
        &["Header-Doctor-Trail"],
        "What doctors in front saw, signed, on its way to WordPress. It is removed on arrival and believed by its signature alone. \
         Where it does not arrive, an allow-list stands between the doctors, or a way past one of them.",
        &[
            "trail-lost",
            "authorization-lost-between-doctors",
            "header-changed-between-doctors",
            "header-added-on-the-way",
        ],
        "docs/trail.md",
    ),
    (
        &["Header-Doctor-Report"],
        "What doctors behind saw, signed, on its way back; it never reaches a client. One that names another exchange was \
         stored by a cache.",
        &["report-of-another-exchange", "trail-lost"],
        "docs/trail.md",
    ),
];
