//! One client is refused, fetches a token, is refused again, and does not stop.
//!
//! Counted for one user by one program at one address, so that an office behind one address is no storm. A page that asks
//! thirty things at once with an expired token has thirty refusals and one refresh; a job that logs in each time has many
//! tokens and no refusal. Only both together go round in a circle.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::sent_wrong;
use crate::evidence::{Hop, Symptom, Trail};

pub(in super::super) struct RefreshStorm;

impl Rule for RefreshStorm {
    fn id(&self) -> &'static str {
        "refresh-storm"
    }

    fn text(&self) -> &'static str {
        include_str!("refresh_storm.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if !symptom.is_refusal() || symptom.from_cache || symptom.code().is_empty() {
            return None;
        }
        let minute = trail.past.minute;
        let (note, summary) = if minute.tokens >= TOKENS && minute.refusals >= REFUSALS {
            let summary = format!(
                "a client goes round in a circle: within a minute it was refused {} times and fetched {} tokens",
                minute.refusals, minute.tokens
            );
            ("in a circle", summary)
        } else if minute.same_token >= SAME_TOKEN {
            let times = minute.same_token;
            ("again and again", format!("a client repeats a refused token: {times} times within a minute"))
        } else {
            return None;
        };
        let mut path = sent_wrong(trail, note.into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            because: "counted here, for one user of one program at one address, and WordPress refuses this one, too".into(),
            path,
            cleared: vec!["proxies", "web server", "CORS"],
            caution: "What the refusal itself is about stands beside this",
            ..Finding::of(self, Proof::Proved, "client", summary)?
        })
    }
}

/// So many of both within a minute are a circle.
const TOKENS: u16 = 10;
const REFUSALS: u16 = 10;

/// So many refusals of one token within a minute are no page that asks many things at once.
const SAME_TOKEN: u16 = 60;
