//! The PROXY protocol (HAProxy, `doc/proxy-protocol.txt`), versions 1 and 2: what a balancer that passes bytes on says
//! of its client before the first of them. A pure parser, so that it is fuzzed without sockets.
//!
//! It never asks for a byte beyond the header: what follows belongs to TLS or HTTP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest header that is taken, in bytes. Version 2 could say 65 551; what really is sent, certificates of clients
/// aside, has a few hundred (nginx stops here as well).
pub const LONGEST: usize = 4096;

/// The longest header of version 1, its line end included.
const LONGEST_LINE: usize = 107;

const LINE_START: &[u8] = b"PROXY ";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What the beginning of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// No header, whatever follows.
    Absent,
    /// All of it may belong to a header; what follows decides.
    Partial,
    /// A header.
    Complete(Header),
}

/// A header as read.
///
/// Version 1 is one line:
/// ```text
/// PROXY TCP4 203.0.113.9 192.0.2.1 56324 443\r\n
/// PROXY UNKNOWN …\r\n
/// ```
/// Version 2 is binary, its numbers big endian:
/// ```text
///  0                     12    13    14      16
/// ┌─────────────────────┬─────┬─────┬───────┬──────────────────────────────────────────┬──────┐
/// │ 0D0A0D0A000D0A51…0A │ 2 c │ f t │ n     │ IPv4: source 4, target 4, ports 2 + 2    │ TLVs │
/// │ signature           │     │     │ bytes │ IPv6: source 16, target 16, ports 2 + 2  │      │
/// └─────────────────────┴─────┴─────┴───────┴──────────────────────────────────────────┴──────┘
///    c: 0 LOCAL, 1 PROXY   f: 0 unspecified, 1 IPv4, 2 IPv6, 3 Unix   t: 0, 1 stream, 2 datagram
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// How many bytes it has.
    pub length: usize,
    /// The client; nothing when the header names none (LOCAL, as health checks say; UNKNOWN; a Unix socket), and then
    /// the connection's own address counts.
    pub source: Option<SocketAddr>,
}

/// Why what begins as a header is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// Version 1 without its CRLF in the room for it.
    #[error("the line that begins with PROXY does not end in CRLF within 107 bytes")]
    Line,
    /// Version 1 with something else than family, two addresses and two ports.
    #[error(
        "the line that begins with PROXY does not read TCP4 or TCP6, two addresses and two ports, or UNKNOWN"
    )]
    Words,
    /// A version other than 2.
    #[error("the binary PROXY header is of another version than 2")]
    Version,
    /// A command that does not exist.
    #[error("the binary PROXY header has a command other than LOCAL and PROXY")]
    Command,
    /// A family or transport that does not exist.
    #[error("the binary PROXY header has a family or transport that does not exist")]
    Family,
    /// Not enough bytes for the addresses of its family.
    #[error("the binary PROXY header is too short for the addresses it announces")]
    Short,
    /// More bytes than are taken.
    #[error("the binary PROXY header is longer than {LONGEST} bytes")]
    Long,
}

/// Reads the beginning of a connection.
///
/// # Errors
/// It begins as a header and is none.
pub fn parse(bytes: &[u8]) -> Result<Beginning, BadHeader> {
    if bytes.starts_with(LINE_START) {
        return line(bytes);
    }
    if bytes.starts_with(SIGNATURE) {
        return binary(bytes);
    }
    let may_become = |start: &[u8]| start.starts_with(bytes);
    let is_open = may_become(LINE_START) || may_become(SIGNATURE);
    Ok(if is_open { Beginning::Partial } else { Beginning::Absent })
}

fn line(bytes: &[u8]) -> Result<Beginning, BadHeader> {
    let room = bytes.get(..LONGEST_LINE).unwrap_or(bytes);
    let Some(end) = room.iter().position(|byte| *byte == b'\n') else {
        return if room.len() < LONGEST_LINE { Ok(Beginning::Partial) } else { Err(BadHeader::Line) };
    };
    let text =
        room.get(LINE_START.len()..end).and_then(|text| text.strip_suffix(b"\r")).ok_or(BadHeader::Line)?;
    let text = std::str::from_utf8(text).map_err(|_| BadHeader::Words)?;
    Ok(Beginning::Complete(Header { length: end + 1, source: words(text)? }))
}

/// The source that a line names behind its first word.
fn words(text: &str) -> Result<Option<SocketAddr>, BadHeader> {
    // What follows UNKNOWN is ignored (§2.1).
    if text == "UNKNOWN" || text.starts_with("UNKNOWN ") {
        return Ok(None);
    }
    let words: Vec<_> = text.split(' ').collect();
    let [family, source, target, source_port, target_port] = words.as_slice() else {
        return Err(BadHeader::Words);
    };
    let (source, _) = address(family, source).zip(address(family, target)).ok_or(BadHeader::Words)?;
    let (port, _) = port(source_port).zip(port(target_port)).ok_or(BadHeader::Words)?;
    Ok(Some(SocketAddr::new(source, port)))
}

