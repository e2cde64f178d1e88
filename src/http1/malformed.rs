//! Everything a head or a chunk can be refused for, in words that tell the sender what to change.
//!
//! A request's fault has a status and a stable code for the reply's JSON body and for the event; a reply's fault
//! is always a 502 of ours, so it only needs its words.

use crate::message::Status;

/// Why a request is refused before anything of it is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// RFC 9112 §3.
    #[error("the request line is not METHOD SP TARGET SP HTTP/1.1")]
    RequestLine,
    /// The first byte of a TLS handshake record (RFC 8446 §5.1).
    #[error(
        "this is a TLS handshake, but this port speaks plain HTTP; use http:// or give the listener a certificate"
    )]
    TlsOnPlainPort,
    /// The PROXY protocol, of which whoever reads requests knows nothing.
    #[error(
        "this is a PROXY header, and none is expected here; set the listener's proxy_protocol to accept and list the \
         balancer in trusted_proxies, or let the balancer send none"
    )]
    ProxyHeader,
    /// RFC 9113 §3.3: HTTP/2 begins with its connection, or is agreed upon within TLS.
    #[error("this is the HTTP/2 preface, but this connection speaks HTTP/1.1")]
    Http2Preface,
    /// RFC 9112 §2.3.
    #[error("only HTTP/1.1 and HTTP/1.0 are spoken here")]
    Version,
    /// RFC 9112 §2.2: a recipient may accept it; two parsers that differ on it are a way to smuggle.
    #[error("a line ends in a bare line feed; lines end in CR LF")]
    BareLineFeed,
    /// RFC 9112 §5.2.
    #[error("a header field is folded over several lines (obs-fold); write it in one line")]
    Folded,
    /// RFC 9112 §5.1.
    #[error("white space stands between a header field's name and its colon")]
    SpaceBeforeColon,
    /// RFC 9110 §5.6.2.
    #[error("a header field's name is empty or holds a character that names may not have")]
    FieldName,
    /// RFC 9110 §5.5.
    #[error("a header field's value holds a control character (NUL, CR or the like)")]
    FieldValue,
    /// The limit `limits.header_bytes`.
    #[error("the head of the request is larger than the limit")]
    HeadTooLarge,
    /// [`super::MAX_FIELDS`].
    #[error("the request has more than {} header fields", super::MAX_FIELDS)]
    TooManyFields,
    /// RFC 9110 §15.5.15.
    #[error("the request target is longer than the limit")]
    TargetTooLong,
    /// RFC 9112 §3.2.
    #[error("the request target is neither a path that begins with a slash nor an absolute http URL")]
    Target,
    /// RFC 9112 §3.2.2: an absolute target names another host than the Host field.
    #[error("the request target names one host and the Host field another")]
    TargetHost,
    /// RFC 9110 §9.3.6, §9.3.8: no tunnel, and TRACE would send credentials back.
    #[error("the method {0} is not allowed here")]
    MethodNotAllowed(&'static str),
    /// RFC 9112 §3.2.
    #[error("the Host field is missing")]
    HostMissing,
    /// RFC 9112 §3.2.
    #[error("there is more than one Host field")]
    HostTwice,
    /// RFC 9110 §7.2: a host and an optional port, nothing else.
    #[error("the Host field is not HOST or HOST:PORT")]
    Host,
    /// RFC 9112 §6.3: the classic way to smuggle a request.
    #[error("the request has both Content-Length and Transfer-Encoding")]
    LengthAndCoding,
    /// RFC 9112 §6.3.
    #[error("there is more than one Content-Length")]
    LengthTwice,
    /// RFC 9110 §8.6.
    #[error("the Content-Length is not a plain decimal number")]
    Length,
    /// RFC 9112 §6.1.
    #[error("the only Transfer-Encoding understood is a single chunked")]
    Coding,
    /// RFC 9112 §6.1.
    #[error("Transfer-Encoding in an HTTP/1.0 request")]
    CodingInOldVersion,
    /// RFC 9110 §10.1.1.
    #[error("the only expectation understood is 100-continue")]
    Expectation,
}

