//! From many workers to the log, and to whoever watches, without ever making a worker wait.
//!
//! The queue is bounded: when the reader is slower than the traffic, or its disk is full, events are dropped and
//! counted, and no request notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::Instant;

use super::Event;

/// Where events are sent: to the log, and to whoever watches, if anybody does. Each has a queue of its own, so that neither
/// waits for the other.
#[derive(Clone, Debug)]
pub struct Bus {
    log: Queue,
    watcher: Option<Queue>,
}

#[derive(Clone, Debug)]
struct Queue {
    sender: SyncSender<Arc<Event>>,
    dropped: Dropped,
}

/// Where events come out. They end when every [`Bus`] is gone.
#[derive(Debug)]
pub struct Events {
    receiver: Receiver<Arc<Event>>,
    dropped: Dropped,
    told: u64,
}

/// How many events were dropped so far.
#[derive(Clone, Debug, Default)]
pub struct Dropped(Arc<AtomicU64>);

impl Dropped {
    /// The number.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A queue for this many events, and the log's end of it.
#[must_use]
pub fn bus(capacity: usize) -> (Bus, Events) {
    let (log, events) = queue(capacity);
    (Bus { log, watcher: None }, events)
}

fn queue(capacity: usize) -> (Queue, Events) {
    let (sender, receiver) = sync_channel(capacity);
    let dropped = Dropped::default();
    (Queue { sender, dropped: dropped.clone() }, Events { receiver, dropped, told: 0 })
}

impl Queue {
    fn put(&self, event: Arc<Event>) {
        if self.sender.try_send(event).is_err() {
            self.dropped.add();
        }
    }
}

impl Bus {
    /// The same with a second queue of this size, and its end for whoever watches.
    #[must_use]
    pub fn watched(self, capacity: usize) -> (Self, Events) {
        let (watcher, events) = queue(capacity);
        (Self { watcher: Some(watcher), ..self }, events)
    }

    /// Whether anybody watches.
    #[must_use]
    pub const fn is_watched(&self) -> bool {
        self.watcher.is_some()
    }

    /// Sends an event to the log, or drops it when the queue is full.
    pub fn send(&self, event: impl Into<Arc<Event>>) {
        self.log.put(event.into());
    }

    /// Sends an event to whoever watches, or drops it when that queue is full.
    pub fn show(&self, event: impl Into<Arc<Event>>) {
        if let Some(watcher) = &self.watcher {
            watcher.put(event.into());
        }
    }

    /// Where it is read how many events never came to the log.
    #[must_use]
    pub fn unlogged(&self) -> Dropped {
        self.log.dropped.clone()
    }

    /// How many events were dropped so far on the way to the log.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.log.dropped.count()
    }
}

impl Events {
    /// The next event, once there is one; nothing at the end.
    #[must_use]
    pub fn wait(&self) -> Option<Arc<Event>> {
        self.receiver.recv().ok()
    }

    /// The next event, once there is one, but nothing later than the deadline, if there is any.
    ///
    /// # Errors
    /// The deadline has come, or the bus has ended.
    pub fn wait_until(&self, deadline: Option<Instant>) -> Result<Arc<Event>, RecvTimeoutError> {
        let Some(deadline) = deadline else {
            return self.wait().ok_or(RecvTimeoutError::Disconnected);
        };
        self.receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    }

    /// The next event if one is there now.
    ///
    /// # Errors
    /// None is there, or the bus has ended.
    pub fn at_hand(&self) -> Result<Arc<Event>, TryRecvError> {
        self.receiver.try_recv()
    }

    /// Counts an event that came out and could not be written.
    pub fn count_unwritten(&self) {
        self.dropped.add();
    }

    /// Where it is read how many were dropped, also when these events are in other hands.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.dropped.clone()
    }

    /// How many events were dropped since this was last asked.
    pub fn newly_dropped(&mut self) -> u64 {
        let dropped = self.dropped.count();
        let new = dropped.saturating_sub(self.told);
        self.told = dropped;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Instant, RecvTimeoutError, bus};
    use crate::event::ExchangeId;
    use crate::moment::Moment;

    fn event(number: u64) -> Event {
        Event::unread(ExchangeId::new(number), Moment::default(), "doctor".into())
    }

    #[test]
    fn a_full_bus_drops_and_counts() {
        let (bus, mut events) = bus(2);
        (0..5).for_each(|number| bus.send(event(number)));
        assert_eq!(bus.dropped(), 3);
        assert_eq!((events.newly_dropped(), events.newly_dropped()), (3, 0));
        assert_eq!(events.wait().unwrap().exchange, ExchangeId::new(0));
        drop(bus);
        assert!(events.wait().is_some() && events.wait().is_none());
    }

    #[test]
    fn a_wait_ends_at_its_deadline_but_not_before_what_is_there() {
        let (bus, events) = bus(2);
        let past = Some(Instant::now());
        assert_eq!(events.wait_until(past).unwrap_err(), RecvTimeoutError::Timeout);
        bus.send(event(7));
        assert_eq!(events.wait_until(past).unwrap().exchange, ExchangeId::new(7));
        drop(bus);
        for deadline in [past, None] {
            assert_eq!(events.wait_until(deadline).unwrap_err(), RecvTimeoutError::Disconnected);
        }
    }

    #[test]
    fn whoever_watches_has_a_queue_of_their_own() {
        let (bus, log) = bus(1);
        bus.show(event(0));
        let (bus, watching) = bus.watched(2);
        (1..4).for_each(|number| bus.show(event(number)));
        assert_eq!((bus.dropped(), watching.dropped().count()), (0, 1));
        bus.send(event(9));
        assert_eq!(log.wait().unwrap().exchange, ExchangeId::new(9));
        assert_eq!(watching.wait().unwrap().exchange, ExchangeId::new(1));
        drop(bus);
        assert!(watching.wait().is_some() && watching.wait().is_none() && log.wait().is_none());
    }

    #[test]
    fn a_bus_without_reader_drops() {
        let (bus, events) = bus(2);
        drop(events);
        bus.send(event(0));
        assert_eq!(bus.dropped(), 1);
    }
}
