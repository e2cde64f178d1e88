//! How many connections there are to one PHP at a time, over all workers, and who waits for one.
//!
//! Every connection holds a permit while it is open, for it may occupy a worker of PHP. Who finds none waits in line, first
//! come, first served, no longer than told, and leaves the line by being dropped. A connection that may be kept holds a slot
//! besides. Kept ones give way as soon as somebody waits: they may lie with another worker than his.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use super::Fault;

/// How many connections there may be to one PHP, over all workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most at a time; nothing for any number.
    pub connections: Option<usize>,
    /// How many of them may be kept open between two requests.
    pub kept: usize,
    /// How many requests may wait for one.
    pub waiting: usize,
    /// How long each may wait.
    pub patience: Duration,
}

impl Default for Bounds {
    /// Any number, and none kept.
    fn default() -> Self {
        Self { connections: None, kept: 0, waiting: 1024, patience: Duration::from_secs(10) }
    }
}

/// What all workers share of one PHP.
pub(in super::super) struct Gate {
    permits: Semaphore,
    /// How many permits there are, and by whose word; a reload changes it.
    most: Mutex<(usize, usize)>,
    /// How many permits in use go to nobody when they come back, since a reload has lowered their number.
    owed: AtomicUsize,
    waiting: AtomicUsize,
    slots: AtomicUsize,
    most_slots: AtomicUsize,
    /// Tells that somebody begins to wait.
    wanted: Notify,
    /// How often somebody was sent away because too many waited.
    full: AtomicU64,
    /// How often somebody had waited too long.
    late: AtomicU64,
}

/// How it stands with one PHP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How many connections are open to it.
    pub open: usize,
    /// How many there may be; nothing for any number.
    pub most: Option<usize>,
    /// How many requests wait for one.
    pub waiting: usize,
    /// How many were refused since too many waited.
    pub full: u64,
    /// How many were refused since they had waited too long.
    pub late: u64,
}

impl Default for Gate {
    /// One without bounds.
    fn default() -> Self {
        Self {
            permits: Semaphore::new(Semaphore::MAX_PERMITS),
            most: Mutex::new((Semaphore::MAX_PERMITS, 0)),
            owed: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            slots: AtomicUsize::new(0),
            most_slots: AtomicUsize::new(0),
            wanted: Notify::new(),
            full: AtomicU64::new(0),
            late: AtomicU64::new(0),
        }
    }
}

impl Gate {
    /// Lets so many through from now on, unless somebody with a higher `number` has spoken: he has the newer plan. Of those
    /// that are inside too many, nobody is sent out.
    pub(in super::super) fn set(&self, bounds: &Bounds, number: usize) {
        let mut most = self.most.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, last) = *most;
        if number < last {
            return;
        }
        let new = bounds.connections.unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS);
        *most = (new, number);
        if let Some(fewer) = before.checked_sub(new) {
            let in_use = fewer - self.permits.forget_permits(fewer);
            self.owed.fetch_add(in_use, Ordering::AcqRel);
        } else {
            let more = new.saturating_sub(before);
            self.permits.add_permits(more - self.forgive(more));
        }
        self.most_slots.store(bounds.kept, Ordering::Release);
    }

    /// Lets go of at most so many permits that are owed, and says how many.
    fn forgive(&self, most: usize) -> usize {
        let pay = |owed: usize| Some(owed.saturating_sub(most));
        let before = self.owed.fetch_update(Ordering::AcqRel, Ordering::Acquire, pay);
        before.unwrap_or_else(|owed| owed).min(most)
    }

    /// A permit for a connection, once there is one.
    ///
    /// # Errors
    /// Too many wait, or this one has waited too long.
    pub(super) async fn enter(self: &Arc<Self>, bounds: &Bounds) -> Result<Permit, Fault> {
        if let Ok(permit) = self.permits.try_acquire() {
            permit.forget();
            return Ok(Permit(Arc::clone(self)));
        }
        let _waiting = Waiting::begin(self, bounds.waiting)?;
        self.wanted.notify_waiters();
        if let Ok(Ok(permit)) = timeout(bounds.patience, self.permits.acquire()).await {
            permit.forget();
            return Ok(Permit(Arc::clone(self)));
        }
        // It is never closed, so the time is over.
        self.late.fetch_add(1, Ordering::Relaxed);
        Err(Fault::QueueTimeout(bounds.patience))
    }

    /// How it stands now.
    pub(in super::super) fn standing(&self) -> Standing {
        let (most, _) = *self.most.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.permits.available_permits();
        Standing {
            open: most.saturating_sub(free).saturating_add(self.owed.load(Ordering::Relaxed)),
            most: (most < Semaphore::MAX_PERMITS).then_some(most),
            waiting: self.waiting(),
            full: self.full.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
        }
    }

    /// A slot for a connection that may be kept, if one is left.
    pub(super) fn slot(self: &Arc<Self>) -> Option<Slot> {
        let most = self.most_slots.load(Ordering::Acquire);
        let one_more = |slots: usize| (slots < most).then_some(slots + 1);
        let taken = self.slots.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more);
        taken.ok().map(|_| Slot(Arc::clone(self)))
    }

    /// Whether a connection with a slot may be kept now: nobody waits, and no reload has lowered their number.
    pub(super) fn may_keep(&self) -> bool {
        self.waiting() == 0 && self.slots.load(Ordering::Acquire) <= self.most_slots.load(Ordering::Acquire)
    }

    /// How many wait for a permit.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Waits until somebody begins to wait.
    pub(super) fn wanted(&self) -> Notified<'_> {
        self.wanted.notified()
    }
}

