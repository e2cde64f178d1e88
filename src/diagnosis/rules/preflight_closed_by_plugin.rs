//! A plugin that closes the REST API closes it to preflights as well.
//!
//! Core answers `OPTIONS` without a look at permissions, but runs `rest_authentication_errors` before, where plugins refuse
//! anonymous callers, and a preflight is always anonymous. Others send everybody to the login page.

use super::super::preflight::{Cause, Stopped};
use super::super::{Finding, Rule, Severity};
use crate::evidence::{AnsweredBy, Symptom, Trail};

pub(in super::super) struct PreflightClosedByPlugin;

impl Rule for PreflightClosedByPlugin {
    fn id(&self) -> &'static str {
        "preflight-closed-by-plugin"
    }

    fn text(&self) -> &'static str {
        include_str!("preflight_closed_by_plugin.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let stopped = Stopped::by(Cause::ClosedByPlugin, trail, symptom)?;
        let did = if symptom.answered_by == AnsweredBy::Login {
            "sent the preflight to WordPress's login page".to_owned()
        } else {
            format!("answered the preflight with {}", symptom.status)
        };
        stopped.finding(self, stopped.proof(), Severity::Error, product(symptom), &did)
    }
}

fn product(symptom: &Symptom) -> &'static str {
    let is_of_jwt_auth = symptom.code().starts_with("jwt_auth_");
    if is_of_jwt_auth { "JWT plugin" } else { "any" }
}
