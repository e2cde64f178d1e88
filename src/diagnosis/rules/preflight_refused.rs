//! The doctor's own policy does not admit a page.
//!
//! It does what it was told, so this is a note. A page whose request needs no preflight (a plain `GET`) is not refused:
//! its reply goes without `Access-Control-Allow-Origin`, which comes to the same in the browser.

use super::super::answerer::console;
use super::super::{Finding, Mark, Proof, Rule, Stop};
use crate::browser::{Block, Blocked, Stage};
use crate::evidence::{Hop, Symptom, Trail};

pub(in super::super) struct PreflightRefused;

impl Rule for PreflightRefused {
    fn id(&self) -> &'static str {
        "preflight-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("preflight_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let blocked = symptom.blocked.as_deref();
        let because = blocked.map(console).unwrap_or_default();
        let because = format!("the policy says so. {because}").trim_end().to_owned();
        let base = if let Some(denied) = &trail.treatment.denied {
            let summary = format!("the policy refused the preflight: {}", denied.message);
            let finding = Finding::of(self, Proof::Proved, "client", summary)?;
            let missing = denied.missing.as_deref();
            let cure = missing.map_or_else(|| finding.cure.clone(), |missing| cure(denied.setting, missing));
            Finding {
                cure,
                caution: "The browser sent nothing else, and no token was judged",
                cleared: vec!["WordPress", "token", "secret", "expiry", "permissions"],
                ..finding
            }
        } else {
            let Blocked { origin, .. } = blocked.filter(|blocked| is_undressed(trail, blocked))?;
            let summary = format!("the policy does not list {origin}, whose pages cannot read the reply");
            Finding {
                cure: cure("sites[].cors.allow_origins", origin.as_str()),
                aside: !symptom.status.is_success(),
                cleared: vec!["WordPress"],
                ..Finding::of(self, Proof::Proved, "client", summary)?
            }
        };
        let path = vec![
            Stop::new(Hop::Client, Mark::Good),
            Stop::new(Hop::Doctor, Mark::Bad).noted("policy: not listed"),
        ];
        Some(Finding { because, path, ..base })
    }
}

/// Whether it is the policy that keeps this reply from its page. A 304 is read with what the browser has stored.
fn is_undressed(trail: &Trail, blocked: &Blocked) -> bool {
    trail.treatment.undressed
        && blocked.stage == Stage::Reply
        && blocked.block == Block::NoAllowOrigin
        && !matches!(blocked.status.code(), 101 | 304)
}

/// The entries to add, each as YAML has it.
fn cure(setting: &str, missing: &str) -> String {
    let entries: Vec<_> = missing.split(", ").map(|entry| format!("\"{entry}\"")).collect();
    format!("doctor: if the page is yours, add to `{setting}`: `[{}]`", entries.join(", "))
}
