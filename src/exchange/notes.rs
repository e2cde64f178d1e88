//! What this doctor and its neighbours tell one another of an exchange.
//!
//! Three steps, each next to one of the exchange's: [`Notes::arrive`] takes the trail off a request and judges what happened to
//! it on the way here; [`Notes::hand_on`] signs what is sent on; [`Notes::come_back`] takes the report off the reply, and
//! [`Notes::report`] answers the doctor in front, if there is one that proved the key. What is not believed counts as
//! absent, and all of it is taken off whoever sent it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::neighbours::Neighbours;
use super::record::Shared;
use super::signing::Signing;
use super::site::Told;
use super::unread::Unread;
use crate::event::TrailFailure;
use crate::evidence::signed::{self, Bound, Direction, Handed, Member, Own, Unbelieved, Written};
use crate::evidence::{
    Arrival, Arrived, Changed, Company, Crossing, ExchangeId, HopName, Look, Return, Seen, Sighting,
    Sightings, Skew, Spelling, Watched, are_telling, changes, is_for_everybody, is_note,
};
use crate::headers::{Peer, forwarded, unstored};
use crate::message::{Fields, Name, ReplyHead, RequestHead, Status};
use crate::moment::Moment;
use crate::secret::{KeyId, TrailKey};

/// How far two clocks may be apart (design: five minutes, as Kerberos has it).
const APART: Duration = Duration::from_secs(300);

/// The notes of one exchange.
pub(super) struct Notes {
    pub(super) signing: Arc<Signing>,
    arrival: Arrival,
    /// The doctor in front, as far as it is known.
    front: Option<HopName>,
    /// What came with the request.
    brought: Option<Box<Brought>>,
    /// What came with it, where that was not looked at yet.
    unread: Option<Unread>,
    report: Return,
    /// What came back from the doctors behind, the nearest last.
    returned: Vec<Member>,
    /// When PHP was asked, and about which exchange.
    pub(super) asked: Option<(ExchangeId, Moment)>,
    /// What PHP answered.
    pub(super) php: Option<Box<Arrived>>,
    /// Why what came counts for nothing, until it is counted.
    pub(super) failure: Option<TrailFailure>,
}

/// A trail that is believed, and how the request compares with it.
struct Brought {
    handed: Handed,
    arrived: Sightings,
    changes: Vec<Changed>,
    /// The host it was signed for.
    authority: Vec<u8>,
}

impl Brought {
    /// The key that it was signed with, and all its fingerprints here made.
    fn key(&self) -> Option<&KeyId> {
        self.handed.members.last().map(|last| &last.key)
    }
}

/// What all of a worker's exchanges share, and when this one is.
pub(super) struct Now<'a> {
    pub(super) shared: &'a Shared,
    /// Tells the time.
    pub(super) at: &'a dyn Fn() -> Moment,
    pub(super) started: Instant,
    /// Whether a trail may be read later: not all exchanges are told of.
    pub(super) may_wait: bool,
}

/// Takes off whatever only doctors write, without a look at it.
pub(super) fn strip(fields: &mut Fields) {
    fields.retain_names(|id| !is_note(id));
}

fn has_notes(fields: &Fields) -> bool {
    fields.entries().any(|entry| is_note(entry.id))
}

impl Notes {
    /// Reads the trail of a request, if it has one. The fields stay until they are stripped.
    pub(super) fn arrive(
        signing: &Arc<Signing>,
        head: &RequestHead,
        look: &Look,
        peer: &Peer,
        now: &Now<'_>,
    ) -> Self {
        let mut notes = Self {
            signing: Arc::clone(signing),
            arrival: Arrival::None,
            front: None,
            brought: None,
            unread: None,
            report: Return::None,
            returned: Vec::new(),
            asked: None,
            php: None,
            failure: None,
        };
        notes.unread = now.may_wait.then(|| notes.leave_unread(head, look, peer, now)).flatten();
        if notes.unread.is_some() {
            return notes;
        }
        match look.has_notes().then(|| Signed::of(head, peer).read(signing, head)) {
            Some(Ok(sealed)) if notes.is_of_now(&sealed.handed, now) => {
                if signing.replays.is_first(sealed.handed.exchange) {
                    notes.take(sealed, head, look);
                } else {
                    notes.failure = Some(TrailFailure::Replayed);
                }
            }
            Some(Ok(_)) => {}
            Some(Err(why)) => notes.miss(Some(why)),
            None => notes.miss(None),
        }
        notes
    }

