//! Sizes as people write them: `64KiB`, `1MiB`, `10MB`, `4096`, and `unlimited` where there may be no limit.
//!
//! `64k` is refused rather than guessed: it is 65536 to nginx and 64000 to others.

use crate::config::error::Refused;
use crate::config::reading::Leaf;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

/// A number of bytes that may not be passed, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound(pub(crate) Option<u64>);

/// A number of bytes that is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

/// The units with their bytes, the largest first.
const UNITS: &[(&str, u64)] = &[
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1000),
    ("KB", 1000),
    ("B", 1),
    ("", 1),
];

impl Size {
    /// How one that is not zero may be written, for a JSON Schema.
    pub(crate) const PATTERN: &str = "^0*[1-9][0-9]*(GiB|GB|MiB|MB|KiB|kB|KB|B)?$";
}

impl FromStr for Size {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let refused =
            || Refused::new("is not a size", "write a whole number and a unit, such as 64KiB, 1MiB or 10MB");
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) =
            text.split_at_checked(digits).filter(|(number, _)| !number.is_empty()).ok_or_else(refused)?;
        let Some((_, bytes)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(ambiguous(number, unit).unwrap_or_else(refused));
        };
        let size = number.parse().ok().and_then(|number: u64| number.checked_mul(*bytes));
        size.map(Self).ok_or_else(|| Refused::new("is larger than any memory", "write fewer bytes"))
    }
}

/// The refusal of a unit that means one thing to nginx and another to the rest.
fn ambiguous(number: &str, unit: &str) -> Option<Refused> {
    let (of_1024, of_1000) = match unit {
        "k" | "K" => ("KiB", "kB"),
        "m" | "M" => ("MiB", "MB"),
        "g" | "G" => ("GiB", "GB"),
        _ => return None,
    };
    Some(Refused::new("could mean 1024 or 1000", format!("write {number}{of_1024} or {number}{of_1000}")))
}

impl FromStr for Bound {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if text == "unlimited" {
            return Ok(Self(None));
        }
        let Size(bytes) = text.parse()?;
        if bytes == 0 {
            return Err(Refused::new("would let nothing pass", "write `unlimited` for no limit"));
        }
        Ok(Self(Some(bytes)))
    }
}

impl FromStr for Bytes {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        match text.parse()? {
            Size(0) => Err(Refused::new("would hold nothing", "write 1 or more, such as 256KiB")),
            Size(bytes) => Ok(Self(bytes)),
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Size(self.0).fmt(f)
    }
}

impl Leaf for Bytes {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "string", "pattern": Size::PATTERN, "examples": ["256KiB", "4GiB"] }),
            json!({ "type": "integer", "minimum": 1 }),
        ]
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact =
            |(name, bytes): &&(&str, u64)| !name.is_empty() && self.0 != 0 && self.0.is_multiple_of(*bytes);
        match UNITS.iter().filter(|(_, bytes)| *bytes > 1).find(exact) {
            Some((name, bytes)) => write!(f, "{}{name}", self.0 / bytes),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => Size(bytes).fmt(f),
            None => f.write_str("unlimited"),
        }
    }
}

impl Leaf for Bound {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "const": "unlimited" }),
            json!({ "type": "string", "pattern": Size::PATTERN, "examples": ["64KiB", "1MiB", "10MB"] }),
            json!({ "type": "integer", "minimum": 1 }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Size};
    use proptest::prelude::{any, proptest};

    fn refused(text: &str) -> String {
        text.parse::<Bound>().unwrap_err().to_string()
    }

    #[test]
    fn every_unit_is_understood() {
        let bytes = |text: &str| text.parse::<Size>().unwrap().0;
        assert_eq!(
            ["64KiB", "1MiB", "10MB", "2kB", "4096", "7B"].map(bytes),
            [65536, 1_048_576, 10_000_000, 2000, 4096, 7]
        );
    }

    #[test]
    fn a_unit_with_two_meanings_is_refused() {
        assert_eq!(refused("64k"), "could mean 1024 or 1000; write 64KiB or 64kB");
        assert_eq!(refused("1M"), "could mean 1024 or 1000; write 1MiB or 1MB");
    }

    #[test]
    fn zero_is_not_taken_for_unlimited() {
        assert_eq!(refused("0"), "would let nothing pass; write `unlimited` for no limit");
        assert_eq!("unlimited".parse(), Ok(Bound(None)));
    }

    #[test]
    fn anything_else_is_shown_how() {
        for text in ["", "KiB", "1.5MiB", "-1", "64 KiB", "64kib", "lots"] {
            assert!(refused(text).starts_with("is not a size; write a whole number"), "{text}");
        }
        assert_eq!(refused("99999999999GiB"), "is larger than any memory; write fewer bytes");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes in any::<u64>(), zeros in 0_u32..40) {
            let size = Size(bytes >> zeros << zeros);
            assert_eq!(size.to_string().parse(), Ok(size));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            drop(text.parse::<Bound>());
        }
    }
}
