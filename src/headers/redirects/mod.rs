//! Redirects that take a client with a token somewhere else: to another scheme, host or port most clients follow
//! without `Authorization` (Fetch standard, HTTP-redirect fetch), and then WordPress says 401.
//!
//! [`Redirect::read`] says where a reply leads, seen from the URL that was asked for. [`rewrite`] keeps the client
//! where it is, for redirects that only name the site by another of its own names. A `Location` may carry a
//! credential in its query, so nothing here prints one.

mod clients;

pub use clients::{Client, Fate};

use std::fmt;

use super::Scheme;
use crate::evidence::{Led, Route, RouteClass};
use crate::message::{Name, ReplyHead, RequestHead};

/// What is done about a redirect to another origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// It goes on, and is a finding.
    #[default]
    Report,
    /// [`rewrite`] is called.
    Rewrite,
}

/// The URL a client asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    head: &'a RequestHead,
    scheme: Scheme,
    place: Place<'a>,
}

impl<'a> Asked<'a> {
    /// The URL of a request, asked for in this scheme; nothing when its `Host` is none.
    #[must_use]
    pub fn new(head: &'a RequestHead, scheme: Scheme) -> Option<Self> {
        let place = Place::of(head.fields.only(Name::Host)?)?;
        Some(Self { head, scheme, place })
    }

    /// The same as the client asked for it, who named this host where a hop in front names another one here.
    #[must_use]
    pub fn of_client(self, host: &'a [u8]) -> Self {
        Self { place: Place::of(host).unwrap_or(self.place), ..self }
    }

    /// Whether a redirect to another origin could cost the client its answer.
    fn matters(&self) -> bool {
        let has_credential =
            self.head.fields.first(Name::Authorization).is_some_and(|value| !value.is_empty());
        has_credential || Route::of(self.head).class != RouteClass::NotRest
    }

    fn port(&self) -> u16 {
        self.place.port.unwrap_or(self.scheme.port())
    }
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// A host and perhaps a port.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place<'a> {
    host: &'a [u8],
    port: Option<u16>,
}

impl<'a> Place<'a> {
    /// Reads `host`, `host:port` or `[v6]:port`; an empty port counts as none (RFC 3986 §6.2.3).
    fn of(text: &'a [u8]) -> Option<Self> {
        let bracket = memchr::memrchr(b']', text);
        let colon =
            memchr::memrchr(b':', text).filter(|colon| bracket.is_none_or(|bracket| bracket < *colon));
        let (host, port) = match colon {
            None => (text, None),
            Some(colon) => (text.get(..colon)?, port(text.get(colon + 1..)?)?),
        };
        let host = host.strip_suffix(b".").unwrap_or(host);
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~[]:".contains(byte);
        (!host.is_empty() && host.iter().all(allowed)).then_some(Self { host, port })
    }
}

/// The number in `text`; nothing within when it is empty.
fn port(text: &[u8]) -> Option<Option<u16>> {
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok().map(Some)
}

/// Where a reply leads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Redirect<'l> {
    scheme: Scheme,
    place: Place<'l>,
    target: &'l [u8],
    change: Change,
    has_password: bool,
    is_same_target: bool,
    is_same_path: bool,
}

/// What a redirect changes about the origin; all `false` and [`Kinship::Same`] when only the path is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// From `http` to `https` or back.
    pub scheme: bool,
    /// What the new host is to the old one.
    pub host: Kinship,
    /// To another port; from one scheme's own port to the other's is none.
    pub port: bool,
}

/// What a host is to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinship {
    /// The same.
    Same,
    /// Below it, as `www.example.com` is to `example.com`.
    Below,
    /// Above it, as `example.com` is to `www.example.com`.
    Above,
    /// Neither.
    Other,
}

impl Change {
    /// Whether the redirect leaves the origin: then most clients drop `Authorization`, see [`Client::fate`].
    #[must_use]
    pub const fn leaves_origin(self) -> bool {
        self.scheme || self.port || !matches!(self.host, Kinship::Same)
    }
}