    /// The trail, where nothing is lost by reading it later or never.
    fn leave_unread(&self, head: &RequestHead, look: &Look, peer: &Peer, now: &Now<'_>) -> Option<Unread> {
        let (unread, exchange) = Unread::of(&self.signing, head, look, peer)?;
        let is_left =
            !now.shared.neighbours.must_believe(now.started) && self.signing.replays.seems_first(exchange);
        is_left.then_some(unread)
    }

    /// Reads a trail that was left unread: something is to be told. `now` is when the request came.
    pub(super) fn settle(&mut self, head: &RequestHead, look: &Look, now: &Now<'_>) {
        let Some(unread) = self.unread.take() else { return };
        match unread.signed(&head.fields, look).read(&self.signing, head) {
            Ok(sealed) if self.is_of_now(&sealed.handed, now) => self.take(sealed, head, look),
            Ok(_) => {}
            Err(why) => self.miss(Some(why)),
        }
    }

    /// The trail, where it is still unread.
    pub(super) const fn unread(&self) -> Option<&Unread> {
        self.unread.as_ref()
    }

    /// The exchange as the doctor in front names it.
    pub(super) fn exchange(&self) -> Option<ExchangeId> {
        self.brought.as_ref().map(|brought| brought.handed.exchange)
    }

    /// Whether a trail was signed just now, and was not here before: one that names this doctor was shown to a client by a page of
    /// WordPress, or a server behind sent all fields of its request in one of its own. Clocks that differ are noted.
    fn is_of_now(&mut self, handed: &Handed, now: &Now<'_>) -> bool {
        if handed.members.iter().any(|member| member.hop == self.signing.hop) {
            self.failure = Some(TrailFailure::OwnName);
            return false;
        }
        let at = (now.at)();
        let Some(skew) = skew(handed.at, at) else { return true };
        self.failure = Some(TrailFailure::ClockOff);
        if now.shared.neighbours.is_steady(handed.exchange, handed.at, at) {
            self.arrival = Arrival::Skewed(skew);
            self.front = handed.members.last().map(|last| last.hop.clone());
        }
        false
    }

    fn take(&mut self, sealed: Sealed, head: &RequestHead, look: &Look) {
        let Sealed { handed, authority } = sealed;
        let Some(last) = handed.members.last() else { return };
        let Some(key) = self.signing.keys.named(last.key.as_str()) else { return };
        let arrived = look.sightings(&head.fields, key.fingerprints());
        let compare = |sent| changes(sent, &arrived, look, &head.fields, head.version, key.fingerprints());
        let changes = last.seen.as_ref().map(compare).unwrap_or_default();
        self.arrival = Arrival::Believed;
        self.front = Some(last.hop.clone());
        self.brought = Some(Box::new(Brought { handed, arrived, changes, authority }));
    }

    /// No trail came that can be believed. One was to be expected where the configuration says so, and nowhere else: health
    /// checks, neighbours in a cluster and others come around the doctor in front and mean no harm.
    fn miss(&mut self, why: Option<Unbelieved>) {
        self.failure = why.map(Into::into).or(self.signing.after.as_ref().map(|_| TrailFailure::Missing));
        self.front.clone_from(&self.signing.after);
        if self.front.is_some() {
            self.arrival = Arrival::Lost;
        }
    }

    /// Whether what is known by now is worth telling though the reply be good. What is true of every request is told once in
    /// a while.
    pub(super) fn are_noteworthy(&self, neighbours: &Neighbours, started: Instant) -> bool {
        let is_worth = |brought: &Brought| are_telling(&brought.changes, Some(&brought.arrived));
        let recurs = match self.arrival {
            Arrival::Skewed(_) | Arrival::Lost => true,
            Arrival::None | Arrival::Believed => false,
        };
        self.brought.as_deref().is_some_and(is_worth)
            || self.report == Return::Another
            || self.returned.iter().any(|member| are_telling(&member.changes, member.seen.as_ref()))
            || self.php.as_ref().is_some_and(|php| are_telling(&php.changes, Some(&php.seen)))
            || recurs && neighbours.may_tell(started)
    }