fn address(family: &str, text: &str) -> Option<IpAddr> {
    match family {
        "TCP4" => text.parse().ok().map(IpAddr::V4),
        "TCP6" => text.parse().ok().map(IpAddr::V6),
        _ => None,
    }
}

/// A port without sign or leading zeros.
fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

fn binary(bytes: &[u8]) -> Result<Beginning, BadHeader> {
    let Some((start, rest)) = bytes.split_first_chunk::<16>() else {
        return Ok(Beginning::Partial);
    };
    let [.., version_and_command, family, high, low] = *start;
    let count = usize::from(u16::from_be_bytes([high, low]));
    let length = start.len() + count;
    if version_and_command >> 4 != 2 {
        return Err(BadHeader::Version);
    }
    if length > LONGEST {
        return Err(BadHeader::Long);
    }
    let is_local = match version_and_command & 0xF {
        0 => true,
        1 => false,
        _ => return Err(BadHeader::Command),
    };
    let Some(body) = rest.get(..count) else {
        return Ok(Beginning::Partial);
    };
    // A receiver ignores the addresses of LOCAL, whatever they are (§2.2).
    let source = if is_local { None } else { source(family, body)? };
    Ok(Beginning::Complete(Header { length, source }))
}

/// The source of a connection of this family and transport; for those that TCP cannot have, none.
fn source(family: u8, body: &[u8]) -> Result<Option<SocketAddr>, BadHeader> {
    let (address, ports) = match family {
        0x11 => {
            let (source, rest) = body.split_first_chunk::<4>().ok_or(BadHeader::Short)?;
            (IpAddr::V4(Ipv4Addr::from(*source)), rest.get(4..))
        }
        0x21 => {
            let (source, rest) = body.split_first_chunk::<16>().ok_or(BadHeader::Short)?;
            (IpAddr::V6(Ipv6Addr::from(*source)), rest.get(16..))
        }
        0x00 | 0x12 | 0x22 | 0x31 | 0x32 => return Ok(None),
        _ => return Err(BadHeader::Family),
    };
    let (ports, _) = ports.and_then(<[u8]>::split_first_chunk::<4>).ok_or(BadHeader::Short)?;
    let [high, low, ..] = *ports;
    Ok(Some(SocketAddr::new(address, u16::from_be_bytes([high, low]))))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

    use super::{BadHeader, Beginning, Header, LONGEST, SIGNATURE, parse};

    fn complete(length: usize, source: Option<&str>) -> Result<Beginning, BadHeader> {
        let source = source.map(|text| text.parse().unwrap());
        Ok(Beginning::Complete(Header { length, source }))
    }

    fn binary(version_and_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[version_and_command, family], &length, body].concat()
    }

    #[test]
    fn a_line_names_its_client() {
        let cases: [(&str, usize, Option<&str>); 6] = [
            ("PROXY TCP4 203.0.113.9 192.0.2.1 56324 443\r\nGET", 44, Some("203.0.113.9:56324")),
            ("PROXY TCP6 2001:db8::9 ::1 1 65535\r\n", 36, Some("[2001:db8::9]:1")),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 0 0\r\n", 32, Some("1.2.3.4:0")),
            ("PROXY UNKNOWN\r\n", 15, None),
            ("PROXY UNKNOWN ffff:f...f:ffff anything\r\n", 40, None),
            ("PROXY UNKNOWN \r\n", 16, None),
        ];
        for (line, length, source) in cases {
            assert_eq!(parse(line.as_bytes()), complete(length, source), "{line}");
        }
    }

    #[test]
    fn a_line_that_says_something_else_is_refused() {
        for line in [
            "PROXY TCP4 203.0.113.9 192.0.2.1 56324\r\n",
            "PROXY TCP4 203.0.113.9 192.0.2.1 56324 443 5\r\n",
            "PROXY TCP4  203.0.113.9 192.0.2.1 56324 443\r\n",
            "PROXY TCP4 203.0.113.9 192.0.2.1 056 443\r\n",
            "PROXY TCP4 203.0.113.9 192.0.2.1 +56 443\r\n",
            "PROXY TCP4 203.0.113.9 192.0.2.1 65536 443\r\n",
            "PROXY TCP4 203.0.113.256 192.0.2.1 56 443\r\n",
            "PROXY TCP4 ::1 ::1 56 443\r\n",
            "PROXY TCP6 203.0.113.9 192.0.2.1 56 443\r\n",
            "PROXY UDP4 203.0.113.9 192.0.2.1 56 443\r\n",
            "PROXY UNKNOWNS\r\n",
            "PROXY / HTTP/1.1\r\n",
            "PROXY \r\n",
        ] {
            assert_eq!(parse(line.as_bytes()), Err(BadHeader::Words), "{line}");
        }
        assert_eq!(parse(b"PROXY UNKNOWN\n"), Err(BadHeader::Line));
        assert_eq!(parse(b"PROXY \xFF\r\n"), Err(BadHeader::Words));
        let filled = |length: usize| [&b"PROXY UNKNOWN "[..], &vec![b'x'; length - 16], b"\r\n"].concat();
        assert_eq!(parse(&filled(107)), complete(107, None));
        assert_eq!(parse(&filled(108)), Err(BadHeader::Line));
    }

    #[test]
    fn a_binary_header_names_its_client() {
        let v4 = [203, 0, 113, 9, 192, 0, 2, 1, 0x12, 0x34, 1, 0xBB];
        let v6 = [[0x20; 16], [0; 16]].concat();
        let v6 = [&v6[..], &[0, 80, 1, 0xBB]].concat();
        let v6_text = Some("[2020:2020:2020:2020:2020:2020:2020:2020]:80");
        let with_more = [&v4[..], &[4, 0, 1, 0xAA]].concat();
        let cases: [(u8, u8, &[u8], Option<&str>); 9] = [
            (0x21, 0x11, &v4, Some("203.0.113.9:4660")),
            (0x21, 0x11, &with_more, Some("203.0.113.9:4660")),
            (0x21, 0x21, &v6, v6_text),
            (0x20, 0x00, &[], None),
            (0x20, 0x11, &v4, None),
            (0x20, 0xFF, b"anything", None),
            (0x21, 0x00, &[], None),
            (0x21, 0x12, &v4, None),
            (0x21, 0x31, &[0; 216], None),
        ];
        for (command, family, body, source) in cases {
            let bytes = [&binary(command, family, body)[..], b"GET"].concat();
            assert_eq!(parse(&bytes), complete(16 + body.len(), source), "{command:x} {family:x}");
        }
    }

    #[test]
    fn a_binary_header_that_cannot_be_is_refused() {
        let long = vec![0; LONGEST - 15];
        for (command, family, body, wrong) in [
            (0x11, 0x11, &[0; 12][..], BadHeader::Version),
            (0x22, 0x11, &[0; 12], BadHeader::Command),
            (0x21, 0x13, &[0; 12], BadHeader::Family),
            (0x21, 0x41, &[0; 12], BadHeader::Family),
            (0x21, 0x11, &[0; 11], BadHeader::Short),
            (0x21, 0x21, &[0; 35], BadHeader::Short),
            (0x21, 0x11, &long, BadHeader::Long),
        ] {
            assert_eq!(parse(&binary(command, family, body)), Err(wrong));
        }
        let fits = binary(0x20, 0, &vec![0; LONGEST - 16]);
        assert_eq!(parse(&fits), complete(LONGEST, None));
    }

    #[test]
    fn what_begins_otherwise_has_no_header() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"PRI * HTTP/2.0",
            b"POST",
            b"\x16\x03\x01",
            b"\r\nGET",
            b"PROXY\r\n",
        ] {
            assert_eq!(parse(bytes), Ok(Beginning::Absent));
        }
        for bytes in [&b""[..], b"P", b"PROXY", b"\r", b"\r\n\r\n\0"] {
            assert_eq!(parse(bytes), Ok(Beginning::Partial));
        }
    }

    /// A good header of either version.
    fn header() -> impl Strategy<Value = Vec<u8>> {
        let line = any::<(SocketAddr, u16)>().prop_map(|(source, port)| {
            let (family, ip) = if source.is_ipv4() { ("TCP4", source.ip()) } else { ("TCP6", source.ip()) };
            format!("PROXY {family} {ip} {ip} {} {port}\r\n", source.port()).into_bytes()
        });
        let family = prop_oneof![Just(0x11), Just(0x21), Just(0x00), Just(0x31)];
        let body = prop::collection::vec(any::<u8>(), 36..300);
        let binary =
            (0x20_u8..=0x21, family, body).prop_map(|(command, family, body)| binary(command, family, &body));
        prop_oneof![line, binary]
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0_usize..3) {
            let start: &[u8] = [&b""[..], b"PROXY ", SIGNATURE][start];
            let _any = parse(&[start, &bytes].concat());
        }

        #[test]
        fn every_part_of_a_header_is_partial_and_what_follows_changes_nothing(
            header in header(),
            rest in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            for end in 0..header.len() {
                assert_eq!(parse(&header[..end]), Ok(Beginning::Partial), "{end}");
            }
            let whole = parse(&header);
            let is_whole = matches!(whole, Ok(Beginning::Complete(Header { length, .. })) if length == header.len());
            assert!(is_whole, "{whole:?}");
            assert_eq!(parse(&[header, rest].concat()), whole);
        }
    }
}
