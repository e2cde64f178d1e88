//! Constants of wp-config.php, filters and functions of WordPress, and directives of web servers.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        &["JWT_AUTH_SECRET_KEY"],
        "The secret by which JWT Authentication for WP REST API and usefulteam/jwt-auth sign and examine tokens. Undefined or \
         empty is jwt_auth_bad_config; another than the token's is \"Signature verification failed\". It must be the same on every \
         machine, and a change of it ends every token.",
        &["jwt-secret-missing", "jwt-secret-differs-between-nodes", "token-signature-refused"],
        "class-jwt-auth-public.php; measured",
    ),
    (
        &["JWT_AUTH_CORS_ENABLE"],
        "Without effect in JWT Authentication for WP REST API 1.3.4: it sends one header, which core's own replaces. Core \
         itself sends CORS headers on every REST reply and allows any origin. A CORS error has another cause.",
        &["cors-headers-wrong", "preflight-blocked", "origin-header-stripped"],
        "class-jwt-auth-public.php, add_cors_support; measured on and off",
    ),
    (
        &["GRAPHQL_JWT_AUTH_SECRET_KEY"],
        "The secret of WPGraphQL JWT Authentication. Its errors come with 200, and show as \"Internal server error\" unless \
         GRAPHQL_DEBUG is on.",
        &["wpgraphql-jwt-refused", "jwt-secret-missing"],
        "WPGraphQL JWT Authentication 0.7, src/Auth.php",
    ),
    (
        &["WP_HOME", "WP_SITEURL", "home", "siteurl", "get_bloginfo", "home_url"],
        "The address of the site, which iss of a token must equal letter by letter. home_url() follows is_ssl(): it is https \
         whenever WordPress believes in TLS, whatever the option says.",
        &["token-issuer-mismatch", "redirect-drops-authorization"],
        "wp-includes/link-template.php, get_home_url",
    ),
    (
        &["DB_HOST", "DB_NAME", "DB_USER", "DB_PASSWORD", "table_prefix"],
        "Where WordPress has its database, and how its tables begin there. Where it cannot use the database, every request gets 500; where it \
         finds no tables of the site, every request is sent to the installer. Neither looks at a credential.",
        &["database-unreachable", "wordpress-not-installed"],
        "wp-includes/functions.php, dead_db; wp-includes/load.php, wp_not_installed; measured with WordPress 6.1",
    ),
    (
        &["MULTISITE", "DOMAIN_CURRENT_SITE", "NOBLOGREDIRECT"],
        "A network of sites finds the site by the host that it is asked for. A host that it does not know is sent to wp-signup.php, or to \
         where NOBLOGREDIRECT says, before a credential is looked at.",
        &["site-unknown-to-network", "database-unreachable"],
        "wp-includes/ms-load.php, ms_load_current_site_and_network; measured with WordPress 6.1",
    ),
    (
        &["is_ssl"],
        "Whether WordPress believes that it is reached over TLS. It looks at $_SERVER['HTTPS'] (on or 1) and at SERVER_PORT (443), \
         never at X-Forwarded-Proto. Behind a proxy that ends TLS it is false unless wp-config.php says otherwise; then application \
         passwords are ignored and iss differs.",
        &["forwarded-proto-untrusted", "application-passwords-need-https", "issuer-flips-with-https"],
        "wp-includes/load.php, is_ssl; measured",
    ),
    (
        &["WP_ENVIRONMENT_TYPE"],
        "With local, application passwords work without TLS as well; with anything else only where is_ssl() is true.",
        &["application-passwords-need-https", "forwarded-proto-untrusted"],
        "wp-includes/user.php, wp_is_application_passwords_supported",
    ),
    (
        &["jwt_auth_expire", "jwt_auth_not_before"],
        "The filters for exp and nbf of the tokens that are issued. exp is seven days after the issue by default; the machines' clocks \
         must agree to the second.",
        &["token-expired", "token-not-yet-valid"],
        "class-jwt-auth-public.php, generate_token",
    ),
    (
        &["jwt_auth_algorithm"],
        "The filter for the algorithm, HS256 by default. It holds for issuing and examining, so tokens from before a change \
         are refused with \"Incorrect key for this algorithm\".",
        &["token-algorithm-refused"],
        "class-jwt-auth-public.php, get_algorithm",
    ),
    (
        &["jwt_auth_authorization_header"],
        "The filter by which usefulteam/jwt-auth reads the token from another header, for sites behind a password of their own.",
        &["gate-in-front", "authorization-lost-before-php"],
        "usefulteam/jwt-auth, class-auth.php",
    ),
    (
        &["rest_authentication_errors"],
        "The filter by which plugins close the REST API. It runs for OPTIONS, too, so a plugin that asks for a login there breaks \
         every browser's preflight.",
        &["preflight-closed-by-plugin", "rest-locked-down", "permission-refused"],
        "class-wp-rest-server.php, serve_request; measured",
    ),
    (
        &["CGIPassAuth"],
        "Apache withholds Authorization from PHP-FPM and CGI unless `CGIPassAuth On` stands in the directory, the virtual \
         host or .htaccess (2.4.13 and later, AllowOverride AuthConfig). It is the best cure there: without a header nothing is set.",
        &["authorization-lost-before-php"],
        "httpd, server/util_script.c; measured with proxy_fcgi, mod_cgi and mod_fcgid",
    ),
    (
        &["SetEnvIf", "SetEnvIfNoCase"],
        "`SetEnvIf Authorization \"(.+)\" HTTP_AUTHORIZATION=$1` hands the header to PHP. With (.*) an empty variable is set \
         when no header came, which hides REDIRECT_HTTP_AUTHORIZATION from core (for Basic) and from WPGraphQL JWT.",
        &["authorization-lost-before-php"],
        "measured with Apache 2.4 and PHP-FPM",
    ),
    (
        &["ProxyFCGISetEnvIf"],
        "`ProxyFCGISetEnvIf \"-n req('Authorization')\" HTTP_AUTHORIZATION \"%{req:Authorization}\"` hands the header to PHP, also \
         with ProxyPassMatch, where no .htaccess is read.",
        &["authorization-lost-before-php"],
        "measured with Apache 2.4",
    ),
    (
        &["ProxyPassMatch"],
        "Apache hands requests to PHP-FPM by it before any .htaccess is read, so WordPress's own rule for Authorization has no \
         effect. Use SetHandler, ProxyFCGISetEnvIf or `CGIPassAuth On` in the virtual host.",
        &["authorization-lost-before-php"],
        "measured with Apache 2.4",
    ),
    (
        &["FcgidPassHeader"],
        "`FcgidPassHeader Authorization` hands the header to PHP under mod_fcgid, which withholds it by default.",
        &["authorization-lost-before-php"],
        "measured with mod_fcgid",
    ),
    (
        &["RewriteRule"],
        "`RewriteRule .* - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]` must be the first rule and without [L]. WordPress writes it \
         since 5.6. On the last rule alone it sets REDIRECT_HTTP_AUTHORIZATION only.",
        &["authorization-lost-before-php"],
        "class-wp-rewrite.php, mod_rewrite_rules; measured",
    ),
    (
        &["fastcgi_param"],
        "`fastcgi_param HTTP_AUTHORIZATION $http_authorization` is not needed: nginx hands over every header. It is lost where \
         somebody blanks it, or before nginx.",
        &["authorization-lost-before-php", "authorization-lost-before-doctor"],
        "measured with nginx 1.22",
    ),
    (
        &["fastcgi_pass_request_headers", "proxy_pass_request_headers"],
        "With off, nginx sends none of the client's headers on, Authorization among them. On by default.",
        &["authorization-lost-before-php", "authorization-lost-between-doctors"],
        "measured with nginx 1.22",
    ),
    (
        &["proxy_set_header"],
        "`proxy_set_header Authorization \"\"` removes the header; with another value it replaces it. ingress-nginx writes the \
         former where auth-type is basic.",
        &[
            "authorization-lost-before-doctor",
            "authorization-lost-between-doctors",
            "authorization-lost-before-php",
        ],
        "measured with nginx 1.22; nginx.tmpl of ingress-nginx",
    ),
    (
        &["auth_basic", "AuthType", "basic_auth", "htpasswd"],
        "A password of the web server before WordPress. It uses the same header: a Bearer is refused with 401 and \
         WWW-Authenticate, a preflight as well, and the gate's own Basic may be taken for a login by WordPress.",
        &["gate-in-front", "preflight-needs-login", "gate-login-reaches-wordpress"],
        "measured with nginx, Apache and Caddy",
    ),
    (
        &["proxy_intercept_errors", "fastcgi_intercept_errors", "ProxyErrorOverride"],
        "With on, nginx and Apache send an error page of their own in the place of what WordPress answered, and nobody sees its \
         code. Leave them off for /wp-json/.",
        &["error-page-hides-code"],
        "nginx, ngx_http_proxy_module and ngx_http_fastcgi_module; httpd, mod_proxy",
    ),
    (
        &["underscores_in_headers", "ignore_invalid_headers"],
        "nginx drops headers with an underscore or a point in their name, without a word above the level info. Write names with \
         hyphens.",
        &["odd-name-dropped", "authorization-lost-before-doctor", "authorization-lost-between-doctors"],
        "nginx, ngx_http_request.c; measured",
    ),
    (
        &["large_client_header_buffers", "LimitRequestFieldSize", "LimitRequestFields"],
        "The longest line and the most lines of a head that nginx and Apache take: some 8000 bytes a line. More is refused with \
         400, or with 431.",
        &["header-too-large"],
        "measured with nginx 1.22 and Apache 2.4",
    ),
    (
        &["pass-header"],
        "HAProxy's fcgi-app hides Authorization unless `pass-header Authorization` stands in it; PHP then has AUTH_TYPE and \
         nothing else.",
        &["authorization-lost-before-php"],
        "HAProxy, src/fcgi-app.c; measured",
    ),
    (
        &["add_header"],
        "nginx appends it to what WordPress sends, so Access-Control-Allow-Origin comes twice, and sends it on good replies \
         alone unless `always` stands behind it.",
        &["cors-headers-doubled", "origin-header-stripped"],
        "nginx, ngx_http_headers_module",
    ),
    (
        &["php_root"],
        "The doctor's own setting of WordPress's folder as PHP sees it, which in a container may be another than the doctor's. Where it is \
         wrong, PHP-FPM says \"Primary script unknown\".",
        &["php-script-unknown"],
        "`header-doctor config schema`",
    ),
    (
        &["pm.max_children", "max_connections"],
        "How many requests PHP-FPM's pool works on at a time, and the doctor's own bound of its connections to it, which should be \
         the same. More requests wait in a queue.",
        &["php-pool-exhausted"],
        "php-src, sapi/fpm; `header-doctor config schema`",
    ),
    (
        &["listen.mode", "listen.group", "listen.owner"],
        "Who may use the socket of PHP-FPM's pool. The doctor's user needs the right to write to it, and to enter every folder \
         above it.",
        &["php-socket-forbidden", "php-not-running"],
        "php-src, sapi/fpm",
    ),
    (
        &["security.limit_extensions"],
        "The names of files that PHP-FPM runs: .php and .phar by default. Another name is refused with \"Access denied.\"; an empty \
         value allows every name, uploads among them.",
        &["php-script-denied"],
        "php-src, sapi/fpm",
    ),
    (
        &["trusted_proxies"],
        "The doctor's own list of proxies whose word about clients is believed. Without it X-Forwarded-Proto: https of the \
         proxy in front counts for nothing, and WordPress takes the request for http.",
        &["forwarded-proto-untrusted"],
        "`header-doctor config schema`",
    ),
    (
        &["trail.key_file", "key_file", "trail"],
        "The doctor's own keys, by which several doctors compare notes. All doctors of a path need the same file.",
        &["trail-lost", "doctor-clocks-differ", "authorization-lost-between-doctors"],
        "docs/trail.md",
    ),
    (
        &["permalink_structure", "plain permalinks", "rest_route"],
        "How WordPress writes its URLs. With plain permalinks /wp-json/ is a page to it: GET gets a page or a redirect to the same with a \
         slash, POST and OPTIONS a page without CORS headers. The REST API then answers at /?rest_route=/ alone, and the Link of \
         every page names that root.",
        &["permalinks-plain"],
        "wp-includes/rest-api.php, get_rest_url; measured",
    ),
    (
        &["diagnosis.codes"],
        "Error codes that a site explains itself, in the doctor's configuration: with meaning, place, desk and cure. They are told where \
         no rule finds a cause.",
        &["site-code", "unknown-code"],
        "`header-doctor config schema`",
    ),
];
