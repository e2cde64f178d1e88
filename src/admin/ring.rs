//! The last exchanges, to be asked for.
//!
//! A thread of its own takes events out of the bus and keeps them; whoever asks only looks, so nothing ever waits for an
//! answer that is read slowly. What is kept is bounded by number and by memory, and sick exchanges outlive healthy ones. The
//! newest few stand beside, whatever they are, so that whoever follows along sees all of them in order.
//!
//! Each has a number, larger than that of the one before: the time the process began, in microseconds, and one for each
//! exchange. So numbers of an earlier process are told apart, and a number that is missing is an exchange that is gone.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::mem::size_of;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::event::{Dropped, Event, Events, Scoped};
use crate::moment::Moment;
use crate::report::log::{Format, render};

/// How many of the newest are kept beside the others.
const NEWEST: usize = 256;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many exchanges.
    pub exchanges: usize,
    /// How many bytes they take, by an estimate.
    pub memory: u64,
}

/// One exchange.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) sequence: u64,
    pub(super) event: Arc<Event>,
    /// Its record in the log, an object of JSON.
    record: String,
}

impl Entry {
    fn of(sequence: u64, event: Arc<Event>) -> Self {
        let mut record = render(&event, Format::Json);
        record.truncate(record.trim_end().len());
        record.shrink_to_fit();
        Self { sequence, event, record }
    }

    /// Its record, with its number before the rest.
    pub(super) fn numbered(&self) -> String {
        let rest = self.record.strip_prefix('{').unwrap_or(&self.record);
        format!(r#"{{"sequence":{},{rest}"#, self.sequence)
    }

    /// Its record as the log has it.
    pub(super) fn record(&self) -> &str {
        &self.record
    }

    /// How much memory it takes: what the event holds is about what its record shows.
    fn weight(&self) -> u64 {
        (size_of::<Self>() + size_of::<Event>() + 2 * self.record.len()) as u64
    }
}

/// The last exchange with a finding of some rule.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) scoped: Scoped,
    pub(super) at: Moment,
    pub(super) exchange: String,
    pub(super) sequence: u64,
}

#[derive(Debug)]
struct Ring {
    bounds: Bounds,
    /// What was before the first.
    began: u64,
    kept: BTreeMap<u64, Arc<Entry>>,
    /// Which of those are healthy, the oldest first.
    healthy: VecDeque<u64>,
    weight: u64,
    newest: VecDeque<Arc<Entry>>,
    weight_of_newest: u64,
    /// By rule, whether the exchange is still kept or not.
    known: HashMap<&'static str, Known>,
}

impl Ring {
    fn put(&mut self, entry: Arc<Entry>) {
        for scoped in &entry.event.findings {
            let known = Known {
                scoped: scoped.clone(),
                at: entry.event.at,
                exchange: entry.event.exchange.to_string(),
                sequence: entry.sequence,
            };
            self.known.insert(scoped.finding.rule, known);
        }
        if !entry.event.is_sick() {
            self.healthy.push_back(entry.sequence);
        }
        self.weight += entry.weight();
        self.weight_of_newest += entry.weight();
        self.newest.push_back(Arc::clone(&entry));
        self.kept.insert(entry.sequence, entry);
        self.make_room();
    }

    /// The newest get a quarter of the memory, the others the rest.
    fn make_room(&mut self) {
        let quarter = self.bounds.memory / 4;
        while self.newest.len() > NEWEST || self.weight_of_newest > quarter {
            let Some(oldest) = self.newest.pop_front() else { break };
            self.weight_of_newest -= oldest.weight();
        }
        while self.kept.len() > self.bounds.exchanges || self.weight > self.bounds.memory - quarter {
            let healthy = self.healthy.pop_front().and_then(|sequence| self.kept.remove(&sequence));
            let Some(gone) = healthy.or_else(|| self.kept.pop_first().map(|(_, sick)| sick)) else { break };
            self.weight -= gone.weight();
        }
    }

