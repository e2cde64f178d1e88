//! Plugins that close the REST API to anonymous callers. They choose code and status freely, and most ask preflights as well,
//! which never carry a credential.

use super::{Emitter, Known};
use crate::diagnosis::{Desk, Place, Severity};

const BASE: Known = Known {
    emitter: Emitter::LockDown,
    codes: &[],
    statuses: &[401, 403],
    messages: &[],
    meaning: "",
    place: Place::Plugin,
    desk: Desk::WordPress,
    severity: Severity::Note,
    cure: "let the plugin pass the routes that must be public, and OPTIONS; or send a credential that WordPress takes",
    rules: &["rest-locked-down", "preflight-closed-by-plugin"],
    source: "",
};

pub(super) const CODES: &[Known] = &[
    Known {
        codes: &["rest_cannot_access"],
        messages: &["Only authenticated users can access the REST API."],
        meaning: "A plugin closes the REST API to callers whom WordPress does not know: Password Protected uses this code.",
        source: "wpexpertsio/password-protected#113",
        ..BASE
    },
    Known {
        codes: &["rest_unauthorized"],
        meaning: "A plugin closes the REST API to callers whom WordPress does not know: Force Login uses this code.",
        source: "kevinvess/wp-force-login#40 and #34",
        ..BASE
    },
    Known {
        codes: &["rest_login_required"],
        meaning: "A plugin closes the REST API to callers whom WordPress does not know.",
        source: "unverified",
        ..BASE
    },
    Known {
        codes: &["rest_disabled"],
        meaning: "A plugin switched the REST API off, for anonymous callers or for all. Core does not send this code.",
        source: "class-wp-rest-server.php, which does not send it",
        ..BASE
    },
];
