//! When it was last proved that `Origin` is taken off behind this doctor.
//!
//! A hop that takes it off one request does so to all alike, and the doctor behind reports it of a good reply only now and
//! then, since a report keeps its reply out of caches. Between two reports the same loss looks as if the site lacked CORS
//! headers; whoever remembers the last one blames nobody for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// For how long one proof speaks for the exchanges after it.
const SPEAKS: Duration = Duration::from_secs(60);

/// See the module. Workers share it.
#[derive(Debug)]
pub struct Stripped {
    begun: Instant,
    /// Milliseconds from `begun` to the end of what the last proof speaks for; 0 before the first.
    until: AtomicU64,
}

impl Default for Stripped {
    fn default() -> Self {
        Self { begun: Instant::now(), until: AtomicU64::new(0) }
    }
}

impl Stripped {
    /// It was just proved.
    pub(super) fn note(&self, now: Instant) {
        self.until.store(self.millis(now + SPEAKS), Ordering::Relaxed);
    }

    /// Whether it was proved shortly before.
    pub(super) fn holds(&self, now: Instant) -> bool {
        self.millis(now) < self.until.load(Ordering::Relaxed)
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.begun).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{SPEAKS, Stripped};

    #[test]
    fn one_proof_speaks_for_a_while() {
        let stripped = Stripped::default();
        let now = stripped.begun;
        assert!(!stripped.holds(now));
        stripped.note(now);
        assert!(stripped.holds(now) && stripped.holds(now + SPEAKS / 2));
        assert!(!stripped.holds(now + SPEAKS));
        stripped.note(now + SPEAKS);
        assert!(stripped.holds(now + SPEAKS));
    }
}
