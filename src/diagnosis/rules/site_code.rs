//! The site's own configuration explains the code.
//!
//! Whoever wrote `diagnosis.codes` knows the plugin, so these words come before ours about families; a cause that another rule found comes
//! before both.

use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Stop};
use super::untouched;
use crate::evidence::{AnsweredBy, Hop, Symptom, Trail};

pub(in super::super) struct SiteCode;

impl Rule for SiteCode {
    fn id(&self) -> &'static str {
        "site-code"
    }

    fn text(&self) -> &'static str {
        include_str!("site_code.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let by_site = matches!(
            symptom.answered_by,
            AnsweredBy::WordPressRest | AnsweredBy::RestLike | AnsweredBy::Plugin(_) | AnsweredBy::Exit
        );
        if !by_site || !symptom.status.is_error() || symptom.from_cache {
            return None;
        }
        let status = symptom.status.code();
        let own = trail.site_codes.iter().find(|own| own.is(symptom.code(), status))?;
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted(own.code.as_str().to_owned()));
        let finding = Finding::of(self, Proof::Likely, "any", own.means.as_ref())?;
        Some(Finding {
            place: Place::of(own.place)?,
            desk: Desk::of(own.desk)?,
            because: "the configuration explains this code (diagnosis.codes)".into(),
            path,
            cure: if own.cure.is_empty() { finding.cure.clone() } else { own.cure.to_string() },
            ..finding
        })
    }

    fn yields(&self) -> bool {
        true
    }
}
