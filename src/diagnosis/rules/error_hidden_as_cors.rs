//! A plugin printed its error and left before WordPress's CORS step: the console tells of CORS, and it is an error of
//! authentication.
//!
//! The REST server's other fields are there, since they are sent before; `Access-Control-Allow-Origin` waits at
//! `rest_pre_serve_request`, which a plugin that calls `wp_send_json` never reaches. The error is the cause, so this stands
//! aside.

use super::super::withheld::{Cause, Withheld};
use super::super::{Desk, Finding, Place, Proof, Rule, Severity};
use crate::evidence::{Plugin, Symptom, Trail};

pub(in super::super) struct ErrorHiddenAsCors;

impl Rule for ErrorHiddenAsCors {
    fn id(&self) -> &'static str {
        "error-hidden-as-cors"
    }

    fn text(&self) -> &'static str {
        include_str!("error_hidden_as_cors.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let withheld = Withheld::by(Cause::HiddenError, trail, symptom)?;
        let proof = if withheld.by.is_known { Proof::Proved } else { Proof::Likely };
        let summary = format!(
            "a plugin printed its {} and left before WordPress's CORS step: to {} it looks like a CORS error",
            symptom.status, withheld.blocked.origin
        );
        let cure = match symptom.plugin {
            Some(Plugin::SimpleJwtLogin) => "Simple JWT Login",
            Some(Plugin::MiniOrange) => "miniOrange",
            _ => "any",
        };
        let finding = withheld.finding(self, (proof, Severity::Warning), cure, "no Allow-Origin", summary)?;
        let is_cached = symptom.from_cache;
        let (place, desk) =
            if is_cached { (finding.place, finding.desk) } else { (Place::Plugin, Desk::WordPress) };
        Some(Finding { place, desk, ..finding })
    }
}
