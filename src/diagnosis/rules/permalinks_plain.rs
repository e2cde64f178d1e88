//! The site has plain permalinks, so `/wp-json/` is a page to it and no REST API.
//!
//! WordPress betrays it: its `Link` names the REST root by a parameter, or it adds a slash to a REST URL, which it does only to what it takes
//! for a page. GET then gets a page or that redirect, POST and OPTIONS a page without CORS headers.

use super::super::told::is_meant;
use super::super::{Decision, Finding, Mark, Proof, Rule, Severity, Stop};
use super::untouched;
use crate::evidence::{AnsweredBy, Form, Hop, RouteClass, Symptom, Trail};
use crate::message::Method;

pub(in super::super) struct PermalinksPlain;

impl Rule for PermalinksPlain {
    fn id(&self) -> &'static str {
        "permalinks-plain"
    }

    fn text(&self) -> &'static str {
        include_str!("permalinks_plain.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_preflight = trail.method == Method::Options;
        let is_pretty = trail.route.class != RouteClass::NotRest && trail.route.form == Form::Pretty;
        if !is_pretty
            || symptom.from_cache
            || symptom.answered_by != AnsweredBy::WordPress
            || is_preflight && symptom.blocked.is_none()
        {
            return None;
        }
        let is_page = symptom.html_for_rest && symptom.plain_root && symptom.status.code() < 500;
        if !is_page && (is_preflight || !symptom.adds_slash) {
            return None;
        }
        let (proof, severity, because) = if is_page {
            let because = "a page came for a REST URL, and WordPress's Link names its root by ?rest_route=/";
            (Proof::Likely, Severity::Error, because)
        } else {
            let because = "WordPress added a slash to a REST URL, which it does only to what it takes for a page; another prefix \
                           than wp-json would look the same";
            (Proof::Possible, Severity::Warning, because)
        };
        // Scanners ask for the REST API of every site.
        let severity =
            if is_meant(trail) || trail.route.class == RouteClass::Token { severity } else { Severity::Note };
        let decision = || Decision { command: COMMAND.into(), reading: READING };
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("a page"));
        let summary = "the site has plain permalinks: to WordPress /wp-json/ is a page, and the REST API is at /?rest_route=/";
        Some(Finding {
            severity,
            because: because.into(),
            path,
            cleared: vec!["client", "token", "secret", "expiry", "CORS"],
            caution: "Token not judged. Do not rotate secrets",
            decide: (proof == Proof::Possible).then(decision),
            ..Finding::of(self, proof, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["preflight-blocked"]
    }
}

const COMMAND: &str = r#"curl -sI "$SITE/" | grep -i '^link:'"#;
const READING: &str = "rest_route= in it: plain permalinks; a path: that is the root to use";