    /// Whether the doctors behind proved that `Origin` did not reach them.
    pub(super) fn prove_a_stripped_origin(&self) -> bool {
        let is_gone = |changed: &Changed| changed.header == Watched::Origin && changed.is_loss();
        let php = self.php.iter().flat_map(|php| &php.changes);
        self.returned.iter().flat_map(|member| &member.changes).chain(php).any(is_gone)
    }

    /// Signs what is sent on and adds it to the request, unless the trail ends here. `at` tells the time.
    pub(super) fn hand_on(
        &mut self,
        head: &mut RequestHead,
        arrived: &Look,
        sent: &Look,
        told: &Told,
        exchange: ExchangeId,
        at: impl FnOnce() -> Moment,
    ) {
        if self.signing.ends_here {
            return;
        }
        let key = self.signing.keys.signing();
        let seen = as_told(self.seen_now(head, arrived, sent, key), told, key);
        let brought = self.brought.as_deref();
        let before = brought.map(|brought| brought.handed.members.as_slice()).unwrap_or_default();
        let own = self.own(&seen, brought.map(|brought| brought.changes.as_slice()).unwrap_or_default());
        let bound = Bound::new(Direction::There, head.method, head.method_text(), told.sealed(head));
        let trail = signed::sign(before, &own, exchange, at(), key, &bound);
        append(&mut head.fields, Name::HeaderDoctorTrail, &trail);
    }

    fn seen_now(&self, head: &RequestHead, arrived: &Look, sent: &Look, key: &TrailKey) -> Sightings {
        let known = self.brought.as_deref().filter(|brought| brought.key() == Some(key.id()));
        match known {
            Some(known) => sent.sightings_since(arrived, &known.arrived, &head.fields, key.fingerprints()),
            None => sent.sightings(&head.fields, key.fingerprints()),
        }
    }

