//! Key `workers`: how many threads share the work.

use super::error::Refused;
use super::reading::Leaf;
use serde_json::{Value, json};
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

/// What the file says; the plan has the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Workers {
    /// As many as there are cores to use.
    #[default]
    Auto,
    /// So many.
    Number(NonZeroUsize),
}

/// More would only fight over the cores, and is a slip of the pen.
const MOST: usize = 1024;

impl FromStr for Workers {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number: &NonZeroUsize| digits && number.get() <= MOST);
        number.map(Self::Number).ok_or_else(|| {
            Refused::new("is not a number of workers", "write auto, or a number from 1 to 1024")
        })
    }
}

impl fmt::Display for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl Leaf for Workers {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "const": "auto" }),
            json!({ "type": "integer", "minimum": 1, "maximum": MOST }),
            json!({ "type": "string", "pattern": "^0*[1-9][0-9]{0,3}$" }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::Workers;

    #[test]
    fn a_word_or_a_number_is_understood() {
        assert_eq!("auto".parse(), Ok(Workers::Auto));
        assert_eq!("3".parse::<Workers>().unwrap().to_string(), "3");
    }

    #[test]
    fn no_workers_or_too_many_are_refused() {
        for text in ["0", "-1", "1025", "two", "", "+2"] {
            assert!(text.parse::<Workers>().is_err(), "{text}");
        }
    }
}
