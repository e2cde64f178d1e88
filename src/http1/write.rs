//! Writes heads: names leave as they came, one field a line.
//!
//! What is written was read by this codec or made by ourselves from checked parts, so no value can hold a CR, LF
//! or NUL; a test reads everything back with a second parser.

use super::framing::Framing;
use crate::message::{Fields, ReplyHead, RequestHead};

/// What a reply says about the connection it came on (RFC 9112 §9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Nothing: the version's own rule holds.
    Unsaid,
    /// It stays open; only HTTP/1.0 clients need to be told.
    KeepAlive,
    /// It ends with this message.
    Close,
}

/// Appends the head of a request as HTTP/1.1, blank line included.
pub fn request_head(out: &mut Vec<u8>, head: &RequestHead, framing: Framing) {
    out.extend_from_slice(head.method_text());
    out.push(b' ');
    out.extend_from_slice(head.target());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    fields(out, &head.fields);
    out.extend_from_slice(coding(framing));
    out.extend_from_slice(b"\r\n");
}

/// Appends the head of a reply as HTTP/1.1, blank line included.
pub fn reply_head(out: &mut Vec<u8>, head: &ReplyHead, framing: Framing, persistence: Persistence) {
    let code = head.status.code();
    let digit = |power: u16| b'0' + u8::try_from(code / power % 10).unwrap_or(0);
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(&[digit(100), digit(10), digit(1), b' ']);
    out.extend_from_slice(head.reason());
    out.extend_from_slice(b"\r\n");
    fields(out, &head.fields);
    out.extend_from_slice(coding(framing));
    out.extend_from_slice(match persistence {
        Persistence::Unsaid => b"",
        Persistence::KeepAlive => b"Connection: keep-alive\r\n",
        Persistence::Close => b"Connection: close\r\n",
    });
    out.extend_from_slice(b"\r\n");
}

/// The field that says a chunked body follows; a length stands among the fields already.
const fn coding(framing: Framing) -> &'static [u8] {
    match framing {
        Framing::Chunked => b"Transfer-Encoding: chunked\r\n",
        Framing::Length(_) | Framing::Close => b"",
    }
}

/// Appends field lines without the blank line: for heads and for trailer sections.
pub fn fields(out: &mut Vec<u8>, fields: &Fields) {
    for field in fields.iter() {
        out.extend_from_slice(field.name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(field.value);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::{Framing, Persistence, reply_head, request_head};
    use crate::http1::{parse_reply, parse_request};

    #[test]
    fn a_head_that_is_not_changed_leaves_as_it_came() {
        let wire = b"PUT /a?b HTTP/1.1\r\nhOST: a\r\nX-wp-NONCE: 1\r\nx: \r\n\r\n";
        let mut out = Vec::new();
        request_head(&mut out, &parse_request(wire).unwrap(), Framing::Length(0));
        assert_eq!(out, wire);

        let wire = b"HTTP/1.1 404 Not  Found\r\nsErver: x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n";
        out.clear();
        reply_head(&mut out, &parse_reply(wire).unwrap(), Framing::Length(0), Persistence::Unsaid);
        assert_eq!(out, wire);
    }
}
