//! A preflight was redirected, and no browser follows.
//!
//! By the Fetch standard only a status from 200 to 299 lets the request go. Where the redirect leads, the request itself
//! would lose `Authorization` if it leaves the origin, so to answer the preflight alone helps nobody.

use super::super::answerer::product;
use super::super::preflight::{Cause, Stopped};
use super::super::{Finding, Place, Rule, Severity};
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct PreflightRedirected;

impl Rule for PreflightRedirected {
    fn id(&self) -> &'static str {
        "preflight-redirected"
    }

    fn text(&self) -> &'static str {
        include_str!("preflight_redirected.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let stopped = Stopped::by(Cause::Redirected, trail, symptom)?;
        let is_only_tls = symptom.led.is_some_and(|led| led.only_to_tls);
        let severity = if is_only_tls { Severity::Warning } else { Severity::Error };
        stopped.finding(self, stopped.proof(), severity, cure(symptom, stopped.by.place), DID)
    }
}

const DID: &str = "redirected the preflight";

fn cure(symptom: &Symptom, place: Place) -> &'static str {
    let is_only_tls = symptom.led.is_some_and(|led| led.only_to_tls);
    match place {
        _ if is_only_tls => "https",
        Place::WordPress => "WordPress",
        Place::Plugin => "plugin",
        _ => product(symptom),
    }
}
