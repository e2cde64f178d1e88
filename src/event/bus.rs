//! From many workers to one reader, without ever making a worker wait.
//!
//! The queue is bounded: when the reader is slower than the traffic, or its disk is full, events are dropped and
//! counted, and no request notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::Instant;

use super::Event;

/// Where events are sent.
#[derive(Clone, Debug)]
pub struct Bus {
    sender: SyncSender<Box<Event>>,
    dropped: Arc<AtomicU64>,
}

/// Tells how many events were dropped, and keeps no bus open for it.
#[derive(Clone, Debug)]
pub struct Dropped(Arc<AtomicU64>);

impl Dropped {
    /// How many so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Where events come out. The bus ends when every [`Bus`] is gone.
#[derive(Debug)]
pub struct Events {
    receiver: Receiver<Box<Event>>,
    dropped: Arc<AtomicU64>,
    told: u64,
}

/// A queue for this many events.
#[must_use]
pub fn bus(capacity: usize) -> (Bus, Events) {
    let (sender, receiver) = sync_channel(capacity);
    let dropped = Arc::new(AtomicU64::new(0));
    (Bus { sender, dropped: Arc::clone(&dropped) }, Events { receiver, dropped, told: 0 })
}

impl Bus {
    /// Sends an event on, or drops it when the queue is full.
    pub fn send(&self, event: Event) {
        if self.sender.try_send(Box::new(event)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many events were dropped so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The same for whoever asks later: the bus ends though he may still ask.
    #[must_use]
    pub fn counter(&self) -> Dropped {
        Dropped(Arc::clone(&self.dropped))
    }
}

impl Events {
    /// The next event, once there is one; nothing at the end.
    #[must_use]
    pub fn wait(&self) -> Option<Box<Event>> {
        self.receiver.recv().ok()
    }

    /// The next event, once there is one, but nothing later than the deadline, if there is any.
    ///
    /// # Errors
    /// The deadline has come, or the bus has ended.
    pub fn wait_until(&self, deadline: Option<Instant>) -> Result<Box<Event>, RecvTimeoutError> {
        let Some(deadline) = deadline else {
            return self.wait().ok_or(RecvTimeoutError::Disconnected);
        };
        self.receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    }

    /// The next event if one is there now.
    ///
    /// # Errors
    /// None is there, or the bus has ended.
    pub fn at_hand(&self) -> Result<Box<Event>, TryRecvError> {
        self.receiver.try_recv()
    }

    /// Counts an event that came out and could not be written.
    pub fn count_unwritten(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// How many events were dropped since this was last asked.
    pub fn newly_dropped(&mut self) -> u64 {
        let dropped = self.dropped.load(Ordering::Relaxed);
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
    fn a_bus_without_reader_drops() {
        let (bus, events) = bus(2);
        drop(events);
        bus.send(event(0));
        assert_eq!(bus.dropped(), 1);
    }
}
