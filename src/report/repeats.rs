//! What goes on is not news: of exchanges that are sick in the same way the first is written in full, and the others
//! are counted and summed up.
//!
//! Alike means: the same findings, equally sure and grave, the same refusal or failure, status, WordPress code, host
//! and upstream. So a surer verdict is never hidden behind a weaker one, nor a second site behind the first. The
//! table is bounded; whatever leaves it is summed up first, so no exchange is lost. Time is a parameter.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::diagnosis::{Proof, Severity};
use crate::event::Event;
use crate::moment::Moment;

/// How many kinds of sick exchange are told apart at a time.
const MOST: usize = 1024;

/// A kind that was not heard of for so long is news again.
const QUIET: Duration = Duration::from_secs(600);

/// Which kinds were written lately, and how many exchanges were held back since.
#[derive(Debug)]
pub struct Repeats {
    every: Every,
    kinds: HashMap<Kind, Count>,
    /// When the first summary is due.
    next: Option<Instant>,
    /// Summaries of kinds that had to make room.
    displaced: Vec<Summary>,
}

/// How long repeats are held back, in milliseconds, and how many were so far: shared with whoever reloads the configuration,
/// and whoever counts.
#[derive(Clone, Debug)]
pub struct Every(Arc<AtomicU64>, Arc<AtomicU64>);

impl Every {
    /// So long; a zero holds nothing back.
    #[must_use]
    pub fn new(every: Duration) -> Self {
        Self(Arc::new(AtomicU64::new(millis(every))), Arc::default())
    }

    /// From now on so long.
    pub fn set(&self, every: Duration) {
        self.0.store(millis(every), Ordering::Relaxed);
    }

    /// How many events were held back so far.
    #[must_use]
    pub fn suppressed(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }

    fn time(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// In what way an exchange is sick, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    findings: Vec<(&'static str, Proof, Severity)>,
    refusal: Option<&'static str>,
    failure: Option<&'static str>,
    severity: Option<Severity>,
    status: Option<u16>,
    wordpress_code: Option<String>,
    host: Option<String>,
    upstream: Option<Arc<str>>,
    tried: Vec<(Arc<str>, &'static str)>,
}

#[derive(Debug)]
struct Count {
    since: Moment,
    total: u64,
    held: u64,
    /// When the first of those held back came.
    held_since: Instant,
    heard: Instant,
}

/// How many exchanges were held back because they were like one that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How grave they are.
    pub severity: Option<Severity>,
    /// The rule of their first finding, if they have any.
    pub rule: Option<&'static str>,
    /// The code of the refusal or the failure, if there was one.
    pub code: Option<&'static str>,
    /// The status of the replies; none when there was no reply.
    pub status: Option<u16>,
    /// WordPress's error.
    pub wordpress_code: Option<String>,
    /// The host asked for, in the form it may be shown in.
    pub host: Option<String>,
    /// The upstream that was asked.
    pub upstream: Option<Arc<str>>,
    /// How many were held back.
    pub suppressed: u64,
    /// In how long a time.
    pub within: Duration,
    /// When the first was written in full.
    pub since: Moment,
    /// How many there were since then, with that one.
    pub total: u64,
}

impl Repeats {
    /// Whether everything is written.
    pub(super) fn is_off(&self) -> bool {
        self.every.time().is_zero()
    }

    /// Holds repeats back for so long before they are summed up; a zero holds nothing back.
    #[must_use]
    pub fn new(every: Duration) -> Self {
        Self::following(Every::new(every))
    }

    /// The same for a time that may change. What is held back then is summed up by the time it began with.
    #[must_use]
    pub fn following(every: Every) -> Self {
        Self { every, kinds: HashMap::new(), next: None, displaced: Vec::new() }
    }

    /// Whether this exchange is to be written. Otherwise it was counted and will be summed up.
    pub fn is_news(&mut self, event: &Event, now: Instant) -> bool {
        let Some(kind) = Kind::of(event).filter(|_| !self.is_off()) else {
            return true;
        };
        let (every, quiet) = (self.every.time(), self.quiet());
        if let Some(count) = self.kinds.get_mut(&kind).filter(|count| count.is_alive(now, quiet)) {
            count.hold(now);
            self.every.1.fetch_add(1, Ordering::Relaxed);
            let due = count.held_since + every;
            self.next = Some(self.next.map_or(due, |next| next.min(due)));
            return false;
        }
        self.make_room(now);
        self.kinds.insert(kind, Count::new(event.at, now));
        true
    }

    /// When there will be something to sum up, should nothing else happen.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.next
    }

