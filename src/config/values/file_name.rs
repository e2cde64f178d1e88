//! The name of a file to read.

use crate::config::error::Refused;
use crate::config::reading::Leaf;
use serde_json::{Value, json};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The path of a file; one that is not from the root begins in the folder of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName(pub(crate) PathBuf);

impl FromStr for FileName {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if text.contains("-----BEGIN") {
            return Err(Refused::new("is no name of a file", "save it in a file and write the name of that"));
        }
        if text.is_empty() || text.contains(char::is_control) {
            let right = "write one, such as /etc/header-doctor/tls.crt";
            return Err(Refused::new("is no name of a file", right));
        }
        Ok(Self(PathBuf::from(text)))
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Leaf for FileName {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "string", "minLength": 1, "examples": ["tls.crt", "/etc/header-doctor/tls.crt"] }),
        ]
    }
}
