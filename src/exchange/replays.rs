//! Which exchanges were told of lately, so that no trail counts twice.
//!
//! A trail is signed for one request. Somebody between the doctors who kept one could put it on another request for the
//! same host, and a loss would be proved that never was. So every exchange is remembered when its trail is believed first;
//! a second request with the same trail is one without a trail. That is also what a proxy's honest retry gets.
//!
//! The memory is a table without locks: a place per exchange, by the lower bits of its identifier, for the upper half of it, and
//! who comes later takes the place. A trail is good for five minutes anyway; up to some 400 requests a second the table
//! remembers nearly all of them as long. Small as it is, most of it stays in the processor's cache.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::evidence::ExchangeId;

/// How many exchanges are remembered at most: 512 KiB, where doctors share a key.
const PLACES: usize = 1 << 17;

/// The exchanges.
#[derive(Debug)]
pub struct Replays(Box<[AtomicU32]>);

impl Default for Replays {
    fn default() -> Self {
        Self(std::iter::repeat_with(AtomicU32::default).take(PLACES).collect())
    }
}

impl Replays {
    /// Whether nobody told of this exchange before; from now on somebody did.
    pub(super) fn is_first(&self, exchange: ExchangeId) -> bool {
        let Some((place, half)) = self.place(exchange) else { return false };
        place.swap(half, Ordering::Relaxed) != half
    }

    /// The same for a trail that is left unread. Of two that come in the same instant both may be the first, as if one had come
    /// before; in return nobody waits for a place that is not in the cache.
    pub(super) fn seems_first(&self, exchange: ExchangeId) -> bool {
        let Some((place, half)) = self.place(exchange) else { return false };
        let is_first = place.load(Ordering::Relaxed) != half;
        if is_first {
            place.store(half, Ordering::Relaxed);
        }
        is_first
    }

    /// The place of an exchange, and what stands there for it.
    fn place(&self, exchange: ExchangeId) -> Option<(&AtomicU32, u32)> {
        let number = exchange.number();
        let place = self.0.get(usize::try_from(number).ok()? % PLACES)?;
        // Nobody's half is that of an empty place.
        Some((place, u32::try_from(number >> 32).ok()? | 1))
    }
}

#[cfg(test)]
mod tests {
    use super::{ExchangeId, Replays};

    #[test]
    fn an_exchange_is_first_once_until_another_takes_its_place() {
        let (replays, one) = (Replays::default(), ExchangeId::new(2 << 32 | 7));
        assert!(replays.is_first(one) && !replays.is_first(one));
        let same_place = ExchangeId::new(4 << 32 | 7);
        assert!(replays.is_first(ExchangeId::new(2 << 32 | 8)) && !replays.is_first(one));
        assert!(replays.is_first(same_place) && replays.is_first(one));
        assert!(!replays.seems_first(one) && replays.seems_first(same_place));
        assert!(!replays.is_first(same_place) && replays.seems_first(one));
    }
}
