//! The heads of a request and of a reply, whatever protocol version carried them.

use super::fields::{Fields, Span};

/// A request method (RFC 9110 §9). Methods are case-sensitive: `get` is not [`Method::Get`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Connect,
    Trace,
    Other,
}

impl Method {
    /// Recognises a method.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        match text {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"PATCH" => Self::Patch,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            b"CONNECT" => Self::Connect,
            b"TRACE" => Self::Trace,
            _ => Self::Other,
        }
    }

    /// Whether sending it twice does what sending it once does (RFC 9110 §9.2.2).
    #[must_use]
    pub const fn is_idempotent(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Put | Self::Delete | Self::Options | Self::Trace)
    }
}

/// The version a message came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Version {
    Http10,
    Http11,
    Http2,
}

/// The start line and fields of a request.
#[derive(Clone)]
pub struct RequestHead {
    /// The method as the product knows it; its text is [`RequestHead::method_text`].
    pub method: Method,
    /// The version it came in; what is sent on is always HTTP/1.1.
    pub version: Version,
    /// The fields as received.
    pub fields: Fields,
    method_text: Span,
    target: Span,
}

impl RequestHead {
    /// A head whose start line lies in the arena of `fields`.
    #[must_use]
    pub fn new(method_text: Span, target: Span, version: Version, fields: Fields) -> Self {
        let method = Method::of(fields.text(method_text));
        Self { method, version, fields, method_text, target }
    }

    /// A head made by ourselves, from its parts.
    #[must_use]
    pub fn build(method: &str, target: &str, mut fields: Fields) -> Self {
        let (method, target) = (fields.store(method.as_bytes()), fields.store(target.as_bytes()));
        Self::new(method, target, Version::Http11, fields)
    }

    /// The method as sent.
    #[must_use]
    pub fn method_text(&self) -> &[u8] {
        self.fields.text(self.method_text)
    }

    /// The request target in origin form (`/path?query`), or `*`, byte for byte as sent.
    #[must_use]
    pub fn target(&self) -> &[u8] {
        self.fields.text(self.target)
    }

    /// Replaces the target: an absolute form becomes origin form.
    pub fn set_target(&mut self, target: &[u8]) {
        self.target = self.fields.store(target);
    }

    /// The target up to the query.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.split_target().0
    }

    /// The query without its question mark; empty when there is none.
    #[must_use]
    pub fn query(&self) -> &[u8] {
        self.split_target().1
    }

    fn split_target(&self) -> (&[u8], &[u8]) {
        let target = self.target();
        let mark = memchr::memchr(b'?', target).unwrap_or(target.len());
        (target.get(..mark).unwrap_or_default(), target.get(mark + 1..).unwrap_or_default())
    }
}

/// Method and path only: a query may carry a credential.
impl std::fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("version", &self.version)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

/// A status code between 100 and 999 (RFC 9110 §15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(u16);

impl Status {
    /// 100 Continue.
    pub const CONTINUE: Self = Self(100);
    /// 101 Switching Protocols.
    pub const SWITCHING_PROTOCOLS: Self = Self(101);
    /// 400 Bad Request.
    pub const BAD_REQUEST: Self = Self(400);
    /// 403 Forbidden.
    pub const FORBIDDEN: Self = Self(403);
    /// 408 Request Timeout.
    pub const REQUEST_TIMEOUT: Self = Self(408);
    /// 413 Content Too Large.
    pub const CONTENT_TOO_LARGE: Self = Self(413);
    /// 421 Misdirected Request.
    pub const MISDIRECTED: Self = Self(421);
    /// 500 Internal Server Error.
    pub const INTERNAL_ERROR: Self = Self(500);
    /// 502 Bad Gateway.
    pub const BAD_GATEWAY: Self = Self(502);
    /// 503 Service Unavailable.
    pub const SERVICE_UNAVAILABLE: Self = Self(503);
    /// 200 OK.
    pub const OK: Self = Self(200);
    /// 204 No Content.
    pub const NO_CONTENT: Self = Self(204);

    /// A status, when the number is one.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        if code < 100 || code > 999 { None } else { Some(Self(code)) }
    }

    /// The number.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }

    /// 1xx: another head follows (RFC 9110 §15.2). Behind a 101 another protocol does.
    #[must_use]
    pub const fn is_interim(self) -> bool {
        self.0 < 200 && self.0 != Self::SWITCHING_PROTOCOLS.0
    }

    /// Whether it is one from 200 to 299.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self.code(), 200..=299)
    }

    /// 4xx or 5xx.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 >= 400
    }

    /// The phrase of the standard, for replies the doctor writes itself.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self.0 {
            100 => "Continue",
            101 => "Switching Protocols",
            200 => "OK",
            204 => "No Content",
            206 => "Partial Content",
            301 => "Moved Permanently",
            304 => "Not Modified",
            308 => "Permanent Redirect",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            412 => "Precondition Failed",
            413 => "Content Too Large",
            414 => "URI Too Long",
            416 => "Range Not Satisfiable",
            417 => "Expectation Failed",
            421 => "Misdirected Request",
            431 => "Request Header Fields Too Large",
            500 => "Internal Server Error",
            501 => "Not Implemented",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            505 => "HTTP Version Not Supported",
            _ => "",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The start line and fields of a reply.
#[derive(Clone, Debug)]
pub struct ReplyHead {
    /// The status.
    pub status: Status,
    /// The version it came in; what is sent on is always HTTP/1.1.
    pub version: Version,
    /// The fields as received.
    pub fields: Fields,
    reason: Span,
}

impl ReplyHead {
    /// A head whose reason phrase lies in the arena of `fields`.
    #[must_use]
    pub const fn new(status: Status, reason: Span, version: Version, fields: Fields) -> Self {
        Self { status, version, fields, reason }
    }

    /// A head made by ourselves.
    #[must_use]
    pub fn build(status: Status, mut fields: Fields) -> Self {
        let reason = fields.store(status.phrase().as_bytes());
        Self::new(status, reason, Version::Http11, fields)
    }

    /// The reason phrase as sent; it means nothing to HTTP.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        self.fields.text(self.reason)
    }
}
