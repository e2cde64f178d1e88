//! What stopped a preflight: one cause for each cure.
//!
//! Whatever keeps a browser from sending its request shows in the reply to the preflight. Its status comes first, since what
//! refuses before WordPress's CORS step leaves the fields out as well; then the one field that is missing or wrong. A
//! preflight never carries a credential, so to ask one to log in is to refuse it.

use super::answerer::{Answerer, CORE, PLUGIN, because, behind_php, is_emptied_by_core, is_from_wordpress};
use super::readings::{lacks_its_origin, lost_its_origin, untouched};
use super::{Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use crate::browser::{Block, Blocked, Stage, When};
use crate::evidence::{AnsweredBy, Hop, LoginPage, RouteClass, Symptom, Trail};

/// Why a preflight was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It was redirected.
    Redirected,
    /// A gate wants a login.
    NeedsLogin,
    /// A plugin closes the API to it.
    ClosedByPlugin,
    /// Something takes no `OPTIONS`.
    MethodRefused,
    /// Two layers allow the origin.
    Doubled,
    /// A cache answered for another origin.
    CachedWrongly,
    /// A header is not listed.
    HeaderUnlisted,
    /// `*` stands for `Authorization`.
    Wildcard,
    /// The method is not listed.
    MethodUnlisted,
    /// WordPress answered as if there had been no `Origin`.
    OriginLost,
    /// Anything else.
    Other,
}

impl Cause {
    fn of(trail: &Trail, symptom: &Symptom, blocked: &Blocked) -> Self {
        by_status(symptom, blocked).unwrap_or_else(|| by_fields(trail, symptom, blocked))
    }
}

fn by_status(symptom: &Symptom, blocked: &Blocked) -> Option<Cause> {
    let is_plugins = matches!(
        symptom.answered_by,
        AnsweredBy::WordPressRest
            | AnsweredBy::RestLike
            | AnsweredBy::WordPress
            | AnsweredBy::Plugin(_)
            | AnsweredBy::Exit
            | AnsweredBy::Login
    );
    match (blocked.status.code(), symptom.answered_by) {
        (200..=399, AnsweredBy::Login) => Some(Cause::ClosedByPlugin),
        (200..=299, _) => None,
        (300..=399, _) if is_login_of_a_gate(symptom) => Some(Cause::NeedsLogin),
        (300..=399, _) => Some(Cause::Redirected),
        (_, AnsweredBy::Gate(_)) => Some(Cause::NeedsLogin),
        (401 | 403, _) if is_plugins => Some(Cause::ClosedByPlugin),
        (401, _) => Some(Cause::NeedsLogin),
        (405 | 501, _) => Some(Cause::MethodRefused),
        _ => Some(Cause::Other),
    }
}

fn by_fields(trail: &Trail, symptom: &Symptom, blocked: &Blocked) -> Cause {
    match blocked.block {
        Block::SeveralAllowOrigins { .. } => Cause::Doubled,
        Block::OriginMismatch(_) if symptom.from_cache => Cause::CachedWrongly,
        Block::HeaderNotAllowed(_) => Cause::HeaderUnlisted,
        Block::AuthorizationNotCovered => Cause::Wildcard,
        Block::MethodNotAllowed(_) => Cause::MethodUnlisted,
        Block::NoAllowOrigin if lacks_its_origin(trail, symptom) => Cause::OriginLost,
        _ => Cause::Other,
    }
}

fn is_login_of_a_gate(symptom: &Symptom) -> bool {
    symptom.login.is_some_and(|login| login != LoginPage::WordPress)
}

/// A preflight that was stopped, and by whom.
pub(super) struct Stopped<'a> {
    trail: &'a Trail,
    pub(super) symptom: &'a Symptom,
    pub(super) blocked: &'a Blocked,
    pub(super) by: Answerer,
}

impl<'a> Stopped<'a> {
    /// The preflight, when this is why it was stopped, and by others than the doctor.
    pub(super) fn by(cause: Cause, trail: &'a Trail, symptom: &'a Symptom) -> Option<Self> {
        let blocked = symptom.blocked.as_deref().filter(|blocked| is_stopped(blocked))?;
        let is_ours = trail.treatment.denied.is_some() || symptom.answered_by == AnsweredBy::Doctor;
        let concerns_us = trail.route.class != RouteClass::NotRest || trail.announces_authorization;
        let is_known = is_ours || !concerns_us || lost_its_origin(trail, symptom);
        if is_known || Cause::of(trail, symptom, blocked) != cause {
            return None;
        }
        Some(Self { trail, symptom, blocked, by: answerer(trail, symptom, blocked) })
    }

    /// The same, by another one.
    pub(super) fn but_by(self, by: Answerer) -> Self {
        Self { by, ..self }
    }

    /// Proved where the one who answered is known, and not a cache in its place.
    pub(super) const fn proof(&self) -> Proof {
        if self.by.is_known && !self.symptom.from_cache { Proof::Proved } else { Proof::Likely }
    }

    /// What is concluded, in the words that all these causes share; `did` is what was done to the preflight.
    pub(super) fn finding(
        &self,
        rule: &dyn Rule,
        proof: Proof,
        severity: Severity,
        product: &str,
        did: &str,
    ) -> Option<Finding> {
        let (by, blocked) = (self.by, self.blocked);
        let summary =
            format!("{} {did}, so the browser does not send the request of {}", by.who, blocked.origin);
        let mut path = untouched(self.trail);
        path.push(by.stop(format!("OPTIONS {}", self.symptom.status)));
        if matches!(by.place, Place::Gate | Place::Cache | Place::WebServer | Place::Edge) {
            path.push(Stop::new(Hop::Php, Mark::Unknown));
        }
        Some(Finding {
            place: by.place,
            desk: by.desk,
            severity,
            because: because(blocked, proof),
            path,
            cleared: vec!["token", "secret", "expiry", "permissions"],
            caution: "The request itself was never sent, and no token was judged",
            ..Finding::of(rule, proof, product, summary)?
        })
    }
}

/// Whether one of today's browsers stops here, whatever the page asked for, or the standard does where none follows it yet.
fn is_stopped(blocked: &Blocked) -> bool {
    let is_refused = blocked.is_refused_today() || blocked.block == Block::AuthorizationNotCovered;
    blocked.stage == Stage::Preflight && blocked.when == When::Always && is_refused
}

/// Core checks no permission of an `OPTIONS`: what refuses one by way of the REST server is a plugin at
/// `rest_authentication_errors`.
fn answerer(trail: &Trail, symptom: &Symptom, blocked: &Blocked) -> Answerer {
    match blocked.block {
        _ if is_emptied_by_core(symptom, blocked) => CORE,
        Block::SeveralAllowOrigins { .. } | Block::OriginMismatch(_) | Block::InvalidAllowOrigin(_)
            if is_from_wordpress(symptom) =>
        {
            behind_php(trail)
        }
        _ if is_from_wordpress(symptom) && symptom.is_refusal() => PLUGIN,
        _ => Answerer::of(trail, symptom),
    }
}

/// Something in front of WordPress that wants a login, by no mark that is sure.
pub(super) const A_GATE: Answerer =
    Answerer::supposed("a gate in front of WordPress", Place::Gate, Desk::Edge);