    /// The summaries whose time has come, those of the oldest kinds first.
    pub fn due(&mut self, now: Instant) -> Vec<Summary> {
        if self.next.is_none_or(|next| now < next) && self.displaced.is_empty() {
            return Vec::new();
        }
        let every = self.every.time();
        self.sum_up(now, |count| now.saturating_duration_since(count.held_since) >= every)
    }

    /// The summaries of all that is still held back.
    pub fn rest(&mut self, now: Instant) -> Vec<Summary> {
        self.sum_up(now, |_| true)
    }

    fn sum_up(&mut self, now: Instant, is_due: impl Fn(&Count) -> bool) -> Vec<Summary> {
        let (every, quiet) = (self.every.time(), self.quiet());
        let mut summaries = std::mem::take(&mut self.displaced);
        let due = self.kinds.iter_mut().filter(|(_, count)| count.held > 0 && is_due(count));
        summaries.extend(due.map(|(kind, count)| count.release(kind, now)));
        summaries.sort_by_key(|summary| summary.since);
        self.kinds.retain(|_, count| count.is_alive(now, quiet));
        let holding = self.kinds.values().filter(|count| count.held > 0);
        self.next = holding.map(|count| count.held_since + every).min();
        summaries
    }

    /// Whatever is held back is summed up before its kind is forgotten.
    fn quiet(&self) -> Duration {
        QUIET.max(self.every.time())
    }

    /// Where no kind more fits, the one that was not heard of for longest goes.
    fn make_room(&mut self, now: Instant) {
        if self.kinds.len() < MOST {
            return;
        }
        let stalest = self.kinds.iter().min_by_key(|(_, count)| count.heard).map(|(kind, _)| kind.clone());
        let Some((kind, mut count)) = stalest.and_then(|kind| self.kinds.remove_entry(&kind)) else {
            return;
        };
        if count.held > 0 {
            self.displaced.push(count.release(&kind, now));
            self.next = Some(now);
        }
    }
}

impl Kind {
    /// Nothing for an exchange that is not sick.
    fn of(event: &Event) -> Option<Self> {
        let kind = Self {
            findings: event
                .findings
                .iter()
                .map(|scoped| (scoped.finding.rule, scoped.finding.proof, scoped.finding.severity))
                .collect(),
            refusal: event.refusal.as_ref().map(|refusal| refusal.code),
            failure: event.failure.as_ref().map(|failure| failure.code),
            severity: event.severity(),
            status: event.status.map(|status| status.code()),
            wordpress_code: event.wordpress.as_ref().map(|error| error.code.to_string()),
            host: event.host.as_ref().map(ToString::to_string),
            upstream: event.upstream.clone(),
            tried: event.tried.iter().map(|tried| (Arc::clone(&tried.upstream), tried.code)).collect(),
        };
        let is_sick = !kind.findings.is_empty() || kind.code().is_some();
        is_sick.then_some(kind)
    }

    fn code(&self) -> Option<&'static str> {
        self.refusal.or(self.failure).or_else(|| self.tried.first().map(|(_, code)| *code))
    }
}

impl Count {
    fn new(since: Moment, now: Instant) -> Self {
        Self { since, total: 1, held: 0, held_since: now, heard: now }
    }

    fn is_alive(&self, now: Instant, quiet: Duration) -> bool {
        self.held > 0 || now.saturating_duration_since(self.heard) < quiet
    }

    fn hold(&mut self, now: Instant) {
        if self.held == 0 {
            self.held_since = now;
        }
        self.held += 1;
        self.total += 1;
        self.heard = now;
    }

