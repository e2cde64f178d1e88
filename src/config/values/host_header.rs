//! What an upstream is told as `Host`.

use super::address::{HOST, host_and_port};
use crate::config::error::Refused;
use crate::config::reading::Leaf;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// What an upstream is told as `Host`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HostHeader {
    /// What the client said.
    #[default]
    Preserve,
    /// The host of the upstream's own URL.
    Upstream,
    /// This name, with a port or without.
    Named(String),
}

impl FromStr for HostHeader {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        match text {
            "preserve" => Ok(Self::Preserve),
            "upstream" => Ok(Self::Upstream),
            name if host_and_port(name).is_ok() => Ok(Self::Named(name.to_ascii_lowercase())),
            _ => Err(Refused::new("is not a host", "write preserve, upstream, NAME or NAME:PORT")),
        }
    }
}

impl fmt::Display for HostHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preserve => "preserve",
            Self::Upstream => "upstream",
            Self::Named(name) => name,
        })
    }
}

impl Leaf for HostHeader {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "const": "preserve", "description": "What the client said." }),
            json!({ "const": "upstream", "description": "The host of the upstream's own URL." }),
            json!({ "type": "string", "pattern": format!("^{HOST}(:[0-9]{{1,5}})?$"), "examples": ["www.example.com"] }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::HostHeader;

    #[test]
    fn a_host_is_a_word_or_a_name() {
        assert_eq!("preserve".parse(), Ok(HostHeader::Preserve));
        assert_eq!("upstream".parse(), Ok(HostHeader::Upstream));
        for name in ["www.example.com", "a:8080", "[::1]:80", "10.0.0.7"] {
            assert_eq!(name.parse(), Ok(HostHeader::Named(name.to_owned())));
        }
        for text in ["", "a b", "https://a", "a/b", "a:b", "a:0"] {
            assert!(text.parse::<HostHeader>().is_err(), "{text}");
        }
    }
}
