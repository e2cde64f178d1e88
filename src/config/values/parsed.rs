//! Values whose owner parses them: this only tells a mistake in the file's words.

use crate::config::error::Refused;
use crate::config::reading::Leaf;
use crate::headers::cors::{HeaderName, MethodName, OriginPattern, PathPrefix, Wrong};
use crate::headers::{FieldName, Range};
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// A value with a parser of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parsed<T>(pub(crate) T);

impl<T: FromStr<Err = Wrong>> FromStr for Parsed<T> {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        text.parse().map(Self).map_err(|Wrong { wrong, right }| Refused::new(wrong, right))
    }
}

impl<T: fmt::Display> fmt::Display for Parsed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for Parsed<OriginPattern> {
    fn schema() -> Vec<Value> {
        let examples = ["https://app.example.com", "https://*.preview.example.com", "http://localhost:3000"];
        vec![
            json!({ "type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#@]+$", "examples": examples }),
            json!({ "const": "null", "description": "Pages that hide where they come from; never with credentials." }),
            json!({ "const": "*", "description": "Anybody; never with credentials." }),
        ]
    }
}

impl Leaf for Parsed<MethodName> {
    fn schema() -> Vec<Value> {
        vec![json!({ "type": "string", "pattern": "^[A-Z]+$", "examples": ["GET", "POST", "PATCH"] })]
    }
}

impl Leaf for Parsed<HeaderName> {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]+$", "examples": ["authorization", "x-wp-nonce"] }),
        ]
    }
}

impl Leaf for Parsed<FieldName> {
    fn schema() -> Vec<Value> {
        let pattern = format!("^[A-Za-z0-9!#$%&'*+.^_`|~-]{{1,{}}}$", FieldName::LONGEST);
        vec![json!({ "type": "string", "pattern": pattern, "examples": ["x-authorization"] })]
    }
}

impl Leaf for Parsed<Range> {
    fn schema() -> Vec<Value> {
        let examples = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"];
        vec![
            json!({ "const": "private", "description": "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and fc00::/7." }),
            json!({ "const": "loopback", "description": "127.0.0.0/8 and ::1." }),
            json!({ "type": "string", "pattern": "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$", "examples": examples }),
        ]
    }
}

impl Leaf for Parsed<PathPrefix> {
    fn schema() -> Vec<Value> {
        vec![json!({ "type": "string", "pattern": "^/[^?#%*]*$", "examples": ["/wp-json/", "/graphql"] })]
    }
}
