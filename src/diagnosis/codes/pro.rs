//! JWT Auth Pro, the commercial successor of JWT Authentication. Its codes are in no public page that could be read: none
//! stands here as a fact.

use super::{Emitter, Known};
use crate::diagnosis::{Desk, Place, Severity};

const BASE: Known = Known {
    emitter: Emitter::Pro,
    codes: &[],
    statuses: &[],
    messages: &[],
    meaning: "",
    place: Place::Client,
    desk: Desk::Frontend,
    severity: Severity::Warning,
    cure: "",
    rules: &[],
    source: "unverified: the plugin's documentation names the routes, not the codes",
};

pub(super) const CODES: &[Known] = &[
    Known {
        codes: &["jwt_auth_invalid_refresh_token", "jwt_auth_expired_refresh_token"],
        meaning: "Unverified: JWT Auth Pro may say so of a refresh token that is wrong, spent or expired.",
        cure: "let the user log in again",
        ..BASE
    },
    Known {
        codes: &["jwt_auth_user_not_found"],
        meaning: "Unverified: JWT Auth Pro may say so of a token whose user is gone.",
        cure: "log in as a user that exists",
        ..BASE
    },
];
