//! How it stands with the doctor itself, for whoever collects it: written by the thread that leads, read by the one that tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use super::making::Lasting;
use super::own_log;
use crate::admin::{Health, State};
use crate::event::now;
use crate::moment::Moment;
use crate::report::Every;
use crate::report::metrics::{Connections, Reloads, Told, metrics};
use crate::upstream;

/// What a reload changes, and what became of it.
#[derive(Debug, Default)]
pub(super) struct Standing {
    succeeded: AtomicU64,
    failed: AtomicU64,
    is_stale: AtomicBool,
    /// When the configuration in force was put there, in milliseconds since 1970.
    last: AtomicI64,
    connections: AtomicU64,
}

impl Standing {
    /// The doctor starts with a configuration that allows so many connections.
    pub(super) fn starts(&self, connections: usize) {
        self.last.store(now().millis(), Ordering::Relaxed);
        self.connections.store(connections as u64, Ordering::Relaxed);
    }

    /// A changed one is in force.
    pub(super) fn reloaded(&self, connections: usize) {
        self.starts(connections);
        self.succeeded.fetch_add(1, Ordering::Relaxed);
        self.is_stale.store(false, Ordering::Relaxed);
    }

    /// A changed one is wrong.
    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.is_stale.store(true, Ordering::Relaxed);
    }

    fn reloads(&self) -> Reloads {
        Reloads {
            succeeded: self.succeeded.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            is_current: !self.is_stale.load(Ordering::Relaxed),
            last: Moment::from_millis(self.last.load(Ordering::Relaxed)),
        }
    }
}

impl Lasting {
    /// What is counted and known, as text.
    pub(super) fn metrics(&self, health: &Health, repeats: &Every) -> impl Fn() -> String + use<> {
        let (tally, history, began) = (Arc::clone(&self.tally), Arc::clone(&self.history), self.began);
        let (registry, capacity) = (Arc::clone(&self.registry), Arc::clone(&self.capacity));
        let (standing, unlogged) = (Arc::clone(&self.standing), self.bus.unlogged());
        let (health, repeats) = (health.clone(), repeats.clone());
        move || {
            let at = Moment::default().after(began.elapsed());
            metrics(&Told {
                tally: &tally,
                upstreams: &registry.known(),
                nodes: &history.php_nodes(at),
                connections: Connections {
                    open: capacity.open() as u64,
                    limit: standing.connections.load(Ordering::Relaxed),
                    accepted: capacity.accepted(),
                },
                reloads: standing.reloads(),
                events_dropped: unlogged.count(),
                events_suppressed: repeats.suppressed(),
                panics: own_log::panics(),
                is_ready: health.state() == State::Ready,
                spool_bytes: upstream::held_bytes(),
            })
        }
    }
}