    /// Those that are there and came after this one, in order.
    fn after(&self, sequence: u64) -> impl Iterator<Item = &Arc<Entry>> {
        let first = self.newest.front().map_or(u64::MAX, |entry| entry.sequence);
        let kept = self.kept.range(sequence.saturating_add(1)..).map(|(_, entry)| entry);
        let kept = kept.take_while(move |entry| entry.sequence < first);
        kept.chain(self.newest.iter().filter(move |entry| entry.sequence > sequence))
    }
}

/// How much is kept now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) bounds: Bounds,
    pub(super) exchanges: usize,
    pub(super) sick: usize,
    pub(super) memory: u64,
}

/// The last exchanges, for whoever asks.
#[derive(Clone, Debug)]
pub struct Exchanges {
    ring: Arc<Mutex<Ring>>,
    last: watch::Receiver<u64>,
    dropped: Dropped,
}

/// Takes events out of the bus and keeps them.
#[derive(Debug)]
pub struct Keeper {
    events: Events,
    ring: Arc<Mutex<Ring>>,
    last: watch::Sender<u64>,
}

/// What keeps the exchanges that these events tell of, and what it has kept. `at` is when the process began.
#[must_use]
pub fn exchanges(events: Events, bounds: Bounds, at: Moment) -> (Keeper, Exchanges) {
    let began = u64::try_from(at.millis()).unwrap_or_default().saturating_mul(1000);
    let ring = Ring {
        bounds,
        began,
        kept: BTreeMap::new(),
        healthy: VecDeque::new(),
        weight: 0,
        newest: VecDeque::new(),
        weight_of_newest: 0,
        known: HashMap::new(),
    };
    let (ring, (tell, last)) = (Arc::new(Mutex::new(ring)), watch::channel(began));
    let exchanges = Exchanges { ring: Arc::clone(&ring), last, dropped: events.dropped() };
    (Keeper { events, ring, last: tell }, exchanges)
}

impl Keeper {
    /// Keeps events until the bus ends. This blocks; it is the body of a thread.
    pub fn run(mut self) {
        let mut sequence = *self.last.borrow();
        while let Some(event) = self.events.wait() {
            // A number for each that was lost on the way here, so that it is missed.
            sequence += self.events.newly_dropped() + 1;
            let entry = Arc::new(Entry::of(sequence, event));
            locked(&self.ring).put(entry);
            self.last.send_replace(sequence);
        }
    }
}

impl Exchanges {
    /// Keeps so much from now on.
    pub fn bound(&self, bounds: Bounds) {
        let mut ring = locked(&self.ring);
        ring.bounds = bounds;
        ring.make_room();
    }

    /// The newest of those before `sequence` that fit, at most `most`.
    pub(super) fn newest(&self, before: u64, most: usize, fits: impl Fn(&Event) -> bool) -> Vec<Arc<Entry>> {
        let ring = locked(&self.ring);
        let kept = ring.kept.range(..before).rev().map(|(_, entry)| entry);
        kept.filter(|entry| fits(&entry.event)).take(most).map(Arc::clone).collect()
    }

    /// The oldest of those after `sequence`, at most `most`.
    pub(super) fn after(&self, sequence: u64, most: usize) -> Vec<Arc<Entry>> {
        locked(&self.ring).after(sequence).take(most).map(Arc::clone).collect()
    }

    /// What came before the first there ever was.
    pub(super) fn began(&self) -> u64 {
        locked(&self.ring).began
    }

    /// The number of the last one.
    pub(super) fn last(&self) -> watch::Receiver<u64> {
        self.last.clone()
    }

    /// The last exchange of each rule, and how many of those that are kept have a finding of it.
    pub(super) fn known(&self) -> HashMap<&'static str, (Known, usize)> {
        let ring = locked(&self.ring);
        let mut known: HashMap<_, _> =
            ring.known.iter().map(|(rule, known)| (*rule, (known.clone(), 0))).collect();
        for scoped in ring.kept.values().flat_map(|entry| &entry.event.findings) {
            known.entry(scoped.finding.rule).and_modify(|(_, count)| *count += 1);
        }
        known
    }

    pub(super) fn size(&self) -> Size {
        let ring = locked(&self.ring);
        Size {
            bounds: ring.bounds,
            exchanges: ring.kept.len(),
            sick: ring.kept.len() - ring.healthy.len(),
            memory: ring.weight + ring.weight_of_newest,
        }
    }

    /// How many exchanges were lost on the way here.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.count()
    }
}

