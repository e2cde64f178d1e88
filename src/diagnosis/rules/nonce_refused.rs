//! A nonce came that is wrong or too old.
//!
//! `rest_cookie_check_errors` refuses it on public routes and without any cookie as well, unless another credential already counted. So a
//! page that was open too long, or one that a cache keeps with a nonce in it, breaks requests that need none. Beside `Authorization` it
//! hides what became of that: lost, passed over, or refused by its plugin, whose error comes later; so nothing of it is acquitted.

use super::super::told::is_bare;
use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::sent_wrong;
use crate::evidence::{Hop, Session, Symptom, Trail};

pub(in super::super) struct NonceRefused;

impl Rule for NonceRefused {
    fn id(&self) -> &'static str {
        "nonce-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("nonce_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if !symptom.refused_with("rest_cookie_invalid_nonce") {
            return None;
        }
        let mut path = sent_wrong(trail, "old nonce".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let (product, summary) = if !is_bare(trail) {
            ("token", "a nonce that WordPress refuses came beside Authorization, which did not count")
        } else if trail.session == Session::None {
            ("cache", "a nonce that WordPress refuses came without a login cookie")
        } else {
            ("any", "the nonce beside the login cookie is wrong or too old")
        };
        let because = if product == "token" {
            "WordPress says so, and says it only where no other credential counted; why Authorization did not, the reply hides"
        } else {
            "WordPress says so, and says it on public routes as well"
        };
        Some(Finding {
            because: because.into(),
            path,
            cleared: if is_bare(trail) {
                vec!["doctor", "secret", "expiry", "CORS"]
            } else {
                vec!["doctor", "CORS"]
            },
            ..Finding::of(self, Proof::Likely, product, summary)?
        })
    }
}
