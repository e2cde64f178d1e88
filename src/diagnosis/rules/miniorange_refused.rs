//! miniOrange's plugin says no.
//!
//! It closes every route but its own, prints its error and exits before WordPress's CORS step. Where it says that no header came and one was
//! sent on, it is lost in between; the plugin reads headers by `getallheaders()`, which finds them under mod_php, too.

use super::super::codes::{self, Emitter};
use super::super::told::{is_bare, never_saw, told};
use super::super::{Finding, Rule, cure};
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct MiniorangeRefused;

impl Rule for MiniorangeRefused {
    fn id(&self) -> &'static str {
        "miniorange-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("miniorange_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let known = codes::of(symptom).filter(|known| known.emitter == Emitter::MiniOrange)?;
        if !symptom.status.is_error() || symptom.from_cache {
            return None;
        }
        let finding = told(self, trail, symptom, known)?;
        if symptom.code() == "INVALID_AUTHORIZATION_HEADER_TOKEN_TYPE" {
            // A gate or a proxy may have put another scheme there.
            return Some(Finding { cleared: vec!["doctor"], ..finding });
        }
        if symptom.code() != "MISSING_AUTHORIZATION_HEADER" {
            return Some(finding);
        }
        let finding = Finding { cure: cure(self.text(), "header"), ..finding };
        never_saw("miniOrange's plugin", trail, symptom, finding).filter(|_| !is_bare(trail))
    }

    fn yields(&self) -> bool {
        true
    }
}
