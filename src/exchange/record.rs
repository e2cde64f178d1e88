//! What is remembered of an exchange until it has ended, and the one event that then tells of it.
//!
//! A [`Record`] is opened with the request and concluded once. When it is dropped before, the client is gone. A
//! healthy exchange is counted and forgotten, unless every exchange is to be logged.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::mishap;
use super::own;
use super::site::Site;
use super::watch::{Ending, watch};
use crate::diagnosis::{Rule, Severity, diagnose_by};
use crate::event::{Bus, Event, ExchangeIds, Failure, Refusal, Scoped, Side, Tally, now};
use crate::evidence::{Look, Symptom, Trail, Watched, look};
use crate::headers::hop_by_hop;
use crate::listen::{self, Client};
use crate::message::{Name, Reply, ReplyHead, RequestHead, Status};
use crate::secret::Key;
use crate::upstream::Error;

/// How many events may wait for the log before they are dropped and counted.
pub const QUEUE: usize = 4096;

/// Which exchanges become events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Every one.
    All,
    /// Those with a finding, a refusal or a failure.
    Sick,
    /// None.
    Nothing,
}

/// How much of a client's address an event shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// All of it.
    Address,
    /// The network: 24 bits of IPv4, 48 of IPv6.
    Network,
    /// Nothing.
    Nothing,
}

/// Makes events out of a worker's exchanges.
pub struct Recorder {
    /// For fingerprints.
    pub key: Key,
    /// For the names of exchanges.
    pub ids: ExchangeIds,
    /// This doctor's name.
    pub hop: Arc<str>,
    /// What judges sick exchanges.
    pub rules: &'static [&'static dyn Rule],
    /// Where events go.
    pub bus: Bus,
    /// Where exchanges are counted.
    pub tally: Arc<Tally>,
    /// Which exchanges become events.
    pub keeps: Keeps,
    /// How grave an exchange must be; nothing for any.
    pub least: Option<Severity>,
    /// How much of a client's address they show.
    pub shows: Shows,
}

impl Recorder {
    pub(super) fn open(self: &Rc<Self>, client: Client, head: RequestHead) -> Record {
        let arrived = look(&head.fields);
        self.tally.count(arrived.has(Watched::Authorization));
        let started = Instant::now();
        Record {
            recorder: Rc::clone(self),
            client,
            head,
            arrived,
            sent: arrived,
            started,
            upstream: None,
            open: true,
        }
    }

    /// The reply to what is no request, and its event.
    pub(super) fn refuse(&self, client: Client, refusal: listen::Refusal) -> Reply<'static> {
        let mut event = Event::unread(self.ids.next(), now(), Arc::clone(&self.hop));
        event.client = self.shown(client);
        event.status = Some(refusal.status());
        event.refusal = Some(Refusal { code: refusal.code(), reason: refusal.to_string().into() });
        self.send(event);
        own::error(refusal.status(), refusal.code(), &refusal.to_string())
    }

    fn send(&self, event: Event) {
        if self.keeps != Keeps::Nothing && event.severity() >= self.least {
            self.bus.send(event);
        }
    }

    fn shown(&self, client: Client) -> Option<String> {
        match self.shows {
            Shows::Address => Some(client.address.ip().to_string()),
            Shows::Network => Some(network(client.address.ip())),
            Shows::Nothing => None,
        }
    }
}

