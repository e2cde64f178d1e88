//! What every exchange adds to, and what the doctor tells of itself as counts.
//!
//! A healthy exchange must not pay for being counted: each worker has a [`Shard`] of its own, which nobody else writes,
//! so that no lock is taken and no worker waits for another one's cache line. Whoever asks sums them up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

use crate::evidence::RouteClass;
use crate::evidence::signed::Unbelieved;
use crate::message::Status;

/// What an exchange was about, as far as counts tell exchanges apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A token was to be issued.
    Token,
    /// A token was to be examined.
    Validate,
    /// A token was to be renewed.
    Refresh,
    /// `wp/v2/users/me`.
    UsersMe,
    /// What core shows to anybody.
    Public,
    /// Any other REST route.
    Rest,
    /// No REST route: a page, `OPTIONS *`.
    Other,
    /// A file that the doctor has itself, or the way to its folder.
    Static,
    /// A CORS preflight, whoever answered it.
    Preflight,
    /// No request that could be read.
    Unread,
}

impl About {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 10] = [
        Self::Token,
        Self::Validate,
        Self::Refresh,
        Self::UsersMe,
        Self::Public,
        Self::Rest,
        Self::Other,
        Self::Static,
        Self::Preflight,
        Self::Unread,
    ];

    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Validate => "validate",
            Self::Refresh => "refresh",
            Self::UsersMe => "users-me",
            Self::Public => "public",
            Self::Rest => "rest",
            Self::Other => "other",
            Self::Static => "static",
            Self::Preflight => "preflight",
            Self::Unread => "unread",
        }
    }
}

impl From<RouteClass> for About {
    fn from(class: RouteClass) -> Self {
        match class {
            RouteClass::Token => Self::Token,
            RouteClass::Validate => Self::Validate,
            RouteClass::Refresh => Self::Refresh,
            RouteClass::UsersMe => Self::UsersMe,
            RouteClass::Public => Self::Public,
            RouteClass::Rest => Self::Rest,
            RouteClass::NotRest => Self::Other,
        }
    }
}

/// The classes of a reply's status, in the order in which they are told; the first is that of no reply at all.
pub(super) const STATUSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// What became of a CORS preflight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preflight {
    /// The doctor answered that the request may come.
    Answered,
    /// The doctor refused it.
    Refused,
    /// It went on to WordPress: no policy of the doctor's holds there.
    Passed,
}

impl Preflight {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Answered, Self::Refused, Self::Passed];

    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Passed => "passed",
        }
    }
}

/// Why a connection got no further than its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// There were too many (`limits.connections`).
    TooMany,
    /// There were too many from its address (`limits.connections_per_address`).
    TooManyOfAddress,
    /// It spoke plain HTTP where TLS is spoken.
    PlainHttp,
    /// Its PROXY header is malformed, missing, or from somebody who is not believed.
    ProxyProtocol,
}

impl TurnedAway {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::TooMany, Self::TooManyOfAddress, Self::PlainHttp, Self::ProxyProtocol];

    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::TooManyOfAddress => "too_many_of_address",
            Self::PlainHttp => "plain_http",
            Self::ProxyProtocol => "proxy_protocol",
        }
    }
}

/// Why what another doctor signed counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailFailure {
    /// It is longer than it may be.
    TooLong,
    /// It is not of the form that doctors write.
    Malformed,
    /// It is signed with a key that is not in the key file.
    UnknownKey,
    /// Its seal is not of this request.
    BadSeal,
    /// It was signed at another time than now.
    ClockOff,
    /// It came before, with another request.
    Replayed,
    /// It names this doctor as one that it came from.
    OwnName,
    /// None came, though the configuration names a doctor in front.
    Missing,
    /// A report on a reply is one to another exchange: a cache kept it.
    OtherExchange,
}

impl TrailFailure {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 9] = [
        Self::TooLong,
        Self::Malformed,
        Self::UnknownKey,
        Self::BadSeal,
        Self::ClockOff,
        Self::Replayed,
        Self::OwnName,
        Self::Missing,
        Self::OtherExchange,
    ];

    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::BadSeal => "bad_seal",
            Self::ClockOff => "clock_off",
            Self::Replayed => "replayed",
            Self::OwnName => "own_name",
            Self::Missing => "missing",
            Self::OtherExchange => "other_exchange",
        }
    }
}

impl From<Unbelieved> for TrailFailure {
    fn from(why: Unbelieved) -> Self {
        match why {
            Unbelieved::TooLong => Self::TooLong,
            Unbelieved::Malformed => Self::Malformed,
            Unbelieved::UnknownKey => Self::UnknownKey,
            Unbelieved::Forged => Self::BadSeal,
        }
    }
}

