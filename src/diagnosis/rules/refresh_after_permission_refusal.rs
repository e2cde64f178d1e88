//! The client takes "you may not" for "your token is old".
//!
//! Core answers 403 to a known user who lacks a permission. A client that refreshes on each 403 fetches a token that cannot do
//! more than the old one, and is refused again. A refresh that was due anyway may fall between two refusals, so it must
//! have happened twice.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::sent_wrong;
use crate::evidence::{Credential, Hop, Symptom, Trail};

pub(in super::super) struct RefreshAfterPermissionRefusal;

impl Rule for RefreshAfterPermissionRefusal {
    fn id(&self) -> &'static str {
        "refresh-after-permission-refusal"
    }

    fn text(&self) -> &'static str {
        include_str!("refresh_after_permission_refusal.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let times = trail.past.pointless;
        let is_bearer = matches!(trail.credential, Credential::Bearer(_));
        if times < TIMES || !is_bearer || !symptom.is_permission(403) || symptom.from_cache {
            return None;
        }
        let proof = if symptom.knows_user { Proof::Proved } else { Proof::Likely };
        let mut path = sent_wrong(trail, "refreshes for it".into());
        path.push(Stop::new(Hop::Php, Mark::Good).noted("user known"));
        let summary = "the client refreshes its token because a permission is missing, which no token cures";
        Some(Finding {
            because: format!(
                "{times} times within five minutes the user was refused with 403, fetched a token at once and was refused again"
            ),
            path,
            cleared: vec!["every hop", "token", "secret", "expiry", "CORS"],
            ..Finding::of(self, proof, "client", summary)?
        })
    }
}

/// Once may be chance.
const TIMES: u16 = 2;
