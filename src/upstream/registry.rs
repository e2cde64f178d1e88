//! What all workers share of upstreams, and what a reload keeps: health by address, and the names that are resolved.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;
use tokio::time::Instant;

use super::dns::SystemNames;
use super::fastcgi::{Bounds, Gate, Standing};
use super::health::Health;
use super::meter::{Measured, Meter, Meters};
use super::names::{self, Names, Resolve};
use super::state::{Millis, State};
use crate::wire::now;

/// One for the process. A group that is made with it finds the health of its upstreams as the groups before left it,
/// as long as one of them still lives.
pub struct Registry {
    began: Instant,
    names: Names,
    groups: AtomicUsize,
    health: ByName<Health>,
    gates: ByName<Gate>,
    meters: Meters,
}

/// What is known of one upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What was counted.
    pub measured: Measured,
    /// Whether it is asked, and not left out for a while; nothing where it is configured no more.
    pub is_in: Option<bool>,
    /// How it stands, where it is PHP.
    pub php: Option<Standing>,
}

impl Registry {
    /// One that resolves names as this does.
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self {
            began: Instant::now(),
            names: Names::new(resolver),
            groups: AtomicUsize::new(0),
            health: ByName::default(),
            gates: ByName::default(),
            meters: Meters::default(),
        }
    }

    /// The health of the upstream of this name.
    pub(super) fn health(&self, name: &Arc<str>) -> Arc<Health> {
        self.health.of(name)
    }

    /// The gate before the PHP of this name, which has these bounds from now on, by the word of the group of this number.
    pub(super) fn gate(&self, name: &Arc<str>, bounds: &Bounds, number: usize) -> Arc<Gate> {
        let gate = self.gates.of(name);
        gate.set(bounds, number);
        gate
    }

    /// What this thread counts of the upstream of this name in. `is_found` says whether it is one of several addresses of a
    /// name.
    pub(super) fn meter(&self, name: &Arc<str>, is_found: bool) -> Arc<Meter> {
        self.meters.mine(name, is_found)
    }

    /// What is known of all upstreams that were ever configured.
    #[must_use]
    pub fn known(&self) -> Vec<Known> {
        let known = self.meters.measured().into_iter().map(|measured| {
            let health = self.health.find(&measured.name);
            let is_in = health.map(|health| matches!(health.state(), State::In { .. }));
            let php = self.gates.find(&measured.name).map(|gate| gate.standing());
            Known { measured, is_in, php }
        });
        known.collect()
    }

    /// What is known of a host name, now and from now on.
    pub(super) fn follow(&self, host: &str) -> watch::Receiver<names::Known> {
        self.names.follow(host)
    }

    /// A number for a group, higher than all before: so not every worker's begins with the same upstream, and the newest is
    /// known.
    pub(super) fn number(&self) -> usize {
        self.groups.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn millis(&self) -> Millis {
        Millis::try_from(now().saturating_duration_since(self.began).as_millis()).unwrap_or(Millis::MAX)
    }
}

/// Something for each upstream, as long as somebody uses it.
struct ByName<T>(Mutex<Vec<(Arc<str>, Weak<T>)>>);

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> ByName<T> {
    fn find(&self, name: &Arc<str>) -> Option<Arc<T>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(known, _)| known == name).and_then(|(_, used)| used.upgrade())
    }

    fn of(&self, name: &Arc<str>) -> Arc<T> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(_, used)| used.strong_count() > 0);
        let before = known.iter().find(|(known, _)| known == name).and_then(|(_, used)| used.upgrade());
        before.unwrap_or_else(|| {
            let new = Arc::default();
            known.push((Arc::clone(name), Arc::downgrade(&new)));
            new
        })
    }
}

impl Default for Registry {
    /// One that resolves names as the system does.
    fn default() -> Self {
        Self::new(Arc::<SystemNames>::default())
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::Arc;

    use super::Registry;
    use crate::upstream::health::{Attempt, Shared};
    use crate::upstream::state::{Role, State};

    #[test]
    fn health_is_one_for_each_name_as_long_as_somebody_uses_it() {
        let registry = Registry::default();
        let (one, two) = ("http://10.0.0.1:80".into(), "http://10.0.0.2:80".into());
        let before = registry.health(&one);
        Attempt::begin(&Rc::new(Shared(Arc::clone(&before))), Role::Regular).unwrap().failed(0);
        assert_eq!(registry.health(&one).state(), State::In { failures: 1 });
        assert_eq!(registry.health(&two).state(), State::NEW);
        drop(before);
        assert_eq!(registry.health(&one).state(), State::NEW, "nobody used it any more");
    }
}
