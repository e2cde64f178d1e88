//! Targets and hosts as they may be shown.
//!
//! A path says which route was asked and is worth showing; a query value may be a token (`?JWT=…`, `consumer_secret`,
//! a reset key), and so may a path segment. Values always go, segments go when they look secret. The one value that
//! is kept is that of `rest_route`, because it is a path: WordPress's own other form of it.

use std::fmt;

use crate::secret::looks_secret;

/// Text that was made safe to show: printable ASCII, bounded, without what may be a credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redacted(String);

const LONGEST: usize = 1024;
const GONE: &str = "…";

impl Redacted {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A host and port; anything else that stood in `Host` is not shown. Neither is what looks secret: names that are asked
    /// for in DNS have a dot, and whoever makes names of digits writes them in small letters.
    #[must_use]
    pub fn host(host: &[u8]) -> Self {
        let plain =
            |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
        let is_word = !host.iter().any(|byte| matches!(byte, b'.' | b':'));
        let is_odd =
            |label: &[u8]| looks_secret(label) && (is_word || label.iter().any(u8::is_ascii_uppercase));
        if host.len() > 255
            || !host.iter().all(plain)
            || host.split(|byte| matches!(byte, b'.' | b':')).any(is_odd)
        {
            return Self(GONE.into());
        }
        Self(String::from_utf8_lossy(host).into_owned())
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request target without query values and without path segments that look secret.
#[must_use]
pub fn redact_target(target: &[u8]) -> Redacted {
    let target = without_authority(target);
    let (path, query) = split(target, b'?');
    let mut out = String::with_capacity(target.len().min(LONGEST) + 8);
    push_path(&mut out, path);
    let mut separator = '?';
    for pair in query.into_iter().flat_map(|query| query.split(|byte| *byte == b'&')) {
        out.push(separator);
        separator = '&';
        push_pair(&mut out, pair);
        if out.len() > LONGEST {
            break;
        }
    }
    if out.len() > LONGEST {
        out.truncate(out.floor_char_boundary(LONGEST));
        out.push_str(GONE);
    }
    Redacted(out)
}

/// The authority of an absolute form may hold a password (RFC 3986 §3.2.1).
fn without_authority(target: &[u8]) -> &[u8] {
    let after =
        memchr::memmem::find(target, b"://").filter(|at| memchr::memchr(b'/', target) == Some(at + 1));
    let Some(rest) = after.and_then(|at| target.get(at + 3..)) else { return target };
    let path = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    rest.get(path..).unwrap_or_default()
}

fn push_path(out: &mut String, path: &[u8]) {
    for (place, segment) in path.split(|byte| *byte == b'/').enumerate() {
        if place > 0 {
            out.push('/');
        }
        push_segment(out, segment);
        if out.len() > LONGEST {
            return;
        }
    }
}

/// Signs that stand before a value or in an address, in a path that was escaped once or twice.
const ESCAPED: [&[u8]; 4] = [b"%40", b"%2540", b"%3D", b"%3d"];

/// `name=value` in a path is a parameter (`;jsessionid=…`), `a@b` a login or an address.
fn push_segment(out: &mut String, segment: &[u8]) {
    let holds = |sign: &&[u8]| memchr::memmem::find(segment, sign).is_some();
    if looks_secret(segment) || segment.contains(&b'@') || ESCAPED.iter().any(holds) {
        out.push_str(GONE);
        return;
    }
    let (name, value) = split(segment, b'=');
    push_text(out, name);
    if value.is_some() {
        out.push('=');
        out.push_str(GONE);
    }
}

fn push_pair(out: &mut String, pair: &[u8]) {
    let (name, value) = split(pair, b'=');
    let Some(value) = value else {
        // Without a name it is all value.
        if !pair.is_empty() {
            out.push_str(GONE);
        }
        return;
    };
    if looks_secret(name) || name.len() > 64 {
        out.push_str(GONE);
    } else {
        push_text(out, name);
    }
    out.push('=');
    match name {
        b"rest_route" => push_route(out, value),
        _ => out.push_str(GONE),
    }
}

fn push_route(out: &mut String, value: &[u8]) {
    let route = String::from_utf8_lossy(value).replace("%2F", "/").replace("%2f", "/");
    if route.starts_with('/') {
        push_path(out, route.as_bytes());
        return;
    }
    out.push_str(GONE);
}

/// Printable ASCII as it is, everything else percent-encoded, so that no target can forge a line or a colour.
fn push_text(out: &mut String, text: &[u8]) {
    for byte in text {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'<' | b'>') {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

fn split(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(at, text) {
        Some(place) => (text.get(..place).unwrap_or_default(), text.get(place + 1..)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{LONGEST, Redacted, redact_target};

    #[test]
    fn values_and_secret_segments_go_and_routes_stay() {
        let table = [
            ("/wp-json/wp/v2/posts/12?context=edit&page=2", "/wp-json/wp/v2/posts/12?context=…&page=…"),
            ("/?rest_route=/wp/v2/users/me&JWT=eyJ0", "/?rest_route=/wp/v2/users/me&JWT=…"),
            ("/?rest_route=%2Fwp%2Fv2", "/?rest_route=/wp/v2"),
            ("/?rest_route=eyJ0", "/?rest_route=…"),
            ("/?rest_route=/x/3f2a9c1b2d4e4f5a8b6c", "/?rest_route=/x/…"),
            ("/reset/3f2a9c1b2d4e4f5a8b6c/now", "/reset/…/now"),
            ("/a;jsessionid=1/b", "/a;jsessionid=…/b"),
            ("/mail/jo@example.com", "/mail/…"),
            ("/mail/jo%40example.com/a", "/mail/…/a"),
            ("/mail/jo%2540example.com", "/mail/…"),
            ("/?rest_route=/mail/jo%40example.com", "/?rest_route=/mail/…"),
            ("/x%3Ftoken%3Dabc/b", "/…/b"),
            ("/?eyJ0", "/?…"),
            ("/?eyJhbGciOiJIUzI1NiJ9=1", "/?…=…"),
            ("/a?", "/a?"),
            ("http://jo:pw@example.com/x?y=1", "/x?y=…"),
            ("http://jo:pw@example.com", ""),
            ("//jo:pw@example.com/x", "//…/x"),
            ("*", "*"),
            ("/\x1b[31m\"\r\n", "/%1B[31m%22%0D%0A"),
        ];
        for (target, shown) in table {
            assert_eq!(redact_target(target.as_bytes()).as_str(), shown, "{target}");
        }
    }

    #[test]
    fn hosts_are_hosts_or_not_shown() {
        assert_eq!(Redacted::host(b"api.example.com:8080").as_str(), "api.example.com:8080");
        assert_eq!(Redacted::host(b"[::1]:80").as_str(), "[::1]:80");
        assert_eq!(Redacted::host(b"jo:pw@example.com").as_str(), "…");
        assert_eq!(Redacted::host(b"sKq7RvT2mXw9ZbL4nYh6").as_str(), "…");
        for host in ["eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln", "sKq7RvT2mXw9ZbL4nYh6.example.com:80"] {
            assert_eq!(Redacted::host(host.as_bytes()).as_str(), "…", "{host}");
        }
        assert_eq!(
            Redacted::host(b"app-3f2a9c1b2d-4e5f.vercel.app").as_str(),
            "app-3f2a9c1b2d-4e5f.vercel.app"
        );
    }

    proptest! {
        #[test]
        fn any_target_is_shown_printable_and_bounded(target in any::<Vec<u8>>(), times in 1usize..200) {
            let shown = redact_target(&target.repeat(times));
            assert!(shown.as_str().len() <= LONGEST + 3);
            assert!(shown.as_str().chars().all(|c| c.is_ascii_graphic() || c == '…'));
        }

        #[test]
        fn no_value_is_shown(value in "[a-zA-Z0-9]{8,40}") {
            let shown = redact_target(format!("/wp-json/?token={value}&x=1").as_bytes());
            assert!(!shown.as_str().contains(&value));
        }
    }
}
