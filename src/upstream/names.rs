//! The addresses of a host name, kept up to date in the background, so that no request waits for a name server once
//! a name is known.
//!
//! A name is asked for again when its answer expires. One that cannot be resolved any more keeps the addresses it had:
//! a name server that is down must not take the site along. Whoever resolves is handed in.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// The addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// In the order of the answer.
    pub addresses: Vec<IpAddr>,
    /// How long they hold.
    pub lifetime: Duration,
}

/// A lookup under way; the error says in words why a name has no address.
pub type Lookup<'l> = Pin<Box<dyn Future<Output = Result<Found, String>> + Send + 'l>>;

/// Whoever can tell the addresses of a host name.
pub trait Resolve: Send + Sync {
    /// Looks a name up, without any memory of lookups before.
    fn lookup<'l>(&'l self, host: &'l str) -> Lookup<'l>;
}

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// The first lookup is under way.
    Nothing,
    /// It never had an address.
    Missing,
    /// It has these, or had them when it last had any.
    Found(Arc<[IpAddr]>),
}

/// How long to wait before a name is looked up again.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// However short an answer says it holds.
    least: Duration,
    /// However long an answer says it holds: a moved upstream is found in minutes even where nobody lowered the
    /// lifetime beforehand.
    most: Duration,
    /// After a failure, at first; doubled with each.
    first_retry: Duration,
    /// After failures, at last.
    last_retry: Duration,
    /// For one lookup.
    patience: Duration,
}

const PACE: Pace = Pace {
    least: Duration::from_secs(1),
    most: Duration::from_secs(300),
    first_retry: Duration::from_secs(1),
    last_retry: Duration::from_secs(10),
    patience: Duration::from_secs(10),
};

/// The names somebody follows, each looked up by one task.
pub(super) struct Names {
    resolver: Arc<dyn Resolve>,
    followed: Arc<Mutex<Followed>>,
}

type Followed = Vec<(String, watch::Receiver<Known>)>;

impl Names {
    pub(super) fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, followed: Arc::default() }
    }

    /// What is known of a name, now and from now on. The first who asks for it has it looked up, in the background
    /// of its own worker, as long as anybody follows it.
    pub(super) fn follow(&self, host: &str) -> watch::Receiver<Known> {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        // Where a worker has ended, its lookups have, too.
        followed.retain(|(_, known)| known.has_changed().is_ok());
        if let Some((_, known)) = followed.iter().find(|(name, _)| name == host) {
            return known.clone();
        }
        let (tell, known) = watch::channel(Known::Nothing);
        followed.push((host.to_owned(), known.clone()));
        let host = host.to_owned();
        tokio::spawn(look_up(host, Arc::clone(&self.resolver), tell, Arc::clone(&self.followed)));
        known
    }
}

/// Looks a name up again and again, until nobody follows it.
async fn look_up(
    host: String,
    resolver: Arc<dyn Resolve>,
    tell: watch::Sender<Known>,
    followed: Arc<Mutex<Followed>>,
) {
    let mut name = Name { host, tell, failures: 0 };
    loop {
        let outcome = timeout(PACE.patience, resolver.lookup(&name.host)).await;
        let wait = name.learn(outcome.unwrap_or_else(|_| Err("no answer came in time".to_owned())), PACE);
        sleep(wait).await;
        let mut followed = followed.lock().unwrap_or_else(PoisonError::into_inner);
        // One of them is the list's own.
        if name.tell.receiver_count() <= 1 {
            followed.retain(|(host, _)| *host != name.host);
            return;
        }
    }
}

struct Name {
    host: String,
    tell: watch::Sender<Known>,
    /// How many lookups in a row have failed.
    failures: u32,
}

impl Name {
    /// Takes the outcome of a lookup in and says when to look again.
    fn learn(&mut self, outcome: Result<Found, String>, pace: Pace) -> Duration {
        match outcome {
            Ok(found) if !found.addresses.is_empty() => {
                self.found(&found.addresses);
                found.lifetime.clamp(pace.least, pace.most)
            }
            Ok(_) => self.missed("it has no address", pace),
            Err(reason) => self.missed(&reason, pace),
        }
    }

    fn found(&mut self, addresses: &[IpAddr]) {
        if self.failures > 0 {
            tracing::info!(
                name = self.host,
                failures = self.failures,
                "The name of an upstream is resolved again"
            );
            self.failures = 0;
        }
        self.tell.send_if_modified(|known| {
            let is_news = !known.has_just(addresses);
            if is_news {
                *known = Known::Found(addresses.into());
            }
            is_news
        });
    }

