//! Section `limits`: how much and how slow a client may be.

use super::error::Refused;
use super::reading::{Leaf, Scalar};
use super::values::{Bound, Size, Timeout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What is asked of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a request's head.
    pub header_bytes: usize,
    /// The most bytes of a request's body; `None` is no limit.
    pub body_bytes: Option<u64>,
    /// The longest time for a request's head, from its first byte.
    pub header_timeout: Duration,
    /// The longest time between two reads of a request's body.
    pub body_timeout: Duration,
    /// The longest time a connection may wait for its next request.
    pub keep_alive_timeout: Duration,
    /// The longest time a client may take to accept a part of the reply.
    pub write_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 64 << 10,
            body_bytes: None,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(60),
        }
    }
}

/// `limits` in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Limits")]
pub(super) struct Shape {
    /// The most bytes of a request's head, 1KiB to 16MiB; 64KiB when absent.
    header_bytes: Option<Scalar<HeaderBytes>>,
    /// The most bytes of a request's body, or `unlimited`, as when absent.
    body_bytes: Option<Scalar<Bound>>,
    /// The longest time for a request's head, from its first byte; 10s when absent.
    header_timeout: Option<Scalar<Timeout>>,
    /// The longest time between two reads of a request's body; 30s when absent.
    body_timeout: Option<Scalar<Timeout>>,
    /// The longest time a connection may wait for its next request; 75s when absent.
    keep_alive_timeout: Option<Scalar<Timeout>>,
    /// The longest time a client may take to accept a part of the reply; 60s when absent.
    write_timeout: Option<Scalar<Timeout>>,
}

impl From<Shape> for Limits {
    fn from(shape: Shape) -> Self {
        let default = Self::default();
        Self {
            header_bytes: shape.header_bytes.map_or(default.header_bytes, |set| set.0.0),
            body_bytes: shape.body_bytes.map_or(default.body_bytes, |set| set.0.0),
            header_timeout: shape.header_timeout.map_or(default.header_timeout, |set| set.0.0),
            body_timeout: shape.body_timeout.map_or(default.body_timeout, |set| set.0.0),
            keep_alive_timeout: shape.keep_alive_timeout.map_or(default.keep_alive_timeout, |set| set.0.0),
            write_timeout: shape.write_timeout.map_or(default.write_timeout, |set| set.0.0),
        }
    }
}

impl From<&Limits> for Shape {
    fn from(limits: &Limits) -> Self {
        let timeout = |time| Some(Scalar(Timeout(time)));
        Self {
            header_bytes: Some(Scalar(HeaderBytes(limits.header_bytes))),
            body_bytes: Some(Scalar(Bound(limits.body_bytes))),
            header_timeout: timeout(limits.header_timeout),
            body_timeout: timeout(limits.body_timeout),
            keep_alive_timeout: timeout(limits.keep_alive_timeout),
            write_timeout: timeout(limits.write_timeout),
        }
    }
}

/// The least room for a head, 1KiB: enough for any request of a browser without cookies.
const LEAST: usize = 1 << 10;

/// The most, 16MiB: a few such clients cannot fill the memory.
const MOST: usize = 16 << 20;

/// Room for a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HeaderBytes(usize);

impl FromStr for HeaderBytes {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let Size(bytes) = text.parse()?;
        let fits = usize::try_from(bytes).ok().filter(|bytes| (LEAST..=MOST).contains(bytes));
        fits.map(Self)
            .ok_or_else(|| Refused::new("is no size for a head", "write 1KiB to 16MiB, such as 64KiB"))
    }
}

impl fmt::Display for HeaderBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Size(self.0 as u64).fmt(f)
    }
}

impl Leaf for HeaderBytes {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "string", "pattern": Size::PATTERN, "examples": ["64KiB"] }),
            json!({ "type": "integer", "minimum": LEAST, "maximum": MOST }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::HeaderBytes;

    #[test]
    fn a_head_has_room_within_reason() {
        assert_eq!("64KiB".parse(), Ok(HeaderBytes(65536)));
        for text in ["0", "1023", "17MiB"] {
            let refused = text.parse::<HeaderBytes>().unwrap_err().to_string();
            assert_eq!(refused, "is no size for a head; write 1KiB to 16MiB, such as 64KiB");
        }
    }
}
