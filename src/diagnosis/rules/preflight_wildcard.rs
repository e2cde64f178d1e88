//! `Access-Control-Allow-Headers: *` is to let `Authorization` pass, which by the standard it does not.
//!
//! The Fetch standard wants that one name in full. Browsers are on their way there and none of today's refuses it, so this is
//! worth knowing before a version does.

use super::super::answerer::product;
use super::super::preflight::{Cause, Stopped};
use super::super::{Finding, Proof, Rule, Severity};
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct PreflightWildcard;

impl Rule for PreflightWildcard {
    fn id(&self) -> &'static str {
        "preflight-wildcard"
    }

    fn text(&self) -> &'static str {
        include_str!("preflight_wildcard.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let stopped = Stopped::by(Cause::Wildcard, trail, symptom)?;
        let finding = stopped.finding(self, Proof::Proved, Severity::Note, product(symptom), "")?;
        let summary = format!(
            "Access-Control-Allow-Headers is *, which by the standard does not let {} send Authorization",
            stopped.blocked.origin
        );
        Some(Finding {
            summary,
            because: "the Fetch standard wants authorization by name; today's browsers still let it pass"
                .into(),
            caution: "",
            aside: true,
            ..finding
        })
    }
}
