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
    /// The most connections of clients at a time, over all workers.
    pub connections: usize,
    /// The most of them from one address (64 bits of IPv6); `None` is no limit. Trusted proxies are exempt.
    pub connections_per_address: Option<usize>,
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
            connections: 10_000,
            connections_per_address: None,
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
    /// The most connections of clients at a time, over all workers; 10000 when absent.
    connections: Option<Scalar<Connections>>,
    /// The most of them from one address (64 bits of IPv6), or `unlimited`, as when absent. Trusted proxies are exempt.
    connections_per_address: Option<Scalar<PerAddress>>,
    /// The most bytes of a request's head, 1KiB to 16MiB; 64KiB when absent.
    header_bytes: Option<Scalar<HeaderBytes>>,
    /// The most bytes of a request's body, or `unlimited`, as when absent.
    body_bytes: Option<Scalar<Bound>>,
    /// The longest time for a request's head, from its first byte, and for a TLS handshake; 10s when absent.
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
            connections: shape.connections.map_or(default.connections, |set| set.0.0),
            connections_per_address: shape
                .connections_per_address
                .map_or(default.connections_per_address, |set| set.0.0),
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
            connections: Some(Scalar(Connections(limits.connections))),
            connections_per_address: Some(Scalar(PerAddress(limits.connections_per_address))),
            header_bytes: Some(Scalar(HeaderBytes(limits.header_bytes))),
            body_bytes: Some(Scalar(Bound(limits.body_bytes))),
            header_timeout: timeout(limits.header_timeout),
            body_timeout: timeout(limits.body_timeout),
            keep_alive_timeout: timeout(limits.keep_alive_timeout),
            write_timeout: timeout(limits.write_timeout),
        }
    }
}

/// More file descriptors than this no process gets: `fs.nr_open` is 1048576 unless somebody raised it.
const MOST_CONNECTIONS: usize = 1 << 20;

/// A number of connections, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Connections(usize);

/// A number of connections, or no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PerAddress(Option<usize>);

impl FromStr for Connections {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && (1..=MOST_CONNECTIONS).contains(number));
        number.map(Self).ok_or_else(|| {
            Refused::new("is not a number of connections", "write 1 to 1048576, such as 10000")
        })
    }
}

impl fmt::Display for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for Connections {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "integer", "minimum": 1, "maximum": MOST_CONNECTIONS }),
            json!({ "type": "string", "pattern": "^0*[1-9][0-9]{0,6}$" }),
        ]
    }
}

impl FromStr for PerAddress {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if text == "unlimited" {
            return Ok(Self(None));
        }
        let refused = |_| {
            Refused::new("is not a number of connections", "write `unlimited`, or 1 to 1048576, such as 100")
        };
        text.parse().map(|Connections(number)| Self(Some(number))).map_err(refused)
    }
}

impl fmt::Display for PerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => number.fmt(f),
            None => f.write_str("unlimited"),
        }
    }
}

impl Leaf for PerAddress {
    fn schema() -> Vec<Value> {
        [vec![json!({ "const": "unlimited" })], Connections::schema()].concat()
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
    use super::{Connections, HeaderBytes, PerAddress};

    #[test]
    fn connections_are_counted_in_whole_numbers() {
        assert_eq!("10000".parse(), Ok(Connections(10_000)));
        assert_eq!("unlimited".parse(), Ok(PerAddress(None)));
        assert_eq!("7".parse::<PerAddress>().unwrap().to_string(), "7");
        for text in ["0", "-1", "+1", "1k", "1048577", "", "none"] {
            let refused = text.parse::<PerAddress>().unwrap_err().to_string();
            assert_eq!(
                refused,
                "is not a number of connections; write `unlimited`, or 1 to 1048576, such as 100"
            );
        }
        assert!("unlimited".parse::<Connections>().is_err(), "the file descriptors are a limit anyway");
    }

    #[test]
    fn a_head_has_room_within_reason() {
        assert_eq!("64KiB".parse(), Ok(HeaderBytes(65536)));
        for text in ["0", "1023", "17MiB"] {
            let refused = text.parse::<HeaderBytes>().unwrap_err().to_string();
            assert_eq!(refused, "is no size for a head; write 1KiB to 16MiB, such as 64KiB");
        }
    }
}
