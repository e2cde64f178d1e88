//! Simple JWT Login, release 4.0.0: numbers. Its routes and its protection of others print their error and exit, without the CORS
//! headers that a browser wants.

use super::{Emitter, Known};
use crate::diagnosis::{Desk, Place, Severity};

const BASE: Known = Known {
    emitter: Emitter::SimpleJwtLogin,
    codes: &[],
    statuses: &[],
    messages: &[],
    meaning: "",
    place: Place::Client,
    desk: Desk::Frontend,
    severity: Severity::Warning,
    cure: "",
    rules: &["simple-jwt-login-refused"],
    source: "Simple JWT Login 4.0.0, ErrorCodes.php and StatusCodeHelper.php",
};

/// What is the plugin's configuration.
const SETTING: Known = Known { statuses: &[403], place: Place::Plugin, desk: Desk::WordPress, ..BASE };

pub(super) const CODES: &[Known] = &[
    Known {
        codes: &["2"],
        statuses: &[400, 401],
        messages: &["Wrong number of segments"],
        meaning: "The token has not three parts. 401 by the plugin's own list; 400 was seen from routes other than its own.",
        cure: "send the token as it was issued, and none before it is there",
        rules: &["placeholder-token", "simple-jwt-login-refused"],
        source: "Simple JWT Login 4.0.0, ErrorCodes.php; measured",
        ..BASE
    },
    Known {
        codes: &["11"],
        statuses: &[400, 401],
        meaning: "The token is signed with another secret than this plugin's.",
        cure: "take a token from simple-jwt-login/v1/auth, which signs with the secret of this plugin's settings",
        ..BASE
    },
    Known {
        codes: &["3", "4", "5", "6", "7", "8"],
        statuses: &[400, 401],
        meaning: "The token's header, claims or algorithm are not what the plugin takes.",
        cure: "take a token from simple-jwt-login/v1/auth, and compare the algorithm in the plugin's settings",
        ..BASE
    },
    Known {
        codes: &["12", "13"],
        statuses: &[400, 401],
        meaning: "The token is not good yet by the clock of PHP's machine.",
        place: Place::WordPress,
        desk: Desk::Platform,
        severity: Severity::Error,
        cure: "set the clocks of the site's machines by NTP",
        source: "Simple JWT Login 4.0.0, ErrorCodes.php; the status is unverified",
        ..BASE
    },
    Known {
        codes: &["14"],
        statuses: &[400, 401],
        meaning: "The token has expired by the clock of PHP's machine.",
        cure: "let the client take a new token, or renew it at simple-jwt-login/v1/auth/refresh",
        source: "Simple JWT Login 4.0.0, ErrorCodes.php; the status is unverified",
        ..BASE
    },
    Known {
        codes: &["50"],
        statuses: &[400, 401],
        meaning: "The token is too old to be renewed.",
        cure: "let the user log in again, or allow a longer time for refreshing in the plugin's settings",
        ..BASE
    },
    Known {
        codes: &["22"],
        statuses: &[400, 500],
        meaning: "The token cannot be decoded: its parts are no JSON.",
        cure: "send the token as it was issued",
        source: "Simple JWT Login 4.0.0, ErrorCodes.php; measured as 400",
        ..BASE
    },
    Known {
        codes: &["23"],
        statuses: &[422],
        meaning: "No token reached the plugin for the automatic login. It looks in the places that its settings name.",
        cure: "send the token where the plugin looks: by its settings in the URL, a header or a cookie",
        ..BASE
    },
    Known {
        codes: &["27", "32", "58", "94"],
        statuses: &[401, 422],
        meaning: "The auth code is wrong or missing. It is a second secret that the plugin's settings ask for; 94 comes with 422.",
        cure: "send the auth code of the plugin's settings in the parameter that is named there",
        ..BASE
    },
    Known {
        codes: &["28", "33", "41"],
        meaning: "The client's address is not on the plugin's list. Behind a proxy the plugin sees the proxy's address, unless \
                  it is told to trust the headers about it.",
        cure: "where a proxy sets X-Forwarded-For itself, let the plugin trust IP headers (its settings); else correct its list",
        rules: &["client-address-refused"],
        source: "Simple JWT Login 4.0.0, ServerHelper.php",
        ..SETTING
    },
    Known {
        codes: &["45"],
        messages: &["Authentication is not enabled."],
        meaning: "The plugin issues no tokens: authentication is switched off in its settings.",
        severity: Severity::Error,
        cure: "switch authentication on in the plugin's settings",
        source: "Simple JWT Login 4.0.0, ErrorCodes.php; measured",
        ..SETTING
    },
    Known {
        codes: &["26", "31", "39", "56", "81", "82", "83"],
        meaning: "The feature that was asked for is switched off in the plugin's settings.",
        cure: "switch the feature on in the plugin's settings, or do not ask for it",
        ..SETTING
    },
    Known {
        codes: &["48"],
        statuses: &[401],
        messages: &["Wrong user credentials."],
        meaning: "The login for a token was refused: wrong user name or password.",
        cure: "check user name and password",
        source: "Simple JWT Login 4.0.0, ErrorCodes.php; measured",
        ..BASE
    },
    Known {
        codes: &["51", "53", "75"],
        statuses: &[401],
        messages: &["You are not authorized to access this endpoint."],
        meaning: "No token reached the plugin. 53 says so where one is validated, 51 where one is renewed, 75 at an endpoint that the plugin \
                  protects.",
        cure: "send the token where the plugin looks for it by its settings; see that no hop drops the header",
        ..BASE
    },
    Known {
        codes: &["55", "115"],
        statuses: &[401],
        messages: &["This JWT is invalid."],
        meaning: "The token was revoked.",
        cure: "let the user log in again",
        ..BASE
    },
    Known {
        codes: &["68"],
        statuses: &[401],
        meaning: "The token's issuer is not on the plugin's list.",
        cure: "allow the issuer in the plugin's settings, or take a token from this site",
        place: Place::Plugin,
        desk: Desk::WordPress,
        ..BASE
    },
    Known {
        codes: &["84", "simple_jwt_login_api_key_error"],
        statuses: &[401, 403],
        messages: &["Invalid or unauthorized API key."],
        meaning: "The API key is wrong or not allowed for this. The plugin reads it from the header x-api-key.",
        cure: "send a key that the plugin's settings list, in x-api-key",
        source: "Simple JWT Login 4.0.0, AuthenticationHandler.php",
        ..BASE
    },
    Known {
        codes: &["114"],
        statuses: &[403],
        meaning: "The user's role is not allowed to log in this way.",
        place: Place::Plugin,
        desk: Desk::WordPress,
        severity: Severity::Note,
        cure: "allow the role in the plugin's settings",
        ..BASE
    },
];
