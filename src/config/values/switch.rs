//! A setting that is on or off, as YAML 1.2 writes it: `true` or `false`.

use crate::config::error::Refused;
use crate::config::reading::Leaf;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Switch(pub(crate) bool);

impl FromStr for Switch {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        text.parse().map(Self).map_err(|_| Refused::new("is neither on nor off", "write true or false"))
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for Switch {
    fn schema() -> Vec<Value> {
        vec![json!({ "type": "boolean" })]
    }
}

#[cfg(test)]
mod tests {
    use super::Switch;

    #[test]
    fn yes_and_no_are_told_the_words() {
        assert_eq!("true".parse(), Ok(Switch(true)));
        for text in ["yes", "True", "1", ""] {
            let refused = text.parse::<Switch>().unwrap_err().to_string();
            assert_eq!(refused, "is neither on nor off; write true or false");
        }
    }
}
