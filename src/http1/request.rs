//! Reads the head of a request, strictly: what two recipients could read differently is refused (RFC 9112 §2–5).

use std::mem::MaybeUninit;

use super::MAX_FIELDS;
use super::malformed::BadRequest;
use super::scan::begins_as_proxy_header;
use crate::message::{Fields, Method, Name, RequestHead, Span, Version};

/// The longest request target, in bytes. Longer ones are answered with 414.
pub(crate) const MAX_TARGET: usize = 32 * 1024;

/// Reads a head that [`super::head_end`] called complete, blank line included.
///
/// An absolute target of the same host becomes origin form; everything else stays byte for byte.
///
/// # Errors
/// The head may not be forwarded; the error says why.
pub fn parse(head: &[u8]) -> Result<RequestHead, BadRequest> {
    let mut slots = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut []);
    let outcome =
        httparse::ParserConfig::default().parse_request_with_uninit_headers(&mut parsed, head, &mut slots);
    let (Ok(httparse::Status::Complete(_)), Some(method), Some(target), Some(version)) =
        (outcome, parsed.method, parsed.path, parsed.version)
    else {
        return Err(explain(head, outcome.err()));
    };
    let mut fields = Fields::over(head, parsed.headers.len());
    for header in &*parsed.headers {
        fields.push_span(span(head, header.name.as_bytes()), span(head, header.value));
    }
    let version = if version == 0 { Version::Http10 } else { Version::Http11 };
    let (method, target) = (span(head, method.as_bytes()), span(head, target.as_bytes()));
    let mut request = RequestHead::new(method, target, version, fields);
    check(&mut request)?;
    Ok(request)
}

/// Checks what a request means, whatever version carried it: method, host, target and expectation. An absolute
/// target of the same host becomes origin form.
///
/// # Errors
/// The request may not be forwarded; the error says why.
pub fn check(request: &mut RequestHead) -> Result<(), BadRequest> {
    check_method(request.method)?;
    check_host(request)?;
    check_target(request)?;
    check_expectation(request)
}

/// Where `part` lies in `head`, of which it is a piece.
pub(super) fn span(head: &[u8], part: &[u8]) -> Span {
    let start = part.as_ptr().addr().saturating_sub(head.as_ptr().addr());
    Span::new(start, start + part.len())
}

const fn check_method(method: Method) -> Result<(), BadRequest> {
    match method {
        Method::Connect => Err(BadRequest::MethodNotAllowed("CONNECT")),
        Method::Trace => Err(BadRequest::MethodNotAllowed("TRACE")),
        _ => Ok(()),
    }
}

fn check_host(request: &RequestHead) -> Result<(), BadRequest> {
    let mut hosts = request.fields.all(Name::Host);
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(BadRequest::HostTwice),
        (None, None) if request.version == Version::Http10 => Ok(()),
        (None, None) => Err(BadRequest::HostMissing),
        (Some(host), None) if is_authority(host) => Ok(()),
        (Some(_), None) => Err(BadRequest::Host),
    }
}

/// Whether `text` is a host and an optional port (RFC 9110 §7.2): no userinfo, no list, no path.
fn is_authority(text: &[u8]) -> bool {
    let (host, port) = split_port(text);
    let is_port = port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
    is_port && (is_ipv6(host) || is_name(host))
}

fn split_port(text: &[u8]) -> (&[u8], &[u8]) {
    let inside_brackets = memchr::memrchr(b']', text);
    match memchr::memrchr(b':', text) {
        Some(colon) if inside_brackets.is_none_or(|bracket| bracket < colon) => {
            (text.get(..colon).unwrap_or_default(), text.get(colon + 1..).unwrap_or_default())
        }
        _ => (text, b""),
    }
}

