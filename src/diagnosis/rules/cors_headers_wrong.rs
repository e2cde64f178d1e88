//! The request was served, and the browser keeps the reply from the page.
//!
//! Two layers that both allow an origin allow none. An error from before WordPress's CORS step (a web server's page, a
//! plugin that prints and exits) has no `Access-Control-Allow-Origin`, so an error of authentication looks like one of
//! CORS: there this explains what the console shows and not the reply, and stands aside.
//!
//! A site need not allow others, so what has no such field speaks on REST routes only, or where `Authorization` was sent.

use super::super::answerer::{Answerer, because, behind_php, is_from_wordpress, server};
use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::{lost_its_origin, untouched};
use crate::browser::{Block, Blocked, Stage, When};
use crate::evidence::{AnsweredBy, Credential, Hop, RouteClass, Symptom, Trail};

pub(in super::super) struct CorsHeadersWrong;

impl Rule for CorsHeadersWrong {
    fn id(&self) -> &'static str {
        "cors-headers-wrong"
    }

    fn text(&self) -> &'static str {
        include_str!("cors_headers_wrong.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let blocked = symptom.blocked.as_deref().filter(|blocked| is_withheld(blocked))?;
        let is_ours = trail.treatment.undressed || symptom.answered_by == AnsweredBy::Doctor;
        let concerns_us = trail.route.class != RouteClass::NotRest || has_credential(trail);
        if is_ours || !concerns_us || lost_its_origin(trail, symptom) {
            return None;
        }
        let by = answerer(trail, symptom, blocked);
        let (proof, severity) = weight(trail, symptom, blocked, by);
        let mut path = untouched(trail);
        path.push(by.stop(note(blocked)));
        if matches!(by.place, Place::Gate | Place::Cache | Place::WebServer | Place::Edge) {
            path.push(Stop::new(Hop::Php, Mark::Unknown));
        }
        Some(Finding {
            place: by.place,
            desk: by.desk,
            severity,
            because: because(blocked, proof),
            path,
            cleared: cleared(symptom, by),
            aside: !symptom.status.is_success(),
            ..Finding::of(self, proof, product(symptom, blocked, by), summary(symptom, blocked, by))?
        })
    }
}

/// A request that WordPress served is right in all of these; an error by somebody else tells nothing of them.
fn cleared(symptom: &Symptom, by: Answerer) -> Vec<&'static str> {
    match (symptom.status.is_success(), is_from_wordpress(symptom) && !symptom.html_for_rest) {
        (true, true) => vec!["token", "secret", "expiry", "permissions"],
        (false, false) if by.is_known => vec!["CORS settings of WordPress"],
        _ => Vec::new(),
    }
}

/// Whether the page cannot read it, whatever it asked for. A 304 is read with what the browser has stored, and a 101 is
/// for a `WebSocket`, which is not checked.
fn is_withheld(blocked: &Blocked) -> bool {
    let is_checked = !matches!(blocked.status.code(), 101 | 304);
    is_checked && blocked.stage == Stage::Reply && blocked.when == When::Always && blocked.is_refused_today()
}

fn has_credential(trail: &Trail) -> bool {
    trail.credential != Credential::Absent
}

/// Who put it there, or who answered without it. WordPress answers without it only where no REST route is found.
fn answerer(trail: &Trail, symptom: &Symptom, blocked: &Blocked) -> Answerer {
    let is_several = matches!(blocked.block, Block::SeveralAllowOrigins { .. });
    let is_page = symptom.html_for_rest || !symptom.status.is_success();
    match (&blocked.block, symptom.answered_by) {
        _ if symptom.from_cache && !is_several => Answerer::supposed("a cache", Place::Cache, Desk::Edge),
        (Block::NoAllowOrigin, AnsweredBy::WordPressRest) => behind_php(trail),
        (Block::NoAllowOrigin, AnsweredBy::WordPress) if !is_page => behind_php(trail),
        (Block::NoAllowOrigin, _) => Answerer::of(trail, symptom),
        _ => behind_php(trail),
    }
}

fn weight(trail: &Trail, symptom: &Symptom, blocked: &Blocked, by: Answerer) -> (Proof, Severity) {
    match blocked.block {
        Block::SeveralAllowOrigins { .. } if is_from_wordpress(symptom) => (Proof::Proved, Severity::Error),
        Block::SeveralAllowOrigins { .. } | Block::WildcardWithCredentials | Block::InvalidAllowOrigin(_) => {
            (Proof::Likely, Severity::Error)
        }
        // A browser that sent it was told before that it may.
        Block::NoAllowOrigin if symptom.status.is_success() && has_credential(trail) => {
            (Proof::Likely, Severity::Error)
        }
        Block::NoAllowOrigin if by.is_known => (Proof::Proved, Severity::Warning),
        _ => (Proof::Likely, Severity::Warning),
    }
}

fn summary(symptom: &Symptom, blocked: &Blocked, by: Answerer) -> String {
    let Blocked { origin, status, .. } = blocked;
    match &blocked.block {
        Block::SeveralAllowOrigins { .. } => {
            format!("two layers send Access-Control-Allow-Origin, so no browser shows the reply to {origin}")
        }
        Block::WildcardWithCredentials => {
            format!(
                "Access-Control-Allow-Origin is * while cookies are sent, so {origin} cannot read the reply"
            )
        }
        Block::OriginMismatch(_) => {
            format!(
                "Access-Control-Allow-Origin names another origin than {origin}, which cannot read the reply"
            )
        }
        Block::NoAllowOrigin if symptom.html_for_rest && symptom.status.is_success() => {
            format!(
                "a page of HTML answered for the REST route, without CORS fields, so {origin} cannot read it"
            )
        }
        Block::NoAllowOrigin if symptom.status.is_success() => {
            format!("the reply lost, or never got, Access-Control-Allow-Origin, so {origin} cannot read it")
        }
        Block::NoAllowOrigin if symptom.before_cors => format!(
            "a plugin printed its {status} and left before WordPress's CORS step: to {origin} it looks like a CORS error"
        ),
        Block::NoAllowOrigin => format!(
            "{} answered {status} without Access-Control-Allow-Origin: to {origin} it looks like a CORS error",
            by.who
        ),
        _ => format!("{}, so {origin} cannot read the reply", blocked.reason()),
    }
}

const fn note(blocked: &Blocked) -> &'static str {
    match blocked.block {
        Block::SeveralAllowOrigins { .. } => "Allow-Origin twice",
        Block::WildcardWithCredentials => "Allow-Origin: *",
        Block::OriginMismatch(_) => "another origin",
        Block::NoAllowOrigin => "no Allow-Origin",
        _ => "CORS",
    }
}

/// Which cure of the text it takes.
fn product(symptom: &Symptom, blocked: &Blocked, by: Answerer) -> &'static str {
    match (&blocked.block, by.place, server(symptom)) {
        (Block::NoAllowOrigin, _, _) if !symptom.status.is_success() => "error reply",
        (_, Place::Cache, _) => "cache",
        (Block::NoAllowOrigin, ..) if symptom.html_for_rest => "plain permalinks",
        (Block::SeveralAllowOrigins { .. }, _, Some(server @ ("nginx" | "Apache"))) => server,
        (Block::WildcardWithCredentials | Block::CredentialsNotTrue, ..) => "credentials",
        _ => "any",
    }
}
