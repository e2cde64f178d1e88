//! Section `upstreams` of a site: where its requests are sent to.
//!
//! For now a site has exactly one; the file already has a list, so that no file changes when balancing comes.

use super::error::Problem;
use super::reading::Scalar;
use super::values::{Address, Timeout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where to send requests, and how long to wait there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Where to connect to.
    pub address: Address,
    /// The longest time to establish a connection.
    pub connect_timeout: Duration,
    /// The longest time from the end of the request to the first byte of the reply.
    pub response_timeout: Duration,
    /// The longest time between two reads of the reply. What was upgraded may be silent.
    pub idle_timeout: Duration,
}

impl Upstream {
    /// An upstream with the default times.
    #[must_use]
    pub const fn new(address: Address) -> Self {
        Self {
            address,
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
        }
    }
}

/// One entry of `upstreams` in the file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Upstream")]
pub(super) struct Shape {
    /// `http://HOST:PORT`, `HOST:PORT` or `unix:/PATH`; the port is 80 where `http://` stands without one.
    url: Scalar<Address>,
    /// The longest time to establish a connection; 5s when absent.
    connect_timeout: Option<Scalar<Timeout>>,
    /// The longest time from the end of the request to the first byte of the reply; 60s when absent.
    response_timeout: Option<Scalar<Timeout>>,
    /// The longest time between two reads of the reply, not of a WebSocket; 60s when absent.
    idle_timeout: Option<Scalar<Timeout>>,
}

/// The one upstream of a site.
pub(super) fn check(shapes: Option<Vec<Shape>>) -> Result<Upstream, Problem> {
    let mut shapes = shapes.unwrap_or_default().into_iter();
    let Some(shape) = shapes.next() else {
        return Err(Problem::here(
            "names nowhere to send requests; write `upstreams: [{ url: \"http://HOST:PORT\" }]`",
        ));
    };
    if shapes.next().is_some() {
        let message = "is a second upstream, and balancing comes in a later version; keep one";
        return Err(Problem::here(message).under(1));
    }
    Ok(shape.into())
}

impl From<Shape> for Upstream {
    fn from(shape: Shape) -> Self {
        let Scalar(address) = shape.url;
        let default = Self::new(address);
        Self {
            connect_timeout: shape.connect_timeout.map_or(default.connect_timeout, |set| set.0.0),
            response_timeout: shape.response_timeout.map_or(default.response_timeout, |set| set.0.0),
            idle_timeout: shape.idle_timeout.map_or(default.idle_timeout, |set| set.0.0),
            ..default
        }
    }
}

impl From<&Upstream> for Shape {
    fn from(upstream: &Upstream) -> Self {
        let timeout = |time| Some(Scalar(Timeout(time)));
        Self {
            url: Scalar(upstream.address.clone()),
            connect_timeout: timeout(upstream.connect_timeout),
            response_timeout: timeout(upstream.response_timeout),
            idle_timeout: timeout(upstream.idle_timeout),
        }
    }
}