    fn own<'s>(&'s self, seen: &'s Sightings, changes: &'s [Changed]) -> Own<'s> {
        Own { hop: &self.signing.hop, instance: &self.signing.instance, seen: Some(seen), changes }
    }

    /// Takes the report off a reply and reads it.
    pub(super) fn come_back(
        &mut self,
        reply: &mut ReplyHead,
        head: &RequestHead,
        sent: &Look,
        told: &Told,
        exchange: ExchangeId,
        at: impl FnOnce() -> Moment,
    ) {
        if !has_notes(&reply.fields) {
            return;
        }
        if reply.fields.has(Name::HeaderDoctorAnswer) {
            self.php = self.hear_php(reply, head, sent, told, at());
        }
        let bound = Bound::new(Direction::Back, head.method, head.method_text(), told.sealed(head));
        let has_report = reply.fields.has(Name::HeaderDoctorReport);
        let believed = signed::read(reply.fields.all(Name::HeaderDoctorReport), &self.signing.keys, &bound);
        strip(&mut reply.fields);
        if self.php.is_some() || believed.is_ok() {
            unstored::restore(&mut reply.fields);
        }
        self.failure = believed.as_ref().err().filter(|_| has_report).map(|why| (*why).into());
        let Ok(handed) = believed else { return };
        if handed.exchange != exchange {
            self.failure = Some(TrailFailure::OtherExchange);
            self.report = Return::Another;
            return;
        }
        self.report = Return::Believed;
        self.returned = handed.members;
    }

    /// Tells the doctor in front what arrived here, if there is one that proved the key and the reply has something to tell.
    /// A change of `Authorization` that was undone here changed nothing for whoever is behind, and is not reported. `at` tells the
    /// time.
    pub(super) fn report(
        &self,
        reply: &mut ReplyHead,
        head: &RequestHead,
        is_restored: bool,
        is_time: impl FnOnce(bool) -> bool,
        at: impl FnOnce() -> Moment,
    ) {
        let is_due = |brought: &&Brought| self.is_due(brought, reply, is_time);
        let Some(brought) = self.brought.as_deref().filter(is_due) else {
            return;
        };
        let Some(key) = brought.key().and_then(|key| self.signing.keys.named(key.as_str())) else { return };
        let is_undone = |changed: &Changed| is_restored && changed.header == Watched::Authorization;
        let mut changes = brought.changes.clone();
        changes.retain(|changed| !is_undone(changed));
        let own = self.own(&brought.arrived, &changes);
        let bound = Bound::new(Direction::Back, head.method, head.method_text(), &brought.authority);
        let php = self.php_as_member(reply.status).map(|php| vec![php]);
        let behind = php.as_ref().unwrap_or(&self.returned);
        let report = signed::sign(behind, &own, brought.handed.exchange, at(), key, &bound);
        append(&mut reply.fields, Name::HeaderDoctorReport, &report);
        unstored::forbid(&mut reply.fields);
    }

    /// A report keeps a reply out of caches, and making one takes time, so the many that tell nothing go without: good replies to
    /// requests that arrived as they were sent, and what is meant for everybody. Now and then a good one to a credential has it
    /// nevertheless, and a cache that stores such replies is found. So has one where `Origin` is gone: a CDN may have taken it
    /// off, to keep the reply. `is_time` is asked whether it is time again, for one where something changed or for one where
    /// nothing did. Interim replies, switches and 304 are no place for one.
    fn is_due(&self, brought: &Brought, reply: &ReplyHead, is_time: impl FnOnce(bool) -> bool) -> bool {
        let is_error = reply.status.is_error();
        let sent = brought.handed.members.last().and_then(|last| last.seen.as_ref());
        let had_credential = sent.is_some_and(|sent| sent.of(Watched::Authorization).once().is_some());
        let is_of_credential = |changed: &Changed| changed.header == Watched::Authorization;
        let is_changed = are_telling(&brought.changes, Some(&brought.arrived));
        let is_private = (is_error || had_credential) && !is_for_everybody(&reply.fields);
        let is_wanted = is_changed || is_private || !self.returned.is_empty();
        let is_urgent = is_error
            || !self.returned.is_empty()
            || is_changed && brought.changes.iter().any(is_of_credential);
        has_place(reply.status) && is_wanted && (is_urgent || is_time(is_changed))
    }

    /// Whether the reply is one to this exchange, by the word of a doctor behind; nothing where none said so.
    pub(super) const fn is_answer(&self) -> Option<bool> {
        match self.report {
            Return::None => None,
            Return::Believed => Some(true),
            Return::Another => Some(false),
        }
    }

    /// What the doctors of the path know together. `sent` is how the fields of `head` were sent on, `told` to which host.
    pub(super) fn company(&self, head: &RequestHead, sent: &Look, told: &Told) -> Company {
        let mut company = Company::of(self.signing.hop.clone());
        company.front.clone_from(&self.front);
        company.arrival = self.arrival;
        company.report = self.report;
        company.before = self.brought.as_deref().map(|brought| self.before(brought)).unwrap_or_default();
        let (to_php, behind): (Vec<_>, _) =
            self.behind(head, sent, told).into_iter().partition(Crossing::is_to_php);
        (company.php, company.behind) = (to_php.into_iter().next(), behind);
        company
    }

    fn before(&self, brought: &Brought) -> Vec<Crossing> {
        let members = &brought.handed.members;
        let pairs = members.iter().zip(members.iter().skip(1));
        let mut crossings: Vec<_> = pairs.filter(is_known).map(between).collect();
        if let Some(last) = members.last() {
            crossings.push(Crossing {
                after: last.hop.clone(),
                before: self.signing.hop.clone(),
                sent: last.seen,
                arrived: Some(brought.arrived),
                changes: brought.changes.clone(),
            });
        }
        crossings
    }

    fn behind(&self, head: &RequestHead, sent: &Look, told: &Told) -> Vec<Crossing> {
        let seen = self.sent_on(head, sent, told);
        if let Some(php) = &self.php {
            return vec![php.crossing(self.signing.hop.clone(), seen)];
        }
        let Some(nearest) = self.returned.last() else { return Vec::new() };
        let first = Crossing {
            after: self.signing.hop.clone(),
            before: nearest.hop.clone(),
            sent: Some(seen),
            arrived: nearest.seen,
            changes: nearest.changes.clone(),
        };
        let rest = self.returned.iter().rev().zip(self.returned.iter().rev().skip(1));
        let further = |(one, next): (&Member, &Member)| Crossing {
            sent: None,
            arrived: next.seen,
            ..between((one, next))
        };
        std::iter::once(first).chain(rest.filter(is_known).map(further)).collect()
    }

    /// How the watched headers were sent on.
    pub(super) fn sent_on(&self, head: &RequestHead, sent: &Look, told: &Told) -> Sightings {
        let key = self.signing.keys.signing();
        as_told(sent.sightings(&head.fields, key.fingerprints()), told, key)
    }
}

