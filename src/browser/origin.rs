//! The `Origin` of a request, in the one form in which it may be compared and printed.
//!
//! A browser sends `scheme://host`, `scheme://host:port` or `null` (RFC 6454 §6.2, HTML "serialization of an
//! origin"): no path, no user, no list. Whatever else a client sends there is no origin, and is never printed.

use std::borrow::Cow;
use std::fmt;

use crate::message::{Fields, Name};

/// An origin as a browser writes it. Printable, on one line, at most [`Origin::LONGEST`] bytes.
///
/// Two of them are equal when they were written alike; [`Origin::is_same`] compares what they mean.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin<'a> {
    text: Cow<'a, str>,
    /// How long the scheme is, in bytes; zero for `null`.
    scheme: usize,
    /// Where the host ends, in bytes.
    host: usize,
    /// As written, else what the scheme means by itself.
    port: Option<u16>,
}

/// Why there is no origin to speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnOrigin {
    /// There is no `Origin` field.
    #[error("there is no Origin field")]
    Absent,
    /// There are several `Origin` fields, and no browser sends two.
    #[error("there is more than one Origin field")]
    Several,
    /// The value is not what a browser sends.
    #[error("the Origin field is neither scheme://host[:port] nor null")]
    Unreadable,
}

impl<'a> Origin<'a> {
    /// The longest origin in bytes: a scheme, a name of 253 (RFC 1035 §2.3.4), a port, and some room.
    pub const LONGEST: usize = 320;

    /// Reads the value of an `Origin` field; nothing when no browser would send it.
    #[must_use]
    pub fn read(value: &'a [u8]) -> Option<Self> {
        if value.len() > Self::LONGEST {
            return None;
        }
        let text = std::str::from_utf8(value).ok()?;
        if text == "null" {
            return Some(Self { text: Cow::Borrowed(text), scheme: 0, host: 0, port: None });
        }
        let (scheme, authority) = text.split_once("://")?;
        let (host, port) = split_port(authority)?;
        if !is_scheme(scheme) || !is_host(host) {
            return None;
        }
        let written = port.map(read_port).map_or(Ok(None), |port| port.ok_or(()).map(Some)).ok()?;
        Some(Self {
            text: Cow::Borrowed(text),
            scheme: scheme.len(),
            host: scheme.len() + SEPARATOR.len() + host.len(),
            port: written.or_else(|| default_port(scheme)),
        })
    }

    /// The origin that a request names.
    ///
    /// # Errors
    /// It names none, or none that a browser would send.
    pub fn of(fields: &'a Fields) -> Result<Self, NotAnOrigin> {
        let mut values = fields.all(Name::Origin);
        let value = values.next().ok_or(NotAnOrigin::Absent)?;
        if values.next().is_some() {
            return Err(NotAnOrigin::Several);
        }
        Self::read(value).ok_or(NotAnOrigin::Unreadable)
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is `null`: a sandboxed frame, a `file:` page, or what came through a redirect to another origin.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        self.scheme == 0
    }

    /// The scheme as written; empty for `null`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.text.get(..self.scheme).unwrap_or_default()
    }

    /// The host as written, an IPv6 address in its brackets; empty for `null`.
    #[must_use]
    pub fn host(&self) -> &str {
        let start = if self.is_null() { 0 } else { self.scheme + SEPARATOR.len() };
        self.text.get(start..self.host).unwrap_or_default()
    }

    /// The port, or what the scheme means when none is written; nothing for `null` and schemes without one.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether both mean the same: scheme and host in any spelling, and the same port, written or meant.
    /// `null` is the same as nothing, itself included.
    #[must_use]
    pub fn is_same(&self, other: &Origin<'_>) -> bool {
        !self.is_null()
            && self.scheme().eq_ignore_ascii_case(other.scheme())
            && self.host().eq_ignore_ascii_case(other.host())
            && self.port == other.port
    }

    /// The same origin, kept beyond the request it came with.
    #[must_use]
    pub fn into_owned(self) -> Origin<'static> {
        let Self { text, scheme, host, port } = self;
        Origin { text: Cow::Owned(text.into_owned()), scheme, host, port }
    }
}

const SEPARATOR: &str = "://";

/// The port that a scheme means when none is written.
fn default_port(scheme: &str) -> Option<u16> {
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    if is("https") {
        return Some(443);
    }
    is("http").then_some(80)
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.len() <= 32
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(is_allowed)
}

