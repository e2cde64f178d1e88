//! Which origins a policy allows: `https://app.example.com`, `https://*.preview.example.com`, `null`, or `*`.
//!
//! A pattern never means more than it says. `*` stands for whole labels, so `https://*.example.com` is no
//! `https://evil-example.com` and not `https://example.com` itself; scheme and port are exact.

use std::fmt;
use std::str::FromStr;

use super::Wrong;
use crate::browser::Origin;
use crate::secret::{looks_chosen, looks_secret};

/// One entry of `allow_origins`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginPattern(Kind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// `*`
    Any,
    /// `null`
    Null,
    /// One origin, in lower case and without a port that the scheme means anyway.
    Exact(Origin<'static>),
    /// Every origin with scheme and port of this one, whose host is one label or more before this one's.
    Below(Origin<'static>),
}

impl OriginPattern {
    /// Whether it is `*`: anybody, which is for requests without credentials.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        matches!(self.0, Kind::Any)
    }

    /// Whether it names this origin. `*` names everybody.
    #[must_use]
    pub fn matches(&self, origin: &Origin<'_>) -> bool {
        match &self.0 {
            Kind::Any => true,
            Kind::Null => origin.is_null(),
            Kind::Exact(listed) => listed.is_same(origin),
            Kind::Below(parent) => is_below(origin, parent) && is_reached_alike(origin, parent),
        }
    }

    /// Whether it would name this origin, were it not for scheme or port: what somebody probably forgot.
    #[must_use]
    pub fn is_near(&self, origin: &Origin<'_>) -> bool {
        match &self.0 {
            Kind::Any | Kind::Null => false,
            Kind::Exact(listed) => !listed.is_same(origin) && is_host(origin, listed.host()),
            Kind::Below(parent) => !is_reached_alike(origin, parent) && is_below(origin, parent),
        }
    }
}

fn is_reached_alike(one: &Origin<'_>, other: &Origin<'_>) -> bool {
    one.scheme().eq_ignore_ascii_case(other.scheme()) && one.port() == other.port()
}

fn is_host(origin: &Origin<'_>, host: &str) -> bool {
    !origin.is_null() && origin.host().eq_ignore_ascii_case(host)
}

/// Whether the host is one label or more, then a dot, then the parent's host.
fn is_below(origin: &Origin<'_>, parent: &Origin<'_>) -> bool {
    let (host, suffix) = (origin.host().as_bytes(), parent.host().as_bytes());
    let Some((labels, end)) = host.len().checked_sub(suffix.len()).and_then(|at| host.split_at_checked(at))
    else {
        return false;
    };
    let Some(labels) = labels.strip_suffix(b".") else {
        return false;
    };
    end.eq_ignore_ascii_case(suffix) && labels.split(|byte| *byte == b'.').all(|label| !label.is_empty())
}

impl FromStr for OriginPattern {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        match text {
            "*" => return Ok(Self(Kind::Any)),
            "null" => return Ok(Self(Kind::Null)),
            _ => {}
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(without_scheme(text));
        };
        if rest.contains('@') {
            return Err(Wrong::new("has a user or password in it", "write scheme, host and port alone"));
        }
        if let Some((authority, _)) = rest.split_once(['/', '?', '#']) {
            let right = Origin::read(format!("{scheme}://{authority}").as_bytes())
                .map_or_else(|| EXAMPLE.to_owned(), |origin| format!("write {origin}"));
            return Err(Wrong::new("has a path, and an origin ends after host and port", right));
        }
        if rest.ends_with(":*") {
            return Err(Wrong::new("leaves the port open", "write one entry for each port"));
        }
        if let Some(parent) = rest.strip_prefix("*.") {
            return read(&format!("{scheme}://{parent}")).map(Kind::Below).map(Self);
        }
        read(text).map(Kind::Exact).map(Self)
    }
}

