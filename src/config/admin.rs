//! Section `admin`: what the doctor says of itself, and where.

use super::listeners::Listener;
use super::reading::Scalar;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Where those who run the doctor can ask it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admin {
    /// Where it says whether it lives and is ready; nowhere when absent.
    pub health_address: Option<SocketAddr>,
}

/// `admin` in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Admin")]
pub(super) struct Shape {
    /// Where `/livez` and `/readyz` are answered over HTTP, to anybody and without a word of any request; nowhere when
    /// absent. `header-doctor health` asks there.
    health_address: Option<Scalar<Listener>>,
}

impl From<Shape> for Admin {
    fn from(shape: Shape) -> Self {
        Self { health_address: shape.health_address.map(|Scalar(listener)| listener.address) }
    }
}

impl From<&Admin> for Shape {
    fn from(admin: &Admin) -> Self {
        Self { health_address: admin.health_address.map(|address| Scalar(Listener::at(address))) }
    }
}