fn network(address: std::net::IpAddr) -> String {
    match address.to_canonical() {
        std::net::IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        std::net::IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

/// One exchange under way.
pub(super) struct Record {
    recorder: Rc<Recorder>,
    client: Client,
    head: RequestHead,
    arrived: Look,
    sent: Look,
    started: Instant,
    upstream: Option<Arc<str>>,
    open: bool,
}

impl Record {
    pub(super) const fn head(&self) -> &RequestHead {
        &self.head
    }

    /// Names the site's upstream as the one that is asked.
    pub(super) fn goes_to(&mut self, site: &Site) {
        self.upstream = Some(site.upstream_name());
    }

    /// Removes what ends at this hop and looks again at what is sent on. A request of HTTP/1.0 may name no host;
    /// in HTTP/1.1 it must (RFC 9112 §3.2).
    pub(super) fn treat(&mut self, site: &Site) {
        hop_by_hop::remove(&mut self.head.fields);
        if !self.head.fields.has(Name::Host) {
            self.head.fields.set(Name::Host, site.authority());
        }
        self.sent = look(&self.head.fields);
    }

    /// The doctor does not forward the request.
    pub(super) fn refused(mut self, status: Status, code: &'static str, reason: String) -> Reply<'static> {
        let mut event = self.event();
        event.status = Some(status);
        let reply = own::error(status, code, &reason);
        event.refusal = Some(Refusal { code, reason: reason.into() });
        self.conclude(event);
        reply
    }

    /// There is no reply to pass on.
    pub(super) fn failed(mut self, error: &Error) -> Reply<'static> {
        let mut event = self.event();
        event.status = Some(error.status());
        let who = if error.is_clients() { Side::Client } else { Side::Upstream };
        event.failure = Some(Failure { who, code: error.code(), what: error.to_string().into() });
        self.conclude(event);
        own::error(error.status(), error.code(), &error.to_string())
    }

    /// There is a reply. Its body may still break off, and a refusal's body tells why WordPress refused.
    pub(super) fn answered(mut self, reply: Reply<'_>) -> Reply<'_> {
        let refuses = reply.head.status.is_error();
        let is_over = reply.body.is_full() && !refuses;
        if is_over && self.recorder.keeps != Keeps::All {
            self.open = false;
            return reply;
        }
        let Reply { head, body, close } = reply;
        let kept = head.clone();
        let body = watch(body, refuses, move |copy, ending| self.ended(&kept, copy, ending));
        Reply { head, body, close }
    }

    fn ended(mut self, reply: &ReplyHead, copy: &[u8], ending: Ending) {
        let mut event = self.event();
        event.status = Some(reply.status);
        if reply.status.is_error() && mishap::isolate(|| self.diagnose(&mut event, reply, copy)).is_err() {
            event.failure = Some(mishap::failure());
        }
        match ending {
            Ending::Complete => {}
            Ending::Broken(broken) => {
                event.cut_off = true;
                event.failure = Some(Failure {
                    who: Side::Upstream,
                    code: "header_doctor_reply_cut_off",
                    what: format!("the reply could not be passed on whole: {broken}").into(),
                });
            }
            Ending::Unwanted => gone(&mut event),
        }
        let is_sick = !event.findings.is_empty() || event.failure.is_some();
        if is_sick || self.recorder.keeps == Keeps::All {
            self.conclude(event);
        }
        self.open = false;
    }

    fn diagnose(&self, event: &mut Event, reply: &ReplyHead, copy: &[u8]) {
        let trail = Trail::read(&self.head, &self.arrived, &self.sent, &self.recorder.key);
        let symptom = Symptom::read(reply, copy, now());
        let has_credential = self.arrived.has(Watched::Authorization);
        let findings = diagnose_by(self.recorder.rules, &trail, &symptom).into_iter().map(|finding| {
            let scope = self.recorder.tally.find(finding.rule, has_credential);
            Scoped { finding, scope }
        });
        event.diagnosed(&trail, &symptom, findings.collect());
    }

    fn event(&self) -> Event {
        let duration = self.started.elapsed();
        let recorder = &self.recorder;
        let mut event =
            Event::of(&self.head, recorder.ids.next(), now().before(duration), Arc::clone(&recorder.hop));
        event.client = recorder.shown(self.client);
        event.upstream.clone_from(&self.upstream);
        event.duration = duration;
        event
    }

    fn conclude(&mut self, event: Event) {
        self.open = false;
        self.recorder.send(event);
    }
}

/// The exchange ended before its reply did: the client went away, unless the doctor itself is just failing.
fn gone(event: &mut Event) {
    if std::thread::panicking() {
        event.status.get_or_insert(Status::INTERNAL_ERROR);
        event.failure = Some(mishap::failure());
        return;
    }
    event.client_gone = true;
    event.failure = Some(Failure {
        who: Side::Client,
        code: "header_doctor_client_gone",
        what: Cow::Borrowed("the client went away before its reply was whole"),
    });
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.open {
            // A second panic while a first unwinds would end the process.
            let _told = mishap::isolate(|| {
                let mut event = self.event();
                gone(&mut event);
                self.conclude(event);
            });
        }
    }
}