impl<'l> Redirect<'l> {
    /// Where this reply leads; nothing when it is no redirect, or leads where HTTP does not go. What clients could
    /// read in two ways (a backslash, a control character) is not read at all.
    #[must_use]
    pub fn read(reply: &'l ReplyHead, asked: &Asked<'l>) -> Option<Self> {
        if !matches!(reply.status.code(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = reply.fields.only(Name::Location)?;
        let is_clear = |byte: &u8| *byte > b' ' && *byte != 0x7f && *byte != b'\\';
        location.iter().all(is_clear).then_some(())?;
        Self::of(location, asked)
    }

    fn of(location: &'l [u8], asked: &Asked<'l>) -> Option<Self> {
        let (scheme, rest) = split_scheme(location, asked.scheme)?;
        let Some(rest) = rest.strip_prefix(b"//") else {
            // A scheme without an authority is read as a path by some and as a host by others.
            let is_relative = rest.len() == location.len() && !rest.is_empty();
            return is_relative.then(|| Self::within(rest, asked));
        };
        let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end)?;
        let at = memchr::memrchr(b'@', authority);
        let place = Place::of(authority.get(at.map_or(0, |at| at + 1)..)?)?;
        let change = change(asked, scheme, place);
        let is_same_target = same_target(target, asked.head.target());
        let is_same_path = same_path(target, asked.head);
        Some(Self { scheme, place, target, change, has_password: at.is_some(), is_same_target, is_same_path })
    }

    /// One that stays at the origin.
    fn within(target: &'l [u8], asked: &Asked<'l>) -> Self {
        let change = Change { scheme: false, host: Kinship::Same, port: false };
        let is_same_target = match target.first() {
            Some(b'#') => true,
            Some(b'?') => without_fragment(target).get(1..) == Some(asked.head.query()),
            _ => same_target(target, asked.head.target()),
        };
        let is_same_path = same_path(target, asked.head);
        let (scheme, place) = (asked.scheme, asked.place);
        Self { scheme, place, target, change, has_password: false, is_same_target, is_same_path }
    }

    /// The scheme it leads to.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host it leads to, as written. It comes from the wire: shown, it must be made safe.
    #[must_use]
    pub const fn host(&self) -> &'l [u8] {
        self.place.host
    }

    /// The port it leads to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.place.port.unwrap_or(self.scheme.port())
    }

    /// What it changes about the origin.
    #[must_use]
    pub const fn change(&self) -> Change {
        self.change
    }

    /// Whether a user or a password stands before the host. Browsers refuse to follow it from another origin.
    #[must_use]
    pub const fn has_password(&self) -> bool {
        self.has_password
    }

    /// Whether it leads to the very URL that was asked for.
    #[must_use]
    pub const fn leads_back(&self) -> bool {
        self.is_same_target && !self.change.leaves_origin()
    }

    /// Whether it leads to the very URL that was asked for, by `https`. When the client did ask by `https` and a
    /// proxy in between did not say so, this goes on for ever.
    #[must_use]
    pub const fn only_adds_tls(&self) -> bool {
        let Change { scheme, host, port } = self.change;
        let only_scheme = scheme && matches!(host, Kinship::Same) && !port;
        self.is_same_target && only_scheme && matches!(self.scheme, Scheme::Https)
    }
}

impl Redirect<'_> {
    /// What a diagnosis may know of it.
    #[must_use]
    pub const fn led(&self) -> Led {
        let Change { scheme, host, port } = self.change;
        let changes = match (scheme, matches!(host, Kinship::Same), port) {
            (true, true, false) => "scheme",
            (true, true, true) => "scheme and port",
            (true, false, _) => "scheme and host",
            (false, false, _) => "host",
            (false, true, true) => "port",
            (false, true, false) => "path",
        };
        Led {
            away: self.change.leaves_origin(),
            only_to_tls: self.only_adds_tls(),
            back: self.leads_back(),
            to_https: matches!(self.scheme, Scheme::Https),
            changes,
            same_path: self.is_same_path,
            rewritten: false,
        }
    }
}

impl fmt::Debug for Redirect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirect").field("change", &self.change).finish_non_exhaustive()
    }
}

/// The scheme of a reference and what follows it; a reference without one keeps the scheme it stands in
/// (RFC 3986 §5.2.2).
fn split_scheme(location: &[u8], own: Scheme) -> Option<(Scheme, &[u8])> {
    let end = location.iter().position(|byte| b":/?#".contains(byte));
    match end.map(|end| location.split_at(end)) {
        Some((scheme, rest)) if rest.starts_with(b":") => Some((Scheme::of(scheme)?, rest.get(1..)?)),
        _ => Some((own, location)),
    }
}

