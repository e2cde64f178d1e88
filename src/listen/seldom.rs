//! What is true again and again is said once in a while, with how often it was.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// How long nothing is said of what was said.
const EVERY: Duration = Duration::from_secs(10);

/// When something was said last, and how often it was held back since.
#[derive(Debug, Default)]
pub(super) struct Seldom {
    said: Cell<Option<Instant>>,
    held: Cell<u64>,
}

impl Seldom {
    /// How often it was so since it was said last, this time counted; nothing when it is too soon to say it again.
    pub(super) fn news(&self, now: Instant) -> Option<u64> {
        let times = self.held.get() + 1;
        if self.said.get().is_some_and(|said| now < said + EVERY) {
            self.held.set(times);
            return None;
        }
        self.said.set(Some(now));
        self.held.set(0);
        Some(times)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{EVERY, Seldom};

    #[test]
    fn it_is_said_at_once_and_then_once_in_a_while_with_its_number() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        assert_eq!(seldom.news(start), Some(1));
        assert_eq!(seldom.news(start + Duration::from_secs(1)), None);
        assert_eq!(seldom.news(start + Duration::from_secs(2)), None);
        assert_eq!(seldom.news(start + EVERY), Some(3));
    }
}
