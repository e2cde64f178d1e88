//! Which requests a policy covers, read as WordPress reads a URL.
//!
//! WordPress reflects any origin, with credentials, on every REST reply (`rest_send_cors_headers`): a URL that it takes
//! for a REST route and we do not would be a way around the policy. `WP::parse_request` trims slashes, decodes once,
//! takes what follows a script's name, and lets `rest_route` decide on any path; so does this. Where it is
//! in doubt a request is covered, which is the stricter side. Dot segments need no care: no browser sends them.

use std::fmt;
use std::str::FromStr;

use super::Wrong;
use crate::evidence::{Plus, decoded, names_route, rest_routes};
use crate::message::RequestHead;
use crate::secret::{looks_chosen, looks_secret};

/// One entry of `paths`: it covers itself and everything below, on a segment border. With a segment `wp-json` it
/// covers the other forms of a REST URL too: `/index.php/wp-json/…` and `?rest_route=/…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathPrefix(String);

impl PathPrefix {
    /// The path as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn segments(&self) -> impl Iterator<Item = &[u8]> {
        segments(self.0.as_bytes())
    }

    /// Whether this path, decoded, is covered.
    fn covers_path(&self, path: &[u8]) -> bool {
        let whole = || segments(path);
        let behind_script = || whole().skip_while(|segment| !is_script(segment)).skip(1);
        begins_with(whole(), self.segments())
            || begins_with(whole().filter(|segment| !is_script(segment)), self.segments())
            || (whole().any(is_script) && begins_with(behind_script(), self.segments()))
    }

    /// Whether the route in a `rest_route` parameter, decoded, is covered.
    fn covers_route(&self, route: &[u8]) -> bool {
        let mut below = self.segments().skip_while(|segment| *segment != b"wp-json");
        below.next().is_some() && begins_with(segments(route), below)
    }
}

fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|segment| !segment.is_empty())
}

fn begins_with<'p>(
    mut path: impl Iterator<Item = &'p [u8]>,
    mut prefix: impl Iterator<Item = &'p [u8]>,
) -> bool {
    prefix.all(|segment| path.next() == Some(segment))
}

/// `index.php`, or any other script that loads WordPress: what follows it is the path (`PATH_INFO`).
fn is_script(segment: &[u8]) -> bool {
    let end = segment.len().checked_sub(4).and_then(|at| segment.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(b".php"))
}

/// Whether any of these entries covers the request.
pub(super) fn covers(paths: &[PathPrefix], head: &RequestHead) -> bool {
    let path = decoded(head.path(), Plus::Stays);
    // `^wp-json/?$` matches before a final line break too (PCRE `$`).
    let path = path.strip_suffix(b"\n").unwrap_or(&path);
    paths.iter().any(|prefix| prefix.covers_path(path)) || covers_query(paths, head.query())
}

fn covers_query(paths: &[PathPrefix], query: &[u8]) -> bool {
    let mut routes = rest_routes(query).filter(|route| names_route(route));
    routes.any(|route| paths.iter().any(|prefix| prefix.covers_route(&route)))
}

