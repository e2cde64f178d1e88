//! What is counted of the way to each upstream: how long it took to answer, how often it did not, and its connections.
//!
//! Each worker has a meter of its own for each upstream, which nobody else writes: an exchange takes no lock. Whoever asks
//! gets the sums. Meters are known by the upstream's name, so a reload goes on where the plan before left off.

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::Error;
use crate::message::{Broken, Fill};

/// The upper bounds of the buckets that times are counted in, in milliseconds.
pub const BOUNDS: [u64; 13] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000];

/// How many upstreams are told apart at least. Names that are looked up may stand for any number of addresses in the course of
/// time: those that are gone make room, and where there is none the rest are counted together.
const MOST: usize = 64;

/// The code of a reply that the upstream broke off, as in the event.
const CUT_OFF: &str = "header_doctor_reply_cut_off";

/// What the rest are called.
const OTHER: &str = "other";

/// A number that one thread alone changes, and any may read.
#[derive(Debug, Default)]
struct Count(AtomicU64);

impl Count {
    fn add(&self, more: u64) {
        self.0.store(self.read().wrapping_add(more), Ordering::Relaxed);
    }

    fn take(&self, less: u64) {
        self.0.store(self.read().wrapping_sub(less), Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one worker counts of one upstream. Only the thread that it was made for may change it.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Meter {
    in_flight: Count,
    buckets: [Count; BOUNDS.len() + 1],
    micros: Count,
    opened: Count,
    idle: Count,
    /// By the error's code; touched by failures alone.
    failures: Mutex<Vec<(&'static str, u64)>>,
}

/// A worker's own handle, so that no two workers count handles in the same place.
#[derive(Debug, Default)]
pub(super) struct Metered(pub(super) Arc<Meter>);

impl Meter {
    /// The upstream has answered, after so long.
    pub(super) fn answered(&self, after: Duration) {
        let micros =
            u64::from(after.subsec_micros()).saturating_add(after.as_secs().saturating_mul(1_000_000));
        let is_within = |bound: &u64| micros <= *bound * 1000;
        let place = BOUNDS.iter().position(is_within).unwrap_or(BOUNDS.len());
        if let Some(bucket) = self.buckets.get(place) {
            bucket.add(1);
        }
        self.micros.add(micros);
    }

    /// It has not. What was the client's fault, or the doctor's own, says nothing of it.
    pub(super) fn failed(&self, error: &Error) {
        if error.is_clients() || error.is_own() {
            return;
        }
        self.fail(error.code());
    }

    fn fail(&self, code: &'static str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => failures.push((code, 1)),
        }
    }

    /// A connection was made.
    pub(super) fn opened(&self) {
        self.opened.add(1);
    }

    /// So many connections more are open that nobody uses.
    pub(super) fn idles(&self, count: usize) {
        self.idle.add(count as u64);
    }

    /// So many of them are used again, or closed.
    pub(super) fn idles_no_more(&self, count: usize) {
        self.idle.take(count as u64);
    }
}

/// One request under way to an upstream, counted until this is dropped.
pub(super) struct UnderWay(Rc<Metered>);

impl UnderWay {
    pub(super) fn begin(metered: &Rc<Metered>) -> Self {
        metered.0.in_flight.add(1);
        Self(Rc::clone(metered))
    }

    /// Counts a reply that the upstream broke off, when what came of its body is that.
    pub(super) fn count_broken(this: Option<&Self>, came: &Poll<Result<Fill, Broken>>) {
        if let (Some(Self(metered)), Poll::Ready(Err(broken))) = (this, came)
            && *broken != Broken::Request
        {
            metered.0.fail(CUT_OFF);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.in_flight.take(1);
    }
}

/// What was counted of one upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Its URL; where its name stands for several, with the address.
    pub name: Arc<str>,
    /// How many answers came within each of [`BOUNDS`] and not the one before; the last are those beyond.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// How long all of them took together.
    pub took: Duration,
    /// How often it gave no answer, by the error's code.
    pub failures: Vec<(&'static str, u64)>,
    /// How many requests are under way.
    pub in_flight: u64,
    /// How many connections were made.
    pub opened: u64,
    /// How many are open that nobody uses.
    pub idle: u64,
}

impl Measured {
    fn add(&mut self, meter: &Meter) {
        for (sum, bucket) in self.buckets.iter_mut().zip(&meter.buckets) {
            *sum += bucket.read();
        }
        self.took += Duration::from_micros(meter.micros.read());
        self.in_flight += meter.in_flight.read();
        self.opened += meter.opened.read();
        self.idle += meter.idle.read();
        for (code, count) in &*meter.failures.lock().unwrap_or_else(PoisonError::into_inner) {
            match self.failures.iter_mut().find(|(known, _)| known == code) {
                Some((_, sum)) => *sum += count,
                None => self.failures.push((code, *count)),
            }
        }
    }
}

/// The meters of all workers.
#[derive(Debug, Default)]
pub(super) struct Meters(Mutex<Vec<(Arc<str>, Shards)>>);

/// One for each worker.
type Shards = Vec<(ThreadId, Arc<Meter>)>;

impl Meters {
    /// The one of this thread for the upstream of this name. `is_found` says whether the name is one of those that another
    /// one was found to stand for.
    pub(super) fn mine(&self, name: &Arc<str>, is_found: bool) -> Arc<Meter> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = if is_found { place(&mut known, name) } else { Arc::clone(name) };
        let at = known.iter().position(|(other, _)| *other == name);
        let at = at.unwrap_or_else(|| {
            known.push((name, Vec::new()));
            known.len() - 1
        });
        let Some((_, shards)) = known.get_mut(at) else { return Arc::default() };
        let this = thread::current().id();
        if let Some((_, meter)) = shards.iter().find(|(thread, _)| *thread == this) {
            return Arc::clone(meter);
        }
        let meter = Arc::<Meter>::default();
        shards.push((this, Arc::clone(&meter)));
        meter
    }

    /// What was counted of each.
    pub(super) fn measured(&self) -> Vec<Measured> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let measured = known.iter().map(|(name, shards)| {
            let mut sum = Measured { name: Arc::clone(name), ..Measured::default() };
            shards.iter().for_each(|(_, meter)| sum.add(meter));
            sum
        });
        measured.collect()
    }
}

/// The name that an address which was found is counted by.
fn place(known: &mut Vec<(Arc<str>, Shards)>, name: &Arc<str>) -> Arc<str> {
    if known.len() < MOST || known.iter().any(|(other, _)| other == name) {
        return Arc::clone(name);
    }
    let is_unused = |(_, shards): &(_, Shards)| shards.iter().all(|(_, meter)| Arc::strong_count(meter) == 1);
    match known.iter().position(is_unused) {
        Some(gone) => {
            known.remove(gone);
            Arc::clone(name)
        }
        None => OTHER.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::{BOUNDS, MOST, Metered, Meters, UnderWay};
    use crate::message::Broken;
    use crate::upstream::Error;

    #[test]
    fn times_are_counted_in_the_first_bucket_that_holds_them() {
        let meters = Meters::default();
        let meter = meters.mine(&"http://a".into(), false);
        for micros in [0, 5000, 5001, 60_000_000, 60_000_001] {
            meter.answered(Duration::from_micros(micros));
        }
        let [sum] = meters.measured().try_into().unwrap();
        let mut buckets = [0; BOUNDS.len() + 1];
        (buckets[0], buckets[1], buckets[12], buckets[13]) = (2, 1, 1, 1);
        assert_eq!((sum.buckets, sum.took), (buckets, Duration::from_micros(120_010_002)));
    }

    #[test]
    fn all_workers_are_summed_and_a_failure_of_the_client_is_none_of_the_upstreams() {
        let (meters, name) = (Meters::default(), "http://a".into());
        let work = || {
            let metered = Rc::new(Metered(meters.mine(&name, false)));
            let (_held, gone) = (UnderWay::begin(&metered), UnderWay::begin(&metered));
            drop(gone);
            metered.0.failed(&Error::Closed);
            metered.0.failed(&Error::RequestBody(Broken::TimedOut));
            metered.0.opened();
            metered.0.idles(3);
            metered.0.idles_no_more(1);
            std::mem::forget(_held);
        };
        thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
        let [sum] = meters.measured().try_into().unwrap();
        assert_eq!(sum.failures, [("header_doctor_upstream_closed", 2)]);
        assert_eq!((sum.in_flight, sum.opened, sum.idle), (2, 2, 4));
    }

    #[test]
    fn addresses_beyond_the_bound_are_counted_together_until_others_are_gone() {
        let meters = Meters::default();
        let name = |number: usize| Arc::<str>::from(format!("http://10.0.0.{number}:80"));
        let mut held: Vec<_> = (0..MOST).map(|number| meters.mine(&name(number), true)).collect();
        let _rest = [meters.mine(&name(MOST), true), meters.mine(&name(MOST + 1), true)];
        let names = || meters.measured().into_iter().map(|one| one.name).collect::<Vec<_>>();
        assert_eq!((names().len(), &*names()[MOST]), (MOST + 1, "other"));
        held.remove(7);
        let _new = meters.mine(&name(MOST + 2), true);
        assert!(names().contains(&name(MOST + 2)) && !names().contains(&name(7)), "{:?}", names());
        let _configured = meters.mine(&"http://configured".into(), false);
        assert!(names().contains(&"http://configured".into()));
    }
}
