//! What is said about a request by those who passed it on: believed from trusted peers, said anew by us.
//!
//! WordPress itself reads none of these fields to learn the scheme or the client: `is_ssl()` asks the web server
//! (`wp-includes/load.php`). Its `wp-config.php` does in countless copies of one snippet, and plugins do; to them a
//! client could call itself encrypted, or somebody else. So from a peer that is not trusted nothing of this kind
//! goes on but what we know ourselves.
//!
//! [`apply`] runs on every request: one pass over the fields, then the changes, written straight into the arena.

use std::net::IpAddr;

use super::{Peer, Scheme, Trusted};
use crate::message::{Fields, Name, Span, Version};

/// Fields of no vendor that make PHP believe something about the client or its way, and that nobody but a proxy
/// sends. From a peer that is not trusted they are removed:
///
/// - the client's address: `WP_Community_Events::get_unsafe_client_ip` in WordPress and countless copies of its
///   list read `Client-IP`, `X-Forwarded`, `X-Cluster-Client-IP`, `Forwarded-For` and `Forwarded`; WooCommerce's
///   geolocation reads `X-Real-IP` before all others; others read `X-Client-IP`;
/// - TLS: copies of the snippet, frameworks and plugins read `X-Forwarded-Ssl`, `X-Forwarded-Scheme`,
///   `X-Forwarded-Protocol` and `Front-End-Https`;
/// - where the site is: Symfony, and so Laravel, build URLs with `X-Forwarded-Port` and `X-Forwarded-Prefix`, Apache
///   adds `X-Forwarded-Server`.
///
/// A vendor's own fields (`CF-Connecting-IP`, `True-Client-IP`, `CloudFront-Forwarded-Proto`) stay: who reads them
/// has to know that vendor's addresses anyway.
const CLAIMS: [Name; 14] = [
    Name::ClientIp,
    Name::Forwarded,
    Name::ForwardedFor,
    Name::FrontEndHttps,
    Name::XClientIp,
    Name::XClusterClientIp,
    Name::XForwarded,
    Name::XForwardedPort,
    Name::XForwardedPrefix,
    Name::XForwardedProtocol,
    Name::XForwardedScheme,
    Name::XForwardedServer,
    Name::XForwardedSsl,
    Name::XRealIp,
];

/// What is removed whoever sent it.
const NEVER: [Name; 3] = [Name::Proxy, Name::Traceparent, Name::Tracestate];

/// What we set, so that no second spelling of it may stand beside ours.
const OURS: [Name; 4] = [Name::XForwardedFor, Name::XForwardedHost, Name::XForwardedProto, Name::XRequestId];

/// Whether requests are told that they passed here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// Where somebody in front told of himself. nginx, as it comes, compresses no reply to a request with `Via`
    /// (`gzip_proxied off`), so beginning the list would change what the site sends.
    #[default]
    Extend,
    /// Always, as RFC 9110 §7.6.3 wants it of a gateway.
    Send,
}

/// What [`apply`] did beside setting fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// A peer that is not trusted said, over a connection without TLS, that the client used TLS. Either somebody
    /// lies, or a proxy is missing among the trusted ones; WordPress then redirects for ever, refuses application
    /// passwords, and issues tokens for `http://`.
    pub claimed_https: bool,
    /// What was removed.
    pub dropped: Dropped,
}

/// A set of removed names.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped(u128);

/// Whether a name is one of [`CLAIMS`] is asked for every field of every request.
const CLAIMED: Dropped = Dropped::all(&CLAIMS);
const SET_BY_US: Dropped = Dropped::all(&OURS);

impl Dropped {
    const fn all(names: &[Name]) -> Self {
        let (mut set, mut rest) = (Self(0), names);
        while let [first, more @ ..] = rest {
            set.0 |= 1 << (*first as u32);
            rest = more;
        }
        set
    }

    const fn add(&mut self, name: Name) {
        self.0 |= 1 << (name as u32);
    }

    const fn has(self, name: Name) -> bool {
        self.0 & (1 << (name as u32)) != 0
    }

    /// The names, each once. A name written with `_` or `.` counts as the one it would be taken for.
    pub fn names(self) -> impl Iterator<Item = Name> {
        CLAIMS.into_iter().chain(NEVER).chain(OURS).filter(move |name| self.has(*name))
    }

