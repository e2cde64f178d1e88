//! What is remembered from one exchange to another, as far as it bears on a verdict.
//!
//! Two things, both shared by all workers. *Acceptances*: when an upstream last took a credential; a path that just
//! let one through does not lose headers. They are sampled, so that a healthy exchange costs a comparison and takes no
//! lock. *Promises*: preflights that announced `authorization`; the request that follows without it was robbed on
//! its way. They are touched by preflights and by refusals to scripts alone.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::evidence::{Credential, Form, RouteClass};

/// For how long an acceptance clears the path.
const CLEARS: Duration = Duration::from_secs(600);

/// How often an acceptance is looked for.
const SAMPLED: Duration = Duration::from_secs(5);

/// For how long a preflight speaks for the requests behind it: the longest that WebKit caches one; Chromium caches
/// longer, and then there is nothing to compare with.
const PROMISED: Duration = Duration::from_secs(600);

/// How many promises are kept; the oldest give way.
const PROMISES: usize = 1024;

/// The kinds of credential whose acceptance is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bearer,
    Basic,
}

impl Kind {
    pub(super) const fn of(credential: Credential) -> Option<Self> {
        match credential {
            Credential::Bearer(_) => Some(Self::Bearer),
            Credential::Basic => Some(Self::Basic),
            _ => None,
        }
    }

    /// The kind of a value, for the healthy many: by its scheme alone.
    pub(super) fn of_value(value: &[u8]) -> Option<Self> {
        if value.starts_with(b"Bearer") {
            return Some(Self::Bearer);
        }
        value.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Basic")).then_some(Self::Basic)
    }
}

/// When one upstream last accepted what: milliseconds since the process began, 0 for never.
#[derive(Debug)]
pub struct Acceptances {
    began: Instant,
    at: [AtomicU64; 6],
    looked: [AtomicU64; 2],
}

impl Acceptances {
    /// None so far.
    #[must_use]
    pub fn since(began: Instant) -> Self {
        Self { began, at: Default::default(), looked: Default::default() }
    }

    /// Whether it is time to look for an acceptance; then it is not for a while.
    pub(super) fn is_due(&self, kind: Kind, now: Instant) -> bool {
        let Some(looked) = self.looked.get(kind as usize) else { return false };
        let (latest, now) = (looked.load(Ordering::Relaxed), self.millis(now).max(1));
        let is_due = latest == 0 || now.saturating_sub(latest) >= millis(SAMPLED);
        if is_due {
            looked.store(now, Ordering::Relaxed);
        }
        is_due
    }

    /// Has the next acceptance looked at, however soon it comes.
    pub(super) fn look_again(&self, kind: Kind) {
        if let Some(looked) = self.looked.get(kind as usize) {
            looked.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn note(&self, kind: Kind, form: Form, now: Instant) {
        if let Some(at) = self.at.get(place(kind, form)) {
            at.store(self.millis(now).max(1), Ordering::Relaxed);
        }
    }

    /// Whether such a credential was accepted lately.
    pub(super) fn clears(&self, kind: Kind, form: Form, now: Instant) -> bool {
        let at = self.read(kind, form);
        at > 0 && self.millis(now).saturating_sub(at) < millis(CLEARS)
    }

    fn read(&self, kind: Kind, form: Form) -> u64 {
        self.at.get(place(kind, form)).map_or(0, |at| at.load(Ordering::Relaxed))
    }

    fn millis(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.began))
    }
}

const fn place(kind: Kind, form: Form) -> usize {
    kind as usize * 3 + form as usize
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whether a 200 to this route says that the credential was taken: both routes refuse everybody else.
pub(super) const fn proves_acceptance(class: RouteClass) -> bool {
    matches!(class, RouteClass::UsersMe | RouteClass::Validate)
}

/// The preflights that announced `authorization`.
#[derive(Debug, Default)]
pub struct Promises(Mutex<VecDeque<Promise>>);

#[derive(Debug)]
struct Promise {
    of: u64,
    at: Instant,
}

impl Promises {
    /// A client's preflight for this target announced it.
    pub(super) fn note(&self, client: IpAddr, origin: &[u8], target: &[u8], now: Instant) {
        let Ok(mut promises) = self.0.lock() else { return };
        if promises.len() >= PROMISES {
            promises.pop_front();
        }
        promises.push_back(Promise { of: key(client, origin, target), at: now });
    }

    /// Whether such a preflight came shortly before.
    pub(super) fn holds(&self, client: IpAddr, origin: &[u8], target: &[u8], now: Instant) -> bool {
        let Ok(promises) = self.0.lock() else { return false };
        let of = key(client, origin, target);
        let lately = |promise: &&Promise| now.saturating_duration_since(promise.at) < PROMISED;
        promises.iter().rev().take_while(lately).any(|promise| promise.of == of)
    }
}

/// The peers whose word was not believed and who were told of already, per worker: each is worth one event where
/// nothing else is wrong.
#[derive(Debug, Default)]
pub(super) struct Strangers(RefCell<VecDeque<IpAddr>>);

impl Strangers {
    /// How many are remembered; the oldest give way.
    const MOST: usize = 64;

    /// Whether this peer is new, and from now on it is not.
    pub(super) fn is_new(&self, peer: IpAddr) -> bool {
        let mut known = self.0.borrow_mut();
        if known.contains(&peer) {
            return false;
        }
        if known.len() >= Self::MOST {
            known.pop_front();
        }
        known.push_back(peer);
        true
    }
}

fn key(client: IpAddr, origin: &[u8], target: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (client, origin, target).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::{Duration, Instant};

    use super::{Acceptances, Form, Kind, PROMISES, Promises, Strangers};

    #[test]
    fn an_acceptance_clears_its_kind_and_form_for_ten_minutes() {
        let began = Instant::now();
        let accepted = Acceptances::since(began);
        let after = |seconds| began + Duration::from_secs(seconds);
        assert!(accepted.is_due(Kind::Bearer, began) && !accepted.is_due(Kind::Bearer, after(4)));
        accepted.note(Kind::Bearer, Form::Query, began);
        let clears = |kind, form, at| accepted.clears(kind, form, at);
        assert!(clears(Kind::Bearer, Form::Query, after(599)));
        assert!(!clears(Kind::Bearer, Form::Query, after(601)));
        assert!(!clears(Kind::Bearer, Form::Pretty, after(1)));
        assert!(!clears(Kind::Basic, Form::Query, after(1)));
        assert!(accepted.is_due(Kind::Bearer, after(6)) && accepted.is_due(Kind::Basic, after(1)));
    }

    #[test]
    fn a_stranger_is_new_once() {
        let (strangers, peer) = (Strangers::default(), IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert!(strangers.is_new(peer) && !strangers.is_new(peer));
        (0..64).for_each(|last| assert!(strangers.is_new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)))));
        assert!(strangers.is_new(peer));
    }

    #[test]
    fn a_promise_holds_for_its_client_origin_and_target() {
        let (promises, now) = (Promises::default(), Instant::now());
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        promises.note(client, b"https://a", b"/wp-json/x", now);
        let later = now + Duration::from_secs(599);
        assert!(promises.holds(client, b"https://a", b"/wp-json/x", later));
        assert!(!promises.holds(client, b"https://a", b"/wp-json/x", later + Duration::from_secs(1)));
        assert!(!promises.holds(client, b"https://b", b"/wp-json/x", now));
        assert!(!promises.holds(client, b"https://a", b"/wp-json/y", now));
        (0..PROMISES).for_each(|_| promises.note(client, b"https://b", b"/", now));
        assert!(!promises.holds(client, b"https://a", b"/wp-json/x", now));
    }
}
