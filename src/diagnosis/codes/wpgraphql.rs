//! WPGraphQL JWT Authentication, release 0.7.0. Most refusals come with 200, as errors of GraphQL.

use super::{Emitter, Known};
use crate::diagnosis::{Desk, Place, Severity};

const BASE: Known = Known {
    emitter: Emitter::WpGraphQl,
    codes: &[],
    statuses: &[401],
    messages: &[],
    meaning: "",
    place: Place::Client,
    desk: Desk::Frontend,
    severity: Severity::Warning,
    cure: "",
    rules: &["wpgraphql-jwt-refused"],
    source: "WPGraphQL JWT Authentication 0.7.0, src/Auth.php",
};

pub(super) const CODES: &[Known] = &[
    Known {
        codes: &["invalid-secret-key"],
        statuses: &[200],
        meaning: "The token could not be decoded: expired, signed with another secret, or no JWT. It comes with status 200, and \
                  without GRAPHQL_DEBUG only as \"Internal server error\".",
        cure: "renew the token by its refresh token; set GRAPHQL_DEBUG for a moment to read the reason",
        ..BASE
    },
    Known {
        codes: &["invalid-secret-key"],
        statuses: &[403],
        messages: &["JWT is not configured properly, please contact the admin"],
        meaning: "The plugin has no secret. GRAPHQL_JWT_AUTH_SECRET_KEY is not defined.",
        place: Place::Plugin,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "define GRAPHQL_JWT_AUTH_SECRET_KEY in wp-config.php",
        ..BASE
    },
    Known {
        codes: &["invalid-jwt"],
        messages: &["The iss do not match with this server"],
        meaning: "The token's issuer is not the site's address. The filter graphql_jwt_auth_iss_allowed_domains can allow others.",
        place: Place::WordPress,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "ask by the address that issued the token, or allow the other by graphql_jwt_auth_iss_allowed_domains",
        ..BASE
    },
    Known {
        codes: &["invalid-jwt"],
        messages: &["User ID not found in the token"],
        meaning: "The token names no user. Another plugin issued it.",
        cure: "take the token from this site's own login",
        ..BASE
    },
    Known {
        codes: &["invalid-jwt"],
        messages: &["The User Secret does not match or has been revoked for this user"],
        meaning: "The user's own secret was revoked or replaced after the token was issued.",
        cure: "let the user log in again",
        ..BASE
    },
    Known {
        codes: &["invalid-jwt"],
        meaning: "The token was refused after its signature was found good: its issuer, its user, or the user's own secret.",
        cure: "set GRAPHQL_DEBUG for a moment to read the reason",
        ..BASE
    },
    Known {
        codes: &["graphql-jwt-no-permissions"],
        statuses: &[400],
        meaning: "A token was asked for another user than the one who asks.",
        place: Place::Application,
        desk: Desk::Application,
        severity: Severity::Note,
        cure: "let each user ask for their own token",
        ..BASE
    },
    Known {
        codes: &["graphql-jwt-auth-cannot-revoke-secret", "graphql-jwt-auth-cannot-unrevoke-secret"],
        meaning: "The user may not revoke or restore this secret.",
        place: Place::Application,
        desk: Desk::Application,
        severity: Severity::Note,
        cure: "give the user the capability to edit that user",
        ..BASE
    },
];