    /// Whether nothing was removed.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Debug for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// Says on `fields` what we know about the request, and removes what may not be believed.
///
/// `version` is the one the request came in; `exchange` names the exchange, for requests that have no name yet.
/// Afterwards `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Request-Id` stand there exactly once, `X-Forwarded-Host`
/// where there is a `Host`, and `Via` where the policy wants it. A request of HTTP/1.0 that names no host should be given one first.
pub fn apply(fields: &mut Fields, peer: &Peer, version: Version, via: Via, exchange: &str) -> Report {
    let arrived = Arrived::of(fields, peer);
    let mut dropped = Dropped::default();
    if arrived.unwanted {
        remove_unwanted(fields, peer, &mut dropped);
    }
    keep_one_trace(fields, &arrived, &mut dropped);
    let claimed_https = arrived.claims_https(fields, peer);
    set_for(fields, &arrived, peer);
    set_proto(fields, &arrived, peer);
    set_host(fields, &arrived, peer);
    extend_forwarded(fields, &arrived, peer);
    if via == Via::Send || arrived.via.count > 0 {
        set_via(fields, &arrived, version);
    }
    set_request_id(fields, &arrived, peer, exchange);
    Report { claimed_https, dropped }
}

/// The first of a list, which the proxy nearest to the client wrote; nothing where it is empty.
#[must_use]
pub fn first_of_list(value: &[u8]) -> Option<&[u8]> {
    value.split(|byte| *byte == b',').next().map(<[u8]>::trim_ascii).filter(|first| !first.is_empty())
}

/// How often a field stands there, and its first value.
#[derive(Clone, Copy, Default)]
struct Seen {
    count: usize,
    value: Span,
}

impl Seen {
    fn note(&mut self, value: Span) {
        if self.count == 0 {
            self.value = value;
        }
        self.count += 1;
    }

    fn only(self) -> Option<Span> {
        (self.count == 1).then_some(self.value)
    }
}

/// What one pass over the fields finds.
#[derive(Default)]
struct Arrived {
    addresses: Seen,
    proto: Seen,
    forwarded_host: Seen,
    forwarded: Seen,
    host: Seen,
    via: Seen,
    request_id: Seen,
    trace: Seen,
    unwanted: bool,
}

impl Arrived {
    fn of(fields: &Fields, peer: &Peer) -> Self {
        let mut arrived = Self::default();
        for entry in fields.entries() {
            match entry.id {
                Name::XForwardedFor => arrived.addresses.note(entry.value),
                Name::XForwardedProto => arrived.proto.note(entry.value),
                Name::XForwardedHost => arrived.forwarded_host.note(entry.value),
                Name::Forwarded => arrived.forwarded.note(entry.value),
                Name::Host => arrived.host.note(entry.value),
                Name::Via => arrived.via.note(entry.value),
                Name::XRequestId => arrived.request_id.note(entry.value),
                Name::Traceparent => arrived.trace.note(entry.value),
                _ => {}
            }
            arrived.unwanted |= unwanted(entry.id, fields.text(entry.name), peer).is_some();
        }
        arrived
    }

