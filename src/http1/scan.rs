//! Whether a head has arrived whole, looking at each byte once however slowly it comes.

use memchr::memchr;

use super::malformed::BadRequest;

/// What is known of a head so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// The head, its blank line included, is this many bytes long.
    Complete(usize),
    /// More is needed; the next scan may begin here.
    Partial(usize),
    /// A line ends in LF without CR.
    BareLineFeed,
}

/// Looks for the blank line that ends a head, from `from` on (what an earlier [`Scan::Partial`] gave, or 0).
#[must_use]
pub fn head_end(bytes: &[u8], from: usize) -> Scan {
    let mut at = from;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr(b'\n', rest)) {
        let feed = at + found;
        let before = bytes.get(..feed).unwrap_or_default();
        if !before.ends_with(b"\r") {
            return Scan::BareLineFeed;
        }
        if before.ends_with(b"\r\n\r") {
            return Scan::Complete(feed + 1);
        }
        at = feed + 1;
    }
    Scan::Partial(at)
}

/// How the PROXY protocol begins; a method could be called PROXY.
const PROXY_HEADERS: [&[u8]; 4] = [b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN", b"\r\n\r\n\0\r\nQUIT\n"];

/// Whether these bytes begin as a PROXY header does.
pub(super) fn begins_as_proxy_header(bytes: &[u8]) -> bool {
    PROXY_HEADERS.iter().any(|header| bytes.starts_with(header))
}

/// Refuses what cannot become a request line, before a whole line has come: a TLS handshake has no line end, so
/// its sender would wait for the header timeout instead of reading what is wrong. So it is with one behind a PROXY header.
///
/// # Errors
/// The first bytes are those of another protocol.
pub fn refuse_first_bytes(bytes: &[u8]) -> Result<(), BadRequest> {
    const TLS_HANDSHAKE: u8 = 0x16;
    match bytes.first() {
        None => Ok(()),
        Some(&TLS_HANDSHAKE) => Err(BadRequest::TlsOnPlainPort),
        Some(b'P' | b'\r') if begins_as_proxy_header(bytes) => Err(BadRequest::ProxyHeader),
        // One empty line before a request line is read over (RFC 9112 §2.2).
        Some(b'\r') => Ok(()),
        Some(first) if first.is_ascii_graphic() => Ok(()),
        Some(_) => Err(BadRequest::RequestLine),
    }
}

#[cfg(test)]
mod tests {
    use super::{BadRequest, Scan, head_end, refuse_first_bytes};

    #[test]
    fn a_head_ends_at_its_blank_line_wherever_it_is_cut() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody";
        let mut from = 0;
        for length in 0..head.len() - 4 {
            match head_end(&head[..length], from) {
                Scan::Partial(next) => from = next,
                other => panic!("{other:?} after {length} bytes"),
            }
        }
        assert_eq!(head_end(head, from), Scan::Complete(head.len() - 4));
    }

    #[test]
    fn a_bare_line_feed_is_seen_in_any_line() {
        assert_eq!(head_end(b"GET / HTTP/1.1\nHost: a\r\n\r\n", 0), Scan::BareLineFeed);
        assert_eq!(head_end(b"GET / HTTP/1.1\r\nHost: a\r\n\n", 0), Scan::BareLineFeed);
        assert_eq!(head_end(b"\n", 0), Scan::BareLineFeed);
    }

    #[test]
    fn a_tls_handshake_is_told_from_garbage() {
        assert_eq!(refuse_first_bytes(&[0x16, 3, 1]), Err(BadRequest::TlsOnPlainPort));
        assert_eq!(refuse_first_bytes(b"\0"), Err(BadRequest::RequestLine));
        assert_eq!(refuse_first_bytes(b"G"), Ok(()));
    }

    #[test]
    fn a_proxy_header_is_told_from_a_method_of_that_name() {
        for header in [&b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x21\x11"] {
            assert_eq!(refuse_first_bytes(header), Err(BadRequest::ProxyHeader));
        }
        assert_eq!(refuse_first_bytes(b"PROXY / HTTP/1.1\r\n"), Ok(()));
        assert_eq!(refuse_first_bytes(b"\r\nGET / HTTP/1.1\r\n"), Ok(()));
    }
}
