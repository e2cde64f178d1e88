//! How many of how many: what makes a finding an incident or an accident.
//!
//! What every exchange adds to lies with its worker ([`Shard`]); the counts of findings and failures only the sick touch.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::counts::{About, Preflight, STATUSES, Shard, Shards, TrailFailure, TurnedAway};
use super::whence::{Others, Places, Whence};
use crate::diagnosis::{Finding, Lost, Proof, RULES, Severity};
use crate::evidence::Hop;
use crate::moment::Moment;

/// How many names of doctors are told apart in counts. They come from the trails of others, and none may fill our memory.
const HOPS: usize = 16;

/// What stands for all further ones.
const OTHER: &str = "other";

/// The counters of one process.
#[derive(Debug)]
pub struct Tally {
    since: Moment,
    shards: Shards,
    findings: Vec<Found>,
    others: Others,
    losses: Mutex<Losses>,
    failed_handshakes: AtomicU64,
    turned_away: [AtomicU64; TurnedAway::ALL.len()],
    trail_failures: [AtomicU64; TrailFailure::ALL.len()],
}

/// Headers that were lost: which, how, and between which hops.
#[derive(Debug, Default)]
struct Losses {
    /// The names of doctors that are told apart.
    hops: Vec<Arc<str>>,
    counts: BTreeMap<Loss, u64>,
}

/// A way in which headers are lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// The header, in small letters.
    pub header: String,
    /// What happened to it.
    pub change: &'static str,
    /// The last hop where it was seen.
    pub after: Arc<str>,
    /// The first hop where it was not.
    pub before: Arc<str>,
    /// How sure that is.
    pub proof: Proof,
}

/// The exchanges with one finding: how many, and where.
#[derive(Debug, Default)]
struct Found {
    count: Count,
    places: Places,
    /// By how sure and how grave it was.
    kinds: [[AtomicU64; Severity::WORDS.len()]; Proof::WORDS.len()],
}

/// A count of all exchanges with a finding, and of those with `Authorization`.
#[derive(Debug, Default)]
struct Count {
    all: AtomicU64,
    with_credential: AtomicU64,
}

/// Which exchanges a scope counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Population {
    /// All.
    All,
    /// Those that carried `Authorization`.
    WithCredential,
    /// Those that stand in the logs of two doctors.
    Joined,
    /// Those of them that carried `Authorization`.
    JoinedWithCredential,
    /// Replies that nobody gave, foretold from a token.
    Foretold,
}

impl Population {
    /// Its words in a verdict.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::All => "requests",
            Self::WithCredential => "requests with a credential",
            Self::Joined => "joined requests",
            Self::JoinedWithCredential => "joined requests with a credential",
            Self::Foretold => "foretold replies",
        }
    }
}

/// How widespread a finding is: `3 of 17 requests with a credential since 14:02`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// How many exchanges had the finding.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Of which.
    pub population: Population,
    /// Since when.
    pub since: Moment,
    /// The places that all of them share and others do not; nothing where there is none, or they are too few to say so.
    pub only: Option<Arc<Whence>>,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, of, population, since, only } = self;
        write!(f, "{count} of {of} {} since {}", population.words(), since.clock())?;
        only.as_ref().map_or(Ok(()), |only| write!(f, ", only {only}"))
    }
}

impl Tally {
    /// Counters that start now.
    #[must_use]
    pub fn new(now: Moment) -> Self {
        let findings = RULES.iter().map(|_| Found::default()).collect();
        Self {
            since: now,
            shards: Shards::default(),
            findings,
            others: Others::default(),
            losses: Mutex::default(),
            failed_handshakes: AtomicU64::default(),
            turned_away: Default::default(),
            trail_failures: Default::default(),
        }
    }

    /// When they started.
    #[must_use]
    pub const fn since(&self) -> Moment {
        self.since
    }

    /// What the thread that asks may add to, and no other.
    #[must_use]
    pub fn shard(&self) -> Arc<Shard> {
        self.shards.mine()
    }

    /// Counts an exchange; every one, when its request was read. A worker does so in its shard.
    pub fn count(&self, has_credential: bool) {
        self.shard().arrived(has_credential);
    }

    /// Counts a finding and says how widespread it is by now.
    #[must_use]
    pub fn find(&self, rule: &str, has_credential: bool) -> Scope {
        self.find_at(rule, has_credential, &Whence::default())
    }

    /// The same for an exchange whose place is known.
    #[must_use]
    pub fn find_at(&self, rule: &str, has_credential: bool, whence: &Whence) -> Scope {
        self.others.add(whence);
        let place = RULES.iter().position(|one| one.id() == rule);
        let found = place.and_then(|place| self.findings.get(place));
        let count = found.map_or(1, |found| found.count.add(has_credential));
        let only = found.and_then(|found| found.places.add(whence, count, &self.others));
        let of = self.shards.sum(|shard| shard.of(has_credential)).max(count);
        let population = if has_credential { Population::WithCredential } else { Population::All };
        Scope { count, of, population, since: self.since, only }
    }

    /// Notes where a healthy exchange was, now and then: a finding that others do not share holds for its place alone.
    pub fn meet(&self, whence: &Whence) {
        self.others.add(whence);
    }

    /// Counts what was found, by how sure and how grave it is, and the header that was lost.
    pub fn note(&self, found: &[Finding]) {
        let mut told: Vec<&Lost> = Vec::new();
        for finding in found {
            let place = RULES.iter().position(|rule| rule.id() == finding.rule);
            let kinds = place.and_then(|place| self.findings.get(place)).map(|found| &found.kinds);
            let row = kinds.and_then(|kinds| kinds.get(finding.proof as usize));
            if let Some(count) = row.and_then(|row| row.get(finding.severity as usize)) {
                count.fetch_add(1, Ordering::Relaxed);
            }
            // Several rules may tell of one and the same loss.
            if let Some(lost) = finding.lost.as_ref().filter(|lost| !told.contains(lost)) {
                self.losses.lock().unwrap_or_else(PoisonError::into_inner).add(lost, finding.proof);
                told.push(lost);
            }
        }
    }

