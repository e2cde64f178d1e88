//! A login cookie came without a nonce, so WordPress took the caller for anonymous on purpose.
//!
//! `rest_cookie_check_errors` drops the user of a cookie without `X-WP-Nonce`, else any page on the web could act in the user's name. With a
//! credential in `Authorization` other rules apply.

use super::super::told::is_bare;
use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::sent_wrong;
use crate::evidence::{Hop, Session, Symptom, Trail};
use crate::message::Method;

pub(in super::super) struct CookieWithoutNonce;

impl Rule for CookieWithoutNonce {
    fn id(&self) -> &'static str {
        "cookie-without-nonce"
    }

    fn text(&self) -> &'static str {
        include_str!("cookie_without_nonce.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_alone = is_bare(trail) && trail.session == Session::WithoutNonce && trail.elsewhere.is_none();
        if !is_alone || trail.method == Method::Options || trail.has_key_in_query || trail.memory.promised {
            return None;
        }
        if !symptom.is_permission(401) || symptom.from_cache {
            return None;
        }
        let mut path = sent_wrong(trail, "cookie, no nonce".into());
        path.push(Stop::new(Hop::Php, Mark::Good).noted("anonymous"));
        let summary = "a login cookie came without X-WP-Nonce, so WordPress took the caller for anonymous";
        Some(Finding {
            because: "the cookie was seen on arrival and no nonce, and the route asks for a user; an expired login looks the same"
                .into(),
            path,
            cleared: vec!["web server", "secret", "CORS"],
            ..Finding::of(self, Proof::Likely, "any", summary)?
        })
    }
}
