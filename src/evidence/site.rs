//! Whose token it is: the issuer in it against the address of the site that judged it.
//!
//! The JWT plugins compare `iss` with `get_bloginfo('url')` letter by letter (`determine_current_user` in
//! `class-jwt-auth-public.php`): scheme, `www.`, port, path and a trailing slash all count. The site's address is
//! known from what its REST server says of itself, the `Link` to its root, which is made from the same `home_url()`.

use std::fmt;

use crate::message::{Fields, Name};

/// The address of a site (`home_url()`), by its own word: `https://example.com/blog`.
#[derive(Clone, PartialEq, Eq)]
pub struct Home(Url);

/// Who issued a token. An address is no secret, but a token's content is never shown.
#[derive(Clone)]
pub(super) enum Issuer {
    Missing,
    Url(Url),
    /// Not an address at all.
    Text,
}

/// How an issuer differs from the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The token names no issuer.
    Missing,
    /// Something that is no address.
    NoUrl,
    /// `http` for `https`, or the reverse: the site flips with what it believes of TLS.
    Scheme,
    /// With or without `www.`.
    Www,
    /// The same host in other letters: capitals against small ones.
    Case,
    /// Another port.
    Port,
    /// Only a slash at the end.
    TrailingSlash,
    /// Another folder: a language, a site of a network.
    Path,
    /// Another host: a token of another site or environment.
    Host,
}

impl Difference {
    /// What differs, in a few words that fit behind "the issuer has".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Missing => "no value",
            Self::NoUrl => "a value that is no address",
            Self::Scheme => "another scheme (http against https)",
            Self::Www => "the same host with or without www.",
            Self::Case => "the same host in other letters (capitals or not)",
            Self::Port => "another port",
            Self::TrailingSlash => "a slash more or less at its end",
            Self::Path => "another path",
            Self::Host => "another host",
        }
    }
}

/// `scheme://host[:port][/path]`, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Url {
    scheme: String,
    host: String,
    port: String,
    path: String,
}

impl Url {
    fn of(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let bracket = authority.rfind(']').unwrap_or(0);
        let colon = authority.rfind(':').filter(|colon| *colon >= bracket);
        let (host, port) = colon.and_then(|at| authority.split_at_checked(at)).unwrap_or((authority, ""));
        let known = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        (known && !host.is_empty()).then(|| Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port: port.to_owned(),
            path: path.to_owned(),
        })
    }
}

impl Home {
    /// Reads it from the `Link` to the REST root that WordPress sends (`rest_output_link_header`, `serve_request`).
    /// Nothing when the root is not in one of the forms of `get_rest_url`.
    #[must_use]
    pub fn of(fields: &Fields) -> Option<Self> {
        const ROOT: &str = "https://api.w.org/";
        let mut links = fields.all(Name::Link).filter_map(|link| std::str::from_utf8(link).ok());
        let (before, _) = links.find_map(|link| link.split_once(ROOT))?;
        let (_, link) = before.rsplit_once('<')?;
        let (root, _) = link.split_once('>')?;
        let forms = ["/index.php/wp-json/", "/wp-json/", "/index.php?rest_route=/", "/?rest_route=/"];
        let home = forms.iter().find_map(|form| root.strip_suffix(form))?;
        Url::of(home).map(Self)
    }

    /// Whether the site believes that it is reached over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme.eq_ignore_ascii_case("https")
    }
}

impl Issuer {
    pub(super) fn of(claim: Option<&str>) -> Self {
        match claim {
            None | Some("") => Self::Missing,
            Some(text) => Url::of(text).map_or(Self::Text, Self::Url),
        }
    }

    /// Whether it has this host, with or without `www.`.
    pub(super) fn is_at(&self, host: &[u8]) -> bool {
        let Self::Url(issuer) = self else { return false };
        let bare = |host: &[u8]| host.strip_prefix(b"www.").unwrap_or(host).to_ascii_lowercase();
        bare(issuer.host.as_bytes()) == bare(host)
    }

    pub(super) fn differs_from(&self, Home(home): &Home) -> Option<Difference> {
        let issuer = match self {
            Self::Missing => return Some(Difference::Missing),
            Self::Text => return Some(Difference::NoUrl),
            Self::Url(issuer) => issuer,
        };
        if issuer.host != home.host {
            return Some(other_host(&issuer.host, &home.host));
        }
        if issuer.scheme != home.scheme {
            return Some(Difference::Scheme);
        }
        if issuer.port != home.port {
            return Some(Difference::Port);
        }
        if issuer.path == home.path {
            return None;
        }
        let slash = issuer.path.trim_end_matches('/') == home.path.trim_end_matches('/');
        Some(if slash { Difference::TrailingSlash } else { Difference::Path })
    }
}

/// How two names of a host differ. They are the same host in capitals and in small letters (RFC 3986 §3.2.2), though not the
/// same text.
fn other_host(issuer: &str, home: &str) -> Difference {
    if issuer.eq_ignore_ascii_case(home) {
        return Difference::Case;
    }
    let (issuer, home) = (issuer.to_ascii_lowercase(), home.to_ascii_lowercase());
    let without_www = |host: &str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    if without_www(&issuer) == without_www(&home) { Difference::Www } else { Difference::Host }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(home)")
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(issuer)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Difference, Home, Issuer};
    use crate::message::Fields;

    fn home(root: &str) -> Option<Home> {
        Home::of(&Fields::from([("Link", &*format!("<{root}>; rel=\"https://api.w.org/\""))]))
    }

    #[test]
    fn the_site_is_known_from_the_link_to_its_root() {
        let difference =
            |root: &str, issuer: &str| Issuer::of(Some(issuer)).differs_from(&home(root).unwrap());
        for root in [
            "https://a.test/blog/wp-json/",
            "https://a.test/blog/index.php/wp-json/",
            "https://a.test/blog/index.php?rest_route=/",
            "https://a.test/blog/?rest_route=/",
        ] {
            assert_eq!(difference(root, "https://a.test/blog"), None, "{root}");
        }
        assert!(home("https://a.test/api/").is_none());
        assert!(Home::of(&Fields::from([("Link", "<https://a.test/wp-json/>; rel=\"other\"")])).is_none());
    }

    #[test]
    fn the_difference_is_named() {
        let table = [
            ("https://a.test:8443", None),
            ("http://a.test:8443", Some(Difference::Scheme)),
            ("https://www.a.test:8443", Some(Difference::Www)),
            ("https://A.test:8443", Some(Difference::Case)),
            ("https://WWW.a.test:8443", Some(Difference::Www)),
            ("https://a.test", Some(Difference::Port)),
            ("https://a.test:8443/", Some(Difference::TrailingSlash)),
            ("https://a.test:8443/de", Some(Difference::Path)),
            ("https://b.test:8443", Some(Difference::Host)),
            ("a.test", Some(Difference::NoUrl)),
            ("", Some(Difference::Missing)),
        ];
        for (issuer, expected) in table {
            let home = home("https://a.test:8443/wp-json/").unwrap();
            assert_eq!(Issuer::of(Some(issuer)).differs_from(&home), expected, "{issuer}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_not(root in any::<String>(), issuer in any::<String>()) {
            let home = home(&format!("{root}/wp-json/"));
            std::hint::black_box(home.and_then(|home| Issuer::of(Some(&issuer)).differs_from(&home)));
        }
    }
}
