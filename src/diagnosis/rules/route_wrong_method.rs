//! A token route was asked by a method that it does not take.
//!
//! Core has no 405: another method is 404 `rest_no_route`. Most often the client did send POST, and a redirect (301, 302) made a GET of it
//! somewhere on the way. Whoever types the URL into a browser gets it as well, and that is only a note.

use super::super::told::is_meant;
use super::super::{Finding, Mark, Proof, Rule, Severity, Stop};
use super::sent_wrong;
use crate::evidence::{AnsweredBy, Hop, Symptom, Trail};
use crate::message::Method;

pub(in super::super) struct RouteWrongMethod;

impl Rule for RouteWrongMethod {
    fn id(&self) -> &'static str {
        "route-wrong-method"
    }

    fn text(&self) -> &'static str {
        include_str!("route_wrong_method.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let by_rest = matches!(symptom.answered_by, AnsweredBy::WordPressRest | AnsweredBy::RestLike);
        let is_unknown = symptom.status.code() == 404 && symptom.code() == "rest_no_route";
        let is_wrong = !trail.methods.is_empty()
            && !trail.methods.contains(&trail.method)
            && !matches!(trail.method, Method::Options | Method::Head);
        if !by_rest || !is_unknown || !is_wrong || symptom.from_cache || trail.method_override.is_some() {
            return None;
        }
        let is_get = trail.method == Method::Get;
        let mut path = sent_wrong(trail, if is_get { "GET" } else { "not POST" }.into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let (product, summary) = if is_get {
            (
                "redirect",
                "a token route was asked by GET, and takes POST alone; a redirect on the way may have made a GET of it",
            )
        } else {
            ("any", "a token route was asked by a method that it does not take")
        };
        Some(Finding {
            severity: if is_meant(trail) { Severity::Warning } else { Severity::Note },
            because: "the method was seen on arrival, and core answers a wrong one with rest_no_route; a plugin that is not active would look the same"
                .into(),
            path,
            cleared: vec!["secret", "expiry", "CORS"],
            caution: "Token not judged. Do not rotate secrets",
            ..Finding::of(self, Proof::Likely, product, summary)?
        })
    }
}
