//! A cache answered a preflight with what it kept for a page of another origin.
//!
//! WordPress repeats the origin that asks, so its reply to one page is wrong for the next; a cache that does not tell them apart
//! serves the first and refuses all others.

use super::super::answerer::{Answerer, cache};
use super::super::preflight::{Cause, Stopped};
use super::super::{Desk, Finding, Place, Proof, Rule, Severity};
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct PreflightCachedWrongly;

impl Rule for PreflightCachedWrongly {
    fn id(&self) -> &'static str {
        "preflight-cached-wrongly"
    }

    fn text(&self) -> &'static str {
        include_str!("preflight_cached_wrongly.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let by = Answerer::supposed("a cache", Place::Cache, Desk::Edge);
        let stopped = Stopped::by(Cause::CachedWrongly, trail, symptom)?.but_by(by);
        stopped.finding(self, Proof::Likely, Severity::Error, cache(symptom), DID)
    }
}

const DID: &str = "answered the preflight with the reply to a page of another origin";