const EXAMPLE: &str = "write one such as https://app.example.com or https://*.preview.example.com";

fn read(text: &str) -> Result<Origin<'static>, Wrong> {
    if text.contains('*') {
        let right = "write it first and before a dot, such as https://*.preview.example.com";
        return Err(Wrong::new("has a `*` that does not stand for whole labels", right));
    }
    if !text.is_ascii() {
        return Err(Wrong::new("is not ASCII", "write a name of another alphabet as xn--…"));
    }
    let wrong = || Wrong::new("is not an origin", EXAMPLE);
    let text = text.to_ascii_lowercase();
    let origin = Origin::read(text.as_bytes()).ok_or_else(wrong)?;
    Ok(without_usual_port(&origin).into_owned())
}

/// `https://a:443` is written `https://a` by every browser.
fn without_usual_port<'o>(origin: &'o Origin<'_>) -> Origin<'o> {
    let bare = origin.as_str().rsplit_once(':').and_then(|(bare, _)| Origin::read(bare.as_bytes()));
    bare.filter(|bare| bare.is_same(origin)).unwrap_or_else(|| origin.clone())
}

fn without_scheme(text: &str) -> Wrong {
    if text.eq_ignore_ascii_case("null") {
        return Wrong::new("is spelled in another way by browsers", "write null");
    }
    let is_shown = !looks_secret(text.as_bytes()) && !looks_chosen(text);
    match Origin::read(format!("https://{text}").as_bytes()).filter(|_| is_shown) {
        Some(origin) => Wrong::new("has no scheme", format!("write {origin}")),
        None => Wrong::new("is not an origin", EXAMPLE),
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Any => f.write_str("*"),
            Kind::Null => f.write_str("null"),
            Kind::Exact(origin) => fmt::Display::fmt(origin, f),
            Kind::Below(parent) => match parent.as_str().split_once("://") {
                Some((scheme, rest)) => write!(f, "{scheme}://*.{rest}"),
                None => Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::OriginPattern;
    use crate::browser::Origin;

    fn matches(pattern: &str, origin: &str) -> bool {
        let pattern: OriginPattern = pattern.parse().unwrap();
        Origin::read(origin.as_bytes()).is_some_and(|origin| pattern.matches(&origin))
    }

    #[test]
    fn an_origin_is_named_exactly() {
        for (pattern, origin, named) in [
            ("https://app.example.com", "https://app.example.com", true),
            ("https://app.example.com", "https://app.example.com:443", true),
            ("https://app.example.com:443", "https://app.example.com", true),
            ("HTTPS://App.Example.com", "https://app.example.com", true),
            ("https://app.example.com", "HTTPS://APP.example.com", true),
            ("https://app.example.com", "https://app.example.com:8443", false),
            ("https://app.example.com:8443", "https://app.example.com", false),
            ("https://app.example.com", "http://app.example.com", false),
            ("https://app.example.com", "http://app.example.com:443", false),
            ("https://app.example.com", "https://app.example.com.", false),
            ("https://app.example.com", "https://app.example.com/", false),
            ("https://app.example.com", "https://app.example.com.evil", false),
            ("https://app.example.com", "https://app.example.com@evil", false),
            ("https://app.example.com", "https://evil.app.example.com", false),
            ("https://app.example.com", "https://xapp.example.com", false),
            ("https://app.example.com", "null", false),
            ("capacitor://localhost", "capacitor://localhost", true),
            ("http://[::1]:3000", "http://[::1]:3000", true),
            ("null", "null", true),
            ("null", "https://null", false),
            ("*", "https://app.example.com", true),
        ] {
            assert_eq!(matches(pattern, origin), named, "{pattern} {origin}");
        }
    }

    #[test]
    fn a_star_stands_for_whole_labels() {
        let pattern = "https://*.preview.example.com";
        for (origin, named) in [
            ("https://a.preview.example.com", true),
            ("https://b.a.preview.example.com", true),
            ("https://A.Preview.example.com:443", true),
            ("https://preview.example.com", false),
            ("https://.preview.example.com", false),
            ("https://a..preview.example.com", false),
            ("https://xpreview.example.com", false),
            ("https://a-preview.example.com", false),
            ("https://a.preview.example.com.evil", false),
            ("https://a.preview.example.com:8443", false),
            ("http://a.preview.example.com", false),
            ("null", false),
        ] {
            assert_eq!(matches(pattern, origin), named, "{origin}");
        }
        assert!(matches("http://*.localhost:3000", "http://shop.localhost:3000"));
        assert!(!matches("http://*.localhost:3000", "http://shop.localhost"));
    }

    #[test]
    fn a_wrong_pattern_is_told_what_would_be_right() {
        for (text, message) in [
            ("app.example.com", "has no scheme; write https://app.example.com"),
            (
                "https://app.example.com/",
                "has a path, and an origin ends after host and port; write https://app.example.com",
            ),
            (
                "https://app.example.com/x?y",
                "has a path, and an origin ends after host and port; write https://app.example.com",
            ),
            (
                "https://user:pw@app.example.com",
                "has a user or password in it; write scheme, host and port alone",
            ),
            ("https://localhost:*", "leaves the port open; write one entry for each port"),
            (
                "https://app*.example.com",
                "has a `*` that does not stand for whole labels; write it first and before a dot, such as https://*.preview.example.com",
            ),
            (
                "https://*",
                "has a `*` that does not stand for whole labels; write it first and before a dot, such as https://*.preview.example.com",
            ),
            (
                "*://app.example.com",
                "has a `*` that does not stand for whole labels; write it first and before a dot, such as https://*.preview.example.com",
            ),
            ("https://bücher.example", "is not ASCII; write a name of another alphabet as xn--…"),
            ("NULL", "is spelled in another way by browsers; write null"),
            (
                "",
                "is not an origin; write one such as https://app.example.com or https://*.preview.example.com",
            ),
            (
                "https://a b",
                "is not an origin; write one such as https://app.example.com or https://*.preview.example.com",
            ),
            (
                "https://a:99999",
                "is not an origin; write one such as https://app.example.com or https://*.preview.example.com",
            ),
        ] {
            assert_eq!(text.parse::<OriginPattern>().unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn what_was_probably_forgotten_is_near() {
        let near = |pattern: &str, origin: &str| {
            pattern.parse::<OriginPattern>().unwrap().is_near(&Origin::read(origin.as_bytes()).unwrap())
        };
        assert!(near("https://app.test", "http://app.test"));
        assert!(near("http://localhost:3000", "http://localhost:5173"));
        assert!(near("https://*.app.test", "https://a.app.test:8443"));
        assert!(!near("https://app.test", "https://app.test"));
        assert!(!near("https://app.test", "https://evil.test"));
        assert!(!near("null", "null"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            drop(text.parse::<OriginPattern>());
        }

        #[test]
        fn what_is_written_is_read_back(text in "https?://(\\*\\.)?[a-z]{1,5}(\\.[a-z]{1,5}){0,2}(:[1-9][0-9]{0,3})?") {
            let pattern: OriginPattern = text.parse().unwrap();
            assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }

        /// The rule said in another way: what stands before the suffix is labels and dots alone.
        #[test]
        fn only_names_below_are_named(
            labels in prop::collection::vec("[a-z0-9-]{0,3}", 0..4),
            end in prop::sample::select(&["a.test", "xa.test", "a.test.evil", "b.test"][..]),
        ) {
            let host = labels.iter().map(String::as_str).chain([end]).collect::<Vec<_>>().join(".");
            let expected = end == "a.test" && !labels.is_empty() && labels.iter().all(|label| !label.is_empty());
            assert_eq!(matches("https://*.a.test", &format!("https://{host}")), expected, "{host}");
        }
    }
}