fn change(asked: &Asked<'_>, scheme: Scheme, place: Place<'_>) -> Change {
    let port = place.port.unwrap_or(scheme.port());
    let own_ports = port == scheme.port() && asked.port() == asked.scheme.port();
    Change {
        scheme: scheme != asked.scheme,
        host: kinship(place.host, asked.place.host),
        port: port != asked.port() && !own_ports,
    }
}

fn kinship(new: &[u8], old: &[u8]) -> Kinship {
    if new.eq_ignore_ascii_case(old) {
        return Kinship::Same;
    }
    if is_below(new, old) {
        return Kinship::Below;
    }
    if is_below(old, new) { Kinship::Above } else { Kinship::Other }
}

fn is_below(name: &[u8], above: &[u8]) -> bool {
    let Some((front, end)) = name.len().checked_sub(above.len()).and_then(|at| name.split_at_checked(at))
    else {
        return false;
    };
    front.ends_with(b".") && end.eq_ignore_ascii_case(above)
}

/// Whether a path and query are the ones asked for, whatever the fragment.
fn same_target(target: &[u8], asked: &[u8]) -> bool {
    let target = without_fragment(target);
    match target.first() {
        Some(b'/') => target == asked,
        // No path is the path `/`.
        None => asked == b"/",
        Some(b'?') => asked.strip_prefix(b"/") == Some(target),
        Some(_) => false,
    }
}

/// Whether a target has the path that was asked for, if perhaps for the slash at its end.
fn same_path(target: &[u8], asked: &RequestHead) -> bool {
    let end = target.iter().position(|byte| b"?#".contains(byte)).unwrap_or(target.len());
    let bare = |path: &[u8]| path.strip_suffix(b"/").unwrap_or(path).to_vec();
    target.get(..end).is_some_and(|path| path.starts_with(b"/") && bare(path) == bare(asked.path()))
}

fn without_fragment(target: &[u8]) -> &[u8] {
    memchr::memchr(b'#', target).and_then(|end| target.get(..end)).unwrap_or(target)
}

/// The names by which a site calls itself.
#[derive(Clone, Copy, Debug)]
pub struct Own<'s> {
    /// Its hosts, without ports; none for a site that answers for any.
    pub hosts: &'s [String],
    /// What stands in a `Host` field for each of its upstreams.
    pub upstreams: &'s [String],
}

impl Own<'_> {
    fn names(self, redirect: &Redirect<'_>, asked: &Asked<'_>) -> bool {
        let is = |host: &[u8]| redirect.place.host.eq_ignore_ascii_case(host);
        let is_upstream = |upstream: &String| {
            let upstream = Place::of(upstream.as_bytes());
            upstream.is_some_and(|place| is(place.host) && place.port.unwrap_or(80) == redirect.port())
        };
        is(asked.place.host)
            || self.hosts.iter().any(|host| is(host.as_bytes()))
            || self.upstreams.iter().any(is_upstream)
    }
}

/// Lets a redirect to another name of the same site stay at the origin that was asked, and says whether it did.
///
/// Only where the request carried `Authorization` or is for a REST route; where the target is one of the site's
/// hosts (the one just asked is always one) or the upstream's own address; where the new URL is another than the
/// one just asked for; and never from `https` to `http`. The new `Location` is a path alone: the client knows best
/// by which scheme and name it came. A cache must not give it to a client that came by another one, so it is
/// `no-store`.
pub fn rewrite(reply: &mut ReplyHead, asked: &Asked<'_>, own: Own<'_>) -> bool {
    let Some(location) = rewritten(reply, asked, own) else {
        return false;
    };
    reply.fields.set(Name::Location, &location);
    reply.fields.set(Name::CacheControl, b"no-store");
    true
}

fn rewritten(reply: &ReplyHead, asked: &Asked<'_>, own: Own<'_>) -> Option<Vec<u8>> {
    let redirect = Redirect::read(reply, asked)?;
    let loses_tls = redirect.scheme == Scheme::Https && asked.scheme == Scheme::Http;
    let is_ours = redirect.change.leaves_origin() && !redirect.has_password && own.names(&redirect, asked);
    if loses_tls || redirect.is_same_target || !is_ours || !asked.matters() {
        return None;
    }
    // `//…` would be read as a host.
    let target = redirect.target;
    (!target.starts_with(b"//")).then_some(())?;
    let root: &[u8] = if target.starts_with(b"/") { b"" } else { b"/" };
    Some([root, target].concat())
}

#[cfg(test)]
mod tests;