/// One that waits.
struct Waiting<'g>(&'g Gate);

impl<'g> Waiting<'g> {
    fn begin(gate: &'g Gate, most: usize) -> Result<Self, Fault> {
        let one_more = |waiting: usize| (waiting < most).then_some(waiting + 1);
        let begun = gate.waiting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more);
        begun.map(|_| Self(gate)).map_err(|_| {
            gate.full.fetch_add(1, Ordering::Relaxed);
            Fault::QueueFull(most)
        })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The right to have a connection open, until it is dropped.
pub(super) struct Permit(Arc<Gate>);

impl Drop for Permit {
    fn drop(&mut self) {
        if self.0.forgive(1) == 0 {
            self.0.permits.add_permits(1);
        }
    }
}

/// The right to keep a connection, until it is dropped.
pub(super) struct Slot(Arc<Gate>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.slots.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a connection holds while it is open.
pub(super) struct Place {
    slot: Option<Slot>,
    _permit: Permit,
}

impl Place {
    /// The place of a connection that is about to be made.
    ///
    /// # Errors
    /// None was free in time.
    pub(super) async fn take(gate: &Arc<Gate>, bounds: &Bounds) -> Result<Self, Fault> {
        let permit = gate.enter(bounds).await?;
        Ok(Self { slot: gate.slot(), _permit: permit })
    }

    /// Whether the connection may be kept once its exchange has ended.
    pub(super) const fn is_for_keeping(&self) -> bool {
        self.slot.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::{Bounds, Gate, Permit, Standing};
    use crate::upstream::fastcgi::Fault;

    fn bounds(connections: impl Into<Option<usize>>) -> Bounds {
        Bounds { connections: connections.into(), kept: 1, waiting: 2, patience: Duration::from_secs(10) }
    }

    fn gate(bounds: &Bounds) -> Arc<Gate> {
        let gate = Arc::<Gate>::default();
        gate.set(bounds, 0);
        gate
    }

    /// A permit where one is free.
    async fn at_once(gate: &Arc<Gate>) -> Option<Permit> {
        timeout(Duration::ZERO, gate.enter(&bounds(None))).await.ok()?.ok()
    }

    async fn all(gate: &Arc<Gate>) -> Vec<Permit> {
        let mut permits = Vec::new();
        while let Some(permit) = at_once(gate).await {
            permits.push(permit);
        }
        permits
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_first_is_first_and_too_many_or_too_long_is_refused() {
        let bounds = bounds(1);
        let gate = gate(&bounds);
        let one = gate.enter(&bounds).await.ok().unwrap();
        let wait = |gate: &Arc<Gate>| {
            let (gate, bounds) = (Arc::clone(gate), bounds.clone());
            tokio::spawn(async move { gate.enter(&bounds).await })
        };
        let (two, three) = (wait(&gate), wait(&gate));
        yield_now().await;
        assert_eq!(gate.waiting(), 2);
        assert_eq!(gate.enter(&bounds).await.err(), Some(Fault::QueueFull(2)));
        let standing = Standing { open: 1, most: Some(1), waiting: 2, full: 1, late: 0 };
        assert_eq!(gate.standing(), standing);
        drop(one);
        let two = two.await.unwrap().ok().unwrap();
        assert!(!three.is_finished());
        assert_eq!(three.await.unwrap().err(), Some(Fault::QueueTimeout(bounds.patience)));
        let gone = wait(&gate);
        yield_now().await;
        assert_eq!(gate.waiting(), 1);
        gone.abort();
        assert!(gone.await.is_err());
        assert_eq!(
            gate.standing(),
            Standing { waiting: 0, late: 1, ..standing },
            "who leaves frees his place"
        );
        drop(two);
        assert_eq!(all(&gate).await.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_changes_their_number_and_sends_nobody_out() {
        let gate = gate(&bounds(5));
        let mut inside = all(&gate).await;
        assert_eq!(inside.len(), 5);
        gate.set(&bounds(2), 1);
        assert_eq!(gate.standing().open, 5);
        inside.truncate(2);
        assert!(at_once(&gate).await.is_none());
        gate.set(&bounds(4), 1);
        inside.extend(all(&gate).await);
        assert_eq!(inside.len(), 4);
        gate.set(&bounds(1), 1);
        gate.set(&bounds(None), 1);
        let more = at_once(&gate).await;
        assert!(more.is_some());
        assert_eq!((gate.standing().open, gate.standing().most), (5, None));
        drop(inside);
        gate.set(&bounds(3), 1);
        gate.set(&bounds(9), 0);
        assert_eq!(all(&gate).await.len(), 2, "and one was inside, and an old plan has no say");
        drop(more);
        assert_eq!(all(&gate).await.len(), 3);
    }

    #[tokio::test]
    async fn no_more_are_kept_than_there_are_slots_and_none_while_somebody_waits() {
        let bounds = bounds(1);
        let gate = gate(&bounds);
        let slot = gate.slot().unwrap();
        assert!(gate.slot().is_none() && gate.may_keep());
        let _inside = gate.enter(&bounds).await.ok().unwrap();
        let other = Arc::clone(&gate);
        let waiting = tokio::spawn(async move { other.enter(&bounds).await.map(drop) });
        yield_now().await;
        assert!(!gate.may_keep());
        waiting.abort();
        let _aborted = waiting.await;
        assert!(gate.may_keep());
        gate.set(&Bounds::default(), 1);
        assert!(!gate.may_keep(), "a reload has taken the slot away");
        drop(slot);
        assert!(gate.slot().is_none());
    }

    #[test]
    fn permits_and_slots_come_back_however_many_threads_pull() {
        let bounds = Bounds { waiting: 1000, ..bounds(3) };
        let gate = gate(&bounds);
        let inside = std::sync::atomic::AtomicUsize::new(0);
        let work = async |turn: usize| {
            let entering = gate.enter(&bounds);
            let Ok(entered) = timeout(Duration::from_micros(turn as u64 % 50), entering).await else {
                return;
            };
            let _permit = entered.ok().unwrap();
            let _slot = gate.slot();
            let order = std::sync::atomic::Ordering::SeqCst;
            assert!(inside.fetch_add(1, order) < 3);
            yield_now().await;
            inside.fetch_sub(1, order);
        };
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                for turn in 0..2000 {
                    tokio::join!(work(turn), work(turn + 7), work(turn + 31));
                }
            });
        };
        thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(run))));
        assert_eq!((gate.waiting(), gate.permits.available_permits()), (0, 3));
        assert!(gate.slot().is_some());
    }
}
