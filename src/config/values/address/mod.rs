//! Where an upstream is: `http://HOST:PORT`, `https://HOST:PORT`, `HOST:PORT`, `unix:/PATH`, and PHP-FPM as
//! `fastcgi://HOST:PORT` or `fastcgi+unix:/PATH`.
//!
//! Parsed once and kept in parts, so that nobody downstream builds an address by joining strings. It is an address
//! and not a URL: a path, a query or a password in it would have to be either obeyed or ignored, and both surprise.

use crate::config::error::Refused;
use crate::config::reading::Leaf;
pub use crate::upstream::Address;
use serde_json::{Value, json};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

const FORMS: &str = "write http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:/PATH";

/// The same of PHP-FPM.
const PHP_FORMS: &str = "write fastcgi://HOST:PORT or fastcgi+unix:/PATH, as `listen` in PHP-FPM's pool says";

/// The longest path of a Unix socket on Linux (`sun_path` without its final zero).
const LONGEST_SOCKET_PATH: usize = 107;

/// How an upstream is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP in clear.
    Http,
    /// HTTP under TLS; never over a Unix socket.
    Https,
    /// FastCGI: it is PHP-FPM.
    FastCgi,
}

/// Where an upstream is and how it is spoken to: what stands in `url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it listens.
    pub address: Address,
    /// How it is spoken to.
    pub speaks: Speaks,
}

impl From<Address> for Target {
    fn from(address: Address) -> Self {
        Self { address, speaks: Speaks::Http }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.speaks, &self.address) {
            (Speaks::Https, address) => write!(f, "https://{}", address.authority()),
            (Speaks::FastCgi, Address::Unix(path)) => write!(f, "fastcgi+unix:{}", path.display()),
            (Speaks::FastCgi, address) => write!(f, "fastcgi://{}", address.authority()),
            (Speaks::Http, address) => address.fmt(f),
        }
    }
}

impl FromStr for Target {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path, "unix:/run/web.sock").map(Into::into);
        }
        if let Some(path) = text.strip_prefix("fastcgi+unix:") {
            return Ok(Self {
                address: unix(path, "fastcgi+unix:/run/php/php-fpm.sock")?,
                speaks: Speaks::FastCgi,
            });
        }
        if text.starts_with("fastcgi:") && !text.starts_with("fastcgi://") {
            return Err(Refused::new("is not an upstream", PHP_FORMS));
        }
        match text.split_once("://") {
            None => tcp(text, None).map(Into::into),
            Some(("http", rest)) => tcp(rest, Some(80)).map(Into::into),
            Some(("https", rest)) => Ok(Self { address: tcp(rest, Some(443))?, speaks: Speaks::Https }),
            Some(("fastcgi", rest)) => Ok(Self { address: fastcgi(rest)?, speaks: Speaks::FastCgi }),
            Some(_) => Err(Refused::new("is not an upstream", FORMS)),
        }
    }
}

/// A port has to be named: none is FastCGI's own.
fn fastcgi(text: &str) -> Result<Address, Refused> {
    if text.is_empty() || text.starts_with('/') {
        return Err(Refused::new("names no host", PHP_FORMS));
    }
    let has_port = |authority: &str| authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    if !authority.is_empty() && !authority.contains('@') && !has_port(authority) {
        return Err(Refused::new("names no port", PHP_FORMS));
    }
    if text.len() > authority.len() && !authority.contains('@') {
        return Err(Refused::new(
            "has more behind its port, which an upstream cannot have",
            "end it there, and write the folder of WordPress beside it as `root`, or as `php_root` where PHP alone sees it",
        ));
    }
    tcp(text, None)
}

fn unix(path: &str, example: &str) -> Result<Address, Refused> {
    // `unix:///run/web.sock` is the same path as a URL; `unix://run/web.sock` would name a host.
    let path = path.strip_prefix("//").unwrap_or(path);
    if !path.starts_with('/') || path.len() == 1 {
        return Err(Refused::new(
            "is not the path of a socket",
            format!("write it from the root, such as {example}"),
        ));
    }
    if path.contains('\0') || path.len() > LONGEST_SOCKET_PATH {
        return Err(Refused::new(
            "has a path no socket can have",
            "write at most 107 bytes, without a zero byte",
        ));
    }
    Ok(Address::Unix(PathBuf::from(path)))
}

fn tcp(text: &str, default_port: Option<u16>) -> Result<Address, Refused> {
    let end = text.find(['/', '?', '#']).unwrap_or(text.len());
    let (authority, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    if authority.contains('@') {
        return Err(Refused::new(
            "has a user or password in it",
            "leave them out: the Authorization of each request is forwarded as it came",
        ));
    }
    if let Some(part) = rest.chars().next() {
        let part = if part == '/' { "a path" } else { "a query or fragment" };
        return Err(Refused::new(
            format!("has {part}, which an upstream cannot have"),
            format!("end it after the port: the path of each request is forwarded as it came; {FORMS}"),
        ));
    }
    let (host, port) = host_and_port(authority)?;
    let port = port.or(default_port).ok_or_else(|| Refused::new("is not an upstream", FORMS))?;
    Ok(Address::Tcp { host, port })
}

pub(crate) fn host_and_port(authority: &str) -> Result<(String, Option<u16>), Refused> {
    let bad_host = || Refused::new("has no host that could be looked up", FORMS);
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']').ok_or_else(bad_host)?;
        let host: Ipv6Addr = host.parse().map_err(|_| bad_host())?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(parse_port(port)?),
            None if rest.is_empty() => None,
            None => return Err(bad_host()),
        };
        return Ok((host.to_string(), port));
    }
    if authority.matches(':').count() > 1 {
        return Err(Refused::new(
            "has more than one colon",
            "write an IPv6 address in brackets, as in [::1]:8080",
        ));
    }
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    if !is_host(host) {
        return Err(bad_host());
    }
    Ok((host.to_ascii_lowercase(), port.map(parse_port).transpose()?))
}

fn parse_port(text: &str) -> Result<u16, Refused> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|port| digits && *port != 0)
        .ok_or_else(|| Refused::new("has no port that could be reached", "write one from 1 to 65535"))
}

/// Whether a resolver could know this name; underscores are common in container networks.
pub(crate) fn is_host(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    // What ends in a number is an IPv4 address or a mistake (WHATWG URL, "ends in a number").
    let numeric = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    name.len() <= 253 && name.split('.').all(is_label) && (!numeric || text.parse::<Ipv4Addr>().is_ok())
}

/// A host in a JSON Schema: a name, an IPv4 address, or an IPv6 address in brackets.
pub(crate) const HOST: &str = r"([A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|\[[0-9A-Fa-f:.]+\])";

impl Leaf for Target {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "string", "pattern": format!("^https?://{HOST}(:[0-9]{{1,5}})?$"), "examples": ["http://10.0.0.7:8080", "https://origin.example.com"] }),
            json!({ "type": "string", "pattern": format!("^{HOST}:[0-9]{{1,5}}$"), "examples": ["10.0.0.7:8080"] }),
            json!({ "type": "string", "pattern": "^unix:(//)?/.+$", "examples": ["unix:/run/web.sock"] }),
            json!({ "type": "string", "pattern": format!("^fastcgi://{HOST}:[0-9]{{1,5}}$"), "examples": ["fastcgi://php:9000"] }),
            json!({ "type": "string", "pattern": "^fastcgi\\+unix:(//)?/.+$", "examples": ["fastcgi+unix:/run/php/php8.2-fpm.sock"] }),
        ]
    }
}

#[cfg(test)]
mod tests;
