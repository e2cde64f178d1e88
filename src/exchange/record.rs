//! What is remembered of an exchange until it has ended, and the one event that then tells of it.
//!
//! A [`Record`] is opened with the request and concluded once. When it is dropped before, the client is gone. A
//! healthy exchange is counted and forgotten, unless every exchange is to be logged.

use std::cell::RefCell;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::broken::{cut_off, gone, side};
use super::diagnose::Seen;
use super::memory::{Promises, Strangers};
use super::mishap;
use super::neighbours::Neighbours;
use super::notes::{self, Notes, Now};
use super::opinion::SecondOpinion;
use super::own;
use super::past::Heard;
use super::signing::Signing;
use super::site::Site;
use super::watch::{COPIED, Ending, watch};
use crate::diagnosis::{Rule, Severity};
use crate::event::{
    Bus, Event, ExchangeId, ExchangeIds, Failure, Refusal, Shard, Tally, TraceId, Tried, now,
};
use crate::evidence::{Look, READ, SiteCode, Treatment, Watched, look};
use crate::headers::{Peer, Trusted, forwarded};
use crate::history::History;
use crate::listen::{self, Client};
use crate::message::{Body, Reply, ReplyHead, RequestHead, Source, Status};
use crate::secret::Key;
use crate::upstream::{Error, Route};

/// How many events may wait for the log before they are dropped and counted.
pub const QUEUE: usize = 4096;

/// Which exchanges the log is told of. Whoever watches beside it is told of the sick ones in any case.
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
    /// For the fingerprints by which clients are told apart from one exchange to the next: no reload replaces it.
    pub client_key: Key,
    /// For the names of exchanges.
    pub ids: ExchangeIds,
    /// This doctor's name.
    pub hop: Arc<str>,
    /// What judges sick exchanges.
    pub rules: &'static [&'static dyn Rule],
    /// The codes that the configuration explains.
    pub site_codes: Arc<[SiteCode]>,
    /// Where events go.
    pub bus: Bus,
    /// Where exchanges are counted.
    pub tally: Arc<Tally>,
    /// What is remembered from one exchange to another.
    pub history: Arc<History>,
    /// When that began; no reload replaces it.
    pub began: Instant,
    /// What is done where a question would decide a verdict.
    pub second_opinion: SecondOpinion,
    /// Which exchanges the log is told of.
    pub keeps: Keeps,
    /// How grave an exchange must be for the log; nothing for any.
    pub least: Option<Severity>,
    /// How much of a client's address they show.
    pub shows: Shows,
    /// What they show of what PHP complained of; nothing where that is nothing.
    pub php_errors: fn(&[u8]) -> Option<String>,
    /// How notes are compared with the doctors before and behind; nothing where no key is shared.
    pub signing: Option<Arc<Signing>>,
}

impl Recorder {
    pub(super) fn open(self: &Rc<Self>, peer: Peer, head: RequestHead, shared: Rc<Shared>) -> Record {
        let mut head = head;
        let arrived = look(&head.fields);
        shared.shard.arrived(arrived.has(Watched::Authorization));
        let client = forwarded::client_address(&head.fields, &peer, &shared.trusted);
        let started = Instant::now();
        let notes = self.signing.as_ref().map(|signing| {
            let now = Now { shared: &shared, at: &now, started, may_wait: self.keeps != Keeps::All };
            let mut notes = Notes::arrive(signing, &head, &arrived, &peer, &now);
            notes.count_failure(&self.tally);
            (notes.are_noteworthy(&shared.neighbours, started), Box::new(notes))
        });
        if arrived.has_notes() {
            notes::strip(&mut head.fields);
        }
        let (is_noteworthy, notes) = notes.unzip();
        Record {
            recorder: Rc::clone(self),
            shared,
            client,
            peer,
            head,
            arrived,
            sent: arrived,
            id: notes.as_ref().and_then(|notes| notes.exchange()).unwrap_or_else(|| self.ids.next()),
            started,
            site: None,
            route: RefCell::new(Route { since: Some(started), ..Route::default() }),
            treatment: Treatment::default(),
            is_renewal: false,
            handed_out: None,
            heard: None,
            is_disbelieved: false,
            is_noteworthy: is_noteworthy.unwrap_or_default(),
            notes,
            is_counted: false,
            open: true,
        }
    }

