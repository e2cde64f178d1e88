//! Which exchanges were told of lately, so that no trail counts twice.
//!
//! A trail is signed for one request. Somebody between the doctors who kept one could put it on another request for the
//! same host, and a loss would be proved that never was. So every exchange is remembered when its trail is believed first;
//! a second request with the same trail is one without a trail. That is also what a proxy's honest retry gets.
//!
//! The memory is a table without locks: a place per exchange, by its identifier, and who comes later takes the place. A trail
//! is good for five minutes anyway; up to some 400 requests a second the table remembers nearly all of them as long.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::evidence::ExchangeId;

/// How many exchanges are remembered at most: 1 MiB, where doctors share a key.
const PLACES: usize = 1 << 17;

/// The exchanges.
#[derive(Debug)]
pub struct Replays(Box<[AtomicU64]>);

impl Default for Replays {
    fn default() -> Self {
        Self(std::iter::repeat_with(AtomicU64::default).take(PLACES).collect())
    }
}

impl Replays {
    /// Whether nobody told of this exchange before; from now on somebody did.
    pub(super) fn is_first(&self, exchange: ExchangeId) -> bool {
        let number = exchange.number();
        let place = usize::try_from(number).unwrap_or_default() % PLACES;
        let Some(place) = self.0.get(place) else { return false };
        place.swap(number, Ordering::Relaxed) != number
    }
}

#[cfg(test)]
mod tests {
    use super::{ExchangeId, PLACES, Replays};

    #[test]
    fn an_exchange_is_first_once_until_another_takes_its_place() {
        let (replays, one) = (Replays::default(), ExchangeId::new(7));
        assert!(replays.is_first(one) && !replays.is_first(one));
        let same_place = ExchangeId::new(7 + u64::try_from(PLACES).unwrap());
        assert!(replays.is_first(ExchangeId::new(8)) && !replays.is_first(one));
        assert!(replays.is_first(same_place) && replays.is_first(one));
    }
}