/// Whether the second doctor's judgement is there: where it was left out for the sake of size, nothing is known of the way.
const fn is_known((_, next): &(&Member, &Member)) -> bool {
    next.seen.is_some() || !next.changes.is_empty()
}

/// What is sent on, where the upstream is told another host than the head has. Where that depends on the upstream, nothing is
/// said of it.
fn as_told(seen: Sightings, told: &Told, key: &TrailKey) -> Sightings {
    let host = match told {
        Told::Asked => return seen,
        Told::Varies => Sighting::Absent,
        Told::Always(host) => {
            let spelling = seen.of(Watched::Host).once().map_or(Spelling::Canonical, |seen| seen.spelling);
            let fingerprint = key.fingerprints().fingerprint(host.as_bytes());
            Sighting::Once(Seen { length: host.len(), fingerprint, scheme: None, spelling })
        }
    };
    seen.with(Watched::Host, host)
}

/// Whether a reply with this status may have a report.
pub(super) const fn has_place(status: Status) -> bool {
    !status.is_interim() && !matches!(status.code(), 101 | 304)
}

fn append(fields: &mut Fields, id: Name, list: &Written) {
    let value = fields.store(list.text());
    fields.push(id, value);
}

/// The way between two other doctors, by what the second one judged.
fn between((one, next): (&Member, &Member)) -> Crossing {
    Crossing {
        after: one.hop.clone(),
        before: next.hop.clone(),
        sent: one.seen,
        arrived: None,
        changes: next.changes.clone(),
    }
}

/// The lines of a trail, and the hosts that it may have been signed for. Where a trusted proxy names another host than `Host`, it
/// may be for that one: many rewrite `Host` on the way, and Apache adds the one that it was asked with behind the others.
pub(super) struct Signed<'f> {
    pub(super) lines: Vec<&'f [u8]>,
    pub(super) authorities: [Option<&'f [u8]>; 2],
}

/// A trail that can be believed, and the host that it was signed for.
struct Sealed {
    handed: Handed,
    authority: Vec<u8>,
}

impl<'f> Signed<'f> {
    fn of(head: &'f RequestHead, peer: &Peer) -> Self {
        let fields = &head.fields;
        let forwarded = fields.only(Name::XForwardedHost).filter(|_| peer.is_trusted());
        Self {
            lines: fields.all(Name::HeaderDoctorTrail).collect(),
            authorities: [fields.only(Name::Host), forwarded.and_then(forwarded::first_of_list)],
        }
    }

    fn read(&self, signing: &Signing, head: &RequestHead) -> Result<Sealed, Unbelieved> {
        for authority in self.authorities.into_iter().flatten() {
            let bound = Bound::new(Direction::There, head.method, head.method_text(), authority);
            match signed::read(self.lines.iter().copied(), &signing.keys, &bound) {
                Ok(handed) => return Ok(Sealed { handed, authority: authority.to_vec() }),
                Err(Unbelieved::Forged) => {}
                Err(why) => return Err(why),
            }
        }
        Err(Unbelieved::Forged)
    }
}