    /// The reply to what is no request, and its event.
    pub(super) fn refuse(&self, client: Client, refusal: listen::Refusal) -> Reply<'static> {
        self.send(Event { status: Some(refusal.status()), ..self.unread(client, refusal) });
        own::error(refusal.status(), refusal.code(), &refusal.to_string())
    }

    /// The event of a connection that is closed without a reply.
    pub(super) fn leave_unanswered(&self, client: Client, refusal: listen::Refusal) {
        self.send(self.unread(client, refusal));
    }

    fn unread(&self, client: Client, refusal: listen::Refusal) -> Event {
        let mut event = Event::unread(self.ids.next(), now(), Arc::clone(&self.hop));
        event.client = self.shown(client.address.ip());
        event.refusal = Some(Refusal { code: refusal.code(), reason: refusal.to_string().into() });
        event
    }

    /// Counts a failed handshake. Most are a scanner's, so nobody is told who does not ask for it.
    pub(super) fn handshake_failed(&self, client: Client, error: &io::Error) {
        self.tally.count_failed_handshake();
        let client = self.shown(client.address.ip());
        tracing::debug!(client, %error, "A TLS handshake failed");
    }

    /// Whether exchanges are judged at all.
    pub(super) const fn judges(&self) -> bool {
        !self.rules.is_empty()
    }

    fn send(&self, event: Event) {
        let is_wanted = event.is_renewal || event.severity() >= self.least;
        let is_logged = self.keeps != Keeps::Nothing && is_wanted;
        let is_shown = self.bus.is_watched() && (self.keeps == Keeps::All || event.is_sick());
        let event = Arc::new(event);
        if is_shown {
            self.bus.show(Arc::clone(&event));
        }
        if is_logged {
            self.bus.send(event);
        }
    }

    pub(super) fn shown(&self, client: IpAddr) -> Option<String> {
        match self.shows {
            Shows::Address => Some(client.to_canonical().to_string()),
            Shows::Network => Some(network(client)),
            Shows::Nothing => None,
        }
    }
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

/// What an exchange needs of all others. Each has a handle of its worker's own, so that no two workers count handles in
/// the same place.
#[derive(Default)]
pub(super) struct Shared {
    /// Whose word about a client is believed.
    pub(super) trusted: Arc<Trusted>,
    /// What browsers announced.
    pub(super) promises: Arc<Promises>,
    /// Who was disbelieved before.
    pub(super) strangers: Strangers,
    /// The doctors around.
    pub(super) neighbours: Neighbours,
    /// What the worker counts in.
    pub(super) shard: Arc<Shard>,
}

/// One exchange under way.
pub(super) struct Record {
    pub(super) recorder: Rc<Recorder>,
    pub(super) shared: Rc<Shared>,
    /// The client's address, by the word of trusted proxies.
    pub(super) client: IpAddr,
    pub(super) peer: Peer,
    pub(super) head: RequestHead,
    pub(super) arrived: Look,
    pub(super) sent: Look,
    pub(super) id: ExchangeId,
    pub(super) started: Instant,
    pub(super) site: Option<Rc<Site>>,
    /// Which of the site's upstreams were asked.
    route: RefCell<Route>,
    pub(super) treatment: Treatment,
    /// Whether the reply renewed a token.
    pub(super) is_renewal: bool,
    /// The reply, as it came, of a token route that hands out a token or finds one good.
    pub(super) handed_out: Option<Box<ReplyHead>>,
    /// The body of a request for a refresh.
    pub(super) heard: Option<Heard>,
    /// Whether the peer said `https` and was not believed.
    pub(super) is_disbelieved: bool,
    /// Whether something about the request is worth telling whatever the reply is.
    pub(super) is_noteworthy: bool,
    /// What the doctors around tell of it, where they share a key.
    pub(super) notes: Option<Box<Notes>>,
    /// Whether it stands in the counts.
    pub(super) is_counted: bool,
    open: bool,
}

impl Record {
    pub(super) const fn head(&self) -> &RequestHead {
        &self.head
    }

    /// Whether the doctor has the reply itself: no upstream was asked.
    pub(super) fn is_own(&mut self) -> bool {
        self.route.get_mut().is_own
    }

    pub(super) const fn route(&self) -> &RefCell<Route> {
        &self.route
    }

    /// Names the site as the one that is asked.
    pub(super) fn goes_to(&mut self, site: &Rc<Site>) {
        self.site = Some(Rc::clone(site));
    }

