//! Reads the head of an upstream's reply (RFC 9112 §4–5), as strictly as a request's.

use std::mem::MaybeUninit;

use super::MAX_FIELDS;
use super::malformed::BadReply;
use super::request::{BadField, explain_field, lines, span};
use crate::message::{Fields, ReplyHead, Status, Version};

/// Reads a head that [`super::head_end`] called complete, blank line included.
///
/// # Errors
/// The reply may not be passed on; the error says why.
pub fn parse(head: &[u8]) -> Result<ReplyHead, BadReply> {
    let mut slots = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let outcome =
        httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, head, &mut slots);
    let (Ok(httparse::Status::Complete(_)), Some(code), Some(version)) =
        (outcome, parsed.code, parsed.version)
    else {
        return Err(explain(head, outcome.err()));
    };
    let status = Status::new(code).filter(|status| status.code() < 600).ok_or(BadReply::Status)?;
    let mut fields = Fields::over(head, parsed.headers.len());
    for header in &*parsed.headers {
        fields.push_span(span(head, header.name.as_bytes()), span(head, header.value));
    }
    let reason = parsed.reason.map_or_else(Default::default, |reason| span(head, reason.as_bytes()));
    let version = if version == 0 { Version::Http10 } else { Version::Http11 };
    Ok(ReplyHead::new(status, reason, version, fields))
}

fn explain(head: &[u8], error: Option<httparse::Error>) -> BadReply {
    match error {
        Some(httparse::Error::TooManyHeaders) => return BadReply::TooManyFields,
        Some(httparse::Error::Status) => return BadReply::Status,
        _ => {}
    }
    match lines(head).skip(1).find_map(explain_field) {
        Some(BadField::Folded) => BadReply::Folded,
        Some(BadField::SpaceBeforeColon | BadField::Name) => BadReply::FieldName,
        Some(BadField::Value) => BadReply::FieldValue,
        None => BadReply::StatusLine,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::http1::malformed::BadReply;

    #[test]
    fn status_and_reason_are_read() {
        let reply = parse(b"HTTP/1.1 418 I'm a  teapot\r\nX: y\r\n\r\n").unwrap();
        assert_eq!(reply.status.code(), 418);
        assert_eq!(reply.reason(), b"I'm a  teapot");
        assert_eq!(parse(b"HTTP/1.0 200\r\n\r\n").unwrap().reason(), b"");
    }

    #[test]
    fn every_fault_has_its_own_name() {
        let cases = [
            ("HTTP/1.1 99 X\r\n\r\n", BadReply::Status),
            ("HTTP/1.1 099 X\r\n\r\n", BadReply::Status),
            ("HTTP/1.1 600 X\r\n\r\n", BadReply::Status),
            ("garbage\r\n\r\n", BadReply::StatusLine),
            ("HTTP/2 200\r\n\r\n", BadReply::StatusLine),
            ("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", BadReply::Folded),
            ("HTTP/1.1 200 OK\r\nX : a\r\n\r\n", BadReply::FieldName),
            ("HTTP/1.1 200 OK\r\n: a\r\n\r\n", BadReply::FieldName),
            ("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", BadReply::FieldValue),
        ];
        for (head, expected) in cases {
            assert_eq!(parse(head.as_bytes()).err(), Some(expected), "{head:?}");
        }
    }
}
