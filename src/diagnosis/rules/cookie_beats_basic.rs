//! A login cookie came along with `Basic`, and outdid it.
//!
//! Both wait at the same priority of `determine_current_user`, the cookie first (`wp-includes/default-filters.php`). It names
//! the user, so the application password is not looked at; and without a nonce a REST route takes the cookie's user away
//! again. Measured: a good application password with such a cookie is anonymous. A token is not: its plugins come first.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{is_login_ignored, sent_wrong};
use crate::evidence::{Hop, Session, Symptom, Trail};

pub(in super::super) struct CookieBeatsBasic;

impl Rule for CookieBeatsBasic {
    fn id(&self) -> &'static str {
        "cookie-beats-basic"
    }

    fn text(&self) -> &'static str {
        include_str!("cookie_beats_basic.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if trail.session != Session::WithoutNonce || !is_login_ignored(trail, symptom) {
            return None;
        }
        let summary = "a login cookie came along with Basic and outdid it; without a nonce it makes the caller anonymous";
        let mut path = sent_wrong(trail, "Basic and a cookie".into());
        path.push(Stop::new(Hop::Php, Mark::Good).noted("anonymous"));
        Some(Finding {
            because: "both were sent on, no nonce with them, and WordPress took the caller for anonymous; where the cookie \
                      is no longer good, a wrong password looks the same"
                .into(),
            path,
            cleared: vec!["doctor", "permissions"],
            caution: "Password not judged. Do not replace it",
            ..Finding::of(self, Proof::Likely, "client", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["application-password-refused"]
    }
}
