//! The names by which an exchange is found again.

use std::cell::Cell;
use std::fmt;

use crate::evidence::ExchangeId;

/// A source of identifiers, one per worker: no two share a counter, and nobody counts our traffic by them.
/// The sequence is Steele's SplitMix64, which visits each of its 2⁶⁴ values once.
#[derive(Debug)]
pub struct ExchangeIds(Cell<u64>);

impl ExchangeIds {
    /// A source that starts anywhere.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        Ok(Self(Cell::new(getrandom::u64()?)))
    }

    /// The next identifier.
    pub fn next(&self) -> ExchangeId {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ExchangeId::new(mixed ^ (mixed >> 31))
    }
}

/// The identifier of a trace (W3C Trace Context §3.2.2.3): the name that joins two doctors' records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl TraceId {
    /// The trace of an exchange that nobody gave one: its identifier, as systems with 64 bits write theirs (§8.3). Doctors that
    /// compare notes share the exchange, and so the trace.
    #[must_use]
    pub fn of_exchange(exchange: ExchangeId) -> Self {
        Self(u128::from(exchange.number()))
    }

    /// Reads it from a valid `traceparent`; anything malformed counts as none (§3.2.2).
    #[must_use]
    pub fn from_traceparent(value: &[u8]) -> Option<Self> {
        let mut parts = value.split(|byte| *byte == b'-');
        let version = hex(parts.next()?, 2)?;
        let trace = hex(parts.next()?, 32)?;
        let parent = hex(parts.next()?, 16)?;
        hex(parts.next()?, 2)?;
        let ends = version != 0 || parts.next().is_none();
        (ends && version != 0xff && trace != 0 && parent != 0).then_some(Self(trace))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Exactly `digits` lower-case hex digits.
fn hex(text: &[u8], digits: usize) -> Option<u128> {
    if text.len() != digits {
        return None;
    }
    text.iter().try_fold(0, |sum, byte| {
        let digit = char::from(*byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase())?;
        Some((sum << 4) | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::{ExchangeIds, TraceId};

    #[test]
    fn exchange_ids_differ() {
        let ids = ExchangeIds::random().unwrap();
        assert_ne!(ids.next(), ids.next());
    }

    #[test]
    fn only_a_valid_traceparent_names_a_trace() {
        let read = |text: &str| TraceId::from_traceparent(text.as_bytes()).map(|id| id.to_string());
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(read(&format!("00-{trace}-00f067aa0ba902b7-01")).as_deref(), Some(trace));
        assert_eq!(read(&format!("01-{trace}-00f067aa0ba902b7-01-more")).as_deref(), Some(trace));
        let invalid = [
            String::new(),
            format!("ff-{trace}-00f067aa0ba902b7-01"),
            format!("00-{trace}-00f067aa0ba902b7-01-more"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{trace}-00f067aa0ba902b7"),
        ];
        for text in invalid {
            assert_eq!(read(&text), None, "{text}");
        }
    }
}
