//! JWT Authentication for WP REST API (Tmeister), release 1.3.4: always 403, but 200 for a good token.

use super::{Emitter, Known};
use crate::diagnosis::{Desk, Place, Severity};

const BASE: Known = Known {
    emitter: Emitter::Tmeister,
    codes: &[],
    statuses: &[403],
    messages: &[],
    meaning: "",
    place: Place::Client,
    desk: Desk::Frontend,
    severity: Severity::Warning,
    cure: "",
    rules: &[],
    source: "class-jwt-auth-public.php of 1.3.4; measured",
};

pub(super) const CODES: &[Known] = &[
    Known {
        codes: &["jwt_auth_no_auth_header"],
        messages: &["Authorization header not found."],
        meaning: "PHP has no Authorization. It reaches a client from token/validate alone: every other route passes over the \
                  missing header and answers 401 rest_not_logged_in or rest_forbidden.",
        place: Place::WebServer,
        desk: Desk::Platform,
        severity: Severity::Error,
        cure: "have the web server hand Authorization to PHP: on Apache CGIPassAuth On, or the rule with E=HTTP_AUTHORIZATION",
        rules: &[
            "authorization-lost-before-php",
            "authorization-lost-between-doctors",
            "authorization-lost-before-doctor",
            "authorization-nominated",
        ],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_bad_auth_header"],
        messages: &["Authorization header malformed."],
        meaning: "Authorization arrived, but is not the word Bearer in that spelling and a token. At token/validate; on other \
                  routes only where it begins with Bearer and nothing follows. Up to release 1.3.3 Basic got it, too, on every route.",
        cure: "send exactly `Authorization: Bearer TOKEN`; update the plugin where it is 1.3.3 or older",
        rules: &[
            "bearer-scheme-wrong",
            "placeholder-token",
            "token-wrapped",
            "basic-taken-by-old-jwt-plugin",
            "authorization-replaced",
            "gate-in-front",
        ],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_invalid_token"],
        messages: &["Wrong number of segments"],
        meaning: "The token has not three parts. It is the word undefined or null, an API key, Bearer twice, or a token that \
                  was cut. The header arrived.",
        cure: "send the token as it was issued, and no Authorization before it is there",
        rules: &[
            "placeholder-token",
            "token-not-a-jwt",
            "token-wrapped",
            "token-cut-short",
            "stale-token-on-public-route",
        ],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_invalid_token"],
        messages: &[
            "Syntax error, malformed JSON",
            "Malformed UTF-8 characters",
            "Unexpected control character found",
            "Maximum stack depth exceeded",
            "Invalid header encoding",
            "Invalid claims encoding",
            "Payload must be a JSON object",
        ],
        meaning: "The token has three parts, and they are no JSON. It is no JWT, or was damaged on the way; its signature was \
                  not looked at.",
        cure: "send the token as it was issued",
        rules: &["token-not-a-jwt", "token-wrapped"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_invalid_token"],
        messages: &["Algorithm not supported", "Incorrect key for this algorithm", "Empty algorithm"],
        meaning: "The token is signed by another algorithm than the site's. Another program issued it, or the filter \
                  jwt_auth_algorithm was changed.",
        cure: "take a token from this site's jwt-auth/v1/token",
        rules: &["token-algorithm-refused"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_invalid_token"],
        messages: &["Signature verification failed"],
        meaning: "The token is signed with another secret. It is from before a change of the secret, of another site, plugin or \
                  machine, or was cut or quoted.",
        cure: "take a new token; where that fails, compare JWT_AUTH_SECRET_KEY on all machines of the site",
        rules: &[
            "token-signature-refused",
            "token-of-another-site",
            "bearer-of-another-plugin",
            "token-cut-short",
            "token-wrapped",
            "stale-token-on-public-route",
        ],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_invalid_token"],
        messages: &["Expired token"],
        meaning: "The token has expired by the clock of PHP's machine. There is no leeway.",
        cure: "let the client take a new token when exp comes near",
        rules: &["token-expired", "stale-token-on-public-route"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_invalid_token"],
        messages: &["Cannot handle token prior to …"],
        meaning: "The token is not good yet by the clock of PHP's machine. There is no leeway: two seconds between the machine \
                  that issues and the one that looks are enough.",
        place: Place::WordPress,
        desk: Desk::Platform,
        severity: Severity::Error,
        cure: "set the clocks of the site's machines by NTP",
        rules: &["token-not-yet-valid", "doctor-clocks-differ"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_invalid_token"],
        messages: &["Key may not be empty", "Provided key is too short", "OpenSSL error: …"],
        meaning: "The site's secret or key is at fault, and no token is. php-jwt 7 and later refuse short secrets, every \
                  version an empty one.",
        place: Place::Plugin,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "set a long random JWT_AUTH_SECRET_KEY, or repair the key where the algorithm is asymmetric",
        rules: &["secret-too-short", "secret-unusable"],
        source: "php-jwt 6.4 and 7.0, JWT.php; which plugin ships 7 is unverified",
        ..BASE
    },
    Known {
        codes: &["jwt_auth_invalid_token"],
        messages: &[
            "Payload exp must be a number",
            "Payload nbf must be a number",
            "Payload iat must be a number",
        ],
        meaning: "The token has its times as text. Another program wrote it; php-jwt 7 and later want numbers.",
        cure: "take a token from this site's own token route",
        rules: &["plugin-refused-token"],
        source: "php-jwt 7.0, JWT.php; which plugin ships 7 is unverified",
        ..BASE
    },
    Known {
        codes: &["jwt_auth_invalid_token"],
        meaning: "The header arrived, and the token could not be decoded. The message tells why. It is said on every REST route, \
                  public ones and the login among them.",
        cure: "look the message up: `header-doctor explain \"MESSAGE\"`",
        rules: &[
            "token-not-a-jwt",
            "token-expired",
            "token-signature-refused",
            "stale-token-on-public-route",
        ],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_bad_iss"],
        messages: &["The iss do not match with this server"],
        meaning: "The token's issuer is not the site's address, letter by letter. Scheme, www, port, folder and a slash at the \
                  end count. The signature was in order, so the secrets are equal.",
        place: Place::WordPress,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "issue and use tokens by the same address; let WordPress see TLS on every path alike",
        rules: &[
            "issuer-flips-with-https",
            "token-of-another-site",
            "token-issuer-mismatch",
            "forwarded-proto-untrusted",
        ],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_bad_request"],
        messages: &["User ID not found in the token"],
        meaning: "The token has no data.user.id. Another plugin issued it, with the same secret and issuer.",
        cure: "take the token from jwt-auth/v1/token of this site",
        rules: &["token-of-another-plugin"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_bad_config"],
        messages: &["JWT is not configured properly, please contact the admin"],
        meaning: "The plugin has no secret. JWT_AUTH_SECRET_KEY is not defined, or empty.",
        place: Place::Plugin,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "define JWT_AUTH_SECRET_KEY in wp-config.php, above the line that loads wp-settings.php",
        rules: &["jwt-secret-missing"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_unsupported_algorithm"],
        messages: &["Algorithm not supported, see …"],
        meaning: "The site's own filter jwt_auth_algorithm names an algorithm that the plugin has not.",
        place: Place::Plugin,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "have the filter return HS256, HS384, HS512, RS256, RS384, RS512, ES256 or ES384, or remove it",
        rules: &["token-algorithm-refused"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_valid_token"],
        statuses: &[200],
        meaning: "The token is good: signature, times, issuer, and a user's number in it. It does not say that the user still \
                  exists: where validate is content and users/me answers 401, the user is gone or the header is lost there.",
        place: Place::Application,
        desk: Desk::Application,
        severity: Severity::Note,
        cure: "nothing: this is success",
        ..BASE
    },
    Known {
        codes: &[
            "[jwt_auth] incorrect_password",
            "[jwt_auth] invalid_username",
            "[jwt_auth] invalid_email",
            "[jwt_auth] authentication_failed",
        ],
        meaning: "The login for a token was refused, for its user name or password. Where application passwords are in \
                  use, core's words may speak of those instead.",
        cure: "check user name and password; they are those of the login page",
        rules: &["login-refused", "login-overwritten-message", "login-body-unread"],
        ..BASE
    },
    Known {
        codes: &["[jwt_auth] empty_username", "[jwt_auth] empty_password"],
        meaning: "The login for a token has no user name or password. It is empty, or WordPress did not read the body.",
        cure: "send username and password as JSON with `Content-Type: application/json`, or as form fields",
        rules: &["login-body-unread", "login-refused"],
        ..BASE
    },
    Known {
        codes: &["[jwt_auth] spammer_account"],
        messages: &["Your account has been marked as a spammer."],
        meaning: "The account is marked as a spammer's, on a network of sites.",
        place: Place::Plugin,
        desk: Desk::WordPress,
        cure: "unmark the user in the network's administration",
        rules: &["login-refused"],
        ..BASE
    },
    Known {
        codes: &[
            "[jwt_auth] application_passwords_disabled",
            "[jwt_auth] application_passwords_disabled_for_user",
        ],
        meaning: "The login for a token was refused; that application passwords are off only hides the reason. WordPress says \
                  so of a wrong login password where they are in use and it does not see TLS.",
        cure: "check user name and password first, then whether WordPress sees TLS",
        rules: &["login-overwritten-message", "login-refused"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_failed"],
        messages: &["Invalid Credentials."],
        meaning: "The login was refused. Only manuals name this code: releases from 1.2.1 on send [jwt_auth] and the code of \
                  WordPress.",
        cure: "check user name and password",
        rules: &["login-refused"],
        source: "README and tags 1.2.1 to 1.3.4",
        ..BASE
    },
];
