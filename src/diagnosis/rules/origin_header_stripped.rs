//! `Origin` is lost on the way to WordPress, which then sends no CORS headers, and the browser keeps the reply.
//!
//! A doctor alone sees it by what is left: the REST server sends `Access-Control-Allow-Headers` always, and
//! `Access-Control-Allow-Origin` to whoever sends an `Origin`. A plugin that prints and leaves looks the same, and so does a site that
//! put a list of its own in the place of the CORS step, for whom the list does not have. So it is likely only
//! where core left `Vary: Origin`, as it does with an anonymous GET without `Origin`, or where a credential says that a preflight
//! allowed the page.
//!
//! `rest_send_cors_headers` answers requests with `Origin` alone. A doctor in front whose own policy dresses the reply makes
//! it harmless, and only the doctor in front sees what the browser gets: it tells when the reply is withheld for want of
//! `Access-Control-Allow-Origin` and WordPress answered. The doctor behind cannot know, so there it is a note.

use super::super::answerer::{console, product};
use super::super::company::{cure_at, desk, is_of_another, lost, path, place, proof, testimony};
use super::super::php::has_arrived;
use super::super::{Decision, Desk, Finding, Lost, Mark, Place, Proof, Rule, Severity, Stop};
use super::{lacks_its_origin, last_doctor, untouched, wants_for_origin};
use crate::browser::{Stage, When};
use crate::evidence::{Change, Credential, Crossing, Hop, RouteClass, Symptom, Trail, Watched};

pub(in super::super) struct OriginHeaderStripped;

impl Rule for OriginHeaderStripped {
    fn id(&self) -> &'static str {
        "origin-header-stripped"
    }

    fn text(&self) -> &'static str {
        include_str!("origin_header_stripped.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        match trail.company.as_deref().and_then(|company| company.first(Watched::Origin)) {
            Some(_) => self.between_doctors(trail, symptom),
            None if has_arrived(trail, Watched::Origin) => None,
            None => self.before_php(trail, symptom),
        }
    }
}

impl OriginHeaderStripped {
    fn between_doctors(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
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
        let (after, before) = (&crossing.after, crossing.to());
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
            place: place(crossing),
            desk: desk(crossing),
            cleared: cleared(crossing),
            cure: cure_at(self.text(), "any", crossing),
            aside: !is_cause,
            ..Finding::of(self, proof(company), "any", summary)?
        })
    }

    /// No doctor saw it go: WordPress answered as it does to a request without `Origin`.
    fn before_php(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let blocked = symptom.blocked.as_deref().filter(|blocked| blocked.when == When::Always)?;
        let is_checked = !matches!(symptom.status.code(), 101 | 304);
        if trail.treatment.undressed || !is_checked || !lacks_its_origin(trail, symptom) {
            return None;
        }
        let is_preflight = blocked.stage == Stage::Preflight;
        let is_error = !symptom.status.is_success();
        // Browsers send it only once a preflight allowed the page.
        let is_allowed = !is_preflight && trail.credential != Credential::Absent;
        let is_cores = is_preflight || matches!(trail.route.class, RouteClass::Public | RouteClass::UsersMe);
        let is_sure = is_cores && !is_error && (symptom.vary.origin || is_allowed);
        let proof = if is_sure { Proof::Likely } else { Proof::Possible };
        let matters = is_preflight || trail.credential != Credential::Absent;
        let last = last_doctor(trail);
        let is = if is_sure { "is" } else { "may be" };
        let summary = format!(
            "WordPress answered as if no Origin had come: it {is} lost between {last} and PHP, and {} gets no reply",
            blocked.origin
        );
        let why = match (is_sure, is_allowed) {
            (true, true) => WITHHELD_ALONE,
            (true, false) => WITHHELD_VARY,
            (false, _) => DOUBT,
        };
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::WebServer, Mark::Unknown).named(symptom.software.name()));
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("no Origin"));
        let served: &[&str] = if is_error { &[] } else { &["token", "secret", "expiry", "permissions"] };
        Some(Finding {
            place: Place::WebServer,
            desk: Desk::Platform,
            severity: if matters && is_sure { Severity::Error } else { Severity::Warning },
            because: format!("{}; {}", why, console(blocked).trim_end_matches('.')),
            path,
            lost: Some(Lost {
                header: Watched::Origin,
                change: Change::Missing,
                after: Hop::Doctor,
                before: Hop::Php,
            }),
            cleared: ["client", "doctor"].iter().chain(served).copied().collect(),
            aside: is_error,
            decide: (!is_sure)
                .then(|| Decision { command: ASK.into(), reading: "asked from a page that the site allows, without Access-Control-Allow-Origin here, too: Origin is lost, or a \
                          plugin took WordPress's CORS step away; with it: this route prints and leaves, or errors alone lack it (nginx add_header without `always`)" }),
            ..Finding::of(self, proof, product(symptom), summary)?
        })
    }
}

/// Behind the last doctor stands the web server alone.
fn cleared(crossing: &Crossing) -> Vec<&'static str> {
    let all = ["client", "doctors", "WordPress", "token", "web server"];
    all.into_iter().take(if crossing.is_to_php() { 4 } else { 5 }).collect()
}

const ASK: &str = r#"curl -i "$SITE/wp-json/" -H "Origin: https://app.example.com""#;
const WITHHELD_ALONE: &str = "the doctor sent Origin on, and the reply has Access-Control-Allow-Headers, which the REST server sends \
                              always, without Access-Control-Allow-Origin, which it sends where it sees Origin";
const WITHHELD_VARY: &str = "the doctor sent Origin on, and the reply has Vary: Origin without Access-Control-Allow-Origin, as core \
                             answers an anonymous GET that has no Origin";
const DOUBT: &str = "the doctor sent Origin on, and the REST server's other fields are there; a site that allows other origins \
                     alone, a plugin that prints its reply and leaves, or a layer that writes the field on successes alone, would look the same";
const WITHHELD: &str =
    "WordPress answers requests with Origin alone with Access-Control-Allow-Origin, and the reply has none";
const UNKNOWN: &str = "whether a browser gets the reply is seen by the doctor in front alone";
