//! The reply to a preflight does not list the method that the page wants to use.
//!
//! `GET`, `HEAD` and `POST` need no leave. WordPress lists all methods that a REST route can have, so a list that is too short is
//! another layer's; methods are compared letter for letter, so `put` in it does not allow `PUT`.

use super::super::answerer::product;
use super::super::preflight::{Cause, Stopped};
use super::super::{Finding, Rule, Severity};
use crate::browser::Block;
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct PreflightMethodUnlisted;

impl Rule for PreflightMethodUnlisted {
    fn id(&self) -> &'static str {
        "preflight-method-unlisted"
    }

    fn text(&self) -> &'static str {
        include_str!("preflight_method_unlisted.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let stopped = Stopped::by(Cause::MethodUnlisted, trail, symptom)?;
        let Block::MethodNotAllowed(method) = &stopped.blocked.block else { return None };
        let did = format!("does not allow the method {method}");
        let is_usual = ["PUT", "PATCH", "DELETE"].contains(&method.as_str());
        let (severity, product) =
            if is_usual { (Severity::Error, product(symptom)) } else { (Severity::Warning, "client") };
        stopped.finding(self, stopped.proof(), severity, product, &did)
    }
}