    /// How many exchanges had a finding of this rule.
    #[must_use]
    pub fn found(&self, rule: &str) -> u64 {
        let place = RULES.iter().position(|one| one.id() == rule);
        let found = place.and_then(|place| self.findings.get(place));
        found.map_or(0, |found| found.count.all.load(Ordering::Relaxed))
    }

    /// How often each rule had a finding of each kind, in the order of the rules; those that never had one are left out.
    pub fn findings(&self) -> impl Iterator<Item = (&'static str, Proof, Severity, u64)> {
        let kinds = || {
            let proofs = Proof::WORDS.iter().filter_map(|word| Proof::of(word));
            proofs.flat_map(|proof| {
                let severities = Severity::WORDS.iter().filter_map(|word| Severity::of(word));
                severities.map(move |severity| (proof, severity))
            })
        };
        RULES.iter().zip(&self.findings).flat_map(move |(rule, found)| {
            kinds().filter_map(move |(proof, severity)| {
                let count = found.kinds.get(proof as usize)?.get(severity as usize)?;
                let count = count.load(Ordering::Relaxed);
                (count > 0).then_some((rule.id(), proof, severity, count))
            })
        })
    }

    /// How often headers were lost, by where and how.
    #[must_use]
    pub fn losses(&self) -> Vec<(Loss, u64)> {
        let losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        losses.counts.iter().map(|(loss, count)| (loss.clone(), *count)).collect()
    }

    /// How many exchanges there were of each kind, with the class of their status.
    pub fn ended(&self) -> impl Iterator<Item = (About, &'static str, u64)> {
        About::ALL.into_iter().flat_map(move |about| {
            let statuses = STATUSES.into_iter().enumerate();
            statuses.map(move |(place, status)| (about, status, self.shards.exchanges(about, place)))
        })
    }

    /// How many preflights had each outcome.
    pub fn preflights(&self) -> impl Iterator<Item = (Preflight, u64)> {
        Preflight::ALL.into_iter().map(|outcome| (outcome, self.shards.preflights(outcome)))
    }

    /// Counts a connection that came no further than its first word.
    pub fn count_turned_away(&self, why: TurnedAway) {
        if let Some(count) = self.turned_away.get(why as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many connections came no further than their first word, by why.
    pub fn turned_away(&self) -> impl Iterator<Item = (TurnedAway, u64)> {
        TurnedAway::ALL.into_iter().zip(self.turned_away.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// Counts a trail or report that counts for nothing.
    pub fn count_trail_failure(&self, why: TrailFailure) {
        if let Some(count) = self.trail_failures.get(why as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many trails and reports counted for nothing, by why.
    pub fn trail_failures(&self) -> impl Iterator<Item = (TrailFailure, u64)> {
        let counts = self.trail_failures.iter().map(|count| count.load(Ordering::Relaxed));
        TrailFailure::ALL.into_iter().zip(counts)
    }

    /// Counts a connection whose TLS handshake failed.
    pub fn count_failed_handshake(&self) {
        self.failed_handshakes.fetch_add(1, Ordering::Relaxed);
    }

    /// How many TLS handshakes failed.
    #[must_use]
    pub fn failed_handshakes(&self) -> u64 {
        self.failed_handshakes.load(Ordering::Relaxed)
    }

    /// How many requests were read.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.shards.sum(|shard| shard.of(false))
    }
}

impl Losses {
    fn add(&mut self, lost: &Lost, proof: Proof) {
        let loss = Loss {
            header: lost.header.name().canonical().to_ascii_lowercase(),
            change: lost.change.word(),
            after: self.name(&lost.after),
            before: self.name(&lost.before),
            proof,
        };
        *self.counts.entry(loss).or_default() += 1;
    }

    /// What a hop is called in counts.
    fn name(&mut self, hop: &Hop) -> Arc<str> {
        let name = hop.word();
        if !matches!(hop, Hop::Named(_)) {
            return name.into();
        }
        if let Some(known) = self.hops.iter().find(|known| ***known == *name) {
            return Arc::clone(known);
        }
        if self.hops.len() >= HOPS {
            return OTHER.into();
        }
        let name: Arc<str> = name.into();
        self.hops.push(Arc::clone(&name));
        name
    }
}

impl Count {
    /// Adds one and gives the count it belongs to.
    fn add(&self, has_credential: bool) -> u64 {
        let all = self.all.fetch_add(1, Ordering::Relaxed) + 1;
        if has_credential { self.with_credential.fetch_add(1, Ordering::Relaxed) + 1 } else { all }
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, Tally};

    #[test]
    fn a_scope_says_how_many_of_how_many_since_when() {
        let tally = Tally::new(Moment::from_seconds(14 * 3600 + 120));
        (0..17).for_each(|_| tally.count(true));
        (0..80).for_each(|_| tally.count(false));
        let scope = |credential| tally.find("token-expired", credential).to_string();
        assert_eq!(scope(true), "1 of 17 requests with a credential since 14:02");
        assert_eq!(scope(true), "2 of 17 requests with a credential since 14:02");
        assert_eq!(scope(false), "3 of 97 requests since 14:02");
        assert_eq!(tally.find("placeholder-token", true).count, 1);
        assert_eq!(tally.exchanges(), 97);
    }
}
