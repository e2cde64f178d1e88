//! What workers share of an upstream: how many requests are under way there, and whether it is asked at all. Atomic
//! counters, and no lock.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::state::{Candidate, Change, Millis, Role, State};

/// A worker's own handle, so that no two workers count handles in the same place.
pub(super) struct Shared(pub(super) Arc<Health>);

/// One upstream as all workers see it.
#[derive(Debug, Default)]
pub(super) struct Health {
    outstanding: AtomicU32,
    /// A [`State`], packed: zero while all is well.
    state: AtomicU64,
    /// When it went out.
    out_since: AtomicU64,
}

impl Health {
    pub(super) fn candidate(&self) -> Candidate {
        Candidate { outstanding: self.outstanding.load(Ordering::Relaxed), state: self.state() }
    }

    pub(super) fn state(&self) -> State {
        State::unpack(self.state.load(Ordering::Relaxed))
    }

    pub(super) fn out_since(&self) -> Millis {
        self.out_since.load(Ordering::Relaxed)
    }

    /// Makes this request the probe, unless another one was quicker.
    fn claim(&self, role: Role) -> bool {
        self.update(|state| state.claimed(role)).is_ok()
    }

    /// Changes the state by `next`, again when another worker was quicker. Gives the state before.
    fn update(&self, next: impl Fn(State) -> Option<State>) -> Result<State, State> {
        let packed = |word| next(State::unpack(word)).map(State::pack);
        let updated = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, packed);
        updated.map(State::unpack).map_err(State::unpack)
    }
}

/// One request under way to an upstream: it is counted there until this is dropped.
pub(super) struct Attempt {
    health: Rc<Shared>,
    role: Role,
    is_judged: bool,
}

impl Attempt {
    /// Begins; nothing when another request has become the probe that this one was to be.
    pub(super) fn begin(health: &Rc<Shared>, role: Role) -> Option<Self> {
        if matches!(role, Role::Probe { .. }) && !health.0.claim(role) {
            return None;
        }
        health.0.outstanding.fetch_add(1, Ordering::Relaxed);
        Some(Self { health: Rc::clone(health), role, is_judged: false })
    }

    /// Whether the upstream was out, and this request finds out about it.
    pub(super) const fn is_probe(&self) -> bool {
        matches!(self.role, Role::Probe { .. })
    }

    /// A reply has come.
    pub(super) fn succeeded(&mut self) -> Option<Change> {
        self.is_judged = true;
        if self.health.0.state.load(Ordering::Relaxed) == State::NEW.pack() {
            return None;
        }
        let role = self.role;
        let before = self.health.0.update(|state| Some(state.succeeded(role).0)).ok()?;
        before.succeeded(role).1
    }

    /// No reply has come, by the fault of the upstream.
    pub(super) fn failed(&mut self, now: Millis) -> Option<Change> {
        self.is_judged = true;
        let role = self.role;
        let before = self.health.0.update(|state| Some(state.failed(role, now).0)).ok()?;
        let change = before.failed(role, now).1;
        if change.is_some() {
            self.health.0.out_since.store(now, Ordering::Relaxed);
        }
        change
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.health.0.outstanding.fetch_sub(1, Ordering::Relaxed);
        let role = self.role;
        if !self.is_judged && role != Role::Regular {
            let _released = self.health.0.update(|state| Some(state.abandoned(role)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::Arc;
    use std::thread;

    use super::{Attempt, Change, Health, Role, Shared, State};

    fn handle(health: &Arc<Health>) -> Rc<Shared> {
        Rc::new(Shared(Arc::clone(health)))
    }

    fn fail(health: &Arc<Health>, times: usize, now: u64) -> Vec<Change> {
        let handle = handle(health);
        let attempt = |_| Attempt::begin(&handle, Role::Regular).unwrap().failed(now);
        (0..times).filter_map(attempt).collect()
    }

    #[test]
    fn requests_are_counted_while_they_are_under_way() {
        let health = Arc::default();
        let handle = handle(&health);
        let attempts: Vec<_> = (0..3).map(|_| Attempt::begin(&handle, Role::Regular)).collect();
        assert_eq!(health.candidate().outstanding, 3);
        drop(attempts);
        assert_eq!(health.candidate().outstanding, 0);
    }

    #[test]
    fn of_many_failures_at_a_time_one_is_told_as_the_change() {
        let health = Arc::default();
        let changes = thread::scope(|scope| {
            let workers: Vec<_> = (0..8).map(|_| scope.spawn(|| fail(&health, 50, 7))).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(changes, [Change::WentOut(10_000)]);
        assert_eq!(health.out_since(), 7);
    }

    #[test]
    fn of_many_requests_at_a_time_one_is_the_probe() {
        let health = Arc::default();
        fail(&health, 3, 0);
        let role = Role::Probe { due: 10_000 };
        let probes = thread::scope(|scope| {
            let workers: Vec<_> = (0..8).map(|_| scope.spawn(|| health.claim(role))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!(probes, 1);
    }

    #[test]
    fn a_probe_whose_client_goes_away_leaves_the_place_to_the_next() {
        let health = Arc::default();
        fail(&health, 3, 0);
        let (handle, role) = (handle(&health), Role::Probe { due: 10_000 });
        let gone = Attempt::begin(&handle, role).unwrap();
        assert!(Attempt::begin(&handle, role).is_none());
        drop(gone);
        let mut next = Attempt::begin(&handle, role).unwrap();
        assert_eq!(next.succeeded(), Some(Change::CameBack));
        assert_eq!(health.state(), State::NEW);
    }
}
