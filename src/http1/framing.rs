//! Where a body ends (RFC 9112 §6). The one place that decides it, for requests and replies.

use super::malformed::{BadReply, BadRequest};
use crate::message::{Fields, Method, Name, ReplyHead, RequestHead, Status, Version};

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// After this many bytes; 0 is no body.
    Length(u64),
    /// After the last chunk and the trailer section.
    Chunked,
    /// When the sender closes (replies only).
    Close,
}

impl Framing {
    /// The length when it is known beforehand.
    #[must_use]
    pub const fn length(self) -> Option<u64> {
        match self {
            Self::Length(length) => Some(length),
            Self::Chunked | Self::Close => None,
        }
    }
}

/// The framing of a request's body. Anything two recipients could read differently is refused: both lengths, two
/// lengths (equal ones too), a length that is not plain digits, any coding but a single `chunked`.
///
/// # Errors
/// The request is ambiguous.
pub fn of_request(head: &RequestHead) -> Result<Framing, BadRequest> {
    let fields = &head.fields;
    if !fields.has(Name::TransferEncoding) {
        return match length(fields) {
            Ok(length) => Ok(Framing::Length(length.unwrap_or(0))),
            Err(BadLength::Twice) => Err(BadRequest::LengthTwice),
            Err(BadLength::NotANumber) => Err(BadRequest::Length),
        };
    }
    if fields.has(Name::ContentLength) {
        return Err(BadRequest::LengthAndCoding);
    }
    if head.version == Version::Http10 {
        return Err(BadRequest::CodingInOldVersion);
    }
    if is_chunked(fields) { Ok(Framing::Chunked) } else { Err(BadRequest::Coding) }
}

/// The framing of the body of a reply to a request with this method. Transfer-Encoding overrides a Content-Length
/// (RFC 9112 §6.3); whoever passes the reply on must drop that length.
///
/// # Errors
/// The reply is ambiguous.
pub fn of_reply(asked: Method, head: &ReplyHead) -> Result<Framing, BadReply> {
    let fields = &head.fields;
    let coding = match fields.has(Name::TransferEncoding) {
        true if is_chunked(fields) => Some(Framing::Chunked),
        true => return Err(BadReply::Coding),
        false => None,
    };
    let length = length(fields).map_err(|bad| match bad {
        BadLength::Twice => BadReply::LengthTwice,
        BadLength::NotANumber => BadReply::Length,
    })?;
    if has_no_body(asked, head.status) {
        return Ok(Framing::Length(0));
    }
    Ok(coding.or(length.map(Framing::Length)).unwrap_or(Framing::Close))
}

/// Whether a reply has no body whatever its fields say (RFC 9112 §6.3, rule 1).
fn has_no_body(asked: Method, status: Status) -> bool {
    asked == Method::Head || matches!(status.code(), ..200 | 204 | 304)
}

fn is_chunked(fields: &Fields) -> bool {
    fields.only(Name::TransferEncoding).is_some_and(|value| value.eq_ignore_ascii_case(b"chunked"))
}

enum BadLength {
    Twice,
    NotANumber,
}

fn length(fields: &Fields) -> Result<Option<u64>, BadLength> {
    let mut values = fields.all(Name::ContentLength);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(BadLength::Twice);
    }
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(value).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    number.map(Some).ok_or(BadLength::NotANumber)
}

#[cfg(test)]
mod tests {
    use super::{Framing, of_reply, of_request};
    use crate::http1::malformed::{BadReply, BadRequest};
    use crate::http1::{parse_reply, parse_request};
    use crate::message::Method;

    fn request(version: &str, fields: &str) -> Result<Framing, BadRequest> {
        let head = format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        of_request(&parse_request(head.as_bytes()).unwrap())
    }

    fn reply(asked: Method, status: u16, fields: &str) -> Result<Framing, BadReply> {
        of_reply(asked, &parse_reply(format!("HTTP/1.1 {status} x\r\n{fields}\r\n").as_bytes()).unwrap())
    }

    #[test]
    fn an_ambiguous_request_is_refused() {
        let cases = [
            ("1.1", "", Ok(Framing::Length(0))),
            ("1.1", "Content-Length: 5\r\n", Ok(Framing::Length(5))),
            ("1.1", "Transfer-Encoding: CHUNKED\r\n", Ok(Framing::Chunked)),
            ("1.1", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Err(BadRequest::LengthAndCoding)),
            ("1.1", "Content-Length: 5\r\nContent-Length: 5\r\n", Err(BadRequest::LengthTwice)),
            ("1.1", "Content-Length: 5, 5\r\n", Err(BadRequest::Length)),
            ("1.1", "Content-Length: +5\r\n", Err(BadRequest::Length)),
            ("1.1", "Content-Length: 0x5\r\n", Err(BadRequest::Length)),
            ("1.1", "Content-Length: -1\r\n", Err(BadRequest::Length)),
            ("1.1", "Content-Length: 1_0\r\n", Err(BadRequest::Length)),
            ("1.1", "Content-Length:\r\n", Err(BadRequest::Length)),
            ("1.1", "Content-Length: 18446744073709551616\r\n", Err(BadRequest::Length)),
            ("1.1", "Transfer-Encoding: xchunked\r\n", Err(BadRequest::Coding)),
            ("1.1", "Transfer-Encoding: chunked, identity\r\n", Err(BadRequest::Coding)),
            ("1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Err(BadRequest::Coding)),
            ("1.0", "Transfer-Encoding: chunked\r\n", Err(BadRequest::CodingInOldVersion)),
        ];
        for (version, fields, expected) in cases {
            assert_eq!(request(version, fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn a_reply_without_a_body_has_none_whatever_it_says() {
        for (asked, status) in [
            (Method::Head, 200),
            (Method::Get, 204),
            (Method::Get, 304),
            (Method::Get, 103),
            (Method::Get, 101),
        ] {
            assert_eq!(reply(asked, status, "Content-Length: 5\r\n"), Ok(Framing::Length(0)));
        }
    }

    #[test]
    fn a_reply_ends_by_coding_then_length_then_close() {
        let both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
        assert_eq!(reply(Method::Get, 200, both), Ok(Framing::Chunked));
        assert_eq!(reply(Method::Get, 200, "Content-Length: 5\r\n"), Ok(Framing::Length(5)));
        assert_eq!(reply(Method::Get, 200, ""), Ok(Framing::Close));
        let twice = "Content-Length: 5\r\nContent-Length: 5\r\n";
        assert_eq!(reply(Method::Get, 200, twice), Err(BadReply::LengthTwice));
        assert_eq!(reply(Method::Get, 200, "Content-Length: -1\r\n"), Err(BadReply::Length));
        assert_eq!(reply(Method::Get, 200, "Transfer-Encoding: gzip\r\n"), Err(BadReply::Coding));
    }
}
