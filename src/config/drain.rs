//! Section `drain`: how the doctor leaves.

use super::reading::Scalar;
use super::values::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What happens between the signal to stop and the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// How long connections are still accepted after the signal, until balancers have noticed.
    pub delay: Duration,
    /// How long requests in flight may then take; zero cuts them off.
    pub timeout: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { delay: Duration::ZERO, timeout: Duration::from_secs(30) }
    }
}

/// `drain` in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Drain")]
pub(super) struct Shape {
    /// How long connections are still accepted after the signal to stop; 0s when absent.
    delay: Option<Scalar<Span>>,
    /// How long requests in flight may then take, and WebSockets stay, 0s to cut them off; 30s when absent.
    timeout: Option<Scalar<Span>>,
}

impl From<Shape> for Drain {
    fn from(shape: Shape) -> Self {
        let default = Self::default();
        Self {
            delay: shape.delay.map_or(default.delay, |set| set.0.0),
            timeout: shape.timeout.map_or(default.timeout, |set| set.0.0),
        }
    }
}

impl From<&Drain> for Shape {
    fn from(drain: &Drain) -> Self {
        Self { delay: Some(Scalar(Span(drain.delay))), timeout: Some(Scalar(Span(drain.timeout))) }
    }
}
