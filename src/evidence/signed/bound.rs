//! What a list is bound to, beside its own text: so that it cannot be taken from one request and put on another.
//!
//! The path is not among it, since hops rewrite it. The authority is taken without its port, and HEAD as GET, for proxies
//! change both and mean no harm: nginx sends `$host`, which has no port, and caches ask with GET for what a client asked
//! for with HEAD.

use std::borrow::Cow;

use crate::message::{Method, host_of};

/// Which way a list goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// With the request: a trail.
    There,
    /// With the reply: a report.
    Back,
}

/// What a list is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound<'a> {
    pub(in crate::evidence) direction: Direction,
    pub(in crate::evidence) method: &'a [u8],
    pub(in crate::evidence) authority: Cow<'a, [u8]>,
}

impl<'a> Bound<'a> {
    /// Binds to a request with this method, as known and as spelled, and this authority, as `Host` has it.
    #[must_use]
    pub fn new(direction: Direction, method: Method, spelled: &'a [u8], authority: &'a [u8]) -> Self {
        let method = if method == Method::Head { b"GET" } else { spelled };
        Self { direction, method, authority: canonical(authority) }
    }
}

/// The host of `authority` in small letters.
fn canonical(authority: &[u8]) -> Cow<'_, [u8]> {
    let host = host_of(authority);
    if host.iter().any(u8::is_ascii_uppercase) {
        return Cow::Owned(host.to_ascii_lowercase());
    }
    Cow::Borrowed(host)
}

#[cfg(test)]
mod tests {
    use super::{Bound, Direction};
    use crate::message::Method;

    #[test]
    fn what_hops_change_without_harm_is_left_out() {
        let bound = |method, spelled: &'static str, host: &'static str| {
            Bound::new(Direction::There, method, spelled.as_bytes(), host.as_bytes())
        };
        let plain = bound(Method::Get, "GET", "api.example.com");
        assert_eq!(bound(Method::Head, "HEAD", "API.example.com:8080"), plain);
        assert_eq!(bound(Method::Get, "GET", "api.example.com.:80"), plain);
        assert_ne!(bound(Method::Post, "POST", "api.example.com"), plain);
        assert_ne!(bound(Method::Get, "GET", "example.com"), plain);
        assert_eq!(bound(Method::Get, "GET", "[::1]:80"), bound(Method::Get, "GET", "[::1]"));
    }
}
