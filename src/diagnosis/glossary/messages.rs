//! Messages: of php-jwt, of the plugins, of core, of web servers, and of browsers' consoles.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    // php-jwt, by way of `jwt_auth_invalid_token`.
    (
        &["Wrong number of segments"],
        "What stands behind Bearer has not three parts with points between them: the word undefined or null, an API key, an \
         application password, Bearer twice, or a token that was cut. The header did arrive. The plugin says so on every REST \
         route, public ones and the login among them.",
        &["placeholder-token", "token-not-a-jwt", "token-wrapped", "stale-token-on-public-route"],
        "php-jwt 6.4, JWT::decode; measured with WordPress 7.1 and JWT Authentication 1.3.4",
    ),
    (
        &["Expired token"],
        "The token's exp has come by the clock of PHP's machine, to the second and without leeway. The header arrived, and the \
         secret fits, for the signature is looked at before. Either the client needs a new token, or that clock is ahead.",
        &[
            "token-expired",
            "clock-ahead-on-node",
            "stale-token-after-refresh",
            "stale-token-on-public-route",
            "php-clock-off",
        ],
        "php-jwt 6.4, JWT::decode",
    ),
    (
        &["Signature verification failed"],
        "The token is not signed with the secret of the machine that looked at it: from before a change of the secret, of \
         another site, of another plugin, of another machine of the same site, cut, or with quotes around it. Time and issuer were not \
         looked at yet. `header-doctor token --secret-file` tells which.",
        &[
            "token-signature-refused",
            "jwt-secret-differs-between-nodes",
            "validate-refuses-route-accepts",
            "token-of-another-site",
            "token-cut-short",
            "bearer-of-another-plugin",
            "token-wrapped",
        ],
        "php-jwt 6.4, JWT::decode; measured",
    ),
    (
        &[
            "Cannot handle token prior to …",
            "Cannot handle token with nbf prior to …",
            "Cannot handle token with iat prior to …",
        ],
        "The token's nbf or iat has not come by the clock of PHP's machine: of the machine that issued it and the one that \
         looks at it, one clock is off. There is no leeway: two seconds are enough. The time in the message less the reply's \
         Date is the difference.",
        &[
            "token-not-yet-valid",
            "clock-ahead-on-node",
            "clock-behind-on-node",
            "doctor-clocks-differ",
            "php-clock-off",
        ],
        "php-jwt 6.4 and later, JWT::decode",
    ),
    (
        &[
            "Syntax error, malformed JSON",
            "Malformed UTF-8 characters",
            "Unexpected control character found",
            "Maximum stack depth exceeded",
            "Invalid header encoding",
            "Invalid claims encoding",
            "Payload must be a JSON object",
        ],
        "The token has three parts, but they are not base64 of JSON: it is no JWT, or it was damaged or changed on the way. \
         No signature was looked at.",
        &["token-not-a-jwt", "token-wrapped"],
        "php-jwt 6.4, JWT::handleJsonError; measured",
    ),
    (
        &[
            "Algorithm not supported",
            "Algorithm not supported, see …",
            "Algorithm not allowed",
            "Empty algorithm",
        ],
        "The token's header names no algorithm that php-jwt has, none among them; or, with a link behind it, the site's own \
         filter jwt_auth_algorithm names none that the plugin has.",
        &["token-algorithm-refused"],
        "php-jwt 6.4, JWT::decode; class-jwt-auth-public.php, get_algorithm",
    ),
    (
        &["Incorrect key for this algorithm"],
        "The token is signed by another algorithm than the site's, which is HS256 unless the filter jwt_auth_algorithm says \
         another: another program issued it. The signature was not looked at.",
        &["token-algorithm-refused"],
        "php-jwt 6.4, JWT::decode; measured with HS512 and RS256",
    ),
    (
        &["Provided key is too short", "Key may not be empty"],
        "The site's secret is at fault and no token is: php-jwt 7 and later refuse a secret shorter than 32 bytes for HS256, \
         and every version an empty one. Set a longer JWT_AUTH_SECRET_KEY; all clients must then log in again.",
        &["secret-too-short", "secret-unusable", "plugin-refused-token"],
        "php-jwt 7.0, JWT.php",
    ),
    (
        &["Payload exp must be a number", "Payload nbf must be a number", "Payload iat must be a number"],
        "php-jwt 7 and later want the times of a token as numbers; another program wrote them as text.",
        &["plugin-refused-token"],
        "php-jwt 7.0, JWT.php",
    ),
    // The plugins.
    (
        &["Authorization header not found."],
        "PHP has no Authorization. JWT Authentication for WP REST API says so at token/validate alone; every other route \
         takes the caller for anonymous and answers 401 rest_not_logged_in or rest_forbidden.",
        &[
            "authorization-lost-before-php",
            "valid-tokens-lost",
            "authorization-lost-between-doctors",
            "authorization-lost-before-doctor",
            "authorization-nominated",
        ],
        "class-jwt-auth-public.php, validate_token; measured",
    ),
    (
        &["Authorization header malformed.", "Authorization header malformed. …"],
        "Authorization arrived, but it is not Bearer, in that very spelling, and a word behind it: bearer, a token alone, Basic, \
         quotes around the whole. At token/validate; other routes pass over it, or say so where nothing stands behind Bearer.",
        &[
            "bearer-scheme-wrong",
            "token-wrapped",
            "placeholder-token",
            "authorization-replaced",
            "basic-taken-by-old-jwt-plugin",
            "gate-in-front",
        ],
        "class-jwt-auth-public.php, validate_token; measured",
    ),
    (
        &["The iss do not match with this server"],
        "The token's issuer is not the address of the site, letter by letter: scheme, www, port, path and a slash at the end \
         count. Signature and times were in order. Where only the scheme differs, WordPress believes in TLS now and now not.",
        &[
            "issuer-flips-with-https",
            "token-of-another-site",
            "token-issuer-mismatch",
            "forwarded-proto-untrusted",
        ],
        "class-jwt-auth-public.php, validate_token; wp-includes/link-template.php, get_home_url",
    ),
    (
        &["User ID not found in the token"],
        "The token has no data.user.id: another plugin issued it, with the same secret and issuer. Take a \
         token from jwt-auth/v1/token.",
        &["token-of-another-plugin", "plugin-refused-token"],
        "class-jwt-auth-public.php, validate_token",
    ),
    (
        &["JWT is not configured properly, please contact the admin", "JWT is not configured properly"],
        "JWT_AUTH_SECRET_KEY is not defined, or empty, on the machine that answered. It must be defined in wp-config.php before \
         plugins are loaded.",
        &["jwt-secret-missing"],
        "class-jwt-auth-public.php, generate_token and validate_token",
    ),
    (
        &["Invalid Credentials."],
        "The words of jwt_auth_failed, which older manuals name for a wrong password at jwt-auth/v1/token. Releases since 1.2.1 \
         send [jwt_auth] incorrect_password and its like.",
        &["login-refused"],
        "Tags 1.2.1 to 1.3.4 of JWT Authentication for WP REST API",
    ),
    // Core.
    (
        &["You are not currently logged in."],
        "WordPress took the caller for anonymous: no Authorization arrived, it was passed over for its spelling, or the user \
         of the token is gone. With 401 it is never a lack of permission.",
        &[
            "authorization-lost-before-php",
            "bearer-scheme-wrong",
            "authorization-lost-between-doctors",
            "token-expired",
        ],
        "class-wp-rest-users-controller.php; measured",
    ),
    (
        &["Sorry, you are not allowed to …", "Sorry, you must be logged in to …", "Sorry, you cannot …"],
        "A permission failed. The status tells of whom: 401 is an anonymous caller, whose header was lost or passed over; 403 is \
         a user whom WordPress knows and who may not.",
        &["permission-refused", "authorization-lost-before-php", "bearer-scheme-wrong"],
        "wp-includes/rest-api.php, rest_authorization_required_code; measured",
    ),
    (
        &["The provided password is an invalid application password."],
        "The words of a wrong password: on a site where application passwords are in use they stand for the wrong login \
         password, too, since that handler speaks last.",
        &[
            "login-refused",
            "application-password-refused",
            "gate-login-reaches-wordpress",
            "login-overwritten-message",
            "gate-in-front",
        ],
        "wp-includes/user.php, wp_authenticate_application_password; measured",
    ),
    (
        &["Application passwords are not available."],
        "WordPress does not believe that it is reached over TLS, or a plugin switched application passwords off. At the login \
         it hides that the password was wrong.",
        &[
            "application-passwords-need-https",
            "application-passwords-off",
            "login-refused",
            "forwarded-proto-untrusted",
            "login-overwritten-message",
        ],
        "wp-includes/user.php, wp_is_application_passwords_available",
    ),
    (
        &[
            "Unknown username. Check again or try your email address.",
            "Unknown email address. Check again or try your username.",
            "Invalid username, email address or incorrect password.",
        ],
        "A login failed. On a site behind a password of its own, WordPress may have taken the gate's Basic for its own login.",
        &["login-refused", "gate-login-reaches-wordpress", "application-password-refused"],
        "wp-includes/user.php, wp_authenticate_username_password",
    ),
    (
        &["Cookie check failed", "Cookie nonce is invalid"],
        "An X-WP-Nonce came that is wrong or too old, on public routes as well. It has nothing to do with Authorization: a page \
         that was open long, or a cached page with a nonce in it.",
        &["nonce-refused"],
        "wp-includes/rest-api.php, rest_cookie_check_errors",
    ),
    (
        &["No route was found matching the URL and request method."],
        "The route or its method is unknown: core has no 405. At jwt-auth/v1/token it is a GET, often a POST that a redirect \
         (301, 302) made one, or the plugin is not active.",
        &["route-wrong-method", "jwt-plugin-inactive", "redirect-drops-authorization"],
        "class-wp-rest-server.php, match_request_to_handler; measured",
    ),
    (
        &["Invalid JSON body passed."],
        "The body is not the JSON that its Content-Type says. It is refused before any permission is looked at, so it says \
         nothing of Authorization.",
        &["header-changed-between-doctors"],
        "class-wp-rest-request.php, parse_json_params",
    ),
    // Web servers.
    (
        &[
            "Request Header Or Cookie Too Large",
            "Size of a request header field exceeds server limit…",
            "Request Header Fields Too Large",
        ],
        "A web server or proxy takes no header so long: nginx and Apache some 8000 bytes a line. A long token or many cookies \
         reach the limit.",
        &["header-too-large"],
        "measured with nginx 1.22 and Apache 2.4",
    ),
    (
        &["client sent invalid header line…"],
        "nginx dropped a header whose name has an underscore or a point in it; it says so at the level info alone.",
        &["authorization-lost-before-doctor"],
        "nginx, ngx_http_request.c; measured",
    ),
    // PHP and PHP-FPM.
    (
        &["Primary script unknown", "File not found."],
        "PHP-FPM does not find the script that it is told to run: it was told another folder than the one in which PHP sees \
         WordPress, or its user may not enter a folder above it. No script ran and no credential was judged.",
        &["php-script-unknown"],
        "php-src, sapi/fpm; measured with PHP 8.2",
    ),
    (
        &[
            "Access denied.",
            "Access to the script … has been denied (see security.limit_extensions)",
            "Unable to open primary script…",
        ],
        "PHP-FPM finds the script and will not run it: security.limit_extensions does not allow its name, or PHP's user may not \
         read it. No credential was judged.",
        &["php-script-denied"],
        "php-src, sapi/fpm; measured with PHP 8.2",
    ),
    (
        &["Error establishing a database connection", "Cannot select database"],
        "WordPress cannot use its database: it is down, refuses the login, is not there, or lacks tables. It comes with 500, to every \
         request, before a credential is looked at.",
        &["database-unreachable"],
        "wp-includes/functions.php, dead_db; wp-includes/class-wpdb.php; measured with WordPress 6.1",
    ),
    (
        &[
            "There has been a critical error on this website…",
            "PHP Fatal error…",
            "Allowed memory size of … exhausted…",
        ],
        "A script of the site broke off: a plugin, a theme, or a limit of PHP. The log of PHP has the line. It has nothing to do \
         with the credential, unless the plugin that broke is the one that reads it.",
        &["php-fatal"],
        "class-wp-fatal-error-handler.php; measured",
    ),
    (
        &["…server reached pm.max_children setting…"],
        "All workers of PHP-FPM's pool are busy, so requests wait. Raise pm.max_children as memory allows, or find what holds the \
         workers by the pool's slowlog.",
        &["php-pool-exhausted"],
        "php-src, sapi/fpm",
    ),
    // Browsers.
    (
        &[
            "…No 'Access-Control-Allow-Origin' header is present on the requested resource…",
            "…CORS header ‘Access-Control-Allow-Origin’ missing…",
            "…CORS header 'Access-Control-Allow-Origin' missing…",
            "…is not allowed by Access-Control-Allow-Origin…",
        ],
        "The browser got a reply and keeps it from the page. WordPress sends that header on every REST reply to a request \
         with Origin, so something else answered (an error page, a gate, a cache), or Origin did not reach WordPress.",
        &[
            "cors-headers-missing-on-error",
            "error-hidden-as-cors",
            "origin-header-stripped",
            "cors-headers-wrong",
            "preflight-blocked",
            "gate-in-front",
        ],
        "Fetch, CORS check; wp-includes/rest-api.php, rest_send_cors_headers",
    ),
    (
        &["…contains multiple values…", "…Multiple CORS header ‘Access-Control-Allow-Origin’ not allowed…"],
        "Two layers send Access-Control-Allow-Origin, WordPress and a web server's add_header most often. One of the two must \
         not.",
        &["cors-headers-doubled"],
        "Fetch, CORS check; nginx add_header appends",
    ),
    (
        &[
            "…It does not have HTTP ok status…",
            "…CORS preflight response did not succeed…",
            "…Preflight response is not successful…",
        ],
        "The preflight was answered with an error. A preflight never carries Authorization or a cookie, so whatever asks for \
         one before OPTIONS refuses every browser: a gate, a plugin that closes the REST API, a firewall.",
        &[
            "preflight-needs-login",
            "preflight-closed-by-plugin",
            "preflight-method-refused",
            "preflight-blocked",
            "preflight-refused",
        ],
        "Fetch, CORS-preflight fetch; measured",
    ),
    (
        &["…Redirect is not allowed for a preflight request…"],
        "The preflight was redirected, which no browser follows: http to https, www, or a slash at the end. Let the client ask \
         the address that the redirect leads to.",
        &["preflight-redirected", "redirect-drops-authorization", "redirect-changes-method"],
        "Fetch, CORS-preflight fetch",
    ),
    (
        &[
            "…is not allowed by Access-Control-Allow-Headers…",
            "…is not allowed according to header ‘Access-Control-Allow-Headers’…",
        ],
        "The reply to the preflight does not list a header that the page sends. authorization must be listed by name: * does \
         not cover it. WordPress lists Authorization, X-WP-Nonce, Content-Disposition, Content-MD5 and Content-Type.",
        &["preflight-header-unlisted", "preflight-wildcard", "preflight-refused"],
        "Fetch, CORS-preflight fetch; class-wp-rest-server.php, serve_request",
    ),
];
