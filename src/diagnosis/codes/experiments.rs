//! CoCart JWT, the REST API authors' experiments with JWT and OAuth, and a plugin made from JWT Authentication.

use super::{Emitter, Known};
use crate::diagnosis::{Desk, Place, Severity};

const COCART: Known = Known {
    emitter: Emitter::CoCart,
    codes: &[],
    statuses: &[401],
    messages: &[],
    meaning: "",
    place: Place::Client,
    desk: Desk::Frontend,
    severity: Severity::Warning,
    cure: "",
    rules: &["plugin-refused-token"],
    source: "CoCart JWT, by reading an excerpt",
};

const EXPERIMENT: Known = Known {
    emitter: Emitter::WpApiJwtAuth,
    statuses: &[403],
    source: "WP-API/jwt-auth#21 and #33; an excerpt of its source",
    ..COCART
};

pub(super) const CODES: &[Known] = &[
    Known {
        codes: &["cocart_jwt_auth_bad_config"],
        messages: &["JWT configuration error."],
        meaning: "The plugin has no secret.",
        place: Place::Plugin,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "define the secret that CoCart JWT asks for in wp-config.php",
        ..COCART
    },
    Known {
        codes: &["cocart_jwt_auth_not_valid"],
        messages: &["JWT Token is not valid or has expired."],
        meaning: "The token is not valid, or has expired.",
        cure: "take a new token",
        ..COCART
    },
    Known {
        codes: &["cocart_jwt_auth_bad_iss"],
        messages: &["The token issuer does not match with this server."],
        meaning: "The token's issuer is not the site's address.",
        place: Place::WordPress,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "issue and use tokens by the same address",
        ..COCART
    },
    Known {
        codes: &["cocart_jwt_auth_user_missing", "cocart_jwt_auth_no_user"],
        meaning: "The token names no user, or one who does not exist.",
        cure: "take a new token, as a user that exists",
        ..COCART
    },
    Known {
        codes: &["rest_authentication_no_header"],
        messages: &["Authorization header was not found."],
        meaning: "PHP has no Authorization. The plugin closes every REST route to callers without it.",
        place: Place::WebServer,
        desk: Desk::Platform,
        cure: "have the web server hand Authorization to PHP; without a need for this plugin, switch it off",
        ..EXPERIMENT
    },
    Known {
        codes: &["rest_authentication_no_token"],
        messages: &["Authentication token is missing."],
        meaning: "Authorization arrived without a token in it.",
        cure: "send `Authorization: Bearer TOKEN`",
        ..EXPERIMENT
    },
    Known {
        codes: &["rest_authentication_token_error"],
        messages: &[
            "Invalid bearer token.",
            "Expired bearer token.",
            "Token has expired.",
            "Token issuer is invalid.",
            "Token user must have an ID.",
            "Token user is invalid.",
        ],
        meaning: "The token was refused. The message tells whether for its time, issuer or user.",
        cure: "take a new token from this site",
        ..EXPERIMENT
    },
    Known {
        emitter: Emitter::OAuth2,
        codes: &["oauth2.authentication.attempt_authentication.invalid_token"],
        statuses: &[403],
        meaning: "WP-API/OAuth2 took the Bearer for a token of its own, and does not know it. A JWT beside that plugin gets this answer.",
        place: Place::Plugin,
        desk: Desk::WordPress,
        cure: "use tokens of one plugin alone: switch WP-API/OAuth2 off where JWTs are used, or take a token from it",
        rules: &["oauth-token-refused"],
        source: "Tmeister/wp-api-jwt-auth#147",
        ..COCART
    },
    Known {
        emitter: Emitter::SimpleJwtAuthentication,
        codes: &["jwt_auth_token_revoked"],
        statuses: &[403],
        meaning: "The token was revoked in the user's profile.",
        cure: "let the user log in again",
        source: "jonathan-dejong/simple-jwt-authentication#60",
        ..COCART
    },
];
