//! Heads between our lists of fields and those of HTTP/2 (RFC 9113 §8).

use http::header::{HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{HeaderMap, Request};

use crate::message::{Fields, Name, ReplyHead, RequestHead, Status, Version, spell};

/// The request as HTTP/2 says it; nothing when only HTTP/1.1 can: an upgrade, a field of the connection, a target or
/// host that is none of a URI and that would not arrive as it came.
pub(in crate::upstream) fn request(head: &RequestHead) -> Option<Request<()>> {
    let host = head.fields.only(Name::Host)?;
    let authority = Authority::try_from(host).ok()?;
    let path = PathAndQuery::try_from(head.target()).ok()?;
    if path.as_str().as_bytes() != head.target() || !head.target().starts_with(b"/") {
        return None;
    }
    let uri = Uri::builder().scheme(Scheme::HTTPS).authority(authority).path_and_query(path).build().ok()?;
    let mut request = Request::builder().method(head.method_text()).uri(uri).body(()).ok()?;
    *request.version_mut() = http::Version::HTTP_2;
    *request.headers_mut() = map(&head.fields)?;
    Some(request)
}

fn map(fields: &Fields) -> Option<HeaderMap> {
    let mut map = HeaderMap::with_capacity(fields.len());
    for field in fields.iter().filter(|field| field.id != Name::Host) {
        if is_of_connection(field.id) {
            return None;
        }
        let name = HeaderName::from_bytes(field.name).ok()?;
        let mut value = HeaderValue::from_bytes(field.value).ok()?;
        // Kept out of the compression's tables, where its length could give it away (RFC 7541 §7.1.3).
        let is_credential = matches!(field.id, Name::Authorization | Name::ProxyAuthorization | Name::Cookie);
        value.set_sensitive(is_credential);
        map.try_append(name, value).ok()?;
    }
    Some(map)
}

/// Fields that HTTP/2 has no place for (RFC 9113 §8.2.2).
const fn is_of_connection(id: Name) -> bool {
    matches!(
        id,
        Name::Connection
            | Name::KeepAlive
            | Name::ProxyConnection
            | Name::TransferEncoding
            | Name::Upgrade
            | Name::Te
    )
}

/// The head of a reply as HTTP/1.1 would say it; the phrase is the standard's, for HTTP/2 has none.
pub(super) fn reply(status: http::StatusCode, headers: &HeaderMap) -> ReplyHead {
    let mut fields = fields(headers);
    let reason = fields.store(status.canonical_reason().unwrap_or_default().as_bytes());
    let status = Status::new(status.as_u16()).unwrap_or(Status::BAD_GATEWAY);
    ReplyHead::new(status, reason, Version::Http2, fields)
}

/// Fields in the order they came. HTTP/2 has no capitals; clients of HTTP/1.1 get the usual spelling.
pub(super) fn fields(headers: &HeaderMap) -> Fields {
    let (mut fields, mut spelled) = (Fields::new(), Vec::new());
    for (name, value) in headers {
        spell(&mut spelled, name.as_str());
        fields.append(&spelled, value.as_bytes());
    }
    fields
}

/// The fields that follow a body.
pub(super) fn trailers(fields: &Fields) -> HeaderMap {
    let mut map = HeaderMap::new();
    // None that frames, routes or authenticates may stand there (RFC 9110 §6.5.1): every name the product knows.
    for field in fields.iter().filter(|field| field.id == Name::Other) {
        let field = HeaderName::from_bytes(field.name).ok().zip(HeaderValue::from_bytes(field.value).ok());
        if let Some((name, value)) = field {
            map.append(name, value);
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::{fields, request};
    use crate::message::{Fields, RequestHead};

    fn asked(target: &str, fields: Fields) -> Option<http::Request<()>> {
        request(&RequestHead::build("GET", target, fields))
    }

    #[test]
    fn a_request_keeps_its_target_host_and_fields() {
        let fields = Fields::from([
            ("Host", "a.test:8443"),
            ("aUTHORIZATION", "Bearer s3cret"),
            ("X-A", "1"),
            ("x-a", "\u{e9}"),
        ]);
        let request = asked("/a%2Fb//c?d=%00&e", fields).unwrap();
        assert_eq!(request.uri(), "https://a.test:8443/a%2Fb//c?d=%00&e");
        assert_eq!(request.headers()["authorization"], "Bearer s3cret");
        assert_eq!(request.headers().get_all("x-a").iter().count(), 2);
        assert!(!request.headers().contains_key("host"));
        assert!(!format!("{request:?}").contains("s3cret"));
    }

    #[test]
    fn what_http2_cannot_say_is_left_to_http1() {
        let host = || ("Host", "a");
        assert!(asked("/", Fields::from([host()])).is_some());
        for (target, fields) in [
            ("*", Fields::from([host()])),
            ("/a b", Fields::from([host()])),
            ("/a#b", Fields::from([host()])),
            ("/", Fields::from([("X-A", "1")])),
            ("/", Fields::from([("Host", "a b")])),
            ("/", Fields::from([host(), ("Upgrade", "websocket")])),
            ("/", Fields::from([host(), ("Connection", "close")])),
            ("/", Fields::from([host(), ("Transfer-Encoding", "chunked")])),
        ] {
            assert!(asked(target, fields.clone()).is_none(), "{target} {fields:?}");
        }
    }

    #[test]
    fn a_reply_keeps_repeated_fields() {
        let mut headers = http::HeaderMap::new();
        for value in ["a=1", "b=2"] {
            headers.append("set-cookie", value.parse().unwrap());
        }
        let fields = fields(&headers);
        let lines: Vec<_> = fields.iter().map(|field| (field.name, field.value)).collect();
        assert_eq!(lines, [(&b"Set-Cookie"[..], &b"a=1"[..]), (b"Set-Cookie", b"b=2")]);
    }
}
