//! A token route was asked by the right method, and WordPress does not have it.
//!
//! `rest_no_route` then says that no active plugin registered it: the JWT plugin is off, or is one that has no such route. Bots ask for it on
//! sites that never had one, so without a sign that a program means it, it is a note.

use super::super::told::is_meant;
use super::super::{Finding, Mark, Proof, Rule, Severity, Stop};
use super::untouched;
use crate::evidence::{AnsweredBy, Hop, RouteClass, Symptom, Trail};

pub(in super::super) struct JwtPluginInactive;

impl Rule for JwtPluginInactive {
    fn id(&self) -> &'static str {
        "jwt-plugin-inactive"
    }

    fn text(&self) -> &'static str {
        include_str!("jwt_plugin_inactive.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let by_rest = matches!(symptom.answered_by, AnsweredBy::WordPressRest | AnsweredBy::RestLike);
        let is_unknown = symptom.status.code() == 404 && symptom.code() == "rest_no_route";
        if !by_rest
            || !is_unknown
            || !trail.methods.contains(&trail.method)
            || symptom.from_cache
            || trail.method_override.is_some()
        {
            return None;
        }
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("no such route"));
        let (product, summary) = if trail.route.class == RouteClass::Refresh {
            ("refresh", "WordPress has no route to renew a token: the JWT plugin has none, or is not active")
        } else {
            ("any", "WordPress does not have the token route: the JWT plugin is not active")
        };
        let (proof, severity) = if is_meant(trail) {
            (Proof::Likely, Severity::Warning)
        } else {
            (Proof::Possible, Severity::Note)
        };
        Some(Finding {
            severity,
            because: "the method is the right one, and WordPress says that no route matches".into(),
            path,
            cleared: vec!["web server", "secret", "expiry", "CORS"],
            caution: "Token not judged. Do not rotate secrets",
            ..Finding::of(self, proof, product, summary)?
        })
    }
}
