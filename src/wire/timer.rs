//! Coarse timers: a deadline in a cell instead of a sleep per request.
//!
//! Every worker scans its deadlines every [`TICK`]; arming and disarming is a store. A deadline is never missed by
//! more than two ticks, which is exact enough for timeouts of seconds.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(200);

#[derive(Default)]
struct Slot {
    deadline: Cell<Option<Instant>>,
    waker: RefCell<Option<Waker>>,
}

#[derive(Default)]
struct Wheel {
    now: Cell<Option<Instant>>,
    slots: RefCell<Vec<Weak<Slot>>>,
}

thread_local! {
    static WHEEL: Wheel = Wheel::default();
}

/// The time of the last tick of this worker: exact to a fifth of a second, and free.
#[must_use]
pub fn now() -> Instant {
    WHEEL.with(|wheel| wheel.now.get()).unwrap_or_else(Instant::now)
}

/// Wakes whoever waits on a timer of this worker, so that it looks at the world again (a drain has begun).
pub fn wake_all() {
    WHEEL.with(|wheel| wheel.slots.borrow().iter().filter_map(Weak::upgrade).for_each(|slot| slot.wake()));
}

/// Drives the timers of this worker; never ends.
pub async fn run() {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // What it returns is when the tick was due: long ago, where the worker could not run meanwhile.
        ticks.tick().await;
        WHEEL.with(|wheel| wheel.turn(Instant::now()));
    }
}

impl Wheel {
    fn turn(&self, now: Instant) {
        self.now.set(Some(now));
        self.slots.borrow_mut().retain(|slot| {
            let Some(slot) = slot.upgrade() else {
                return false;
            };
            if slot.deadline.get().is_some_and(|deadline| deadline <= now) {
                slot.wake();
            }
            true
        });
    }
}

impl Slot {
    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// One deadline, waited for by one task.
pub struct Timer(Rc<Slot>);

impl Timer {
    /// A timer of this worker, not armed.
    #[must_use]
    pub fn new() -> Self {
        let slot = Rc::new(Slot::default());
        WHEEL.with(|wheel| wheel.slots.borrow_mut().push(Rc::downgrade(&slot)));
        Self(slot)
    }

    /// Arms the timer; [`None`] disarms it.
    pub fn set(&self, deadline: Option<Instant>) {
        self.0.deadline.set(deadline);
    }

    /// Arms the timer to expire `after` from now.
    pub fn set_after(&self, after: Duration) {
        self.set(now().checked_add(after));
    }

    /// Arms the timer to expire `after` from now, unless it is armed.
    pub fn start(&self, after: Duration) {
        if self.0.deadline.get().is_none() {
            self.set_after(after);
        }
    }

    /// Whether the deadline has passed; else the task is woken when it does.
    pub fn poll(&self, context: &Context<'_>) -> Poll<()> {
        if self.0.deadline.get().is_some_and(|deadline| deadline <= now()) {
            return Poll::Ready(());
        }
        let mut waker = self.0.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Default for Timer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::task::yield_now;
    use tokio::time::{Instant, advance};

    use super::{Timer, now, run};

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_timer_fires_once_its_deadline_has_passed() {
        tokio::spawn(run());
        yield_now().await;
        let (timer, start) = (Timer::new(), Instant::now());
        timer.set_after(Duration::from_secs(10));
        poll_fn(|context| timer.poll(context)).await;
        let waited = start.elapsed();
        assert!(waited >= Duration::from_secs(10) && waited < Duration::from_millis(10_500), "{waited:?}");
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn after_a_worker_stood_still_what_begins_has_its_whole_time() {
        tokio::spawn(run());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = now();
        advance(Duration::from_secs(61)).await;
        while now() == before {
            yield_now().await;
        }
        assert_eq!(now(), Instant::now());
        let (timer, start) = (Timer::new(), Instant::now());
        timer.set_after(Duration::from_secs(60));
        poll_fn(|context| timer.poll(context)).await;
        assert!(start.elapsed() >= Duration::from_secs(60), "{:?}", start.elapsed());
    }
}
