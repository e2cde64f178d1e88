//! What a worker remembers of the doctors around it: how far their clocks differ, and what it told lately.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::evidence::ExchangeId;
use crate::moment::Moment;

/// How much two clocks may move against each other, and a request take on its way, while the difference counts as the same.
const STEADY: Duration = Duration::from_secs(60);

/// How often at most what happens to every request is told of a healthy one.
const TOLD: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    skewed: Cell<Option<(ExchangeId, i64)>>,
    told: Cell<Option<Instant>>,
}

impl Neighbours {
    /// Whether clocks differ: two exchanges tell the same difference. A single old trail may be a copy.
    pub(super) fn is_steady(&self, exchange: ExchangeId, signed: Moment, now: Moment) -> bool {
        let difference = now.millis().saturating_sub(signed.millis());
        let before = self.skewed.replace(Some((exchange, difference)));
        before.is_some_and(|(other, known)| {
            let moved = Duration::from_millis(known.abs_diff(difference));
            other != exchange && moved < STEADY
        })
    }

    /// Whether it is time to tell again, of a healthy request, what is true of every one.
    pub(super) fn may_tell(&self, now: Instant) -> bool {
        let lately = self.told.get().is_some_and(|told| now.saturating_duration_since(told) < TOLD);
        if !lately {
            self.told.set(Some(now));
        }
        !lately
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{ExchangeId, Moment, Neighbours};

    #[test]
    fn clocks_differ_when_two_exchanges_say_so() {
        let (known, at) = (Neighbours::default(), Moment::from_seconds);
        let [one, two, three] = [1, 2, 3].map(ExchangeId::new);
        assert!(!known.is_steady(one, at(1000), at(2000)), "one alone may be a copy");
        assert!(!known.is_steady(one, at(1000), at(2001)), "and stays one however often it comes");
        assert!(!known.is_steady(two, at(1000), at(2500)), "two copies of different age are no clock");
        assert!(known.is_steady(three, at(1030), at(2531)));
    }

    #[test]
    fn what_is_true_of_every_request_is_told_once_a_minute() {
        let (known, now) = (Neighbours::default(), Instant::now());
        assert!(known.may_tell(now) && !known.may_tell(now + Duration::from_secs(59)));
        assert!(known.may_tell(now + Duration::from_secs(60)));
    }
}
