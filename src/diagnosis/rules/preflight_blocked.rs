//! A preflight went to the origin, and what came back keeps the browser from sending the request, for no more telling reason.
//!
//! The causes with a cure of their own are rules of their own. What is left: a server that is down, an API that is not there, a
//! reply without the field or for another origin. A reply that depends on `credentials: "include"` is no fault, since a
//! preflight never tells.

use super::super::answerer::product;
use super::super::preflight::{Cause, Stopped};
use super::super::{Finding, Place, Proof, Rule, Severity};
use crate::browser::{Block, Blocked};
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct PreflightBlocked;

impl Rule for PreflightBlocked {
    fn id(&self) -> &'static str {
        "preflight-blocked"
    }

    fn text(&self) -> &'static str {
        include_str!("preflight_blocked.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let stopped = Stopped::by(Cause::Other, trail, symptom)?;
        let blocked = stopped.blocked;
        let proof = if may_be_meant(blocked) { Proof::Likely } else { stopped.proof() };
        let is_mild = may_be_meant(blocked) || is_down(blocked);
        let severity = if is_mild { Severity::Warning } else { Severity::Error };
        stopped.finding(self, proof, severity, cure(symptom, blocked, stopped.by.place), &did(blocked))
    }
}

/// Whether somebody may have meant it: an allow-list that does not have this origin looks like this.
const fn may_be_meant(blocked: &Blocked) -> bool {
    match blocked.block {
        Block::OriginMismatch(_) => true,
        Block::NoAllowOrigin => matches!(blocked.status.code(), 200..=299),
        _ => false,
    }
}

/// Whether more is wrong than CORS.
const fn is_down(blocked: &Blocked) -> bool {
    matches!(blocked.status.code(), 500..=599)
}

/// Whether it may be a page that everybody gets. What writes CORS fields, or a list, is none.
fn is_page(symptom: &Symptom, blocked: &Blocked) -> bool {
    symptom.html_for_rest && blocked.status.is_success() && blocked.block == Block::NoAllowOrigin
}

/// What was done to the preflight.
fn did(blocked: &Blocked) -> String {
    match &blocked.block {
        _ if !blocked.status.is_success() => format!("answered the preflight with {}", blocked.status),
        Block::NoAllowOrigin => "answered the preflight without Access-Control-Allow-Origin".to_owned(),
        Block::OriginMismatch(_) => "allows another origin".to_owned(),
        Block::InvalidAllowOrigin(_) => "sends an Access-Control-Allow-Origin that is no origin".to_owned(),
        Block::UnreadableList(list) => format!("sends an {} that cannot be read", list.field()),
        _ => "answered the preflight wrongly".to_owned(),
    }
}

/// Which cure of the text it takes.
fn cure(symptom: &Symptom, blocked: &Blocked, place: Place) -> &'static str {
    match place {
        _ if is_down(blocked) => "server error",
        Place::WordPress if symptom.html_for_rest => "plain permalinks",
        _ if is_page(symptom, blocked) => "page",
        Place::Plugin => "plugin",
        Place::WebServer if blocked.status.is_success() => "web server",
        _ => product(symptom),
    }
}