    /// Says so once, however long it lasts.
    fn missed(&mut self, reason: &str, pace: Pace) -> Duration {
        let kept = match &*self.tell.borrow() {
            Known::Found(addresses) => addresses.len(),
            Known::Nothing | Known::Missing => 0,
        };
        let name = &self.host;
        match (self.failures, kept) {
            (0, 0) => tracing::warn!(name, reason, "The name of an upstream cannot be resolved"),
            (0, _) => {
                tracing::warn!(
                    name,
                    reason,
                    kept,
                    "The name of an upstream cannot be resolved any more; its addresses are kept"
                );
            }
            _ => {}
        }
        if kept == 0 {
            self.tell.send_replace(Known::Missing);
        }
        let wait = pace.first_retry.saturating_mul(1 << self.failures.min(16)).min(pace.last_retry);
        self.failures = self.failures.saturating_add(1);
        wait
    }
}

impl Known {
    /// Whether it is these addresses, in whatever order.
    fn has_just(&self, addresses: &[IpAddr]) -> bool {
        let Self::Found(known) = self else { return false };
        known.len() == addresses.len() && addresses.iter().all(|address| known.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tokio::sync::watch;
    use tokio::time::{Instant, sleep};

    use super::{Found, Known, Lookup, Names, Resolve};

    /// A name server that gives its answers one after another, the last one for ever.
    #[derive(Default)]
    struct Script {
        answers: Mutex<Vec<Result<Found, String>>>,
        asked: Mutex<Vec<Instant>>,
    }

    impl Resolve for Script {
        fn lookup<'l>(&'l self, _: &'l str) -> Lookup<'l> {
            self.asked.lock().unwrap().push(Instant::now());
            let mut answers = self.answers.lock().unwrap();
            let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
            Box::pin(async { answer })
        }
    }

    fn found(address: &str, seconds: u64) -> Result<Found, String> {
        Ok(Found { addresses: vec![address.parse().unwrap()], lifetime: Duration::from_secs(seconds) })
    }

    fn names(answers: Vec<Result<Found, String>>) -> (Names, Arc<Script>) {
        let script = Arc::new(Script { answers: Mutex::new(answers), ..Script::default() });
        (Names::new(Arc::<Script>::clone(&script)), script)
    }

    fn is(address: &str) -> Known {
        Known::Found([address.parse::<IpAddr>().unwrap()].into())
    }

    async fn next(known: &mut watch::Receiver<Known>) -> Known {
        known.changed().await.unwrap();
        known.borrow_and_update().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_looked_up_again_when_its_answer_expires() {
        let (names, script) =
            names(vec![found("10.0.0.1", 30), found("10.0.0.1", 0), found("10.0.0.2", 9999)]);
        let (mut known, start) = (names.follow("wordpress"), Instant::now());
        assert_eq!(next(&mut known).await, is("10.0.0.1"));
        assert_eq!(next(&mut known).await, is("10.0.0.2"), "what is the same is no news");
        sleep(Duration::from_secs(301)).await;
        let asked = script.asked.lock().unwrap();
        let seconds: Vec<_> = asked.iter().map(|at| at.duration_since(start).as_secs()).collect();
        assert_eq!(
            seconds,
            [0, 30, 31, 331],
            "not more often than once a second, nor less than in five minutes"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_cannot_be_resolved_any_more_keeps_its_addresses() {
        let gone = Err("NXDomain".to_owned());
        let (names, _) = names(vec![found("10.0.0.1", 1), gone.clone(), gone, found("10.0.0.2", 1)]);
        let mut known = names.follow("wordpress");
        assert_eq!(next(&mut known).await, is("10.0.0.1"));
        assert_eq!(next(&mut known).await, is("10.0.0.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_without_an_address_is_soon_asked_for_again() {
        let (names, _) = names(vec![Err("no name server".to_owned()), found("10.0.0.1", 60)]);
        let (mut known, start) = (names.follow("wordpress"), Instant::now());
        assert_eq!(next(&mut known).await, Known::Missing);
        assert_eq!(next(&mut known).await, is("10.0.0.1"));
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_looked_up_once_for_all_who_follow_it_and_no_longer_than_they_do() {
        let (names, script) = names(vec![found("10.0.0.1", 10)]);
        let both = [names.follow("wordpress"), names.follow("wordpress")];
        sleep(Duration::from_secs(25)).await;
        assert_eq!(script.asked.lock().unwrap().len(), 3);
        drop(both);
        sleep(Duration::from_secs(100)).await;
        assert_eq!(script.asked.lock().unwrap().len(), 3);
        let mut again = names.follow("wordpress");
        assert_eq!(next(&mut again).await, is("10.0.0.1"));
    }
}
