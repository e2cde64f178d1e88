//! A refresh was refused, and the client tries the same refresh token again.
//!
//! Several windows of one browser may each try once; a client that goes on after that does not stop by itself.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{refuses_to_refresh, sent_wrong};
use crate::evidence::{Hop, Symptom, Trail};

pub(in super::super) struct RefreshAfterRefusedRefresh;

impl Rule for RefreshAfterRefusedRefresh {
    fn id(&self) -> &'static str {
        "refresh-after-refused-refresh"
    }

    fn text(&self) -> &'static str {
        include_str!("refresh_after_refused_refresh.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let before = trail.past.refresh.refused;
        if before < BEFORE || !refuses_to_refresh(trail, symptom) {
            return None;
        }
        let mut path = sent_wrong(trail, "tries again".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let summary = "the client goes on to refresh with a refresh token that was refused";
        Some(Finding {
            because: format!(
                "the very same refresh token was refused {before} times within the last five minutes, and now again"
            ),
            path,
            cleared: vec!["proxies", "web server", "permissions"],
            ..Finding::of(self, Proof::Proved, "client", summary)?
        })
    }
}

/// So many windows of one browser may have tried.
const BEFORE: u16 = 4;
