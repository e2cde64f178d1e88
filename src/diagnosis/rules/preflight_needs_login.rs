//! A gate wants a login of a preflight, which has none to show.
//!
//! By the Fetch standard a preflight never carries a cookie, `Authorization` or a client certificate, so a gate that asks
//! `OPTIONS` for one refuses every browser. It asks with 401, or by a redirect to its login.

use super::super::answerer::{Answerer, product};
use super::super::preflight::{A_GATE, Cause, Stopped};
use super::super::{Finding, Place, Rule, Severity};
use crate::evidence::{LoginPage, Symptom, Trail};

pub(in super::super) struct PreflightNeedsLogin;

impl Rule for PreflightNeedsLogin {
    fn id(&self) -> &'static str {
        "preflight-needs-login"
    }

    fn text(&self) -> &'static str {
        include_str!("preflight_needs_login.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let stopped = Stopped::by(Cause::NeedsLogin, trail, symptom)?;
        let by = gate(trail, symptom, stopped.by);
        let stopped = stopped.but_by(by);
        let did = symptom.login.map_or_else(
            || format!("answered the preflight with {}", symptom.status),
            |login| format!("sent the preflight to the login of {}", login.name()),
        );
        let product = match (symptom.login, by.place) {
            (Some(login), _) => login.name(),
            (None, Place::Gate) => product(symptom),
            _ => "PHP",
        };
        stopped.finding(self, stopped.proof(), Severity::Error, product, &did)
    }
}

/// Whoever asks for a login is a gate; where PHP is asked directly, a script of the site.
fn gate(trail: &Trail, symptom: &Symptom, by: Answerer) -> Answerer {
    let is_known = matches!(symptom.login, Some(LoginPage::Of(_))) || by.is_known && by.place == Place::Gate;
    if trail.memory.direct { by } else { Answerer { is_known, ..A_GATE } }
}
