//! What a worker remembers of the doctors around it: how far their clocks differ, and what it told lately.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::evidence::ExchangeId;
use crate::moment::Moment;

/// How much two clocks may move against each other, and a request take on its way, while the difference counts as the same.
const STEADY: Duration = Duration::from_secs(60);

/// How often at most what happens to every request is told of a healthy one.
const TOLD: Duration = Duration::from_secs(60);

/// How often at least a trail is believed at once, whatever it looks like.
const BELIEVED: Duration = Duration::from_secs(1);

/// How often at most a good reply has a report, for each of the two things it may tell.
const REPORTED: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    skewed: Cell<Option<(ExchangeId, i64)>>,
    told: Cell<Option<Instant>>,
    reported: Cell<Option<Instant>>,
    changed: Cell<Option<Instant>>,
    believed: Cell<Option<Instant>>,
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
        is_due(&self.told, now, TOLD)
    }

    /// Whether it is time to believe a trail at once: nobody else says who is around.
    pub(super) fn must_believe(&self, now: Instant) -> bool {
        is_due(&self.believed, now, BELIEVED)
    }

    /// Whether it is time for another report on a good reply: that something was changed on the way, or that all is well.
    pub(super) fn may_report(&self, is_changed: bool, now: Instant) -> bool {
        is_due(if is_changed { &self.changed } else { &self.reported }, now, REPORTED)
    }
}

/// Whether `last` was not within this time before `now`; then it is now.
fn is_due(last: &Cell<Option<Instant>>, now: Instant, time: Duration) -> bool {
    let is_due = last.get().is_none_or(|last| now.saturating_duration_since(last) >= time);
    if is_due {
        last.set(Some(now));
    }
    is_due
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

    #[test]
    fn that_all_is_well_is_reported_once_a_second() {
        let (known, now) = (Neighbours::default(), Instant::now());
        assert!(known.may_report(false, now) && !known.may_report(false, now + Duration::from_millis(999)));
        assert!(known.may_report(true, now), "the two do not wait for each other");
        assert!(known.may_report(false, now + Duration::from_secs(1)));
    }
}
