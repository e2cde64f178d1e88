//! JWT Auth (usefulteam), release 3.0.2: 401, in a body with `success` and `statusCode`. On ordinary routes it passes over
//! every token it does not like, and says nothing.

use super::{Emitter, Known};
use crate::diagnosis::{Desk, Place, Severity};

const BASE: Known = Known {
    emitter: Emitter::Usefulteam,
    codes: &[],
    statuses: &[401],
    messages: &[],
    meaning: "",
    place: Place::Client,
    desk: Desk::Frontend,
    severity: Severity::Warning,
    cure: "",
    rules: &[],
    source: "class-auth.php of 3.0.2; measured",
};

pub(super) const CODES: &[Known] = &[
    Known {
        codes: &["jwt_auth_no_auth_header"],
        statuses: &[401, 403],
        messages: &["Authorization header not found."],
        meaning: "PHP has no Authorization. Release 3 says so at token/validate alone; release 2, with 403, on every route that is \
                  not on its list of exceptions, preflights among them.",
        place: Place::WebServer,
        desk: Desk::Platform,
        severity: Severity::Error,
        cure: "have the web server hand Authorization to PHP; update release 2, which refuses preflights",
        rules: &[
            "authorization-lost-before-php",
            "preflight-closed-by-plugin",
            "authorization-lost-before-doctor",
        ],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_bad_auth_header"],
        statuses: &[401, 403],
        messages: &["Authorization header malformed."],
        meaning: "Authorization arrived, but is not the word Bearer in that spelling and a token.",
        cure: "send exactly `Authorization: Bearer TOKEN`",
        rules: &["bearer-scheme-wrong", "placeholder-token", "token-wrapped"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_bad_config"],
        statuses: &[500, 401],
        meaning: "The plugin has no secret. 500 from the token route, 401 from token/validate.",
        place: Place::Plugin,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "define JWT_AUTH_SECRET_KEY in wp-config.php, above the line that loads wp-settings.php",
        rules: &["jwt-secret-missing"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_invalid_token"],
        statuses: &[401, 403],
        meaning: "The token could not be decoded, or its user is gone (`Invalid token`). The message tells why. Release 3 says so \
                  at token/validate alone; elsewhere such a token counts as none.",
        cure: "ask token/validate for the reason, and take a new token",
        rules: &["token-not-a-jwt", "token-expired", "token-signature-refused"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_invalid_token"],
        messages: &["Invalid token"],
        meaning: "The token's user is gone. Signature and times were in order.",
        place: Place::WordPress,
        desk: Desk::WordPress,
        cure: "look whether the token's user still exists (`wp user list`); if not, log in as another one",
        rules: &["plugin-refused-token", "user-deleted-after-issue"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_bad_iss"],
        meaning: "The token's issuer is not the site's address, letter by letter. The filter jwt_auth_iss changes what it is \
                  compared with.",
        place: Place::WordPress,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "issue and use tokens by the same address",
        rules: &["token-issuer-mismatch", "issuer-flips-with-https", "token-of-another-site"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_bad_request"],
        meaning: "The token has no data.user.id. Another plugin issued it, with the same secret and issuer.",
        cure: "take the token from jwt-auth/v1/token of this site",
        rules: &["token-of-another-plugin"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_obsolete_token"],
        messages: &["Token is obsolete"],
        meaning: "The token is obsolete: the password or the device of its user changed after it was issued. Signature, times and \
                  issuer were in order.",
        cure: "let the user log in again",
        rules: &["token-obsolete"],
        source: "class-auth.php and class-devices.php of 3.0.2",
        ..BASE
    },
    Known {
        codes: &["jwt_auth_missing_credentials"],
        meaning: "The login has no user name or no password. WordPress may not have read the body.",
        cure: "send username and password as JSON with `Content-Type: application/json`, or as form fields",
        rules: &["login-refused", "login-body-unread"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_custom_auth_failed"],
        messages: &["Custom authentication failed."],
        meaning: "The login by a way of the site's own (custom_auth) failed.",
        place: Place::Plugin,
        desk: Desk::WordPress,
        cure: "see the code behind the filter of custom_auth",
        rules: &["login-refused"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_no_auth_cookie"],
        messages: &["Refresh token cookie not found."],
        meaning: "The request for a new token came without the cookie refresh_token. It was stripped on the way, or a page of another \
                  site did not send it along.",
        cure: "send the cookie: `credentials: 'include'` in the page, SameSite=None on the cookie; no hop may strip it",
        ..BASE
    },
    Known {
        codes: &["jwt_auth_invalid_refresh_token"],
        messages: &["Invalid refresh token"],
        meaning: "The refresh token is malformed, or of an unknown device.",
        cure: "let the user log in again",
        rules: &["plugin-refused-token"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_obsolete_refresh_token"],
        meaning: "The refresh token was replaced by a later login or refresh.",
        cure: "keep the newest refresh token of each device; let the user log in again",
        rules: &["plugin-refused-token"],
        ..BASE
    },
    Known {
        codes: &["jwt_auth_expired_refresh_token"],
        meaning: "The refresh token has expired.",
        cure: "let the user log in again",
        rules: &["plugin-refused-token"],
        source: "class-auth.php of 3.0.2",
        ..BASE
    },
    Known {
        codes: &["jwt_auth_valid_token", "jwt_auth_valid_credential"],
        statuses: &[200],
        meaning: "The token or the login is good.",
        place: Place::Application,
        desk: Desk::Application,
        severity: Severity::Note,
        cure: "nothing: this is success",
        ..BASE
    },
    Known {
        codes: &[
            "incorrect_password",
            "invalid_username",
            "invalid_email",
            "empty_username",
            "empty_password",
        ],
        meaning: "The login for a token was refused, for its user name or password. The code is WordPress's own, without a mark.",
        cure: "check user name and password; they are those of the login page",
        rules: &["login-refused", "login-overwritten-message", "login-body-unread"],
        ..BASE
    },
    Known {
        codes: &["application_passwords_disabled"],
        meaning: "The login for a token was refused; that application passwords are off only hides the reason.",
        cure: "check user name and password first, then whether WordPress sees TLS",
        rules: &["login-overwritten-message", "login-refused"],
        ..BASE
    },
];
