//! A refresh token was exchanged for another one, and the client sends the old one.
//!
//! Where refresh tokens are rotated the old one is no good any more. The doctor saw the exchange, and WordPress refuses.
//! Two windows that refresh in the same moment look alike but for the time between.

use std::time::Duration;

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{ago, refuses_to_refresh, sent_wrong};
use crate::evidence::{Hop, Symptom, Trail};

pub(in super::super) struct RefreshTokenReused;

impl Rule for RefreshTokenReused {
    fn id(&self) -> &'static str {
        "refresh-token-reused"
    }

    fn text(&self) -> &'static str {
        include_str!("refresh_token_reused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let rotated = trail.past.refresh.rotated?;
        if !refuses_to_refresh(trail, symptom) {
            return None;
        }
        let mut path = sent_wrong(trail, "an old refresh token".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let summary = if rotated < AT_ONCE {
            "the client refreshes twice at once with one refresh token, and only the first is answered"
        } else {
            "the client refreshes with a refresh token that it has already exchanged for another one"
        };
        Some(Finding {
            because: format!("it was exchanged {}, seen here, and WordPress refuses it", ago(rotated)),
            path,
            cleared: vec!["proxies", "web server", "secret", "permissions"],
            ..Finding::of(self, Proof::Proved, "client", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["refresh-after-refused-refresh"]
    }
}

/// Within so long a time two windows, or two requests, were faster than their answers.
const AT_ONCE: Duration = Duration::from_secs(5);