/// A count that one thread alone adds to, and any may read: no worker holds another one up.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Count {
    fn add(&self) {
        self.0.store(self.read().wrapping_add(1), Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one worker counts of its exchanges. Only the thread that it was made for may add to it.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Shard {
    read: Count,
    with_credential: Count,
    exchanges: [[Count; STATUSES.len()]; About::ALL.len()],
    preflights: [Count; Preflight::ALL.len()],
}

impl Shard {
    /// Counts a request that was read.
    pub fn arrived(&self, has_credential: bool) {
        self.read.add();
        if has_credential {
            self.with_credential.add();
        }
    }

    /// Counts an exchange, once its status is known; nothing stands for no reply at all.
    pub fn ended(&self, about: About, status: Option<Status>) {
        // HTTP/2 lets numbers beyond pass; a status that nobody knows is an error of the server (RFC 9110 §15).
        let most = STATUSES.len() - 1;
        let place = status.map_or(0, |status| usize::from(status.code() / 100).min(most));
        if let Some(count) = self.exchanges.get(about as usize).and_then(|row| row.get(place)) {
            count.add();
        }
    }

    /// Counts a preflight.
    pub fn preflight(&self, preflight: Preflight) {
        if let Some(count) = self.preflights.get(preflight as usize) {
            count.add();
        }
    }

    /// How many requests were read; of those with `Authorization`, where that is asked.
    pub(super) fn of(&self, has_credential: bool) -> u64 {
        if has_credential { self.with_credential.read() } else { self.read.read() }
    }

    fn exchanges(&self, about: About, place: usize) -> u64 {
        self.exchanges.get(about as usize).and_then(|row| row.get(place)).map_or(0, Count::read)
    }

    fn preflights(&self, preflight: Preflight) -> u64 {
        self.preflights.get(preflight as usize).map_or(0, Count::read)
    }
}

/// The shards of all workers. One is known by its thread, so a reload finds what was counted before.
#[derive(Debug, Default)]
pub(super) struct Shards(Mutex<Vec<(ThreadId, Arc<Shard>)>>);

impl Shards {
    /// The shard of this thread.
    pub(super) fn mine(&self) -> Arc<Shard> {
        let this = thread::current().id();
        let mut shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, shard)) = shards.iter().find(|(thread, _)| *thread == this) {
            return Arc::clone(shard);
        }
        let shard = Arc::<Shard>::default();
        shards.push((this, Arc::clone(&shard)));
        shard
    }

    /// What all of them have counted.
    pub(super) fn sum(&self, of: impl Fn(&Shard) -> u64) -> u64 {
        let shards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shards.iter().map(|(_, shard)| of(shard)).sum()
    }

    /// How many exchanges were about this and ended so; `status` is a place in [`STATUSES`].
    pub(super) fn exchanges(&self, about: About, status: usize) -> u64 {
        self.sum(|shard| shard.exchanges(about, status))
    }

    pub(super) fn preflights(&self, preflight: Preflight) -> u64 {
        self.sum(|shard| shard.preflights(preflight))
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::{About, Preflight, Shards, Status, TrailFailure, TurnedAway};

    #[test]
    fn each_thread_adds_to_its_own_and_whoever_asks_gets_the_sum() {
        let shards = Shards::default();
        let work = || {
            for _ in 0..1000 {
                shards.mine().ended(About::Rest, Some(Status::OK));
            }
        };
        thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
        shards.mine().ended(About::Rest, None);
        assert_eq!(shards.exchanges(About::Rest, 2), 4000);
        assert_eq!(shards.exchanges(About::Rest, 0), 1);
        assert_eq!(shards.exchanges(About::Other, 2), 0);
    }

    #[test]
    fn a_status_that_nobody_knows_is_counted_all_the_same() {
        let shards = Shards::default();
        for code in [100, 599, 600, 999] {
            shards.mine().ended(About::Rest, Status::new(code));
        }
        assert_eq!([0, 1, 5].map(|place| shards.exchanges(About::Rest, place)), [0, 1, 3]);
    }

    #[test]
    fn every_word_stands_in_its_own_place() {
        let is_in_order = |places: &[usize]| places.iter().enumerate().all(|(at, place)| at == *place);
        assert!(is_in_order(&About::ALL.map(|one| one as usize)));
        assert!(is_in_order(&Preflight::ALL.map(|one| one as usize)));
        assert!(is_in_order(&TurnedAway::ALL.map(|one| one as usize)));
        assert!(is_in_order(&TrailFailure::ALL.map(|one| one as usize)));
    }
}
