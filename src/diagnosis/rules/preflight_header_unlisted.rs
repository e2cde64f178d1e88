//! The reply to a preflight does not list a header that the page wants to send.
//!
//! Core lists five names. Where another layer answers in its place, what is missing is most often `Authorization` itself.

use super::super::answerer::{is_from_wordpress, product};
use super::super::preflight::{Cause, Stopped};
use super::super::{Finding, Place, Rule, Severity};
use crate::browser::Block;
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct PreflightHeaderUnlisted;

impl Rule for PreflightHeaderUnlisted {
    fn id(&self) -> &'static str {
        "preflight-header-unlisted"
    }

    fn text(&self) -> &'static str {
        include_str!("preflight_header_unlisted.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let stopped = Stopped::by(Cause::HeaderUnlisted, trail, symptom)?;
        let Block::HeaderNotAllowed(name) = &stopped.blocked.block else { return None };
        let did = format!("does not allow the header {name}");
        let severity = if is_ours(name.as_str()) { Severity::Error } else { Severity::Warning };
        let product = match stopped.by.place {
            Place::WordPress if is_from_wordpress(symptom) && !is_ours(name.as_str()) => "WordPress",
            Place::WordPress | Place::Plugin => "plugin",
            _ => product(symptom),
        };
        stopped.finding(self, stopped.proof(), severity, product, &did)
    }
}

/// What every client of this API sends; without another name the others are still served.
fn is_ours(name: &str) -> bool {
    ["authorization", "content-type", "x-wp-nonce"].contains(&name)
}
