//! What a doctor is called on the path.

use crate::config::error::Refused;
use crate::config::reading::Leaf;
use crate::evidence::{HopName, Instance};
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// The name of a doctor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hop(pub(crate) HopName);

impl FromStr for Hop {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let right = "write up to 32 small letters, digits, `.`, `_` or `-`, a letter first, such as edge";
        HopName::new(text).map(Self).ok_or_else(|| Refused::new("is not a name for a doctor", right))
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for Hop {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "string", "pattern": "^[a-z][a-z0-9._-]{0,31}$", "examples": ["edge", "sidecar"] }),
        ]
    }
}

/// Which of the doctors of one name it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Which(pub(crate) Instance);

impl FromStr for Which {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let right = "write up to 63 letters, digits, `.`, `_`, `-` or `:`, such as web-1, or nothing";
        Instance::new(text).map(Self).ok_or_else(|| Refused::new("is not a name for an instance", right))
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for Which {
    fn schema() -> Vec<Value> {
        let examples = ["web-1", "${POD_NAME:-}"];
        vec![json!({ "type": "string", "pattern": "^[A-Za-z0-9._:-]{0,63}$", "examples": examples })]
    }
}