impl BadRequest {
    /// The status of the reply.
    #[must_use]
    pub fn status(self) -> Status {
        let code = match self {
            Self::MethodNotAllowed(_) => 405,
            Self::TargetTooLong => 414,
            Self::Expectation => 417,
            Self::HeadTooLarge | Self::TooManyFields => 431,
            Self::Coding => 501,
            Self::Version | Self::Http2Preface => 505,
            _ => 400,
        };
        Status::new(code).unwrap_or(Status::BAD_REQUEST)
    }

    /// The stable code of the reply's JSON body and of the event.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::RequestLine => "header_doctor_request_line",
            Self::TlsOnPlainPort => "header_doctor_tls_on_plain_port",
            Self::ProxyHeader => "header_doctor_proxy_protocol_unexpected",
            Self::Http2Preface => "header_doctor_http2_on_http1_port",
            Self::Version => "header_doctor_version",
            Self::BareLineFeed => "header_doctor_bare_line_feed",
            Self::Folded => "header_doctor_folded_field",
            Self::SpaceBeforeColon => "header_doctor_space_before_colon",
            Self::FieldName => "header_doctor_field_name",
            Self::FieldValue => "header_doctor_field_value",
            Self::HeadTooLarge => "header_doctor_head_too_large",
            Self::TooManyFields => "header_doctor_too_many_fields",
            Self::TargetTooLong => "header_doctor_target_too_long",
            Self::Target => "header_doctor_target",
            Self::TargetHost => "header_doctor_target_differs_from_host",
            Self::MethodNotAllowed(_) => "header_doctor_method_not_allowed",
            Self::HostMissing => "header_doctor_host_missing",
            Self::HostTwice => "header_doctor_host_twice",
            Self::Host => "header_doctor_host",
            Self::LengthAndCoding => "header_doctor_length_and_transfer_encoding",
            Self::LengthTwice => "header_doctor_length_twice",
            Self::Length => "header_doctor_length",
            Self::Coding => "header_doctor_transfer_encoding",
            Self::CodingInOldVersion => "header_doctor_transfer_encoding_in_http10",
            Self::Expectation => "header_doctor_expectation",
        }
    }
}

/// Why a reply of the upstream cannot be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the words stand beside the names")]
pub enum BadReply {
    #[error("it does not begin with an HTTP/1 status line")]
    StatusLine,
    #[error("its status is not a number from 100 to 599")]
    Status,
    #[error("a line of its head ends in a bare line feed")]
    BareLineFeed,
    #[error("a header field is folded over several lines (obs-fold)")]
    Folded,
    #[error("a header field's name is empty or holds a forbidden character")]
    FieldName,
    #[error("a header field's value holds a control character")]
    FieldValue,
    #[error("its head is larger than the limit")]
    HeadTooLarge,
    #[error("it has more than {} header fields", super::MAX_FIELDS)]
    TooManyFields,
    #[error("it has more than one Content-Length")]
    LengthTwice,
    #[error("its Content-Length is not a plain decimal number")]
    Length,
    #[error("its Transfer-Encoding is not a single chunked")]
    Coding,
    #[error("it switches to a protocol that nobody asked for")]
    UnaskedSwitch,
    #[error("it sends interim replies without end")]
    TooManyInterim,
}

/// Why a chunked body is refused (RFC 9112 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words stand in `words`")]
pub enum BadChunk {
    Size,
    SizeOverflow,
    Extension,
    BareLineFeed,
    DataEnd,
    Trailer,
    TrailerTooLarge,
}

impl BadChunk {
    /// The fault in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Size => "a chunk size is not a hexadecimal number",
            Self::SizeOverflow => "a chunk size is larger than 64 bits can hold",
            Self::Extension => "a chunk extension holds a control character or is too long",
            Self::BareLineFeed => "a chunk line ends in a bare line feed",
            Self::DataEnd => "the CR LF after a chunk's data is missing",
            Self::Trailer => "a trailer field is malformed",
            Self::TrailerTooLarge => "the trailer section is too large",
        }
    }
}
