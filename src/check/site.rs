//! The site as it was named on the command line, and the places a check may speak to.
//!
//! A place is scheme, host and port. Credentials go only to the places that somebody typed, so places are compared here
//! and nowhere else.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::headers::Scheme;

/// An origin: where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// A name in lower case, an IPv4 address, or an IPv6 address without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Where WordPress lives: a place, and the folder on it without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Where it is.
    pub place: Place,
    /// `/blog`; empty for the root.
    pub folder: String,
}

/// Why a text names no site. Never quotes what could be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSite {
    /// Another scheme than HTTP's.
    #[error("is not the address of a site; write https://example.com")]
    NotHttp,
    /// A user or a password.
    #[error("has a user or password in it; leave them out and use --user and HEADER_DOCTOR_PASSWORD")]
    HasLogin,
    /// A query or a fragment.
    #[error("has a query or a fragment; end the address before it")]
    HasQuery,
    /// No host that could be looked up.
    #[error("has no host that could be looked up; write https://example.com")]
    NoHost,
    /// Letters of other alphabets in the name.
    #[error(
        "has a name with letters beyond a to z; write it as it is asked for in DNS, which begins with xn-- (browsers and \
         `dig` show it)"
    )]
    Abroad,
    /// An IPv6 address without its brackets.
    #[error("has an IPv6 address without brackets; write http://[2001:db8::7]")]
    NoBrackets,
    /// No port.
    #[error("has no port that could be reached; write one from 1 to 65535")]
    BadPort,
    /// A path that HTTP cannot carry.
    #[error("has a path with a blank or a control character in it")]
    BadPath,
}

impl Place {
    fn new(scheme: Option<Scheme>, host: String, port: Option<u16>) -> Self {
        let mut place = Self { scheme: scheme.unwrap_or(Scheme::Https), host, port: 0 };
        if scheme.is_none() && place.is_loopback() {
            place.scheme = Scheme::Http;
        }
        Self { port: port.unwrap_or(place.scheme.port()), ..place }
    }

    /// What stands in `Host`: without the port where it is the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == self.scheme.port() { host } else { format!("{host}:{}", self.port) }
    }

    /// Whether it is on this machine, by its name: then nobody is burdened.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let name = self.host.strip_suffix('.').unwrap_or(&self.host);
        let is_local = name == "localhost" || name.ends_with(".localhost");
        is_local || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    /// Whether it is the same host, whatever scheme and port.
    #[must_use]
    pub fn is_host_of(&self, other: &Self) -> bool {
        self.host == other.host
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.word(), self.authority())
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place, self.folder)
    }
}

impl FromStr for Place {
    type Err = BadSite;

    fn from_str(text: &str) -> Result<Self, BadSite> {
        let site: Site = text.parse()?;
        if site.folder.is_empty() { Ok(site.place) } else { Err(BadSite::BadPath) }
    }
}

/// Without a scheme it is `https`, as in a browser, and `http` on this machine. What was copied from an address bar may end in
/// the REST root.
impl FromStr for Site {
    type Err = BadSite;

    fn from_str(text: &str) -> Result<Self, BadSite> {
        let text = text.trim();
        let (given, rest) =
            text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
        let given = given.map(|scheme| Scheme::of(scheme.as_bytes()).ok_or(BadSite::NotHttp)).transpose()?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(BadSite::HasLogin);
        }
        if path.contains(['?', '#']) {
            return Err(BadSite::HasQuery);
        }
        let is_clear = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\');
        if !path.bytes().all(is_clear) {
            return Err(BadSite::BadPath);
        }
        let (host, port) = split_port(authority)?;
        let folder = path.trim_end_matches('/');
        let folder = folder.strip_suffix("/wp-json").unwrap_or(folder).trim_end_matches('/');
        Ok(Self { place: Place::new(given, host, port), folder: folder.to_owned() })
    }
}

fn split_port(authority: &str) -> Result<(String, Option<u16>), BadSite> {
    if let Some((host, rest)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let ip: std::net::Ipv6Addr = host.parse().map_err(|_| BadSite::NoHost)?;
        let port =
            if rest.is_empty() { None } else { Some(port(rest.strip_prefix(':').ok_or(BadSite::NoHost)?)?) };
        return Ok((ip.to_string(), port));
    }
    if authority.parse::<std::net::Ipv6Addr>().is_ok() {
        return Err(BadSite::NoBrackets);
    }
    if authority.chars().any(|char| char.is_alphabetic() && !char.is_ascii()) {
        return Err(BadSite::Abroad);
    }
    let (host, given) =
        authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    if !is_host(host) {
        return Err(BadSite::NoHost);
    }
    Ok((host.to_ascii_lowercase(), given.map(port).transpose()?))
}

fn port(text: &str) -> Result<u16, BadSite> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0).ok_or(BadSite::BadPort)
}

/// Whether a resolver could know this name.
fn is_host(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    // A name whose last part is a number is an address, or none at all (URL standard, "ends in a number").
    let is_number =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let is_address = !is_number || name.parse::<std::net::Ipv4Addr>().is_ok();
    name.len() <= 253 && is_address && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{BadSite, Place, Site};

    #[test]
    fn a_site_is_read_as_people_write_it() {
        for (text, site) in [
            ("example.com", "https://example.com"),
            ("https://Example.COM/", "https://example.com"),
            ("http://example.com:8080/blog/", "http://example.com:8080/blog"),
            ("https://example.com:443/wp-json/", "https://example.com"),
            ("https://example.com/blog/wp-json", "https://example.com/blog"),
            ("http://[::1]:80", "http://[::1]"),
            ("localhost:8080", "http://localhost:8080"),
        ] {
            assert_eq!(text.parse::<Site>().map(|site| site.to_string()), Ok(site.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_site_is_told_why() {
        for (text, why) in [
            ("ftp://example.com", BadSite::NotHttp),
            ("https://jo:hunter2@example.com", BadSite::HasLogin),
            ("https://example.com/?x=1", BadSite::HasQuery),
            ("https://", BadSite::NoHost),
            ("https://a b", BadSite::NoHost),
            ("https://1.2.3.4.5", BadSite::NoHost),
            ("https://300.1.1.1", BadSite::NoHost),
            ("https://bücher.example", BadSite::Abroad),
            ("::1", BadSite::NoBrackets),
            ("http://2001:db8::7", BadSite::NoBrackets),
            ("https://example.com:0", BadSite::BadPort),
            ("https://example.com/a b", BadSite::BadPath),
        ] {
            assert_eq!(text.parse::<Site>(), Err(why), "{text}");
        }
        assert!("https://example.com/blog".parse::<Place>().is_err());
    }

    #[test]
    fn this_machine_is_known_by_name() {
        let is_loopback = |text: &str| text.parse::<Place>().unwrap().is_loopback();
        assert!(
            ["http://localhost:1", "http://a.localhost", "http://127.0.0.2", "http://[::1]"]
                .into_iter()
                .all(is_loopback)
        );
        assert!(!is_loopback("http://10.0.0.1") && !is_loopback("http://localhost.example"));
    }

    proptest! {
        #[test]
        fn a_site_is_shown_so_that_it_is_read_again(text in "(https?://)?[a-z0-9.:\\[\\]-]{0,20}(/[ -~]{0,10})?|\\PC{0,30}") {
            if let Ok(site) = text.parse::<Site>() {
                assert_eq!(site.to_string().parse(), Ok(site));
            }
        }
    }
}
