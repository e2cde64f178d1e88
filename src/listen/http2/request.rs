//! A request of HTTP/2 as the list of fields that HTTP/1.1 would have given (RFC 9113 §8.3).
//!
//! HTTP/2 carries names in lower case alone. They are spelled as HTTP/1.1 usually spells them, since mod_php's
//! `getallheaders()` hands the spelling on to plugins that look for one. What the library's map loses besides: where
//! the lines of one name stood among those of others. Their own order stays, and so does the order of the names.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::RecvStream;
use http::header::{COOKIE, HOST, HeaderMap};
use http::request::Parts;
use tokio::time::Instant;

use crate::http1::{self, BadRequest, MAX_FIELDS};
use crate::listen::Refusal;
use crate::listen::connection::LINGER;
use crate::message::{Body, Broken, Fields, Fill, Method, Name, RequestHead, Source, Version, spell};
use crate::wire::{Pace, Timer, now};

/// What a field costs in HTTP/1.1 beside its name and value: colon, space and line end.
const PER_FIELD: usize = 4;

/// The head of a request, checked as one of HTTP/1.1 is.
///
/// # Errors
/// The request may not be forwarded; the error says why.
pub(super) fn head(request: &Parts, limit: usize) -> Result<RequestHead, BadRequest> {
    let target = request.uri.path_and_query().map_or("", |target| target.as_str());
    let method = request.method.as_str();
    let size = size(target, &request.headers);
    if request.headers.len() > MAX_FIELDS {
        return Err(BadRequest::TooManyFields);
    }
    if size > limit {
        return Err(if target.len() >= limit { BadRequest::TargetTooLong } else { BadRequest::HeadTooLarge });
    }
    if request.uri.scheme_str().is_some_and(|scheme| scheme != "http" && scheme != "https") {
        return Err(BadRequest::Target);
    }
    let mut fields = Fields::with_room(size, request.headers.len());
    let (method, target) = (fields.store(method.as_bytes()), fields.store(target.as_bytes()));
    let host = fields.store(host(request)?);
    fields.push(Name::Host, host);
    put(&mut fields, &request.headers);
    let mut head = RequestHead::new(method, target, Version::Http2, fields);
    http1::check_request(&mut head)?;
    Ok(head)
}

fn size(target: &str, headers: &HeaderMap) -> usize {
    let fields = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + PER_FIELD);
    target.len() + fields.sum::<usize>()
}

/// The host a request is for: `:authority` and the Host field, where both are there, must say the same
/// (RFC 9113 §8.3.1).
fn host(request: &Parts) -> Result<&[u8], BadRequest> {
    let mut named = request.headers.get_all(HOST).iter().map(http::HeaderValue::as_bytes);
    let authority = request.uri.authority().map(|authority| authority.as_str().as_bytes());
    match (authority, named.next(), named.next()) {
        (_, _, Some(_)) => Err(BadRequest::HostTwice),
        (None, None, None) => Err(BadRequest::HostMissing),
        (Some(authority), Some(host), None) if !host.eq_ignore_ascii_case(authority) => {
            Err(BadRequest::TargetHost)
        }
        (Some(host), ..) | (None, Some(host), None) => Ok(host),
    }
}

fn put(fields: &mut Fields, headers: &HeaderMap) {
    let mut spelled = Vec::new();
    for (name, value) in headers {
        let (name, value) = (name.as_str(), value.as_bytes().trim_ascii());
        match Name::of(name.as_bytes()) {
            Name::Host => {}
            Name::Cookie if fields.has(Name::Cookie) => {}
            Name::Cookie => put_cookies(fields, headers),
            Name::Other => {
                spell(&mut spelled, name);
                fields.append(&spelled, value);
            }
            known => {
                let value = fields.store(value);
                fields.push(known, value);
            }
        }
    }
}

/// Clients may part their cookies for better compression; others must see one line (RFC 9113 §8.2.3).
fn put_cookies(fields: &mut Fields, headers: &HeaderMap) {
    let parts: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(http::HeaderValue::as_bytes).collect();
    let value = match parts.as_slice() {
        [only] => fields.store(only.trim_ascii()),
        several => fields.store(&several.join(&b"; "[..])),
    };
    fields.push(Name::Cookie, value);
}

