//! The client sends its access token where the refresh token belongs.
//!
//! Both were seen before, so they can be told apart: what is sent as a refresh token was handed out, or used, as an access
//! token.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{refuses_to_refresh, sent_wrong};
use crate::evidence::{Hop, Symptom, Trail};

pub(in super::super) struct RefreshWithAccessToken;

impl Rule for RefreshWithAccessToken {
    fn id(&self) -> &'static str {
        "refresh-with-access-token"
    }

    fn text(&self) -> &'static str {
        include_str!("refresh_with_access_token.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if !trail.past.refresh.is_access_token || !refuses_to_refresh(trail, symptom) {
            return None;
        }
        let mut path = sent_wrong(trail, "an access token".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let summary = "the client refreshes with its access token in place of the refresh token";
        Some(Finding {
            because: "what it sends as its refresh token was handed out or used as an access token, and WordPress refuses it"
                .into(),
            path,
            cleared: vec!["proxies", "web server", "secret", "expiry", "permissions"],
            ..Finding::of(self, Proof::Proved, "client", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["refresh-after-refused-refresh"]
    }
}
