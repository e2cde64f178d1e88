//! The password in the request is not that of the post.
//!
//! A post may be protected by a password of its own, which has nothing to do with logins. WordPress did as it was told.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::sent_wrong;
use crate::evidence::{Hop, Symptom, Trail};

pub(in super::super) struct PostPasswordWrong;

impl Rule for PostPasswordWrong {
    fn id(&self) -> &'static str {
        "post-password-wrong"
    }

    fn text(&self) -> &'static str {
        include_str!("post_password_wrong.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if !symptom.refused_with("rest_post_incorrect_password") {
            return None;
        }
        let mut path = sent_wrong(trail, "the post's password".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let summary = "the password in the request is not that of the protected post; it is no login";
        Some(Finding {
            because: "WordPress says so; no credential was judged for it".into(),
            path,
            cleared: vec!["proxies", "web server", "token", "secret", "CORS"],
            ..Finding::of(self, Proof::Likely, "any", summary)?
        })
    }
}