    fn release(&mut self, kind: &Kind, now: Instant) -> Summary {
        Summary {
            severity: kind.severity,
            rule: kind.findings.first().map(|(rule, ..)| *rule),
            code: kind.code(),
            status: kind.status,
            wordpress_code: kind.wordpress_code.clone(),
            host: kind.host.clone(),
            upstream: kind.upstream.clone(),
            suppressed: std::mem::take(&mut self.held),
            within: now.saturating_duration_since(self.held_since),
            since: self.since,
            total: self.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{MOST, Repeats, Summary};
    use crate::event::{Event, ExchangeId, Redacted, Refusal};
    use crate::moment::Moment;

    const MINUTE: Duration = Duration::from_secs(60);

    fn refused(host: &str) -> Event {
        let mut event = Event::unread(ExchangeId::new(1), Moment::from_seconds(5), "doctor".into());
        event.host = Some(Redacted::host(host.as_bytes()));
        event.refusal = Some(Refusal { code: "header_doctor_host_unknown", reason: "no such site".into() });
        event
    }

    fn counts(summaries: &[Summary]) -> Vec<(u64, u64)> {
        summaries.iter().map(|summary| (summary.suppressed, summary.total)).collect()
    }

    #[test]
    fn the_first_is_news_and_a_minutes_repeats_are_one_summary() {
        let (mut repeats, start) = (Repeats::new(MINUTE), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let news: Vec<_> = (0..412).map(|n| repeats.is_news(&refused("a"), at(n / 100))).collect();
        assert!(news[0] && !news[1..].contains(&true));
        assert_eq!(repeats.next(), Some(at(60)));
        assert!(repeats.due(at(59)).is_empty());
        let summaries = repeats.due(at(60));
        assert_eq!(counts(&summaries), [(411, 412)]);
        assert_eq!(
            (summaries[0].code, summaries[0].host.as_deref()),
            (Some("header_doctor_host_unknown"), Some("a"))
        );
        assert_eq!((summaries[0].within, summaries[0].since), (MINUTE, Moment::from_seconds(5)));
        assert_eq!((repeats.next(), repeats.due(at(200))), (None, Vec::new()));
        assert!(!repeats.is_news(&refused("a"), at(200)));
        assert!(repeats.due(at(259)).is_empty());
        assert_eq!(counts(&repeats.due(at(260))), [(1, 413)]);
    }

    #[test]
    fn what_was_quiet_for_ten_minutes_is_news_again() {
        let (mut repeats, start) = (Repeats::new(MINUTE), Instant::now());
        assert!(repeats.is_news(&refused("a"), start));
        assert!(!repeats.is_news(&refused("a"), start + MINUTE * 9));
        assert_eq!(counts(&repeats.due(start + MINUTE * 10)), [(1, 2)]);
        assert!(!repeats.is_news(&refused("a"), start + MINUTE * 18));
        assert_eq!(counts(&repeats.due(start + MINUTE * 19)), [(1, 3)]);
        assert!(repeats.is_news(&refused("a"), start + MINUTE * 28));
        assert!(repeats.rest(start + MINUTE * 28).is_empty());
    }

    #[test]
    fn a_long_time_between_summaries_forgets_nothing_before() {
        let (mut repeats, start) = (Repeats::new(MINUTE * 60), Instant::now());
        assert!(repeats.is_news(&refused("a"), start));
        assert!(!repeats.is_news(&refused("a"), start + MINUTE * 30));
        assert!(repeats.due(start + MINUTE * 89).is_empty());
        assert_eq!(counts(&repeats.due(start + MINUTE * 90)), [(1, 2)]);
    }

    #[test]
    fn exchanges_of_another_kind_are_news() {
        let (mut repeats, now) = (Repeats::new(MINUTE), Instant::now());
        let mut other = refused("a");
        other.refusal = Some(Refusal { code: "header_doctor_host_missing", reason: "no Host".into() });
        let mut upstream = refused("a");
        upstream.upstream = Some("http://10.0.0.7:8080".into());
        for event in [refused("a"), refused("b"), other, upstream] {
            assert!(repeats.is_news(&event, now));
            assert!(!repeats.is_news(&event, now));
        }
        assert_eq!(counts(&repeats.rest(now)), [(1, 2); 4]);
        assert!(repeats.rest(now).is_empty(), "told once");
    }

    #[test]
    fn healthy_exchanges_and_a_zero_hold_nothing_back() {
        let now = Instant::now();
        let healthy = Event::unread(ExchangeId::new(1), Moment::default(), "doctor".into());
        let mut minutely = Repeats::new(MINUTE);
        assert!(minutely.is_news(&healthy, now) && minutely.is_news(&healthy, now));
        let mut never = Repeats::new(Duration::ZERO);
        assert!(never.is_news(&refused("a"), now) && never.is_news(&refused("a"), now));
        assert!(never.rest(now).is_empty());
    }

    #[test]
    fn a_full_table_sums_up_what_it_forgets() {
        let (mut repeats, start) = (Repeats::new(MINUTE), Instant::now());
        assert!(repeats.is_news(&refused("stale"), start));
        assert!(!repeats.is_news(&refused("stale"), start));
        let later = start + Duration::from_secs(1);
        (0..2 * MOST).for_each(|n| assert!(repeats.is_news(&refused(&n.to_string()), later)));
        assert_eq!(repeats.kinds.len(), MOST);
        assert_eq!(counts(&repeats.due(later)), [(1, 2)]);
        assert_eq!(repeats.next(), None);
        assert!(repeats.is_news(&refused("stale"), later));
    }
}
