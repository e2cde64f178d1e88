//! The name of a file with the keys that doctors share.

use crate::config::error::{Refused, holds_key};
use crate::config::reading::Leaf;
use serde_json::{Value, json};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The path of a file of keys; one that is not from the root begins in the folder of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyFile(pub(crate) PathBuf);

impl FromStr for KeyFile {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if holds_key(text) {
            let right = "save it in a file that only the doctor may read, and write the name of that";
            return Err(Refused::new("is a key and no name of a file", right));
        }
        if text.is_empty() || text.contains(char::is_control) {
            let right = "write one, such as /etc/header-doctor/trail.keys";
            return Err(Refused::new("is no name of a file", right));
        }
        Ok(Self(PathBuf::from(text)))
    }
}

impl fmt::Display for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Leaf for KeyFile {
    fn schema() -> Vec<Value> {
        let examples = ["trail.keys", "/etc/header-doctor/trail.keys"];
        vec![json!({ "type": "string", "minLength": 1, "examples": examples })]
    }
}
