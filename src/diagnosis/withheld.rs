//! What keeps a reply from the page that asked: one cause for each cure.
//!
//! A site need not allow others, so only REST routes and requests with `Authorization` speak. An error from before
//! WordPress's CORS step has no `Access-Control-Allow-Origin`, so that the console tells of CORS in place of the error: there
//! the finding explains what the console shows and not the reply, and stands aside.

use super::answerer::{
    Answerer, CORE, because, behind_php, is_emptied_by_core, is_extension, is_from_wordpress,
};
use super::readings::{lacks_its_origin, lost_its_origin, untouched};
use super::{Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use crate::browser::{Block, Blocked, Stage, When};
use crate::evidence::{AnsweredBy, Credential, Hop, RouteClass, Symptom, Trail};

/// Why a page cannot read a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Two layers allow it.
    Doubled,
    /// Somebody else's error has no CORS fields.
    MissingOnError,
    /// A plugin printed its error and left before WordPress's CORS step.
    HiddenError,
    /// WordPress answered as if there had been no `Origin`.
    OriginLost,
    /// Anything else.
    Other,
}

impl Cause {
    fn of(trail: &Trail, symptom: &Symptom, blocked: &Blocked) -> Self {
        let is_error = !symptom.status.is_success();
        match blocked.block {
            Block::SeveralAllowOrigins { .. } => Self::Doubled,
            Block::NoAllowOrigin if is_error && symptom.before_cors => Self::HiddenError,
            Block::NoAllowOrigin if lacks_its_origin(trail, symptom) => Self::OriginLost,
            Block::NoAllowOrigin if is_error && !is_of_the_rest_server(symptom) => Self::MissingOnError,
            _ => Self::Other,
        }
    }
}

fn is_of_the_rest_server(symptom: &Symptom) -> bool {
    symptom.answered_by == AnsweredBy::WordPressRest
}

/// A reply that is kept from its page, and by whom.
pub(super) struct Withheld<'a> {
    trail: &'a Trail,
    pub(super) symptom: &'a Symptom,
    pub(super) blocked: &'a Blocked,
    pub(super) by: Answerer,
}

impl<'a> Withheld<'a> {
    /// The reply, when this is why it is kept, and not by the doctor.
    pub(super) fn by(cause: Cause, trail: &'a Trail, symptom: &'a Symptom) -> Option<Self> {
        let blocked = symptom.blocked.as_deref().filter(|blocked| is_withheld(blocked))?;
        let is_ours = trail.treatment.undressed || symptom.answered_by == AnsweredBy::Doctor;
        let concerns_us = trail.route.class != RouteClass::NotRest || has_credential(trail);
        let is_free = is_extension(blocked);
        let is_known = is_ours || is_free || !concerns_us || lost_its_origin(trail, symptom);
        if is_known || Cause::of(trail, symptom, blocked) != cause {
            return None;
        }
        Some(Self { trail, symptom, blocked, by: answerer(trail, symptom, blocked) })
    }

    /// Whether the request had a credential: a browser that sent it was told before that it may.
    pub(super) fn has_credential(&self) -> bool {
        has_credential(self.trail)
    }

    /// What is concluded, in the form that all these causes share.
    pub(super) fn finding(
        &self,
        rule: &dyn Rule,
        (proof, severity): (Proof, Severity),
        product: &str,
        note: &'static str,
        summary: String,
    ) -> Option<Finding> {
        let by = self.by;
        let mut path = untouched(self.trail);
        path.push(by.stop(note));
        if matches!(by.place, Place::Gate | Place::Cache | Place::WebServer | Place::Edge) {
            path.push(Stop::new(Hop::Php, Mark::Unknown));
        }
        Some(Finding {
            place: by.place,
            desk: by.desk,
            severity,
            because: because(self.blocked, proof),
            path,
            cleared: cleared(self.symptom, by),
            aside: !self.symptom.status.is_success(),
            ..Finding::of(rule, proof, product, summary)?
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
        _ if is_emptied_by_core(symptom, blocked) => CORE,
        _ if symptom.from_cache && !is_several => Answerer::supposed("a cache", Place::Cache, Desk::Edge),
        (Block::NoAllowOrigin, AnsweredBy::WordPressRest) => behind_php(trail),
        (Block::NoAllowOrigin, AnsweredBy::WordPress) if !is_page => behind_php(trail),
        (Block::NoAllowOrigin, _) => Answerer::of(trail, symptom),
        _ => behind_php(trail),
    }
}
