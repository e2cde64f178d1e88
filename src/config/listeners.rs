//! Section `listeners`: the addresses clients connect to.

use super::error::{Problem, Refused};
use super::reading::{Leaf, Scalar};
use super::tls::{self, Tls};
use super::values::Address;
use super::values::words::words;
use crate::headers::Trusted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::str::FromStr;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Port zero lets the system choose one.
    pub address: SocketAddr,
    /// How TLS is spoken; nothing for plain HTTP.
    pub tls: Option<Tls>,
    /// Whether connections begin with what a balancer says of their client.
    pub proxy_protocol: ProxyProtocol,
}

words! {
    /// Whether the PROXY protocol is spoken on a listener.
    pub ProxyProtocol is "a way to treat the PROXY protocol" {
        /// No.
        #[default]
        None = "none",
        /// A trusted proxy may begin with a header, versions 1 and 2.
        Accept = "accept",
        /// Every connection must begin with one.
        Require = "require",
    }
}

impl Listener {
    /// Where the doctor listens when nobody says where: reachable from this machine only.
    pub const DEFAULT: Self = Self::at(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080));

    /// A listener of plain HTTP.
    #[must_use]
    pub const fn at(address: SocketAddr) -> Self {
        Self { address, tls: None, proxy_protocol: ProxyProtocol::None }
    }

    /// Whether this address is certainly its own. Of names only `localhost` is known; a listener on every address has those
    /// of the loopback.
    pub(super) fn is_reached_at(&self, address: &Address) -> bool {
        let Address::Tcp { host, port } = address else { return false };
        let is_localhost = host.eq_ignore_ascii_case("localhost");
        let own = self.address.ip();
        let is_own = |ip: IpAddr| {
            ip == own || own.is_unspecified() && own.is_ipv4() == ip.is_ipv4() && ip.is_loopback()
        };
        let ip = if is_localhost { Some(Ipv4Addr::LOCALHOST.into()) } else { host.parse().ok() };
        *port == self.address.port() && ip.is_some_and(is_own)
    }

    /// Takes names of files that are not absolute as beginning in `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(tls) = &mut self.tls {
            tls.resolve(folder);
        }
    }
}

/// One entry of `listeners` in the file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Listener")]
pub(super) struct Shape {
    /// Address and port: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`; `:8080`, `*:8080` or `8080` for all
    /// IPv4 addresses of the machine (0.0.0.0), `[::]:8080` for all IPv6 ones.
    address: Scalar<Listener>,
    /// The certificates to speak TLS with, chosen by the name a client asks for (SNI); plain HTTP when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    tls: Option<Vec<tls::CertificateShape>>,
    /// Whether clients show certificates of their own; nobody is asked when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificates: Option<tls::ClientsShape>,
    /// Whether connections begin with a header of the PROXY protocol, version 1 or 2, which only `trusted_proxies` may
    /// send; `none` when absent.
    proxy_protocol: Option<Scalar<ProxyProtocol>>,
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
        let listener = listener(shape).map_err(|problem| problem.under(index))?;
        if let Some(clash) = clash(&listeners, listener.address) {
            return Err(Problem::here(clash).under("address").under(index));
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

/// What is wrong with listening on one address more.
pub(crate) fn clash(listeners: &[Listener], address: SocketAddr) -> Option<String> {
    let other = listeners.iter().find(|other| overlap(other.address, address))?;
    Some(if other.address == address {
        format!("{address} is listened on twice; keep one")
    } else {
        format!("{address} and {other} overlap; keep the one that is every address, or name single ones")
    })
}

/// What is wrong with answering whoever runs the doctor on an address that clients come to.
pub(super) fn client_clash(listeners: &[Listener], address: SocketAddr) -> Option<String> {
    let listener = listeners.iter().find(|listener| overlap(listener.address, address))?;
    Some(format!("{address} is where clients connect ({listener}); choose another port"))
}

/// Whether the system lets only one of them be listened on. IPv4 and IPv6 are worlds of their own.
pub(super) fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let are_of_one_family = one.is_ipv4() == other.is_ipv4();
    let is_every = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && are_of_one_family && (is_every || one.ip() == other.ip())
}

fn listener(shape: Shape) -> Result<Listener, Problem> {
    let Scalar(listener) = shape.address;
    let tls = tls::check(shape.tls, shape.client_certificates)?;
    let proxy_protocol = shape.proxy_protocol.map_or_else(ProxyProtocol::default, |Scalar(word)| word);
    Ok(Listener { tls, proxy_protocol, ..listener })
}

/// Where nobody is believed, no PROXY header is.
pub(super) fn check_trust(listeners: &[Listener], trusted: &Trusted) -> Result<(), Problem> {
    let speaks = |listener: &Listener| listener.proxy_protocol != ProxyProtocol::None;
    match listeners.iter().position(speaks).filter(|_| trusted.is_empty()) {
        None => Ok(()),
        Some(index) => {
            let message = "believes a PROXY header from trusted proxies, of which there are none; \
                           list the balancer's address in trusted_proxies";
            Err(Problem::here(message).under("proxy_protocol").under(index))
        }
    }
}

impl From<&Listener> for Shape {
    fn from(listener: &Listener) -> Self {
        Self {
            address: Scalar(Listener::at(listener.address)),
            tls: listener.tls.as_ref().map(Tls::certificate_shapes),
            client_certificates: listener.tls.as_ref().and_then(|tls| tls.clients.as_ref()).map(Into::into),
            proxy_protocol: Some(Scalar(listener.proxy_protocol)),
        }
    }
}

impl FromStr for Listener {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let all = || IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let refused =
            || Refused::new("is not an address to listen on", "write IP:PORT, [IPV6]:PORT or :PORT");
        if let Ok(address) = text.parse() {
            return Ok(Self::at(address));
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
        port.map(|port| Self::at(SocketAddr::new(ip, port))).ok_or_else(refused)
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
