//! miniOrange's plugin says no.
//!
//! It closes every route but its own, prints its error and exits before WordPress's CORS step. Where it says that no header came and one was
//! sent on, it is lost in between; the plugin reads headers by `getallheaders()`, which finds them under mod_php, too.

use super::super::codes::{self, Emitter};
use super::super::told::{is_bare, told};
use super::super::{Desk, Finding, Lost, Mark, Place, Rule, Severity, Stop, cure};
use super::untouched;
use crate::evidence::{Change, Hop, Symptom, Trail, Watched};

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
        (!trail.memory.direct && !is_bare(trail)).then(|| lost(trail, symptom, finding))
    }

    fn yields(&self) -> bool {
        true
    }
}

/// It was sent on, and the plugin found none.
fn lost(trail: &Trail, symptom: &Symptom, finding: Finding) -> Finding {
    let mut path = untouched(trail);
    path.push(Stop::new(Hop::WebServer, Mark::Unknown).named(symptom.software.name()));
    path.push(Stop::new(Hop::Php, Mark::Bad));
    let text = MiniorangeRefused.text();
    Finding {
        place: Place::WebServer,
        desk: Desk::Platform,
        severity: Severity::Error,
        summary: "miniOrange's plugin never saw Authorization, which was sent; it is lost before PHP".into(),
        because: "Authorization was sent on, and the plugin says that it received none".into(),
        path,
        lost: Some(Lost {
            header: Watched::Authorization,
            change: Change::Missing,
            after: Hop::Doctor,
            before: Hop::Php,
        }),
        cleared: vec!["client", "doctor", "secret", "expiry"],
        caution: "Token not judged. Do not rotate secrets",
        cure: cure(text, "header"),
        ..finding
    }
}