    /// The doctor does not forward the request.
    pub(super) fn refused(mut self, status: Status, code: &'static str, reason: String) -> Reply<'static> {
        let mut reply = own::error(status, code, &reason);
        self.dress(&mut reply.head);
        self.replied(reply, code, reason)
    }

    /// The doctor answers the request itself, with a refusal that is complete: that of a preflight stays bare.
    pub(super) fn replied(
        mut self,
        mut reply: Reply<'static>,
        code: &'static str,
        reason: String,
    ) -> Reply<'static> {
        self.count(Some(reply.head.status));
        self.settle();
        self.report(&mut reply.head);
        let mut event = self.own_event(&reply);
        event.refusal = Some(Refusal { code, reason: reason.into() });
        let seen = Seen { blocked: self.blocked(&reply.head), ..Seen::default() };
        self.diagnose_or_fail(&mut event, &reply.head, reply.body.data(), seen);
        event.wordpress = None;
        event.authorization.sent = None;
        self.conclude(event);
        reply
    }

    /// The doctor answers the request itself, and nothing is wrong.
    pub(super) fn granted(mut self, mut reply: Reply<'static>) -> Reply<'static> {
        self.count(Some(reply.head.status));
        self.report(&mut reply.head);
        if self.recorder.keeps == Keeps::All {
            let event = self.own_event(&reply);
            self.conclude(event);
        }
        self.open = false;
        reply
    }

    /// There is no reply to pass on.
    pub(super) fn failed(mut self, error: &Error) -> Reply<'static> {
        self.count(Some(error.status()));
        self.settle();
        let mut reply = own::error(error.status(), error.code(), &error.to_string());
        self.dress(&mut reply.head);
        self.report(&mut reply.head);
        let mut event = self.event();
        event.status = Some(error.status());
        event.failure =
            Some(Failure { who: side(error), code: error.code(), what: error.to_string().into() });
        self.diagnose_failure(&mut event, &reply, error);
        self.conclude(event);
        reply
    }

