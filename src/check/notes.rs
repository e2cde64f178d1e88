//! A check as a doctor among others: it signs what it sends by the name `client`, and hears what the doctors on the way saw.
//!
//! So a loss is proved where two of them share a key, and not inferred from the reply alone. It is the client's part of
//! what doctors do for one another (docs/trail.md); nobody stands in front of it, so there is nothing to judge on arrival.

use crate::event::{ExchangeIds, now};
use crate::evidence::signed::{self, Bound, Direction, Member, Own};
use crate::evidence::{Company, Crossing, ExchangeId, HopName, Instance, Return, Sightings, look};
use crate::headers::unstored;
use crate::message::{Name, ReplyHead, RequestHead};
use crate::secret::Keyring;

/// What a check needs to compare notes.
#[derive(Debug)]
pub struct Notes {
    keys: Keyring,
    exchanges: ExchangeIds,
    own: HopName,
    instance: Instance,
}

/// What was signed for one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed {
    exchange: ExchangeId,
    sent: Sightings,
}

impl Notes {
    /// With these keys; nothing when the system has no randomness to give.
    #[must_use]
    pub fn new(keys: Keyring) -> Option<Self> {
        let exchanges = ExchangeIds::random().ok()?;
        Some(Self { keys, exchanges, own: HopName::new("client")?, instance: Instance::new("")? })
    }

    /// Signs a request that is ready to be sent.
    pub(super) fn sign(&self, head: &mut RequestHead) -> Signed {
        let key = self.keys.signing();
        let sent = look(&head.fields).sightings(&head.fields, key.fingerprints());
        let exchange = self.exchanges.next();
        let own = Own { hop: &self.own, instance: &self.instance, seen: Some(&sent), changes: &[] };
        let written = signed::sign(&[], &own, exchange, now(), key, &bound(Direction::There, head));
        head.fields.append(Name::HeaderDoctorTrail.canonical().as_bytes(), written.text());
        Signed { exchange, sent }
    }

    /// Takes the report off a reply and reads it; nothing where none came that can be believed.
    pub(super) fn read(&self, signed: Signed, head: &RequestHead, reply: &mut ReplyHead) -> Option<Company> {
        let lines = reply.fields.all(Name::HeaderDoctorReport);
        let believed = signed::read(lines, &self.keys, &bound(Direction::Back, head));
        reply.fields.retain_names(|id| !matches!(id, Name::HeaderDoctorTrail | Name::HeaderDoctorReport));
        let handed = believed.ok()?;
        unstored::restore(&mut reply.fields);
        let mut company = Company::of(self.own.clone());
        if handed.exchange != signed.exchange {
            company.report = Return::Another;
            return Some(company);
        }
        company.report = Return::Believed;
        company.behind = behind(&self.own, signed.sent, &handed.members);
        Some(company)
    }
}

fn bound(direction: Direction, head: &RequestHead) -> Bound<'_> {
    let host = head.fields.first(Name::Host).unwrap_or_default();
    Bound::new(direction, head.method, head.method_text(), host)
}

/// The ways behind the check, in the order of the path; a report names the nearest doctor last. Where a judgement was left out for
/// the sake of size, nothing is known of the way.
fn behind(own: &HopName, sent: Sightings, members: &[Member]) -> Vec<Crossing> {
    let Some(nearest) = members.last() else { return Vec::new() };
    let way = |after: &HopName, sent, to: &Member| Crossing {
        after: after.clone(),
        before: to.hop.clone(),
        sent,
        arrived: to.seen,
        changes: to.changes.clone(),
    };
    let pairs = members.iter().rev().zip(members.iter().rev().skip(1));
    let known = pairs.filter(|(_, next)| next.seen.is_some() || !next.changes.is_empty());
    let further = known.map(|(one, next)| way(&one.hop, None, next));
    std::iter::once(way(own, Some(sent), nearest)).chain(further).collect()
}

#[cfg(test)]
mod tests {
    use super::{Direction, HopName, Instance, Notes, Own, Return, bound, look, now, signed};
    use crate::evidence::{Change, Changed, ExchangeId, Watched};
    use crate::message::{Fields, Name, ReplyHead, RequestHead, Status};
    use crate::secret::Keyring;

    const KEYS: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    fn reply_of(exchange: ExchangeId, head: &RequestHead, keys: &Keyring) -> ReplyHead {
        let key = keys.signing();
        let seen = look(&Fields::new()).sightings(&Fields::new(), key.fingerprints());
        let changes = [Changed { header: Watched::Authorization, change: Change::Missing, to: None }];
        let (hop, instance) = (HopName::new("edge").unwrap(), Instance::new("").unwrap());
        let own = Own { hop: &hop, instance: &instance, seen: Some(&seen), changes: &changes };
        let report = signed::sign(&[], &own, exchange, now(), key, &bound(Direction::Back, head));
        let mut reply = ReplyHead::build(Status::new(403).unwrap(), Fields::new());
        reply.fields.append(b"Header-Doctor-Report", report.text());
        reply
    }

    #[test]
    fn a_report_counts_for_its_own_request_and_by_a_shared_key() {
        let keys: Keyring = KEYS.parse().unwrap();
        let notes = Notes::new(keys.clone()).unwrap();
        let fields = [("Host", "a.test"), ("Authorization", "Bearer a.b.c")];
        let mut head = RequestHead::build("GET", "/", Fields::from(fields));
        let signed = notes.sign(&mut head);
        assert!(head.fields.has(Name::HeaderDoctorTrail));
        let other = ExchangeId::new(signed.exchange.number().wrapping_add(1));
        let stranger: Keyring = KEYS.replace("k1:AQ", "k1:Ag").parse().unwrap();
        for (exchange, keys, expected) in [
            (signed.exchange, &keys, Some((Return::Believed, 1))),
            (other, &keys, Some((Return::Another, 0))),
            (signed.exchange, &stranger, None),
        ] {
            let mut reply = reply_of(exchange, &head, keys);
            let company = notes.read(signed, &head, &mut reply);
            assert_eq!(company.map(|company| (company.report, company.behind.len())), expected);
            assert!(!reply.fields.has(Name::HeaderDoctorReport));
        }
    }
}
