//! Two layers send `Access-Control-Allow-Origin`, and two that allow an origin allow none.
//!
//! `rest_send_cors_headers` replaces the field (`header()` of PHP) and never adds to it, so a second one was added behind PHP. Where no
//! web server is, a plugin did.

use super::super::answerer::{is_from_wordpress, product};
use super::super::preflight::{Cause as OfPreflight, Stopped};
use super::super::withheld::{Cause, Withheld};
use super::super::{Finding, Place, Proof, Rule, Severity};
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct CorsHeadersDoubled;

impl Rule for CorsHeadersDoubled {
    fn id(&self) -> &'static str {
        "cors-headers-doubled"
    }

    fn text(&self) -> &'static str {
        include_str!("cors_headers_doubled.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let proof = if is_from_wordpress(symptom) { Proof::Proved } else { Proof::Likely };
        if let Some(stopped) = Stopped::by(OfPreflight::Doubled, trail, symptom) {
            let cure = cure(symptom, stopped.by.place);
            return stopped.finding(self, proof, Severity::Error, cure, ADDS).map(doubted);
        }
        let withheld = Withheld::by(Cause::Doubled, trail, symptom)?;
        let summary = format!(
            "two layers send Access-Control-Allow-Origin, so no browser shows the reply to {}",
            withheld.blocked.origin
        );
        let cure = cure(symptom, withheld.by.place);
        withheld.finding(self, (proof, Severity::Error), cure, "Allow-Origin twice", summary).map(doubted)
    }
}

/// Two values are sure, and who wrote the second is not.
fn doubted(finding: Finding) -> Finding {
    if finding.place != Place::WebServer || finding.proof != Proof::Proved {
        return finding;
    }
    let because = format!(
        "{}; which layer behind PHP writes the second, the reply does not say",
        finding.because.trim_end_matches('.')
    );
    Finding { because, ..finding }
}

const ADDS: &str = "adds an Access-Control-Allow-Origin to that of the preflight's reply";

fn cure(symptom: &Symptom, place: Place) -> &'static str {
    if place == Place::Plugin { "plugin" } else { product(symptom) }
}