/// A name, an IPv4 address, or an IPv6 address in brackets.
fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

/// Splits `host:port` where the host may be an IPv6 address in brackets.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let host_ends = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let (before, after) = authority.split_at_checked(host_ends)?;
    let Some((name, port)) = after.split_once(':') else {
        return Some((authority, None));
    };
    Some((authority.get(..before.len() + name.len())?, Some(port)))
}

/// A port as a browser writes it: no sign, no leading zero.
fn read_port(text: &str) -> Option<u16> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{NotAnOrigin, Origin};
    use crate::message::Fields;

    #[test]
    fn an_origin_has_scheme_host_and_port() {
        for (text, scheme, host, port) in [
            ("https://app.example.com", "https", "app.example.com", Some(443)),
            ("http://localhost:3000", "http", "localhost", Some(3000)),
            ("http://[::1]:8080", "http", "[::1]", Some(8080)),
            ("https://[2001:db8::1]", "https", "[2001:db8::1]", Some(443)),
            ("capacitor://localhost", "capacitor", "localhost", None),
            ("HTTPS://App.Example.com", "HTTPS", "App.Example.com", Some(443)),
            ("null", "", "", None),
        ] {
            let origin = Origin::read(text.as_bytes()).expect(text);
            assert_eq!((origin.scheme(), origin.host(), origin.port()), (scheme, host, port), "{text}");
            assert_eq!(origin.to_string(), text);
        }
    }

    #[test]
    fn what_no_browser_sends_is_no_origin() {
        for text in [
            "",
            "*",
            "Null",
            "app.example.com",
            "https://",
            "https:///",
            "://app.example.com",
            "https://app.example.com/",
            "https://app.example.com@evil.test",
            "https://user:pw@app.example.com",
            "https://app.example.com https://evil.test",
            "https://app.example.com, https://evil.test",
            "https://app.example.com:",
            "https://app.example.com:99999",
            "https://app.example.com:0443",
            "https://app.example.com:+443",
            "https://app.example.com:443:443",
            "https://app.example.com?x",
            "https://app.example.com#x",
            "https://app.example.com\u{1b}[31m",
            "https://bücher.example",
            "https://[::g]",
            "https://[::1",
            "https://[::1]x",
            "1https://a",
            "file://",
        ] {
            assert_eq!(Origin::read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Origin::read(format!("https://{}", "a".repeat(400)).as_bytes()), None);
    }

    #[test]
    fn the_same_origin_may_be_written_in_two_ways() {
        let origin = |text: &'static str| Origin::read(text.as_bytes()).unwrap();
        assert!(origin("https://a.test").is_same(&origin("HTTPS://A.test:443")));
        assert!(!origin("https://a.test").is_same(&origin("http://a.test:443")));
        assert!(!origin("https://a.test").is_same(&origin("https://a.test:8443")));
        assert!(!origin("null").is_same(&origin("null")));
    }

    #[test]
    fn a_request_names_one_origin_or_none() {
        let one = Fields::from([("Origin", "https://a.test")]);
        assert_eq!(Origin::of(&one).unwrap().as_str(), "https://a.test");
        let cases = [
            (Fields::new(), NotAnOrigin::Absent),
            (
                Fields::from([("Origin", "https://a.test"), ("origin", "https://a.test")]),
                NotAnOrigin::Several,
            ),
            (Fields::from([("Origin", "a b")]), NotAnOrigin::Unreadable),
        ];
        for (fields, wrong) in cases {
            assert_eq!(Origin::of(&fields), Err(wrong));
        }
    }

    proptest! {
        #[test]
        fn what_is_read_can_be_printed(bytes in any::<Vec<u8>>()) {
            if let Some(origin) = Origin::read(&bytes) {
                assert!(origin.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
                assert!(!origin.as_str().contains(['\'', '"', '<', '>', '@', ',', '%']));
            }
        }

        #[test]
        fn no_text_like_an_origin_panics(text in "(https?|null|[a-z]{0,9})(://)?[a-z.\\[\\]:@/0-9]{0,30}") {
            if let Some(origin) = Origin::read(text.as_bytes()) {
                assert!(origin.is_null() || text.ends_with(origin.host()) || text.contains(':'));
            }
        }
    }
}
