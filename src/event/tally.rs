//! How many of how many: what makes a finding an incident or an accident.
//!
//! Two counters that every exchange touches, and two per rule that only findings touch.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::whence::{Others, Places, Whence};
use crate::diagnosis::RULES;
use crate::moment::Moment;

/// The counters of one process.
#[derive(Debug)]
pub struct Tally {
    since: Moment,
    exchanges: Count,
    findings: Vec<Found>,
    others: Others,
    failed_handshakes: AtomicU64,
}

/// The exchanges with one finding: how many, and where.
#[derive(Debug, Default)]
struct Found {
    count: Count,
    places: Places,
}

/// A count of all exchanges, and of those with `Authorization`.
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
        let others = Others::default();
        Self {
            since: now,
            exchanges: Count::default(),
            findings,
            others,
            failed_handshakes: AtomicU64::default(),
        }
    }

    /// Counts an exchange; every one, when its request was read.
    pub fn count(&self, has_credential: bool) {
        self.exchanges.add(has_credential);
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
        let of = self.exchanges.of(has_credential).max(count);
        let population = if has_credential { Population::WithCredential } else { Population::All };
        Scope { count, of, population, since: self.since, only }
    }

    /// Notes where a healthy exchange was, now and then: a finding that others do not share holds for its place alone.
    pub fn meet(&self, whence: &Whence) {
        self.others.add(whence);
    }

    /// How often each rule had a finding, in the order of the rules.
    pub fn findings(&self) -> impl Iterator<Item = (&'static str, u64)> {
        RULES.iter().map(|rule| rule.id()).zip(self.findings.iter().map(|found| found.count.of(false)))
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

    /// How many exchanges there were.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.exchanges.of(false)
    }
}

impl Count {
    /// Adds one and gives the count it belongs to.
    fn add(&self, has_credential: bool) -> u64 {
        let all = self.all.fetch_add(1, Ordering::Relaxed) + 1;
        if has_credential { self.with_credential.fetch_add(1, Ordering::Relaxed) + 1 } else { all }
    }

    fn of(&self, has_credential: bool) -> u64 {
        let counter = if has_credential { &self.with_credential } else { &self.all };
        counter.load(Ordering::Relaxed)
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
