//! JWT Auth keeps its refresh token in a cookie, and the request for a refresh came without.
//!
//! `jwt_auth_no_auth_cookie` says that WordPress found none (usefulteam, `class-auth.php`). Whether one arrived here is our own
//! sighting: none came, so the client sent none or something in front took it; one left, so it was lost behind.

use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Stop};
use super::{sent_wrong, until_php};
use crate::evidence::{Hop, Sighting, Symptom, Trail, Watched};

pub(in super::super) struct RefreshCookieMissing;

impl Rule for RefreshCookieMissing {
    fn id(&self) -> &'static str {
        "refresh-cookie-missing"
    }

    fn text(&self) -> &'static str {
        include_str!("refresh_cookie_missing.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if !symptom.refused_with("jwt_auth_no_auth_cookie") {
            return None;
        }
        if trail.has_refresh_cookie {
            return self.lost_behind(trail);
        }
        let mut path = sent_wrong(trail, "no refresh cookie".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let is_bare = trail.sighting(&Hop::Client, Watched::Cookie) == Some(Sighting::Absent);
        let product = if trail.has_origin { "browser" } else { "client" };
        Some(Finding {
            because: if is_bare {
                "no cookie at all arrived here, and WordPress found none; something in front that takes cookies away would look the same"
            } else {
                "cookies arrived here, that of the refresh token not among them, and WordPress found none; something in front that takes it \
                 away would look the same"
            }
            .into(),
            path,
            cleared: vec!["doctor", "web server", "secret", "permissions"],
            ..Finding::of(
                self,
                Proof::Proved,
                product,
                "the request for a refresh came without the refresh cookie",
            )?
        })
    }
}

impl RefreshCookieMissing {
    fn lost_behind(&self, trail: &Trail) -> Option<Finding> {
        let summary =
            "the refresh cookie was sent on, and WordPress never saw it; it is lost between doctor and PHP";
        Some(Finding {
            place: Place::WebServer,
            desk: Desk::Platform,
            because: "the doctor sent the cookie on, and WordPress says that it found none".into(),
            path: until_php(trail, "no cookie"),
            cleared: vec!["client", "doctor", "secret"],
            ..Finding::of(self, Proof::Likely, "any", summary)?
        })
    }
}
