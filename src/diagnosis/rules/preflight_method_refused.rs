//! Something before WordPress takes no `OPTIONS`.
//!
//! WordPress answers every `OPTIONS` of a REST route with 200 and has no 405 of its own, so a 405 or 501 is somebody
//! else's. A web server's 403 page may refuse every method alike, so that is another rule's.

use super::super::answerer::product;
use super::super::preflight::{Cause, Stopped};
use super::super::{Finding, Place, Rule, Severity};
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct PreflightMethodRefused;

impl Rule for PreflightMethodRefused {
    fn id(&self) -> &'static str {
        "preflight-method-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("preflight_method_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let stopped = Stopped::by(Cause::MethodRefused, trail, symptom)?;
        let did = format!("answered the preflight with {}", symptom.status);
        let product = if stopped.by.place == Place::Plugin { "PHP" } else { product(symptom) };
        stopped.finding(self, stopped.proof(), Severity::Error, product, &did)
    }
}
