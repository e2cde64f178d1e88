//! miniOrange REST API Authentication, by reading a copy of its source: it closes every route but its own to whoever brings no
//! credential. What stands in `error` is the code; `code` holds the status as text.

use super::{Emitter, Known};
use crate::diagnosis::{Desk, Place, Severity};

const BASE: Known = Known {
    emitter: Emitter::MiniOrange,
    codes: &[],
    statuses: &[401],
    messages: &[],
    meaning: "",
    place: Place::Client,
    desk: Desk::Frontend,
    severity: Severity::Warning,
    cure: "",
    rules: &["miniorange-refused"],
    source: "class-mo-api-authentication-auth-error-codes.php, by reading",
};

pub(super) const CODES: &[Known] = &[
    Known {
        codes: &["MISSING_AUTHORIZATION_HEADER"],
        messages: &["Authorization header not received. …"],
        meaning: "No Authorization reached PHP. The plugin wants one on every route but its own.",
        cure: "send the credential that the plugin's settings name; where it was sent, see which hop drops it",
        ..BASE
    },
    Known {
        codes: &["INVALID_AUTHORIZATION_HEADER_TOKEN_TYPE"],
        messages: &["Authorization header must be type of …"],
        meaning: "The scheme of Authorization is not the one that the plugin is set to. A gate in front may have put its own there.",
        cure: "send the scheme of the plugin's method: Bearer for JWT, Basic for Basic",
        rules: &["miniorange-refused", "gate-in-front"],
        ..BASE
    },
    Known {
        codes: &["SEGMENT_FAULT"],
        messages: &["Incorrect JWT Format."],
        meaning: "The token is no JWT: it has not three parts.",
        cure: "send the token as api/v1/token issued it",
        rules: &["placeholder-token", "miniorange-refused"],
        ..BASE
    },
    Known {
        codes: &["INVALID_SIGNATURE"],
        meaning: "The token is signed with another secret.",
        cure: "take a new token from api/v1/token",
        ..BASE
    },
    Known {
        codes: &["TOKEN_EXPIRED"],
        meaning: "The token has expired, or says no time.",
        cure: "take a new token from api/v1/token",
        ..BASE
    },
    Known {
        codes: &["TOKEN_NOT_YET_VALID"],
        meaning: "The token is not good yet by the clock of PHP's machine.",
        place: Place::WordPress,
        desk: Desk::Platform,
        severity: Severity::Error,
        cure: "set the clocks of the site's machines by NTP",
        ..BASE
    },
    Known {
        codes: &["INVALID_USER"],
        meaning: "The user of the token does not exist any more.",
        cure: "log in as a user that exists",
        ..BASE
    },
    Known {
        codes: &["UNAUTHORIZED"],
        statuses: &[401, 200],
        meaning: "The plugin refused the credential and says no more. Its validation route answers 200 to a token of a wrong algorithm.",
        cure: "compare the method in the plugin's settings with what the client sends",
        ..BASE
    },
    Known {
        codes: &["INVALID_PASSWORD", "INVALID_USERNAME", "INVALID_CLIENT_CREDENTIALS"],
        statuses: &[400],
        meaning: "The Basic login was refused. The plugin wants the account's password there, not an application password.",
        cure: "check user name and password, or client ID and secret, by the method that the plugin is set to",
        ..BASE
    },
    Known {
        codes: &["INVALID_TOKEN_FORMAT"],
        messages: &["Sorry, you are not using correct format to encode string."],
        meaning: "What stands behind Basic is not user name and password with a colon between them.",
        cure: "send base64 of USER:PASSWORD behind Basic",
        ..BASE
    },
    Known {
        codes: &["INVALID_CREDENTIALS"],
        statuses: &[400],
        meaning: "The login for a token was refused.",
        cure: "check user name and password",
        ..BASE
    },
    Known {
        codes: &["FORBIDDEN"],
        statuses: &[403],
        meaning: "The login for a token has no user name or password.",
        cure: "send username and password to api/v1/token",
        ..BASE
    },
    Known {
        codes: &["BAD_REQUEST"],
        meaning: "The plugin has no secret to sign tokens with.",
        place: Place::Plugin,
        desk: Desk::WordPress,
        severity: Severity::Error,
        cure: "set the secret in the plugin's settings",
        ..BASE
    },
];