impl FromStr for PathPrefix {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        const EXAMPLE: &str = "write one such as /wp-json/ or /graphql";
        if text.contains("://") {
            return Err(Wrong::new("is a URL, not a path", EXAMPLE));
        }
        if !text.starts_with('/') {
            let right = if looks_secret(text.as_bytes()) || looks_chosen(text) {
                EXAMPLE.to_owned()
            } else {
                format!("write /{}", first_word(text))
            };
            return Err(Wrong::new("does not begin with a slash", right));
        }
        if text.contains('*') {
            return Err(Wrong::new("is a pattern", "write the path alone: everything below it is meant too"));
        }
        if text.contains(['?', '#', '%']) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Wrong::new("is more than a path of plain characters", EXAMPLE));
        }
        if segments(text.as_bytes()).any(|segment| matches!(segment, b"." | b"..")) {
            return Err(Wrong::new("has a segment `.` or `..`", "write the path that browsers make of it"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// As much of a text as may be repeated.
fn first_word(text: &str) -> String {
    text.chars()
        .take_while(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '/'))
        .take(40)
        .collect()
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{PathPrefix, covers};
    use crate::message::{Fields, RequestHead};

    fn covered(paths: &[&str], target: &str) -> bool {
        let paths: Vec<PathPrefix> = paths.iter().map(|path| path.parse().unwrap()).collect();
        covers(&paths, &RequestHead::build("GET", target, Fields::new()))
    }

    #[test]
    fn what_wordpress_takes_for_the_rest_api_is_covered() {
        for target in [
            "/wp-json",
            "/wp-json/",
            "/wp-json/wp/v2/posts?x=1",
            "/wp%2Djson/wp/v2/posts",
            "/%77p-json/",
            "/wp-json%2Fwp/v2",
            "//wp-json/wp/v2/posts",
            "/wp-json//wp/v2/posts",
            "/wp-json%0A",
            "/index.php/wp-json/wp/v2/posts",
            "/index.php//wp-json/",
            "/index%2Ephp/wp-json/",
            "/wp-blog-header.php/wp-json/wp/v2/posts",
            "/?rest_route=/wp/v2/posts",
            "/?rest_route=/",
            "/any/page/?x=1&rest_route=%2Fwp%2Fv2",
            "/index.php?rest_route=wp/v2/posts",
            "/?rest%5Froute=/x",
            "/?rest.route=/x",
            "/?rest+route=/x",
            "/?rest[route=/x",
            "/?+rest_route=/x",
            "/?rest_route%00y=/x",
            "/?rest_route[]=/x",
            "/?rest_route=0&rest_route=/x",
        ] {
            assert!(covered(&["/wp-json/"], target), "{target}");
        }
    }

    #[test]
    fn what_is_no_rest_route_is_left_alone() {
        for target in [
            "/",
            "/wp-jsonp/x",
            "/wp-json.php",
            "/WP-JSON/",
            "/blog/wp-json/",
            "/wp-content/fonts/a.woff2",
            "/wp%252Djson/",
            "/?rest_route",
            "/?rest_route=",
            "/?rest_route=0",
            "/?xrest_route=/x",
            "/?rest_routes=/x",
            "/?Rest_Route=/x",
            "/?x=rest_route=/x",
            "/index.php",
        ] {
            assert!(!covered(&["/wp-json/"], target), "{target}");
        }
    }

    #[test]
    fn a_path_covers_itself_and_what_is_below() {
        assert!(covered(&["/graphql"], "/graphql"));
        assert!(covered(&["/graphql"], "/graphql/x?rest_route=/y"));
        assert!(!covered(&["/graphql"], "/graphqlx"));
        assert!(!covered(&["/graphql"], "/?rest_route=/graphql"));
        assert!(covered(&["/"], "/anything?x"));
        assert!(covered(&["/blog/wp-json"], "/blog/index.php/wp-json/x"));
        assert!(covered(&["/blog/wp-json"], "/blog//wp-json/x"));
        assert!(covered(&["/blog/wp-json"], "/index.php/blog/wp-json/x"));
        assert!(covered(&["/wp-json/wp/v2"], "/?rest_route=/wp/v2/posts"));
        assert!(!covered(&["/wp-json/wp/v2"], "/?rest_route=/wp/v3/posts"));
        assert!(covered(&["/xmlrpc.php"], "/xmlrpc.php"));
    }

    #[test]
    fn a_wrong_path_is_told_what_would_be_right() {
        for (text, wrong) in [
            ("wp-json/", "does not begin with a slash; write /wp-json/"),
            ("https://a/wp-json", "is a URL, not a path; "),
            ("/wp-json/*", "is a pattern; "),
            ("/?rest_route=/x", "is more than a path"),
            ("/wp%2Djson", "is more than a path"),
            ("/a/../b", "has a segment"),
            ("/é", "is more than a path"),
            ("", "does not begin with a slash"),
        ] {
            let message = text.parse::<PathPrefix>().unwrap_err().to_string();
            assert!(message.starts_with(wrong), "{text}: {message}");
        }
    }

    proptest! {
        #[test]
        fn any_target_is_covered_or_not(target in any::<String>()) {
            assert!(covered(&["/"], &target));
            covered(&["/wp-json/", "/graphql"], &target);
        }

        #[test]
        fn however_a_path_is_escaped_it_is_the_same(mask in any::<[bool; 8]>()) {
            let path: String = "/wp-json".bytes().zip(mask).enumerate()
                .map(|(at, (byte, escape))| if escape && at > 0 { format!("%{byte:02x}") } else { char::from(byte).to_string() })
                .collect();
            assert!(covered(&["/wp-json/"], &path), "{path}");
        }
    }
}
