//! Section `admin`: what the doctor says of itself, and where.

use super::Source;
use super::listeners::Listener;
use super::reading::{Lookup, Scalar, replace};
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
    /// Where `/livez`, `/readyz` and `/metrics` are answered over HTTP, to anybody and without a word of any request; nowhere
    /// when absent. `header-doctor health` asks there.
    health_address: Option<Scalar<Listener>>,
}

impl Source {
    /// The health address in a file that is no plan, whatever else is wrong with it. A running doctor goes on when its file
    /// becomes wrong, and must not look ill to whoever asks by that file.
    #[must_use]
    pub fn health_address(&self, lookup: &Lookup<'_>) -> Option<SocketAddr> {
        let file: serde_yaml::Value = serde_yaml::from_str(&self.text).ok()?;
        let text = match file.get("admin")?.get("health_address")? {
            serde_yaml::Value::String(text) => replace(text, lookup).ok()?.into_owned(),
            serde_yaml::Value::Number(number) => number.to_string(),
            _ => return None,
        };
        text.parse::<Listener>().ok().map(|listener| listener.address)
    }
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

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn a_file_that_is_wrong_elsewhere_still_says_where_to_ask() {
        let address = |text: &str| {
            let source = Source::new("a.yaml", text);
            source
                .health_address(&|name| (name == "PORT").then(|| "9901".to_owned()))
                .map(|address| address.to_string())
        };
        for value in ["127.0.0.1:9901", "'127.0.0.1:${PORT}'", "localhost:9901"] {
            let text = format!("nonsense: 1\nadmin: {{ health_address: {value} }}");
            assert_eq!(address(&text).as_deref(), Some("127.0.0.1:9901"), "{value}");
        }
        assert_eq!(address("admin: { health_address: 9901 }").as_deref(), Some("0.0.0.0:9901"));
        for text in
            ["", "admin: 1", "admin: { health_address: null }", "admin: { health_address: x }", "a: [", "'"]
        {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
