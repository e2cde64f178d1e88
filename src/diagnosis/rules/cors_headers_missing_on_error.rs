//! An error that somebody else made has no CORS fields, so the browser hides its status.
//!
//! WordPress sends them from its REST server alone: a web server's page, a gate, a fatal error and maintenance have none. The
//! error is the cause and this what the console shows of it, so it stands aside.

use super::super::withheld::{Cause, Withheld};
use super::super::{Finding, Proof, Rule, Severity};
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct CorsHeadersMissingOnError;

impl Rule for CorsHeadersMissingOnError {
    fn id(&self) -> &'static str {
        "cors-headers-missing-on-error"
    }

    fn text(&self) -> &'static str {
        include_str!("cors_headers_missing_on_error.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let withheld = Withheld::by(Cause::MissingOnError, trail, symptom)?;
        let proof = if withheld.by.is_known { Proof::Proved } else { Proof::Likely };
        let (who, origin) = (withheld.by.who, &withheld.blocked.origin);
        let summary = format!(
            "{who} answered {} without Access-Control-Allow-Origin: to {origin} it looks like a CORS error",
            symptom.status
        );
        let is_redirect = matches!(symptom.status.code(), 300..=399);
        let cure = if is_redirect { "redirect" } else { "any" };
        withheld.finding(self, (proof, Severity::Warning), cure, "no Allow-Origin", summary)
    }
}