/// Whose clock is ahead, where it is by too much.
fn skew(theirs: Moment, ours: Moment) -> Option<Skew> {
    let apart = Duration::from_millis(theirs.millis().abs_diff(ours.millis()));
    if apart <= APART {
        return None;
    }
    Some(if theirs > ours { Skew::Theirs(apart) } else { Skew::Ours(apart) })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::{Notes, Now, Shared, Signing, Told};
    use crate::evidence::{Arrival, Change, Company, ExchangeId, HopName, Instance, Skew, Watched, look};
    use crate::headers::{Peer, Scheme, Trusted};
    use crate::message::{Fields, Name, ReplyHead, RequestHead, Status};
    use crate::moment::Moment;
    use crate::secret::{KeyId, Keyring, TrailKey};

    const NOON: Moment = Moment::from_seconds(1_764_072_000);

    fn signing(hop: &str) -> Arc<Signing> {
        let key = TrailKey::new(KeyId::new("k1").unwrap(), &[7; 32]);
        Arc::new(Signing {
            hop: HopName::new(hop).unwrap(),
            instance: Instance::new("").unwrap(),
            keys: Keyring::of_one(key),
            after: None,
            ends_here: false,
            asks_php: false,
            replays: Arc::default(),
            stripped: Arc::default(),
        })
    }

    fn request(fields: Fields) -> RequestHead {
        let mut head = RequestHead::build("GET", "/wp-json/", fields);
        head.fields.append(b"Host", b"a.test");
        head
    }

    /// A request as a doctor in front sends it on.
    fn sent_at(exchange: u64, at: Moment, fields: Fields) -> RequestHead {
        let (mut head, edge, shared) = (request(fields), signing("edge"), Shared::default());
        let sent = look(&head.fields);
        let mut notes = arrive(&edge, &shared, &head, at);
        notes.hand_on(&mut head, &sent, &sent, &Told::Asked, ExchangeId::new(exchange), || at);
        head
    }

    fn arrive(signing: &Arc<Signing>, shared: &Shared, head: &RequestHead, at: Moment) -> Notes {
        arrive_from(&Trusted::default(), signing, shared, head, at)
    }

    fn arrive_from(
        trusted: &Trusted,
        signing: &Arc<Signing>,
        shared: &Shared,
        head: &RequestHead,
        at: Moment,
    ) -> Notes {
        let peer = Peer::new("10.0.0.7".parse().unwrap(), trusted, Scheme::Http);
        let now = Now { shared, at: &|| at, started: Instant::now(), may_wait: true };
        Notes::arrive(signing, head, &look(&head.fields), &peer, &now)
    }

    fn company(notes: &Notes, head: &RequestHead) -> Company {
        notes.company(head, &look(&head.fields), &Told::Asked)
    }

    fn reported(notes: &Notes, head: &RequestHead, status: u16) -> bool {
        reported_when(notes, head, status, true)
    }

    fn reported_when(notes: &Notes, head: &RequestHead, status: u16, is_time: bool) -> bool {
        let mut reply = ReplyHead::build(Status::new(status).unwrap(), Fields::new());
        notes.report(&mut reply, head, false, |_| is_time, || NOON);
        assert_eq!(reply.fields.has(Name::HeaderDoctorReport), reply.fields.has(Name::CacheControl));
        reply.fields.has(Name::HeaderDoctorReport)
    }

    #[test]
    fn a_trail_of_another_time_proves_nothing_and_two_tell_of_the_clocks() {
        let (sidecar, shared) = (signing("sidecar"), Shared::default());
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        for (exchange, late, steady) in [(1, 4, false), (2, 6, false), (3, 6, true), (4, 60, false)] {
            let head = sent_at(exchange, NOON, Fields::new());
            let now = NOON.after(minutes(late));
            let notes = arrive(&sidecar, &shared, &head, now);
            let Company { arrival, before, .. } = company(&notes, &head);
            let expected = match (late, steady) {
                (4, _) => Arrival::Believed,
                (_, true) => Arrival::Skewed(Skew::Ours(minutes(late))),
                _ => Arrival::None,
            };
            assert_eq!((arrival, before.len()), (expected, usize::from(late == 4)), "{late} minutes");
            assert_eq!(reported(&notes, &head, 401), late == 4, "{late} minutes");
        }
        let head = sent_at(5, NOON.after(minutes(6)), Fields::new());
        arrive(&sidecar, &shared, &sent_at(6, NOON.after(minutes(6)), Fields::new()), NOON);
        let company = company(&arrive(&sidecar, &shared, &head, NOON), &head);
        assert_eq!(company.arrival, Arrival::Skewed(Skew::Theirs(minutes(6))));
    }

    #[test]
    fn a_report_goes_where_there_is_something_to_tell() {
        let (sidecar, shared) = (signing("sidecar"), Shared::default());
        let plain = sent_at(1, NOON, Fields::new());
        let notes = arrive(&sidecar, &shared, &plain, NOON);
        for (status, is_told) in
            [(200, false), (301, false), (304, false), (401, true), (502, true), (101, false)]
        {
            assert_eq!(reported(&notes, &plain, status), is_told, "{status}");
        }
        let with_token = sent_at(2, NOON, Fields::from([("Authorization", "Bearer a.b.c")]));
        let notes = arrive(&sidecar, &shared, &with_token, NOON);
        for (status, is_time, is_told) in [
            (200, true, true),
            (200, false, false),
            (401, false, true),
            (304, true, false),
            (103, true, false),
        ] {
            assert_eq!(reported_when(&notes, &with_token, status, is_time), is_told, "{status} {is_time}");
        }
        assert!(!reported(&arrive(&sidecar, &shared, &with_token, NOON), &with_token, 401), "it counts once");
        assert!(!reported(&arrive(&sidecar, &shared, &request(Fields::new()), NOON), &plain, 401));
    }

    #[test]
    fn a_reply_that_caches_may_give_to_everybody_stays_so() {
        let (sidecar, shared) = (signing("sidecar"), Shared::default());
        let head = sent_at(1, NOON, Fields::from([("Authorization", "Bearer a.b.c")]));
        let notes = arrive(&sidecar, &shared, &head, NOON);
        let said = [
            ("public, max-age=60", false),
            ("s-maxage=60", false),
            ("max-age=60", true),
            ("public, no-cache", true),
            ("private, max-age=60", true),
        ];
        for (said, is_told) in said {
            let fields = Fields::from([("Cache-Control", said)]);
            let mut reply = ReplyHead::build(Status::new(200).unwrap(), fields);
            notes.report(&mut reply, &head, false, |_| true, || NOON);
            assert_eq!(reply.fields.has(Name::HeaderDoctorReport), is_told, "{said}");
        }
    }

    #[test]
    fn what_a_cdn_takes_off_on_purpose_keeps_few_replies_out_of_it() {
        let (sidecar, shared) = (signing("sidecar"), Shared::default());
        let sent = [("Origin", "https://a.test"), ("Authorization", "Bearer a.b.c")];
        for (exchange, gone) in [(1, Name::Origin), (2, Name::Authorization)] {
            let mut head = sent_at(exchange, NOON, sent.into());
            head.fields.remove(gone);
            let notes = arrive(&sidecar, &shared, &head, NOON);
            assert!(reported_when(&notes, &head, 200, true));
            assert_eq!(reported_when(&notes, &head, 200, false), gone == Name::Authorization);
            assert!(reported_when(&notes, &head, 401, false));
        }
    }

    #[test]
    fn a_trail_is_missed_where_one_should_come() {
        let (free, shared, bare) = (signing("sidecar"), Shared::default(), request(Fields::new()));
        assert_eq!(company(&arrive(&free, &shared, &bare, NOON), &bare).arrival, Arrival::None);
        let after = HopName::new("edge");
        let bound = Arc::new(Signing { after: after.clone(), ..(*free).clone() });
        let company = company(&arrive(&bound, &shared, &bare, NOON), &bare);
        assert_eq!((company.arrival, company.front), (Arrival::Lost, after));
    }

    #[test]
    fn the_last_doctor_tells_the_one_in_front_and_nobody_behind() {
        let (shared, plain) = (Shared::default(), signing("sidecar"));
        let last = Arc::new(Signing { ends_here: true, ..Signing::clone(&plain) });
        for (exchange, sidecar, is_told) in [(1, &plain, true), (2, &last, false)] {
            let mut head = sent_at(exchange, NOON, Fields::new());
            let (mut notes, sent) = (arrive(sidecar, &shared, &head, NOON), look(&head.fields));
            super::strip(&mut head.fields);
            notes.hand_on(&mut head, &sent, &sent, &Told::Asked, ExchangeId::new(exchange), || NOON);
            assert_eq!(head.fields.has(Name::HeaderDoctorTrail), is_told);
            assert!(reported(&notes, &head, 401));
        }
    }

    const NAMED: [(&str, &str); 2] = [("Authorization", "Bearer a.b.c"), ("X-Request-Id", "a1")];

    fn last() -> Arc<Signing> {
        Arc::new(Signing { ends_here: true, ..Signing::clone(&signing("sidecar")) })
    }

    fn hop() -> Trusted {
        Trusted::new(vec!["10.0.0.0/8".parse().unwrap()])
    }

    fn settle(notes: &mut Notes, shared: &Shared, head: &RequestHead) {
        let now = Now { shared, at: &|| NOON, started: Instant::now(), may_wait: false };
        notes.settle(head, &look(&head.fields), &now);
    }

    #[test]
    fn a_trail_that_looks_clean_is_read_when_something_is_to_be_told() {
        let (sidecar, shared) = (last(), Shared::default());
        let first = arrive_from(&hop(), &sidecar, &shared, &sent_at(1, NOON, NAMED.into()), NOON);
        assert!(first.unread().is_none() && first.exchange().is_some(), "one a second is believed at once");
        let mut head = sent_at(2, NOON, NAMED.into());
        let mut notes = arrive_from(&hop(), &sidecar, &shared, &head, NOON);
        assert!(notes.unread().is_some_and(|unread| unread.has_credential));
        assert!(notes.exchange().is_none() && !reported(&notes, &head, 401), "nothing is believed unread");
        super::strip(&mut head.fields);
        settle(&mut notes, &shared, &head);
        assert_eq!(notes.exchange(), Some(ExchangeId::new(2)));
        assert_eq!(company(&notes, &head).arrival, Arrival::Believed);
        assert!(reported(&notes, &head, 401));
    }

    #[test]
    fn what_is_not_clean_or_not_from_a_trusted_hop_is_read_at_once() {
        let (sidecar, shared) = (last(), Shared::default());
        arrive_from(&hop(), &sidecar, &shared, &sent_at(1, NOON, NAMED.into()), NOON);
        let bare = |fields: Fields, exchange| sent_at(exchange, NOON, fields);
        let mut changed = bare(NAMED.into(), 2);
        changed.fields.remove(Name::Authorization);
        let mut split = bare(NAMED.into(), 3);
        split.fields.append(b"Header-Doctor-Trail", b"");
        let unnamed = bare(Fields::from([("Authorization", "Bearer a.b.c")]), 4);
        for head in [changed, split, unnamed] {
            assert!(arrive_from(&hop(), &sidecar, &shared, &head, NOON).unread().is_none());
        }
        let head = bare(NAMED.into(), 5);
        assert!(arrive(&sidecar, &shared, &head, NOON).unread().is_none(), "not trusted");
        let head = bare(NAMED.into(), 6);
        assert!(arrive_from(&hop(), &signing("sidecar"), &shared, &head, NOON).unread().is_none());
        let head = bare(NAMED.into(), 7);
        assert!(arrive_from(&hop(), &sidecar, &shared, &head, NOON).unread().is_some());
    }

    #[test]
    fn a_credential_that_was_replaced_is_judged_late_just_as_well() {
        let (sidecar, shared) = (last(), Shared::default());
        arrive_from(&hop(), &sidecar, &shared, &sent_at(1, NOON, NAMED.into()), NOON);
        let mut head = sent_at(2, NOON, NAMED.into());
        head.fields.set(Name::Authorization, b"Basic dTpw");
        let mut notes = arrive_from(&hop(), &sidecar, &shared, &head, NOON);
        assert!(notes.unread().is_some());
        settle(&mut notes, &shared, &head);
        let company = company(&notes, &head);
        let (_, changed) = company.first(Watched::Authorization).unwrap();
        assert_eq!(changed.change, Change::Replaced);
    }

    #[test]
    fn a_trail_counts_once_though_it_is_not_read() {
        let (sidecar, shared) = (last(), Shared::default());
        arrive_from(&hop(), &sidecar, &shared, &sent_at(1, NOON, NAMED.into()), NOON);
        let head = sent_at(2, NOON, NAMED.into());
        assert!(arrive_from(&hop(), &sidecar, &shared, &head, NOON).unread().is_some());
        let mut copy = head;
        copy.fields.remove(Name::Authorization);
        let notes = arrive_from(&hop(), &sidecar, &shared, &copy, NOON);
        assert!(notes.unread().is_none() && notes.exchange().is_none());
        assert_eq!(company(&notes, &copy).arrival, Arrival::None);
    }

    #[test]
    fn a_forged_trail_that_looks_clean_counts_as_absent_once_it_is_read() {
        let (sidecar, shared) = (last(), Shared::default());
        arrive_from(&hop(), &sidecar, &shared, &sent_at(1, NOON, NAMED.into()), NOON);
        let mut head = sent_at(2, NOON, NAMED.into());
        let trail = head.fields.first(Name::HeaderDoctorTrail).unwrap();
        let forged = String::from_utf8_lossy(trail).replace("0000002\"", "0000003\"");
        head.fields.set(Name::HeaderDoctorTrail, forged.as_bytes());
        let mut notes = arrive_from(&hop(), &sidecar, &shared, &head, NOON);
        assert!(notes.unread().is_some());
        settle(&mut notes, &shared, &head);
        assert!(notes.exchange().is_none() && !reported(&notes, &head, 401));
        assert_eq!(company(&notes, &head).arrival, Arrival::None);
    }
}
