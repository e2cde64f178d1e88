//! The name that an upstream's certificate must be for.

use crate::config::error::Refused;
use crate::config::reading::Leaf;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// A host name or an IP address, as certificates name them: without port, brackets or final dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VerifiedName(pub(crate) ServerName<'static>);

impl FromStr for VerifiedName {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let name = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let right = "write a name alone, such as origin.example.com, or an IP address";
        let name = ServerName::try_from(name);
        name.map(Self).map_err(|_| Refused::new("is not a name a certificate can be for", right))
    }
}

impl fmt::Display for VerifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_str())
    }
}

impl Leaf for VerifiedName {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "string", "pattern": r"^[A-Za-z0-9_.:\[\]-]+$", "examples": ["origin.example.com"] }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::VerifiedName;

    #[test]
    fn names_and_addresses_are_read_and_written_alike() {
        for (text, name) in [
            ("Origin.example.com.", "origin.example.com"),
            ("word_press", "word_press"),
            ("10.0.0.7", "10.0.0.7"),
            ("[2001:DB8::0]", "2001:db8::"),
        ] {
            assert_eq!(text.parse::<VerifiedName>().unwrap().to_string(), name);
        }
        for text in ["", "a:443", "https://a", "*.a.test", "a b", "bücher.example"] {
            assert!(text.parse::<VerifiedName>().is_err(), "{text}");
        }
    }
}
