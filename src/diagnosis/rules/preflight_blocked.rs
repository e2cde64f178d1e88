//! A preflight went to the origin, and what came back keeps the browser from sending the request.
//!
//! WordPress's REST server grants every origin, so a refusal is somebody else's: a gate that wants credentials, which no
//! preflight has; a web server that takes no `OPTIONS`; a plugin that closes the API; a redirect. Of its own lists only
//! that of headers is short. A reply that depends on `credentials: "include"` is no fault, since a preflight never tells.

use super::super::answerer::{Answerer, PLUGIN, because, behind_php, is_from_wordpress, server};
use super::super::{Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::{lost_its_origin, untouched};
use crate::browser::{Block, Blocked, Stage, When};
use crate::evidence::{AnsweredBy, Hop, RouteClass, Symptom, Trail};

pub(in super::super) struct PreflightBlocked;

impl Rule for PreflightBlocked {
    fn id(&self) -> &'static str {
        "preflight-blocked"
    }

    fn text(&self) -> &'static str {
        include_str!("preflight_blocked.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let blocked = symptom.blocked.as_deref().filter(|blocked| is_stopped(blocked))?;
        let is_ours = trail.treatment.denied.is_some() || symptom.answered_by == AnsweredBy::Doctor;
        let concerns_us = trail.route.class != RouteClass::NotRest || trail.announces_authorization;
        if is_ours || !concerns_us || lost_its_origin(trail, symptom) {
            return None;
        }
        let by = answerer(trail, symptom, blocked);
        let is_added =
            matches!(blocked.block, Block::SeveralAllowOrigins { .. }) && is_from_wordpress(symptom);
        let is_sure = (by.is_known || is_added) && !may_be_meant(blocked) && !symptom.from_cache;
        let proof = if is_sure { Proof::Proved } else { Proof::Likely };
        let summary = format!(
            "{} {}, so the browser does not send the request of {}",
            by.who,
            did(blocked),
            blocked.origin
        );
        let mut path = untouched(trail);
        path.push(by.stop(format!("OPTIONS {}", symptom.status)));
        if matches!(by.place, Place::Gate | Place::WebServer | Place::Edge) {
            path.push(Stop::new(Hop::Php, Mark::Unknown));
        }
        Some(Finding {
            place: by.place,
            desk: by.desk,
            severity: severity(blocked),
            because: because(blocked, proof),
            path,
            cleared: vec!["token", "secret", "expiry", "permissions"],
            caution: "The request itself was never sent, and no token was judged",
            ..Finding::of(self, proof, product(symptom, blocked, by.place), summary)?
        })
    }
}

/// Whether one of today's browsers stops here, whatever the page asked for.
fn is_stopped(blocked: &Blocked) -> bool {
    blocked.stage == Stage::Preflight && blocked.when == When::Always && blocked.is_refused_today()
}

/// Core checks no permission of an `OPTIONS`: what refuses one by way of the REST server is a plugin at
/// `rest_authentication_errors`.
fn answerer(trail: &Trail, symptom: &Symptom, blocked: &Blocked) -> Answerer {
    match blocked.block {
        Block::SeveralAllowOrigins { .. } | Block::OriginMismatch(_) | Block::InvalidAllowOrigin(_)
            if is_from_wordpress(symptom) =>
        {
            behind_php(trail)
        }
        _ if symptom.answered_by == AnsweredBy::WordPressRest && symptom.is_refusal() => PLUGIN,
        _ => Answerer::of(trail, symptom),
    }
}

/// Whether somebody may have meant it: an allow-list that does not have this origin looks like this.
const fn may_be_meant(blocked: &Blocked) -> bool {
    match blocked.block {
        Block::OriginMismatch(_) => true,
        Block::NoAllowOrigin => matches!(blocked.status.code(), 200..=299),
        _ => false,
    }
}

fn severity(blocked: &Blocked) -> Severity {
    let is_rare = |name: &str| !["authorization", "content-type", "x-wp-nonce"].contains(&name);
    match &blocked.block {
        Block::HeaderNotAllowed(name) if is_rare(name.as_str()) => Severity::Warning,
        _ if may_be_meant(blocked) || is_down(blocked) => Severity::Warning,
        _ => Severity::Error,
    }
}

/// Whether more is wrong than CORS.
const fn is_down(blocked: &Blocked) -> bool {
    matches!(blocked.status.code(), 500..=599)
}

const fn is_redirect(blocked: &Blocked) -> bool {
    matches!(blocked.status.code(), 300..=399)
}

/// What was done to the preflight.
fn did(blocked: &Blocked) -> String {
    let status = blocked.status;
    match &blocked.block {
        _ if is_redirect(blocked) => "redirected the preflight".to_owned(),
        Block::NoAllowOrigin | Block::PreflightStatus if !status.is_success() => {
            format!("answered the preflight with {status}")
        }
        Block::HeaderNotAllowed(name) => format!("does not allow the header {name}"),
        Block::MethodNotAllowed(method) => format!("does not allow the method {method}"),
        Block::NoAllowOrigin => "answered the preflight without Access-Control-Allow-Origin".to_owned(),
        Block::SeveralAllowOrigins { .. } => {
            "adds an Access-Control-Allow-Origin to that of the preflight's reply".to_owned()
        }
        Block::OriginMismatch(_) => "allows another origin".to_owned(),
        Block::InvalidAllowOrigin(_) => "sends an Access-Control-Allow-Origin that is no origin".to_owned(),
        Block::UnreadableList(list) => format!("sends an {} that cannot be read", list.field()),
        _ => "answered the preflight wrongly".to_owned(),
    }
}

/// Which cure of the text it takes.
fn product(symptom: &Symptom, blocked: &Blocked, place: Place) -> &'static str {
    if is_redirect(blocked) {
        return "redirect";
    }
    if is_down(blocked) {
        return "server error";
    }
    match (place, server(symptom)) {
        (Place::WordPress, _) if matches!(blocked.block, Block::HeaderNotAllowed(_)) => "WordPress",
        (Place::WordPress, _) if symptom.html_for_rest => "plain permalinks",
        (Place::Plugin, _) => "plugin",
        (Place::Gate, Some("nginx")) => "nginx (gate)",
        (Place::Gate, Some("Apache")) => "Apache (gate)",
        (Place::Gate, Some("Caddy")) => "Caddy (gate)",
        (Place::Gate, _) => "gate",
        (Place::WebServer, _) if blocked.status.is_success() => "web server",
        (Place::WebServer, Some(server)) => server,
        _ => "any",
    }
}
