//! A `POST` to a REST route was redirected by 301 or 302, and arrives as a `GET`.
//!
//! The Fetch standard and nearly every client turn a POST into a GET there and leave its body behind. WordPress has no 405: the same route by
//! GET is `rest_no_route`, and the plugin is taken to be off. Only a redirect to the same path is meant, for a slash, a host or TLS: after a
//! form that was sent, a page elsewhere is what was wanted.

use super::super::answerer::product;
use super::super::told::is_meant;
use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::untouched;
use crate::evidence::{AnsweredBy, Hop, RedirectedBy, RouteClass, Symptom, Trail};
use crate::message::Method;

pub(in super::super) struct RedirectChangesMethod;

impl Rule for RedirectChangesMethod {
    fn id(&self) -> &'static str {
        "redirect-changes-method"
    }

    fn text(&self) -> &'static str {
        include_str!("redirect_changes_method.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let led = symptom.led.filter(|led| led.same_path && !led.back && !led.rewritten)?;
        let becomes_get = trail.method == Method::Post && matches!(symptom.status.code(), 301 | 302);
        let is_disbelieved = led.only_to_tls && trail.treatment.disbelieved.is_some();
        if !becomes_get || is_disbelieved || trail.route.class == RouteClass::NotRest {
            return None;
        }
        // Whoever asks every site by http, as scanners do.
        let is_noise = led.only_to_tls && !is_meant(trail) && trail.route.class != RouteClass::Token;
        if is_noise {
            return None;
        }
        let (place, desk) = whose(trail, symptom);
        let (proof, doubt) = if led.only_to_tls { (Proof::Likely, UNTOLD) } else { (Proof::Proved, "") };
        let what = if trail.route.class == RouteClass::Token { "the login" } else { "the POST" };
        let to = if led.changes == "path" {
            "the slash at the end".to_owned()
        } else {
            format!("another {}", led.changes)
        };
        let summary = format!(
            "{what} was redirected by {} for {to}: most clients go on with GET and without its body, which WordPress answers with rest_no_route",
            symptom.status
        );
        let mut path = untouched(trail);
        path.push(stop(place, symptom).noted(format!("{} for {to}", symptom.status.code())));
        Some(Finding {
            place,
            desk,
            severity: if led.only_to_tls { Severity::Warning } else { Severity::Error },
            because: format!("our reading of its Location, and the Fetch standard's rule{doubt}"),
            path,
            cleared: vec!["token", "secret", "expiry", "permissions", "plugin"],
            caution: "Nothing was judged by WordPress",
            ..Finding::of(self, proof, cure(symptom, place, led.only_to_tls), summary)?
        })
    }
}

const UNTOLD: &str = "; if the client did use https and a proxy in front did not say so, it is led to where it already is, \
                      for ever";

pub(super) const fn whose(trail: &Trail, symptom: &Symptom) -> (Place, Desk) {
    match (symptom.redirected_by, symptom.answered_by) {
        (None, _) if trail.memory.direct => (Place::Plugin, Desk::WordPress),
        (Some(RedirectedBy::WordPress), _) => (Place::WordPress, Desk::WordPress),
        (Some(RedirectedBy::Plugin), _) | (None, AnsweredBy::WordPress) => (Place::Plugin, Desk::WordPress),
        (None, AnsweredBy::Edge) => (Place::Edge, Desk::Edge),
        (None, _) => (Place::WebServer, Desk::Platform),
    }
}

pub(super) fn stop(place: Place, symptom: &Symptom) -> Stop {
    match place {
        Place::WebServer => Stop::new(Hop::WebServer, Mark::Bad).named(symptom.software.name()),
        Place::Edge => Stop::new(Hop::Edge, Mark::Bad),
        _ => Stop::new(Hop::Php, Mark::Bad),
    }
}

fn cure(symptom: &Symptom, place: Place, is_only_tls: bool) -> &'static str {
    match place {
        _ if is_only_tls => "https",
        Place::WordPress | Place::Plugin => "WordPress",
        _ => product(symptom),
    }
}
