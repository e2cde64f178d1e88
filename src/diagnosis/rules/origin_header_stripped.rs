//! `Origin` left one doctor and did not reach the next, so WordPress sends no CORS headers and the browser keeps the reply.
//!
//! `rest_send_cors_headers` answers requests with `Origin` alone. A doctor in front whose own policy dresses the reply makes
//! it harmless, and only the doctor in front sees what the browser gets: it tells when the reply is withheld for want of
//! `Access-Control-Allow-Origin` and WordPress answered. The doctor behind cannot know, so there it is a note.

use super::super::company::{cure_at, is_of_another, lost, path, proof, testimony};
use super::super::{Finding, Rule, Severity};
use super::wants_for_origin;
use crate::evidence::{RouteClass, Symptom, Trail, Watched};

pub(in super::super) struct OriginHeaderStripped;

impl Rule for OriginHeaderStripped {
    fn id(&self) -> &'static str {
        "origin-header-stripped"
    }

    fn text(&self) -> &'static str {
        include_str!("origin_header_stripped.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let company = trail.company.as_deref()?;
        let (crossing, changed) = company.first(Watched::Origin)?;
        if !changed.is_loss() || trail.route.class == RouteClass::NotRest {
            return None;
        }
        let is_behind = trail.has_origin;
        let is_cause = is_behind && wants_for_origin(symptom) && !is_of_another(trail);
        if is_behind && !is_cause {
            return None;
        }
        let (after, before) = (&crossing.after, &crossing.before);
        let summary = if is_cause {
            format!(
                "Origin is lost between {after} and {before}, so WordPress sends no CORS headers and the browser keeps the reply"
            )
        } else {
            format!(
                "Origin is lost between {after} and {before}; browsers need the CORS headers from a doctor in front"
            )
        };
        let why = if is_cause { WITHHELD } else { UNKNOWN };
        Some(Finding {
            severity: if is_cause { Severity::Error } else { Severity::Note },
            because: format!("{}; {why}", testimony(company, crossing, Watched::Origin)),
            path: path(trail, symptom, company, crossing, Watched::Origin),
            lost: lost(company, Watched::Origin),
            cleared: vec!["client", "doctors", "web server", "WordPress", "token"],
            cure: cure_at(self.text(), "any", crossing),
            aside: !is_cause,
            ..Finding::of(self, proof(company), "any", summary)?
        })
    }
}

const WITHHELD: &str =
    "WordPress answers requests with Origin alone with Access-Control-Allow-Origin, and the reply has none";
const UNKNOWN: &str = "whether a browser gets the reply is seen by the doctor in front alone";
