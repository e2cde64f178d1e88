//! Times as people write them: `500ms`, `5s`, `2m`, `1h`.
//!
//! The unit is required, since a bare `60` is seconds to nginx and milliseconds to HAProxy.

use crate::config::error::Refused;
use crate::config::reading::Leaf;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A time that may be zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

/// A time that something is given to finish, so never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeout(pub(crate) Duration);

/// The longest time, a year: beyond it somebody meant "never".
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const EXAMPLES: &str = "500ms, 5s, 2m or 1h";

impl FromStr for Span {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let refused =
            || Refused::new("is not a time", format!("write a whole number and a unit, such as {EXAMPLES}"));
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or_else(refused)?;
        if number.is_empty() {
            return Err(refused());
        }
        if unit.is_empty() {
            return Err(Refused::new("has no unit", format!("write {number}s or {number}ms")));
        }
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(refused()),
        };
        let time = number.parse().ok().and_then(|number: u64| number.checked_mul(milliseconds));
        let time = Duration::from_millis(time.unwrap_or(u64::MAX));
        if time > LONGEST {
            return Err(Refused::new("is more than a year", "write at most 8760h"));
        }
        Ok(Self(time))
    }
}

impl FromStr for Timeout {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let Span(time) = text.parse()?;
        if time.is_zero() {
            return Err(Refused::new("leaves no time at all", format!("write {EXAMPLES}")));
        }
        Ok(Self(time))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_millis() == 0 {
            return write!(f, "{}s", self.0.as_secs());
        }
        write!(f, "{}ms", self.0.as_millis())
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Span(self.0).fmt(f)
    }
}

impl Leaf for Span {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$", "examples": ["500ms", "5s", "2m", "1h"] }),
        ]
    }
}

impl Leaf for Timeout {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "string", "pattern": "^0*[1-9][0-9]*(ms|s|m|h)$", "examples": ["500ms", "5s", "2m", "1h"] }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::{Span, Timeout};
    use proptest::prelude::{any, proptest};
    use std::time::Duration;

    fn refused(text: &str) -> String {
        text.parse::<Timeout>().unwrap_err().to_string()
    }

    #[test]
    fn every_unit_is_understood() {
        let milliseconds = |text: &str| text.parse::<Span>().unwrap().0.as_millis();
        assert_eq!(["500ms", "5s", "2m", "1h", "0s"].map(milliseconds), [500, 5000, 120_000, 3_600_000, 0]);
    }

    #[test]
    fn a_missing_unit_is_asked_for() {
        assert_eq!(refused("60"), "has no unit; write 60s or 60ms");
    }

    #[test]
    fn anything_else_is_shown_how() {
        for text in ["", "s", "1.5s", "-1s", "5 s", "5S", "1h30m", "5d", "é"] {
            assert!(refused(text).starts_with("is not a time; write a whole number"), "{text}");
        }
        assert_eq!(refused("0s"), "leaves no time at all; write 500ms, 5s, 2m or 1h");
        assert_eq!(refused("99999999999999999999h"), "is more than a year; write at most 8760h");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(milliseconds in 0_u64..31_536_000_000) {
            let span = Span(Duration::from_millis(milliseconds));
            assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            drop(text.parse::<Timeout>());
        }
    }
}