    fn claims_https(&self, fields: &Fields, peer: &Peer) -> bool {
        if self.proto.count == 0 || peer.is_trusted() || peer.scheme() == Scheme::Https {
            return false;
        }
        let mut words = fields.all(Name::XForwardedProto).flat_map(|value| value.split(|byte| *byte == b','));
        words.any(|word| Scheme::of(word.trim_ascii()) == Some(Scheme::Https))
    }
}

/// What a field is removed as, if it is.
fn unwanted(id: Name, name: &[u8], peer: &Peer) -> Option<Name> {
    match id {
        Name::Other => other_spelling(name),
        // httpoxy: CGI makes HTTP_PROXY of it, which HTTP clients take for their proxy (CVE-2016-5385).
        Name::Proxy => Some(Name::Proxy),
        id => (!peer.is_trusted() && CLAIMED.has(id)).then_some(id),
    }
}

/// CGI makes one variable of `X-Forwarded-Proto` and `X_Forwarded_Proto`, PHP also of `X.Forwarded.Proto`, and the
/// last one wins: the field that we check or set would be hidden. No proxy writes them so, trusted or not.
fn other_spelling(name: &[u8]) -> Option<Name> {
    const LONGEST: usize = 20;
    memchr::memchr2(b'_', b'.', name)?;
    let mut buffer = [0; LONGEST];
    let plain = buffer.get_mut(..name.len())?;
    for (to, from) in plain.iter_mut().zip(name) {
        *to = if matches!(from, b'_' | b'.') { b'-' } else { *from };
    }
    let meant = Name::of(plain);
    (SET_BY_US.has(meant) || CLAIMED.has(meant)).then_some(meant)
}

fn remove_unwanted(fields: &mut Fields, peer: &Peer, dropped: &mut Dropped) {
    fields.retain(|field| {
        let unwanted = unwanted(field.id, field.name, peer);
        unwanted.into_iter().for_each(|name| dropped.add(name));
        unwanted.is_none()
    });
}

/// W3C Trace Context §3.2.2: what cannot be parsed is not passed on, and neither is the state that belongs to it.
fn keep_one_trace(fields: &mut Fields, arrived: &Arrived, dropped: &mut Dropped) {
    let is_good = || arrived.trace.only().is_some_and(|value| is_traceparent(fields.text(value)));
    if arrived.trace.count == 0 || is_good() {
        return;
    }
    dropped.add(Name::Traceparent);
    if fields.has(Name::Tracestate) {
        dropped.add(Name::Tracestate);
    }
    fields.retain(|field| !matches!(field.id, Name::Traceparent | Name::Tracestate));
}

/// `00-` 32 hex digits `-` 16 hex digits `-` 2 hex digits; a later version may go on after a hyphen.
fn is_traceparent(value: &[u8]) -> bool {
    let is_hex = |part: &[u8], length: usize| {
        part.len() == length && part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_name = |part: &[u8], length: usize| is_hex(part, length) && part.iter().any(|byte| *byte != b'0');
    let mut parts = value.split(|byte| *byte == b'-');
    let [version, trace, parent, flags] = [(); 4].map(|()| parts.next().unwrap_or_default());
    let ends = version != b"00" || parts.next().is_none();
    let is_version = is_hex(version, 2) && version != b"ff";
    is_version && is_name(trace, 32) && is_name(parent, 16) && is_hex(flags, 2) && ends
}

/// Sets a field of which `seen` says how often it stands there; what is absent needs no search.
fn put(fields: &mut Fields, id: Name, seen: Seen, value: Span) {
    match seen.count {
        0 => fields.push(id, value),
        _ => fields.put(id, value),
    }
}

fn set_for(fields: &mut Fields, arrived: &Arrived, peer: &Peer) {
    if arrived.addresses.count > 0 && peer.is_trusted() {
        fields.join(Name::XForwardedFor, peer.text());
        return;
    }
    let address = fields.store(peer.text());
    put(fields, Name::XForwardedFor, arrived.addresses, address);
}

fn set_proto(fields: &mut Fields, arrived: &Arrived, peer: &Peer) {
    if believed_proto(fields, arrived.proto, peer).is_some() {
        return;
    }
    let word = fields.store(peer.scheme().word().as_bytes());
    put(fields, Name::XForwardedProto, arrived.proto, word);
}

fn believed_proto(fields: &Fields, proto: Seen, peer: &Peer) -> Option<Scheme> {
    let value = proto.only().filter(|_| peer.is_trusted())?;
    first_scheme(fields.text(value))
}

/// The scheme of a list that proxies in a row wrote (`https,http`): the first is the client's. Nothing when a member is
/// no scheme.
fn first_scheme(value: &[u8]) -> Option<Scheme> {
    let mut schemes = value.split(|byte| *byte == b',').map(|member| Scheme::of(member.trim_ascii()));
    let first = schemes.next()??;
    schemes.all(|scheme| scheme.is_some()).then_some(first)
}

fn set_host(fields: &mut Fields, arrived: &Arrived, peer: &Peer) {
    if peer.is_trusted() && !arrived.forwarded_host.value.is_empty() {
        if arrived.forwarded_host.count > 1 {
            fields.join(Name::XForwardedHost, b"");
        }
        return;
    }
    if arrived.host.count == 0 {
        fields.remove(Name::XForwardedHost);
        return;
    }
    put(fields, Name::XForwardedHost, arrived.forwarded_host, arrived.host.value);
}

/// Adds our element to the ones of a trusted peer (RFC 7239 §4). A list is never begun by us: nothing in PHP reads
/// it unless a proxy in front was told to send it.
fn extend_forwarded(fields: &mut Fields, arrived: &Arrived, peer: &Peer) {
    if arrived.forwarded.count == 0 || !peer.is_trusted() {
        return;
    }
    if fields.all(Name::Forwarded).all(<[u8]>::is_empty) {
        fields.remove(Name::Forwarded);
        return;
    }
    let element = element(peer, fields.text(arrived.host.value));
    fields.join(Name::Forwarded, &element);
}

/// `for=192.0.2.1;host="a.example:80";proto=http`, IPv6 quoted and in brackets (RFC 7239 §6).
fn element(peer: &Peer, host: &[u8]) -> Vec<u8> {
    let (open, close): (&[u8], &[u8]) =
        if peer.address().is_ipv6() { (b"for=\"[", b"]\"") } else { (b"for=", b"") };
    let mut element = [open, peer.text(), close].concat();
    // A host has no character that a quoted string must escape; one that has is none.
    if !host.is_empty() && !host.iter().any(|byte| matches!(byte, b'"' | b'\\') || byte.is_ascii_control()) {
        element.extend_from_slice(b";host=\"");
        element.extend_from_slice(host);
        element.push(b'"');
    }
    element.extend_from_slice(b";proto=");
    element.extend_from_slice(peer.scheme().word().as_bytes());
    element
}

/// RFC 9110 §7.6.3: a gateway names itself on requests, with the version in which it received them.
fn set_via(fields: &mut Fields, arrived: &Arrived, version: Version) {
    let own: &[u8] = match version {
        Version::Http10 => b"1.0 header-doctor",
        Version::Http11 => b"1.1 header-doctor",
        // RFC 9110 §2.5: where a minor version is wanted, 0 stands for none.
        Version::Http2 => b"2.0 header-doctor",
    };
    if arrived.via.count == 0 {
        let own = fields.store(own);
        return fields.push(Name::Via, own);
    }
    fields.join(Name::Via, own);
}

fn set_request_id(fields: &mut Fields, arrived: &Arrived, peer: &Peer, exchange: &str) {
    let id = arrived.request_id.only().map(|value| fields.text(value)).unwrap_or_default();
    if peer.is_trusted() && is_request_id(id) {
        return;
    }
    let exchange = fields.store(exchange.as_bytes());
    put(fields, Name::XRequestId, arrived.request_id, exchange);
}

/// Whether [`apply`] leaves the request the name of its exchange that it came with.
#[must_use]
pub fn keeps_request_id(fields: &Fields, peer: &Peer) -> bool {
    peer.is_trusted() && fields.only(Name::XRequestId).is_some_and(is_request_id)
}

/// What common sources write: UUIDs, hex, base64, `Root=1-…`.
fn is_request_id(text: &[u8]) -> bool {
    const LONGEST: usize = 128;
    const PLAIN: u128 = plain(b"-_.~:+/=@");
    let is_plain = |byte: &u8| byte.is_ascii() && PLAIN >> byte & 1 == 1;
    (1..=LONGEST).contains(&text.len()) && text.iter().all(is_plain)
}

/// ASCII letters, digits and these, a bit each.
const fn plain(others: &[u8]) -> u128 {
    let (mut set, mut rest) = (0, others);
    while let [first, more @ ..] = rest {
        set |= 1 << *first;
        rest = more;
    }
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            set |= 1 << byte;
        }
        byte += 1;
    }
    set
}

