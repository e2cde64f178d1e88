//! Section `listeners`: the addresses clients connect to.

use super::error::{Problem, Refused};
use super::reading::{Leaf, Scalar};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Port zero lets the system choose one.
    pub address: SocketAddr,
}

impl Listener {
    /// Where the doctor listens when nobody says where: reachable from this machine only.
    pub const DEFAULT: Self = Self { address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080) };
}

/// One entry of `listeners` in the file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Listener")]
pub(super) struct Shape {
    /// Address and port: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`; `:8080`, `*:8080` or `8080` for all
    /// IPv4 addresses of the machine (0.0.0.0), `[::]:8080` for all IPv6 ones.
    address: Scalar<Listener>,
}

/// Checks the list as a whole; absent, it is [`Listener::DEFAULT`].
pub(super) fn check(shapes: Option<Vec<Shape>>) -> Result<Vec<Listener>, Problem> {
    let Some(shapes) = shapes else {
        return Ok(vec![Listener::DEFAULT]);
    };
    if shapes.is_empty() {
        return Err(Problem::here("lists nothing to listen on; leave it out for 127.0.0.1:8080"));
    }
    let mut listeners = Vec::with_capacity(shapes.len());
    for (index, shape) in shapes.into_iter().enumerate() {
        let Scalar(listener) = shape.address;
        if listener.address.port() != 0 && listeners.contains(&listener) {
            let message = format!("{listener} is listened on twice; keep one");
            return Err(Problem::here(message).under("address").under(index));
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

impl From<&Listener> for Shape {
    fn from(listener: &Listener) -> Self {
        Self { address: Scalar(*listener) }
    }
}

impl FromStr for Listener {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let all = || IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let refused =
            || Refused::new("is not an address to listen on", "write IP:PORT, [IPV6]:PORT or :PORT");
        if let Ok(address) = text.parse() {
            return Ok(Self { address });
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Err(Refused::new("has no port", format!("write {}", SocketAddr::new(ip, 8080))));
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("*", text));
        let ip = match host {
            "" | "*" => all(),
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            _ => return Err(refused()),
        };
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = if digits { port.parse().ok() } else { None };
        port.map(|port| Self { address: SocketAddr::new(ip, port) }).ok_or_else(refused)
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl Leaf for Listener {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "string", "pattern": "^(([0-9.]*|\\*|localhost|\\[[0-9A-Fa-f:.]+\\]):)?[0-9]{1,5}$", "examples": ["127.0.0.1:8080", ":8080", "[::]:8080"] }),
            json!({ "type": "integer", "minimum": 0, "maximum": 65535 }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::Listener;

    fn read(text: &str) -> String {
        text.parse::<Listener>().map_or_else(|refused| refused.to_string(), |listener| listener.to_string())
    }

    #[test]
    fn every_form_is_understood() {
        for (text, address) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("localhost:80", "127.0.0.1:80"),
            (":8080", "0.0.0.0:8080"),
            ("*:8080", "0.0.0.0:8080"),
            ("8080", "0.0.0.0:8080"),
            ("[::]:8080", "[::]:8080"),
            ("127.0.0.1:0", "127.0.0.1:0"),
        ] {
            assert_eq!(read(text), address);
        }
    }

    #[test]
    fn anything_else_is_shown_how() {
        for text in ["", ":", "example.com:80", "65536", ":+1", "127.0.0.1:", "unix:/run/x.sock"] {
            assert_eq!(
                read(text),
                "is not an address to listen on; write IP:PORT, [IPV6]:PORT or :PORT",
                "{text}"
            );
        }
        assert_eq!(read("10.0.0.1"), "has no port; write 10.0.0.1:8080");
        assert_eq!(read("::1"), "has no port; write [::1]:8080");
    }
}