    /// There is a reply. Its body may still break off, and a refusal's body tells why WordPress refused. A switch of
    /// protocols ends the exchange: what passes the tunnel is no reply, and how long it stays says nothing of the site.
    pub(super) fn answered<'c>(mut self, reply: Reply<'c>) -> Reply<'c> {
        let Reply { mut head, body, close } = reply;
        self.count(Some(head.status));
        if self.route.get_mut().is_own {
            return self.served(head, body);
        }
        self.come_back(&mut head);
        if !self.recorder.judges() {
            return self.unjudged(Reply { head, body, close });
        }
        self.note_acceptance(&head);
        self.handed_out = self.is_about_tokens(&head).then(|| Box::new(head.clone()));
        let received = self.may_be_sick(&head).then(|| head.clone());
        let led = self.redirect(&mut head);
        self.dress(&mut head);
        let seen = Seen { led, blocked: self.blocked(&head), ..Seen::default() };
        let received = received.filter(|reply| self.is_suspect(reply, &seen));
        self.is_renewal = self.renews(&head);
        let is_told = received.is_some() || self.is_odd();
        let is_switched = body.is_tunnel();
        self.report(&mut head);
        if (body.is_full() || is_switched) && !is_told {
            self.open = false;
            return Reply { head, body, close };
        }
        let status = head.status;
        let suspect = received.map(|reply| (reply, seen));
        if is_switched {
            self.ended(status, suspect, b"", Ending::Complete);
            return Reply { head, body, close };
        }
        let is_handed_out = self.handed_out.is_some();
        let conclude = move |copy: &[u8], ending| self.ended(status, suspect, copy, ending);
        let read = if is_handed_out { READ } else { 0 };
        let room = if status.is_error() { COPIED } else { read };
        Reply { body: watch(body, room, conclude), head, close }
    }

    /// There is a reply, and nobody wants it judged.
    fn unjudged<'c>(mut self, mut reply: Reply<'c>) -> Reply<'c> {
        self.redirect(&mut reply.head);
        self.dress(&mut reply.head);
        self.report(&mut reply.head);
        self.open = false;
        reply
    }

    /// The doctor has the file that was asked for, or sends the client to its folder. That says nothing of WordPress: what is
    /// worth telling is the request alone.
    fn served<'c>(mut self, mut head: ReplyHead, body: Body<'c>) -> Reply<'c> {
        let suspect = self.is_noteworthy.then(|| (head.clone(), Seen::default()));
        self.dress(&mut head);
        self.report(&mut head);
        let (status, is_told) = (head.status, suspect.is_some() || self.recorder.keeps == Keeps::All);
        if body.is_full() && !is_told {
            self.open = false;
            return Reply { head, body, close: false };
        }
        let conclude = move |copy: &[u8], ending| self.ended(status, suspect, copy, ending);
        Reply { body: watch(body, 0, conclude), head, close: false }
    }

    fn ended(mut self, status: Status, suspect: Option<(ReplyHead, Seen)>, copy: &[u8], ending: Ending) {
        if ending == Ending::Complete && suspect.is_none() && !self.is_odd() {
            self.open = false;
            return;
        }
        self.settle();
        let mut event = self.event();
        event.status = Some(status);
        if let Some((reply, mut seen)) = suspect.or_else(|| self.broke_off(status)) {
            seen.php = self.complaint();
            self.diagnose_or_fail(&mut event, &reply, copy, seen);
        }
        // Of a token that did not get through whole nobody knows whether the client has it.
        if let Some(reply) = self.handed_out.take().filter(|_| ending == Ending::Complete) {
            self.note_token(&reply, copy);
        }
        match ending {
            Ending::Complete => {}
            Ending::Broken(broken) => {
                event.cut_off = true;
                event.failure = Some(cut_off(broken, self.route.get_mut().is_own));
            }
            Ending::Unwanted => gone(&mut event),
        }
        if event.is_sick() || self.is_renewal || self.recorder.keeps == Keeps::All {
            if self.recorder.keeps == Keeps::All && event.authorization.arrived.is_none() {
                self.note_authorization(&mut event);
            }
            self.conclude(event);
        }
        self.open = false;
    }

    /// Enters what became of `Authorization` where nothing was diagnosed: two logs are compared by what is healthy, too.
    fn note_authorization(&self, event: &mut Event) {
        let fields = &self.head.fields;
        let at = |look: &Look| look.sightings(fields, &self.recorder.key).of(Watched::Authorization);
        let php = self.notes.as_ref().and_then(|notes| notes.php());
        event.authorization.seen_by_php = php.map(|php| php.seen.of(Watched::Authorization));
        event.authorization.arrived = Some(at(&self.arrived));
        event.authorization.sent = Some(at(&self.sent));
    }

    fn event(&self) -> Event {
        let duration = self.started.elapsed();
        let recorder = &self.recorder;
        let mut event = Event::of(&self.head, self.id, now().before(duration), Arc::clone(&recorder.hop));
        event.client = recorder.shown(self.client);
        if self.notes.is_some() {
            event.trace_id.get_or_insert(TraceId::of_exchange(self.id));
        }
        let signing = recorder.signing.as_ref();
        event.authorization.key_id = signing.map(|signing| signing.keys.signing().id().clone());
        event.authorization.recovered_from = self.treatment.recovered_from.as_deref().map(str::to_owned);
        let Route { to, failed, complaint, is_own, .. } = &*self.route.borrow();
        let site = self.site.as_ref().filter(|_| !is_own);
        event.upstream = to.clone().or_else(|| site.map(|site| site.upstream_name()));
        event.tried.extend(failed.iter().map(|failed| Tried {
            upstream: Arc::clone(&failed.upstream),
            code: failed.error.code(),
            what: failed.error.to_string(),
        }));
        event.php = complaint.as_ref().and_then(|complaint| complaint.read(recorder.php_errors));
        event.duration = duration;
        event.is_renewal = self.is_renewal;
        event.whose = Some(recorder.client_key.fingerprint(self.client.to_string().as_bytes()));
        event
    }

    /// The event of a reply that the doctor gives itself: nobody else was asked.
    fn own_event(&self, reply: &Reply<'_>) -> Event {
        Event { upstream: None, status: Some(reply.head.status), ..self.event() }
    }

    fn conclude(&mut self, event: Event) {
        self.open = false;
        self.recorder.send(event);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.open {
            self.count(std::thread::panicking().then_some(Status::INTERNAL_ERROR));
            // A second panic while a first unwinds would end the process.
            let _told = mishap::isolate(|| {
                self.settle();
                let mut event = self.event();
                gone(&mut event);
                self.conclude(event);
            });
        }
    }
}
