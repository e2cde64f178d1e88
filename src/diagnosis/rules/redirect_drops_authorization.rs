//! A redirect takes the client away from the origin it sent its credential to.
//!
//! By the Fetch standard (HTTP-redirect fetch) `Authorization` is not sent on to another scheme, host or port, and curl,
//! axios and most others do the same; WordPress then sees an anonymous caller, of whom this doctor may never hear. Where
//! the redirect leads is our own reading. What this client did is not known: a few keep the field. One doubt remains
//! where only TLS is added: if a proxy in front ended it and did not say so, the client is sent to where it already is.

use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::untouched;
use crate::evidence::{
    AnsweredBy, Credential, Hop, Led, Page, RedirectedBy, RouteClass, Software, Symptom, Trail, Watched,
};
use crate::message::Method;

pub(in super::super) struct RedirectDropsAuthorization;

impl Rule for RedirectDropsAuthorization {
    fn id(&self) -> &'static str {
        "redirect-drops-authorization"
    }

    fn text(&self) -> &'static str {
        include_str!("redirect_drops_authorization.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let led = symptom.led.filter(|led| led.away && !led.rewritten)?;
        let is_disbelieved = led.only_to_tls && trail.treatment.disbelieved.is_some();
        if is_disbelieved || !is_at_stake(trail) {
            return None;
        }
        let (place, desk) = whose(trail, symptom);
        let is_rest = trail.route.class != RouteClass::NotRest;
        let is_handed = led.changes.contains("host") && !led.same_path && is_scripts(place);
        if is_handed && !is_rest {
            return None;
        }
        let (proof, doubt) = if is_handed { (Proof::Possible, HANDED) } else { doubt(led, symptom) };
        let (lost, why) = if becomes_get(trail, symptom) { (GET, GET_WHY) } else { ("", "") };
        let summary = format!(
            "a redirect to another {} leaves the origin: browsers, curl, axios and most other clients go on without \
             Authorization{lost}",
            led.changes
        );
        Some(Finding {
            place,
            desk,
            severity: if is_rest && !is_handed { Severity::Error } else { Severity::Warning },
            because: format!("our reading of its Location, and the Fetch standard's rule{why}{doubt}"),
            path: path(trail, symptom, led),
            cleared: vec!["token", "secret", "expiry", "permissions"],
            caution: "Token not judged. Do not rotate secrets",
            ..Finding::of(self, proof, product(trail, symptom, led, doubt), summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["redirect-changes-method"]
    }
}

const GET: &str = ", and as GET";
const GET_WHY: &str = "; by 301 or 302 a POST becomes a GET, which WordPress answers with rest_no_route";
const UNTOLD: &str = "; if the client did use https and a proxy in front did not say so, it is led to where it already is, \
                      for ever";
const LOGIN: &str = "; a gate that sends callers to a login elsewhere would look the same";

const HANDED: &str = "; a script that hands the client on to another service, as for a download or a payment, would look the same, and \
                      there the field is not wanted";

/// Whether a script of the site redirects.
const fn is_scripts(place: Place) -> bool {
    matches!(place, Place::WordPress | Place::Plugin)
}

/// Whether a credential is lost with the field. On a page, `Basic` is a gate's, and browsers have it ready for the new
/// origin once asked.
fn is_at_stake(trail: &Trail) -> bool {
    let is_sent =
        trail.sighting(&Hop::Doctor, Watched::Authorization).is_some_and(|sent| sent.once().is_some());
    let is_a_gates = trail.route.class == RouteClass::NotRest && trail.credential == Credential::Basic;
    is_sent && !is_a_gates
}

/// How sure it is, and what else it could be.
fn doubt(led: Led, symptom: &Symptom) -> (Proof, &'static str) {
    let changes_host = led.changes.contains("host");
    if led.to_https && !changes_host && led.changes.contains("scheme") {
        return (Proof::Likely, UNTOLD);
    }
    let is_for_now = matches!(symptom.status.code(), 302 | 303 | 307);
    if changes_host && is_for_now && symptom.redirected_by.is_none() {
        return (Proof::Likely, LOGIN);
    }
    (Proof::Proved, "")
}

fn becomes_get(trail: &Trail, symptom: &Symptom) -> bool {
    trail.method == Method::Post && matches!(symptom.status.code(), 301 | 302)
}

/// `wp_redirect` names itself; the `Link` to the REST root without that name is a page of WordPress that a plugin sent
/// away by other means. Where PHP was asked directly, all others are scripts, too.
const fn whose(trail: &Trail, symptom: &Symptom) -> (Place, Desk) {
    match (symptom.redirected_by, symptom.answered_by) {
        (None, _) if trail.memory.direct => (Place::Plugin, Desk::WordPress),
        (Some(RedirectedBy::WordPress), _) => (Place::WordPress, Desk::WordPress),
        (Some(RedirectedBy::Plugin), _) | (None, AnsweredBy::WordPress) => (Place::Plugin, Desk::WordPress),
        (None, AnsweredBy::Edge) => (Place::Edge, Desk::Edge),
        (None, _) => (Place::WebServer, Desk::Platform),
    }
}

fn path(trail: &Trail, symptom: &Symptom, led: Led) -> Vec<Stop> {
    let note = format!("{} to another {}", symptom.status.code(), led.changes);
    let stop = match whose(trail, symptom).0 {
        Place::WebServer => Stop::new(Hop::WebServer, Mark::Bad).named(symptom.software.name()),
        Place::Edge => Stop::new(Hop::Edge, Mark::Bad),
        _ => Stop::new(Hop::Php, Mark::Bad),
    };
    let mut path = untouched(trail);
    path.push(stop.noted(note));
    path
}

fn product(trail: &Trail, symptom: &Symptom, led: Led, doubt: &str) -> &'static str {
    match (whose(trail, symptom).0, symptom.page, symptom.software) {
        _ if led.to_https && led.changes == "scheme" => "https",
        (Place::WebServer, ..) if !led.changes.contains("host") => "doctor",
        _ if doubt == LOGIN => "gate",
        (Place::WordPress, ..) => "WordPress",
        (Place::Plugin, ..) => "plugin",
        (Place::Edge, ..) => "any",
        (_, Some(Page::Nginx), _) | (_, None, Software::Nginx) => "nginx",
        (_, Some(Page::Apache), _) | (_, None, Software::Apache) => "Apache",
        _ => "any",
    }
}