/// What comes on a stream. Whoever answers reads it, as far as wanted; the rest is for [`linger`].
pub(super) type Incoming = Rc<RefCell<RecvStream>>;

/// Takes the rest of a body that was answered before it was read, for a while: reset at once, the client might never
/// look at the reply, and what it has sent meanwhile would count as breaking the protocol.
pub(super) async fn linger(incoming: &RefCell<RecvStream>) {
    if incoming.borrow().is_end_stream() {
        return;
    }
    let timer = Timer::new();
    timer.set_after(LINGER);
    poll_fn(|context| {
        let mut stream = incoming.borrow_mut();
        while let Poll::Ready(piece) = stream.poll_data(context) {
            let Some(Ok(piece)) = piece else {
                return Poll::Ready(());
            };
            let _gone = stream.flow_control().release_capacity(piece.len());
        }
        timer.poll(context)
    })
    .await;
}

/// The body behind a head.
///
/// # Errors
/// Its length is malformed, or larger than `limit`.
pub(super) fn body(
    head: &mut RequestHead,
    incoming: Option<Incoming>,
    pace: Pace,
    limit: Option<u64>,
) -> Result<Body<'static>, Refusal> {
    let announced = http1::of_request(head)?.length();
    if let (Some(length), Some(limit)) = (announced, limit)
        && length > limit
    {
        return Err(Refusal::BodyTooLarge(limit));
    }
    let is_announced = head.fields.has(Name::ContentLength);
    let Some(incoming) = incoming else {
        // Firewalls in front of PHP refuse such methods without a length (OWASP CRS 920180).
        if !is_announced && matches!(head.method, Method::Post | Method::Put | Method::Patch) {
            head.fields.append(b"Content-Length", b"0");
        }
        return Ok(Body::empty());
    };
    let upload = Upload {
        incoming,
        at_hand: Bytes::new(),
        received: 0,
        limit,
        pace,
        started: now(),
        timer: None,
        waits: false,
        is_whole: false,
        trailers: None,
    };
    Ok(Body::from_source(announced.filter(|_| is_announced), upload))
}

/// The body of a request, taken from its stream as it is asked for: only what was used is granted anew, so a slow
/// upstream slows the client.
struct Upload {
    incoming: Incoming,
    at_hand: Bytes,
    received: u64,
    limit: Option<u64>,
    pace: Pace,
    started: Instant,
    timer: Option<Timer>,
    /// Whether more is waited for. The deadline is set when that begins: set again at every look, it would never come.
    waits: bool,
    is_whole: bool,
    trailers: Option<Fields>,
}

impl Upload {
    fn take(&mut self, piece: Bytes) -> Result<(), Broken> {
        self.received += piece.len() as u64;
        self.at_hand = piece;
        self.waits = false;
        match self.limit {
            Some(limit) if self.received > limit => Err(Broken::TooLarge(limit)),
            _ => Ok(()),
        }
    }

    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        if self.trailers.is_none()
            && let Some(map) =
                ready!(self.incoming.borrow_mut().poll_trailers(context)).map_err(|error| broken(&error))?
        {
            let mut fields = Fields::new();
            put(&mut fields, &map);
            self.trailers = Some(fields);
        }
        Poll::Ready(Ok(Fill::End))
    }

    /// Waits for more, no longer than the pace allows.
    fn poll_late(&mut self, context: &Context<'_>) -> Poll<Result<Fill, Broken>> {
        let timer = self.timer.get_or_insert_default();
        if !std::mem::replace(&mut self.waits, true) {
            timer.set(self.pace.deadline(self.started, self.received));
        }
        timer.poll(context).map(|()| Err(Broken::TimedOut))
    }
}