fn is_ipv6(host: &[u8]) -> bool {
    let inner = host.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    inner
        .and_then(|text| std::str::from_utf8(text).ok())
        .is_some_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

fn is_name(host: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    !host.is_empty() && host.iter().all(allowed)
}

/// Origin form passes; `*` belongs to OPTIONS; absolute form must name the host of the Host field.
fn check_target(request: &mut RequestHead) -> Result<(), BadRequest> {
    let target = request.target();
    if target.len() > MAX_TARGET {
        return Err(BadRequest::TargetTooLong);
    }
    if memchr::memchr(b'#', target).is_some() {
        return Err(BadRequest::Target);
    }
    if target.starts_with(b"/") || (target == b"*" && request.method == Method::Options) {
        return Ok(());
    }
    let (authority, path) = split_absolute(target).ok_or(BadRequest::Target)?;
    if !request.fields.first(Name::Host).is_some_and(|host| host.eq_ignore_ascii_case(authority)) {
        return Err(BadRequest::TargetHost);
    }
    let mut origin = Vec::with_capacity(path.len() + 1);
    if !path.starts_with(b"/") {
        origin.push(b'/');
    }
    origin.extend_from_slice(path);
    request.set_target(&origin);
    Ok(())
}

/// Splits `http://AUTHORITY/PATH?QUERY` after the authority.
fn split_absolute(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let scheme_end = memchr::memmem::find(target, b"://")?;
    let scheme = target.get(..scheme_end)?;
    if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
        return None;
    }
    let rest = target.get(scheme_end + 3..)?;
    let end = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
    rest.split_at_checked(end)
}

fn check_expectation(request: &RequestHead) -> Result<(), BadRequest> {
    let understood = |value: &[u8]| value.eq_ignore_ascii_case(b"100-continue");
    if request.fields.all(Name::Expect).all(understood) { Ok(()) } else { Err(BadRequest::Expectation) }
}

/// Finds out what is wrong with a head that httparse refused. Slow and exact; no good request comes here.
fn explain(head: &[u8], error: Option<httparse::Error>) -> BadRequest {
    if error == Some(httparse::Error::TooManyHeaders) {
        return BadRequest::TooManyFields;
    }
    let mut lines = lines(head);
    let first = lines.next().unwrap_or_default();
    explain_request_line(first)
        .or_else(|| lines.find_map(explain_field).map(BadRequest::from))
        .unwrap_or(BadRequest::RequestLine)
}

/// The lines of a complete head, without their ends and without the blank line.
pub(super) fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.filter(|line| !line.is_empty())
}

fn explain_request_line(line: &[u8]) -> Option<BadRequest> {
    if line == b"PRI * HTTP/2.0" {
        return Some(BadRequest::Http2Preface);
    }
    if begins_as_proxy_header(line) {
        return Some(BadRequest::ProxyHeader);
    }
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Some(BadRequest::RequestLine);
    };
    if !is_token(method) || target.is_empty() || target.iter().any(|byte| byte.is_ascii_control()) {
        return Some(BadRequest::RequestLine);
    }
    match version {
        b"HTTP/1.1" | b"HTTP/1.0" => None,
        other if other.starts_with(b"HTTP/") => Some(BadRequest::Version),
        _ => Some(BadRequest::RequestLine),
    }
}

/// What is wrong with one field line of a head, request or reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadField {
    Folded,
    SpaceBeforeColon,
    Name,
    Value,
}

impl From<BadField> for BadRequest {
    fn from(bad: BadField) -> Self {
        match bad {
            BadField::Folded => Self::Folded,
            BadField::SpaceBeforeColon => Self::SpaceBeforeColon,
            BadField::Name => Self::FieldName,
            BadField::Value => Self::FieldValue,
        }
    }
}

pub(super) fn explain_field(line: &[u8]) -> Option<BadField> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Some(BadField::Folded);
    }
    let Some(colon) = memchr::memchr(b':', line) else {
        return Some(BadField::Name);
    };
    let (name, value) = line.split_at_checked(colon)?;
    if name.ends_with(b" ") || name.ends_with(b"\t") {
        return Some(BadField::SpaceBeforeColon);
    }
    if !is_token(name) {
        return Some(BadField::Name);
    }
    value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t').then_some(BadField::Value)
}