/// The scheme in which the client asked: a trusted peer's word for it, else the listener's. The same before and
/// after [`apply`].
#[must_use]
pub fn scheme(fields: &Fields, peer: &Peer) -> Scheme {
    let believed = fields.only(Name::XForwardedProto).filter(|_| peer.is_trusted()).and_then(first_scheme);
    believed.unwrap_or(peer.scheme())
}

/// The client behind the trusted proxies: from the right, the first address of `X-Forwarded-For` (where that is
/// absent, of `Forwarded`) that is not trusted. The same before and after [`apply`].
///
/// Who wrote an entry is known only as long as all those to its right are trusted, so the search ends at the first
/// entry that is not, and at one that is no address (`unknown`, `_hidden`): then the client is the proxy that wrote
/// it, as far as anybody knows.
#[must_use]
pub fn client_address(fields: &Fields, peer: &Peer, trusted: &Trusted) -> IpAddr {
    if !peer.is_trusted() {
        return peer.address();
    }
    if fields.has(Name::XForwardedFor) {
        return nearest(peer, trusted, elements(fields, Name::XForwardedFor).map(address));
    }
    nearest(peer, trusted, elements(fields, Name::Forwarded).map(forwarded_for))
}

fn nearest(peer: &Peer, trusted: &Trusted, addresses: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
    let mut client = peer.address();
    for address in addresses {
        let Some(address) = address else { break };
        client = address;
        if !trusted.contains(address) {
            break;
        }
    }
    client
}

/// The elements of a list, from the right. Commas within quotes part them too: a client's open quote must not
/// swallow what a proxy wrote behind it, and no proxy has a comma within its own element.
fn elements(fields: &Fields, id: Name) -> impl Iterator<Item = &[u8]> {
    let values = fields.all(id).rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
    values.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// The address of `for=…` in one element of `Forwarded`.
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let value = |pair: &[u8]| {
        let (name, value) = pair.trim_ascii().split_at_checked(4)?;
        name.eq_ignore_ascii_case(b"for=").then(|| address(value))
    };
    element.split(|byte| *byte == b';').find_map(value)?
}

/// An address, perhaps in quotes, in brackets, with a port.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim_matches('"');
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests;