impl Source for Upload {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        loop {
            if !self.at_hand.is_empty() {
                return Poll::Ready(Ok(Fill::Data));
            }
            if self.is_whole {
                return self.poll_end(context);
            }
            let piece = self.incoming.borrow_mut().poll_data(context);
            match piece {
                Poll::Ready(Some(Ok(piece))) => self.take(piece)?,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(broken(&error))),
                Poll::Ready(None) => self.is_whole = true,
                Poll::Pending => return self.poll_late(context),
            }
        }
    }

    fn data(&self) -> &[u8] {
        &self.at_hand
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.at_hand.len());
        self.at_hand.advance(count);
        // Refused only where more is granted than came, or the stream is gone; the next read tells of that.
        let _gone = self.incoming.borrow_mut().flow_control().release_capacity(count);
    }

    fn trailers(&mut self) -> Option<Fields> {
        self.trailers.take()
    }
}

fn broken(error: &h2::Error) -> Broken {
    match error.get_io() {
        Some(error) => Broken::Connection(error.kind()),
        None if error.is_remote() => Broken::Truncated,
        None => Broken::Malformed("it is not as long as announced, or breaks the rules of HTTP/2"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::proptest;
    use proptest::string::string_regex;

    use super::{Fields, RequestHead, head, put};
    use crate::http1::BadRequest;

    fn read(uri: &str, fields: &[(&str, &str)]) -> Result<RequestHead, BadRequest> {
        let request = http::Request::get(uri);
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        head(&request.body(()).unwrap().into_parts().0, 200)
    }

    #[test]
    fn white_space_around_a_value_is_no_part_of_it() {
        let head =
            read("http://a/", &[("x-a", " b "), ("cookie", " c=1 "), ("authorization", "\tBearer a ")])
                .unwrap();
        let values: Vec<_> = head.fields.iter().map(|field| String::from_utf8_lossy(field.value)).collect();
        assert_eq!(values, ["a", "b", "c=1", "Bearer a"]);
    }

    #[test]
    fn every_fault_has_its_own_name() {
        let long = "x".repeat(200);
        let cases = [
            ("http://a/", vec![("host", "b")], BadRequest::TargetHost),
            ("http://a/", vec![("host", "a:80")], BadRequest::TargetHost),
            ("http://a/", vec![("host", "a"), ("host", "a")], BadRequest::HostTwice),
            ("http://u@a/", vec![], BadRequest::Host),
            ("/", vec![], BadRequest::HostMissing),
            ("/", vec![("host", "a/b")], BadRequest::Host),
            ("*", vec![("host", "a")], BadRequest::Target),
            ("ftp://a/", vec![], BadRequest::Target),
            ("http://a/", vec![("x", long.as_str())], BadRequest::HeadTooLarge),
            ("http://a/", vec![("expect", "x")], BadRequest::Expectation),
        ];
        for (uri, fields, expected) in cases {
            assert_eq!(read(uri, &fields).err(), Some(expected), "{uri} {fields:?}");
        }
        assert_eq!(read(&format!("http://a/{long}"), &[]).err(), Some(BadRequest::TargetTooLong));
        assert!(read("http://A/", &[("host", "a")]).is_ok());
    }

    proptest! {
        #[test]
        fn fields_keep_their_order_and_values(
            lines in vec((string_regex("x[a-z0-9_-]{0,8}").unwrap(), string_regex("[!-~]{0,9}").unwrap()), 0..20),
        ) {
            let mut map = http::HeaderMap::new();
            for (name, value) in &lines {
                map.append(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
            }
            let mut fields = Fields::new();
            put(&mut fields, &map);
            let found: Vec<_> = fields
                .iter()
                .map(|field| (String::from_utf8_lossy(field.name).to_lowercase(), field.value.to_vec()))
                .collect();
            // The lines of one name stand where its first stood.
            let mut expected: Vec<(String, Vec<u8>)> = Vec::new();
            for (name, _) in &lines {
                if !expected.iter().any(|(known, _)| known == name) {
                    let same = lines.iter().filter(|(other, _)| other == name);
                    expected.extend(same.map(|(name, value)| (name.clone(), value.clone().into_bytes())));
                }
            }
            assert_eq!(found, expected);
        }
    }
}