fn locked(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::{Bounds, Exchanges, exchanges};
    use crate::event::{Bus, Event, ExchangeId, Refusal, bus};
    use crate::moment::Moment;

    /// What came before the first.
    pub(in crate::admin) const BEGAN: u64 = 5_000_000;

    /// An exchange of this number.
    pub(in crate::admin) fn event(number: u64, is_sick: bool) -> Arc<Event> {
        let mut event = Event::unread(ExchangeId::new(number), Moment::default(), "doctor".into());
        let refusal = Refusal { code: "header_doctor_host_missing", reason: "no Host".into() };
        event.refusal = is_sick.then_some(refusal);
        Arc::new(event)
    }

    /// What is kept of these, and the way there of a queue of this size.
    pub(in crate::admin) fn kept(capacity: usize, bounds: Bounds) -> (Bus, super::Keeper, Exchanges) {
        let (bus, events) = bus(1).0.watched(capacity);
        let (keeper, exchanges) = exchanges(events, bounds, Moment::from_seconds(5));
        (bus, keeper, exchanges)
    }

    fn numbers(exchanges: &Exchanges) -> Vec<u64> {
        exchanges.newest(u64::MAX, 100, |_| true).iter().map(|entry| entry.sequence - BEGAN).collect()
    }

    #[test]
    fn the_oldest_healthy_one_goes_first_and_whoever_follows_sees_all() {
        let (bus, keeper, exchanges) = kept(64, Bounds { exchanges: 3, memory: 1 << 20 });
        [true, false, true, false, true, true, false].iter().enumerate().for_each(|(number, is_sick)| {
            bus.show(event(number as u64, *is_sick));
        });
        drop(bus);
        keeper.run();
        assert_eq!(numbers(&exchanges), [6, 5, 3]);
        assert_eq!((exchanges.size().exchanges, exchanges.size().sick), (3, 3));
        let seen: Vec<_> = exchanges.after(BEGAN, 100).iter().map(|entry| entry.sequence - BEGAN).collect();
        assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(exchanges.after(BEGAN + 5, 1)[0].sequence, BEGAN + 6);
        exchanges.bound(Bounds { exchanges: 1, memory: 1 << 20 });
        assert_eq!(numbers(&exchanges), [6]);
    }

    #[test]
    fn memory_is_bounded_whatever_the_number() {
        let memory = 40_000;
        let (bus, keeper, exchanges) = kept(256, Bounds { exchanges: 1000, memory });
        (0..200).for_each(|number| bus.show(event(number, true)));
        drop(bus);
        keeper.run();
        let size = exchanges.size();
        assert!(size.exchanges > 3 && size.exchanges < 60 && size.memory <= memory, "{size:?}");
        assert_eq!(numbers(&exchanges)[0], 200, "the newest are those that stay");
        exchanges.bound(Bounds { exchanges: 1000, memory: 1 });
        assert_eq!((exchanges.size().exchanges, exchanges.size().memory), (0, 0));
    }

    #[test]
    fn what_never_came_has_a_number_all_the_same() {
        let (bus, keeper, exchanges) = kept(2, Bounds { exchanges: 9, memory: 1 << 20 });
        (0..5).for_each(|number| bus.show(event(number, true)));
        drop(bus);
        keeper.run();
        assert_eq!(numbers(&exchanges), [5, 4], "three were dropped before these were taken");
        assert_eq!(exchanges.dropped(), 3);
    }

    #[test]
    fn a_record_has_its_number_before_the_rest() {
        let (bus, keeper, exchanges) = kept(2, Bounds { exchanges: 9, memory: 1 << 20 });
        bus.show(event(7, true));
        drop(bus);
        keeper.run();
        let entry = exchanges.after(0, 1).remove(0);
        let record: serde_json::Value = serde_json::from_str(&entry.numbered()).unwrap();
        assert_eq!(
            (&record["sequence"], &record["exchange"]),
            (&(BEGAN + 1).into(), &"0000000000000007".into())
        );
        assert!(!entry.record().contains('\n'));
    }
}
