//! What is concluded of a sick exchange: a reply that refuses, leads astray or is kept from a page, and PHP that could not
//! be asked or broke off.
//!
//! A failure yields a finding where the rules know what it says; our own words to the client are not judged for it.

use std::sync::Arc;

use super::memory::Kind;
use super::mishap;
use super::record::Record;
use crate::browser::Blocked;
use crate::diagnosis::diagnose_by;
use crate::event::{Event, Scoped, complaint as said_by_php, now};
use crate::evidence::{Led, Memory, Script, Symptom, Trail, Trouble, Watched};
use crate::message::{Fields, Name, Reply, ReplyHead, Source as _, Status};
use crate::upstream::Error;

/// What was noted of a reply when it left.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) led: Option<Led>,
    pub(super) blocked: Option<Box<Blocked>>,
    /// What is wrong with PHP.
    pub(super) php: Option<Trouble>,
}

impl Record {
    /// Diagnoses; a defect of a rule costs the diagnosis alone.
    pub(super) fn diagnose_or_fail(&self, event: &mut Event, reply: &ReplyHead, copy: &[u8], seen: Seen) {
        if !self.recorder.judges() {
            return;
        }
        if mishap::isolate(|| self.diagnose(event, reply, copy, seen)).is_err() {
            event.failure = Some(mishap::failure());
        }
    }

    /// Diagnoses why there is no reply, where that can be told: `reply` is our own.
    pub(super) fn diagnose_failure(&self, event: &mut Event, reply: &Reply<'_>, error: &Error) {
        let Some(trouble) = self.trouble(error) else { return };
        let seen = Seen { php: Some(trouble), ..Seen::default() };
        self.diagnose_or_fail(event, &reply.head, reply.body.data(), seen);
        event.wordpress = None;
        if !self.was_php_asked() {
            event.authorization.sent = None;
        }
    }

    fn diagnose(&self, event: &mut Event, reply: &ReplyHead, copy: &[u8], seen: Seen) {
        let mut trail = Trail::read(&self.head, &self.arrived, &self.sent, &self.recorder.key);
        trail.treatment = self.treatment.clone();
        trail.treatment.disbelieved = self.disbelieved();
        trail.memory = self.memory(&trail);
        trail.memory.direct |= seen.php.is_some();
        if self.route().borrow().is_script_seen {
            trail.script = Script::Seen;
        }
        trail.site_codes = Arc::clone(&self.recorder.site_codes);
        trail.company = self.company().map(Box::new);
        if let Some(arrived) = self.seen_by_php() {
            trail.reached_php(arrived);
        }
        let mut symptom = Symptom::read(&self.head, reply, copy, now());
        symptom.blocked = seen.blocked;
        symptom.led = seen.led;
        symptom.php = seen.php;
        if trail.memory.direct || trail.company.as_ref().is_some_and(|company| !company.behind.is_empty()) {
            symptom.forget_server();
        }
        let scene = self.recall(&mut trail, &symptom);
        let has_credential = self.arrived.has(Watched::Authorization);
        let whence = self.whence();
        let mut findings = diagnose_by(self.recorder.rules, &trail, &symptom);
        self.second_opinion(&mut findings, scene.as_ref());
        self.recorder.tally.note(&findings);
        let findings = findings.into_iter().map(|finding| {
            let scope = self.recorder.tally.find_at(finding.rule, has_credential, &whence);
            Scoped { finding, scope }
        });
        event.diagnosed(&trail, &symptom, findings.collect());
        if let Some(scene) = scene {
            self.note_refusal(&scene, &trail, &symptom);
        }
    }

    fn memory(&self, trail: &Trail) -> Memory {
        let accepted = Kind::of(trail.credential)
            .zip(self.site.as_ref())
            .is_some_and(|(kind, site)| site.acceptances().clears(kind, trail.route.form, self.started));
        let fields = &self.head.fields;
        let promised = fields.only(Name::Origin).is_some_and(|origin| {
            !self.arrived.has(Watched::Authorization)
                && self.shared.promises.holds(self.client, origin, self.head.target(), self.started)
        });
        let signing = self.recorder.signing.as_ref();
        let origin_stripped = signing.is_some_and(|signing| signing.stripped.holds(self.started));
        Memory { promised, accepted, direct: self.was_php_asked(), origin_stripped, ..Memory::default() }
    }

    fn was_php_asked(&self) -> bool {
        self.route().borrow().complaint.is_some()
    }

    /// Whether PHP complained of anything so far.
    pub(super) fn has_complained(&self) -> bool {
        self.route()
            .borrow()
            .complaint
            .as_ref()
            .is_some_and(|complaint| complaint.read(|heard| !heard.is_empty()))
    }

    /// What PHP complained of, where the rules know it.
    pub(super) fn complaint(&self) -> Option<Trouble> {
        let route = self.route().borrow();
        route.complaint.as_ref()?.read(|heard| Trouble::heard(heard, &said_by_php(heard)?))
    }

    /// What kept PHP from replying. A script's last words say more than how its connection ended.
    fn trouble(&self, error: &Error) -> Option<Trouble> {
        let is_fatal = |trouble: &Trouble| matches!(trouble, Trouble::Fatal(_));
        let is_phps = |trouble: &Trouble| *trouble != Trouble::Silent || self.was_php_asked();
        if error.is_clients() {
            return None;
        }
        self.complaint().filter(is_fatal).or_else(|| Trouble::of_failure(error.code()).filter(is_phps))
    }

    /// The reply as far as it matters, when a script broke off in it though it had begun well.
    pub(super) fn broke_off(&self, status: Status) -> Option<(ReplyHead, Seen)> {
        let is_fatal = matches!(self.complaint(), Some(Trouble::Fatal(_)));
        is_fatal.then(|| (ReplyHead::build(status, Fields::new()), Seen::default()))
    }
}