/// Whether `text` is a token (RFC 9110 §5.6.2).
pub(super) fn is_token(text: &[u8]) -> bool {
    const MARKS: &[u8] = b"!#$%&'*+-.^_`|~";
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || MARKS.contains(byte))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::http1::malformed::BadRequest;
    use crate::message::Name;

    fn refusal(head: &str) -> Option<BadRequest> {
        parse(head.as_bytes()).err()
    }

    #[test]
    fn a_head_is_kept_as_it_came() {
        let head = b"GET /wp-json/?a=%20b HTTP/1.1\r\nhOST: a.test:81\r\nAUTHORIZATION:\t Bearer x  \r\nX: \xe9\r\n\r\n";
        let request = parse(head).unwrap();
        assert_eq!(request.target(), b"/wp-json/?a=%20b");
        assert_eq!(request.path(), b"/wp-json/");
        assert_eq!(request.query(), b"a=%20b");
        let fields: Vec<_> = request.fields.iter().map(|field| (field.name, field.value)).collect();
        assert_eq!(fields[0], (&b"hOST"[..], &b"a.test:81"[..]));
        assert_eq!(fields[1], (&b"AUTHORIZATION"[..], &b"Bearer x"[..]));
        assert_eq!(fields[2], (&b"X"[..], &b"\xe9"[..]));
    }

    #[test]
    fn every_fault_has_its_own_name() {
        let cases = [
            ("GET / HTTP/1.1\r\n\r\n", BadRequest::HostMissing),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", BadRequest::HostTwice),
            ("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", BadRequest::Host),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", BadRequest::Host),
            ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", BadRequest::Host),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", BadRequest::Host),
            ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", BadRequest::Host),
            ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", BadRequest::Host),
            ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::Target),
            ("GET @a/ HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::Target),
            ("GET :80/ HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::Target),
            ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::Target),
            ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::Target),
            ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::TargetHost),
            ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::TargetHost),
            ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::MethodNotAllowed("CONNECT")),
            ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::MethodNotAllowed("TRACE")),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", BadRequest::SpaceBeforeColon),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", BadRequest::Folded),
            ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", BadRequest::Folded),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", BadRequest::FieldValue),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", BadRequest::FieldValue),
            ("GET / HTTP/1.1\r\nHost: a\r\nX Y: a\r\n\r\n", BadRequest::FieldName),
            ("GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", BadRequest::FieldName),
            ("GET / HTTP/1.1\r\nHost: a\r\nXY\r\n\r\n", BadRequest::FieldName),
            ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", BadRequest::Version),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", BadRequest::Version),
            ("PRI * HTTP/2.0\r\n\r\n", BadRequest::Http2Preface),
            ("PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::ProxyHeader),
            ("GET /\r\nHost: a\r\n\r\n", BadRequest::RequestLine),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::RequestLine),
            ("GET / x HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::RequestLine),
            ("G\u{e9}T / HTTP/1.1\r\nHost: a\r\n\r\n", BadRequest::RequestLine),
            ("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", BadRequest::Expectation),
        ];
        for (head, expected) in cases {
            assert_eq!(refusal(head), Some(expected), "{head:?}");
        }
    }

    #[test]
    fn an_absolute_target_of_the_same_host_becomes_origin_form() {
        let request = parse(b"GET HTTP://A.test?x HTTP/1.1\r\nHost: a.TEST\r\n\r\n").unwrap();
        assert_eq!(request.target(), b"/?x");
        assert_eq!(request.fields.first(Name::Host), Some(&b"a.TEST"[..]));
    }

    #[test]
    fn an_old_client_may_leave_the_host_out() {
        assert_eq!(refusal("GET / HTTP/1.0\r\n\r\n"), None);
    }

    #[test]
    fn too_many_fields_and_too_long_a_target_are_told_apart() {
        let fields = "X: y\r\n".repeat(300);
        assert_eq!(
            refusal(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")),
            Some(BadRequest::TooManyFields)
        );
        let long = "a".repeat(super::MAX_TARGET);
        assert_eq!(
            refusal(&format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n")),
            Some(BadRequest::TargetTooLong)
        );
    }
}
