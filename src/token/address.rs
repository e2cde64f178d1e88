//! The address of a site, as an operator names it: what `get_bloginfo('url')` answers, and `iss` is compared with.

use std::fmt;
use std::str::FromStr;

use crate::evidence::{Difference, Home};
use crate::message::Fields;
use crate::secret::looks_secret;

/// An address such as `https://example.com/blog`. WordPress takes a slash off its end (`untrailingslashit`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

/// Why a text is not the address of a site. It never quotes the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAddress {
    /// Neither http nor https.
    #[error("has no scheme, and the scheme is compared; write https://example.com")]
    NoScheme,
    /// A user or password in it.
    #[error("has a user or password in it; leave that out")]
    HasUser,
    /// A query or fragment.
    #[error("has a query or fragment; write the address of the site alone, such as https://example.com")]
    HasQuery,
    /// The root of the REST API.
    #[error("is the root of the REST API; write the address of the site, without /wp-json")]
    RestRoot,
    /// Anything else.
    #[error("is no address; write one such as https://example.com or https://example.com/blog")]
    Other,
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (scheme, rest) = text.split_once("://").ok_or(NotAnAddress::NoScheme)?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(&*scheme, "http" | "https") {
            return Err(NotAnAddress::NoScheme);
        }
        let rest = rest.trim_end_matches('/');
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.contains('@') {
            return Err(NotAnAddress::HasUser);
        }
        if rest.contains(['?', '#']) {
            return Err(NotAnAddress::HasQuery);
        }
        if path.split('/').any(|part| part == "wp-json") {
            return Err(NotAnAddress::RestRoot);
        }
        let is_plain =
            rest.chars().all(|sign| sign.is_ascii_graphic() && !matches!(sign, '<' | '>' | '"' | '\\'));
        if host.is_empty() || host.starts_with(':') || !is_plain {
            return Err(NotAnAddress::Other);
        }
        Ok(Self(format!("{scheme}://{rest}")))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Address {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What WordPress says of itself in every REST reply.
    pub(super) fn link(&self) -> String {
        format!("<{}/wp-json/>; rel=\"https://api.w.org/\"", self.0)
    }

    pub(super) fn home(&self) -> Option<Home> {
        Home::of(&Fields::from([("Link", &*self.link())]))
    }
}

/// An issuer as it may be shown: an address, without a user, and without parts that look like a secret.
pub(super) fn shown(issuer: &str) -> Option<&str> {
    let is_plain =
        issuer.chars().all(|sign| sign.is_ascii_graphic() && !matches!(sign, '@' | '<' | '>' | '"' | '\\'));
    let is_address = issuer.starts_with("http://") || issuer.starts_with("https://");
    let is_harmless = !issuer.split('/').any(|part| looks_secret(part.as_bytes()));
    (is_address && is_plain && is_harmless && issuer.len() <= 200 && !issuer.contains(['?', '#']))
        .then_some(issuer)
}

/// What follows from a difference, and who is to look at it.
pub(super) const fn cause(difference: Difference) -> &'static str {
    match difference {
        Difference::Missing | Difference::NoUrl => "another program or plugin issued it",
        Difference::Scheme => {
            "WordPress writes https when it believes that it is reached over TLS (is_ssl()), else the scheme of its option: \
             where TLS ends before it, one way in is believed and another not"
        }
        Difference::Www => {
            "it was issued under the other name; one of the two should redirect before anybody logs in"
        }
        Difference::Case => {
            "host names are written in small letters: write them so in Settings, General, and log in again"
        }
        Difference::Port => {
            "it was issued under another port: ask the site at the one that is in Settings, General"
        }
        Difference::TrailingSlash => {
            "WordPress's own address has none, so a filter or another program wrote it"
        }
        Difference::Path => "it is of another site of the network, of another language, or of a folder",
        Difference::Host => "it is of another site, or of another environment of it",
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, NotAnAddress, shown};

    #[test]
    fn an_address_is_that_of_a_site() {
        let table = [
            ("https://a.test", Ok("https://a.test")),
            ("HTTPS://a.test:8443/blog/", Ok("https://a.test:8443/blog")),
            ("http://[::1]:8080", Ok("http://[::1]:8080")),
            ("a.test", Err(NotAnAddress::NoScheme)),
            ("ftp://a.test", Err(NotAnAddress::NoScheme)),
            ("https://u:p@a.test", Err(NotAnAddress::HasUser)),
            ("https://a.test/?x", Err(NotAnAddress::HasQuery)),
            ("https://a.test/wp-json/", Err(NotAnAddress::RestRoot)),
            ("https://", Err(NotAnAddress::Other)),
            ("https://a b", Err(NotAnAddress::Other)),
        ];
        for (text, expected) in table {
            let read = text.parse::<Address>();
            assert_eq!(read.as_ref().map(Address::as_str).map_err(|error| *error), expected, "{text}");
        }
    }

    #[test]
    fn an_issuer_is_shown_only_where_it_is_an_address() {
        assert_eq!(shown("https://a.test/blog"), Some("https://a.test/blog"));
        for issuer in [
            "x",
            "https://u@a.test",
            "https://a.test/\x1b[31m",
            "https://a.test/?k=v",
            "https://a.test/0a1b2c3d4e5f60718293a4b5",
        ] {
            assert_eq!(shown(issuer), None, "{issuer}");
        }
    }
}
