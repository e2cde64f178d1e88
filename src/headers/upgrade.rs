//! Which switches of protocol may be asked for through the doctor (RFC 9110 §7.8): WebSocket and others, not HTTP itself.
//!
//! A request in HTTP/1.1 without a body may ask; `Upgrade` is passed on with a `Connection` of our own, and what an
//! upstream then names in a 101 must have been asked for. Requests inside another HTTP (`h2c`, which RFC 9113 §3.1
//! withdrew) or inside another layer of TLS (RFC 2817) would pass the doctor unseen, with whatever they claim about
//! their client, so those are never asked for: the request goes on in plain HTTP/1.1. HTTP/2 has no upgrades (RFC 9113
//! §8.6), and extended CONNECT (RFC 8441), which takes their place, is not offered.

use crate::message::{Fields, Name, RequestHead, Version};

/// Names of protocols, with versions or not, in the order of preference.
pub struct Protocols(Vec<u8>);

impl Protocols {
    /// What a request asks to switch to, as far as it may.
    #[must_use]
    pub fn asked(head: &RequestHead) -> Option<Self> {
        let fields = &head.fields;
        if !fields.has(Name::Upgrade) || head.version != Version::Http11 || has_body(fields) {
            return None;
        }
        // A field that `Connection` does not name was not meant for us, and perhaps passed somebody who ignores it.
        if !super::hop_by_hop::has_option(fields, "upgrade") {
            return None;
        }
        Self::of(members(fields).filter(|protocol| is_protocol(protocol) && !hides_requests(protocol)))
    }

    /// What the `Upgrade` fields of a head name; nothing when there are none, or one is malformed.
    #[must_use]
    pub fn named(fields: &Fields) -> Option<Self> {
        let is_good = fields.has(Name::Upgrade) && members(fields).all(is_protocol);
        if is_good { Self::of(members(fields)) } else { None }
    }

    /// Whether all of `others` are among these. Case does not matter.
    #[must_use]
    pub fn include(&self, others: &Self) -> bool {
        others.iter().all(|other| self.iter().any(|one| one.eq_ignore_ascii_case(other)))
    }

    /// Names them in a head, as what its sender wants to use next or uses from now on.
    pub fn say(&self, fields: &mut Fields) {
        fields.set(Name::Connection, Name::Upgrade.canonical().as_bytes());
        fields.set(Name::Upgrade, &self.0);
    }

    fn of<'p>(protocols: impl Iterator<Item = &'p [u8]>) -> Option<Self> {
        let mut list = Vec::new();
        for protocol in protocols {
            if !list.is_empty() {
                list.extend_from_slice(b", ");
            }
            list.extend_from_slice(protocol);
        }
        (!list.is_empty()).then_some(Self(list))
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        split(&self.0)
    }
}

fn members(fields: &Fields) -> impl Iterator<Item = &[u8]> {
    fields.all(Name::Upgrade).flat_map(split)
}

fn split(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

/// The framing was checked when the request was read, so a length is a number and does not stand beside a coding.
fn has_body(fields: &Fields) -> bool {
    fields.has(Name::TransferEncoding)
        || fields.first(Name::ContentLength).is_some_and(|length| length != b"0")
}

/// `name` or `name/version`, both tokens (RFC 9110 §7.8).
fn is_protocol(text: &[u8]) -> bool {
    let (name, version) = name_and_version(text);
    is_token(name) && version.is_none_or(is_token)
}

fn hides_requests(protocol: &[u8]) -> bool {
    const HIDING: [&[u8]; 4] = [b"h2c", b"h2", b"http", b"tls"];
    let (name, _) = name_and_version(protocol);
    HIDING.iter().any(|hiding| name.eq_ignore_ascii_case(hiding))
}

fn name_and_version(protocol: &[u8]) -> (&[u8], Option<&[u8]>) {
    let Some(slash) = memchr::memchr(b'/', protocol) else {
        return (protocol, None);
    };
    (protocol.get(..slash).unwrap_or_default(), protocol.get(slash + 1..))
}

fn is_token(text: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_tchar)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::Protocols;
    use crate::headers::hop_by_hop;
    use crate::message::{Fields, RequestHead, Version};

    fn head(lines: &[(&str, &str)]) -> RequestHead {
        let mut fields = Fields::from([("Host", "a")]);
        lines.iter().for_each(|(name, value)| fields.append(name.as_bytes(), value.as_bytes()));
        RequestHead::build("GET", "/", fields)
    }

    fn text(protocols: Option<Protocols>) -> Option<String> {
        protocols.map(|protocols| String::from_utf8(protocols.0).unwrap())
    }

    fn named(value: &str) -> Option<Protocols> {
        Protocols::named(&Fields::from([("Upgrade", value)]))
    }

    #[test]
    fn what_may_be_asked_for_is_passed_on_in_its_order_and_spelling() {
        const UPGRADE: (&str, &str) = ("Connection", "keep-alive, Upgrade");
        let cases: [(&[(&str, &str)], &str); 7] = [
            (&[UPGRADE, ("Upgrade", "websocket")], "websocket"),
            (&[("connection", "upgrade"), ("uPGRADE", "WebSocket")], "WebSocket"),
            (&[UPGRADE, ("Upgrade", "foo/2 , websocket")], "foo/2, websocket"),
            (&[UPGRADE, ("Upgrade", "a"), ("Upgrade", ",b,")], "a, b"),
            (&[UPGRADE, ("Upgrade", "websocket, h2c")], "websocket"),
            (&[UPGRADE, ("Upgrade", "web socket, connect-udp")], "connect-udp"),
            (&[UPGRADE, ("Upgrade", "websocket"), ("Content-Length", "0")], "websocket"),
        ];
        for (lines, asked) in cases {
            assert_eq!(text(Protocols::asked(&head(lines))).as_deref(), Some(asked), "{lines:?}");
        }
    }

    #[test]
    fn what_may_not_be_asked_for_is_dropped() {
        const UPGRADE: (&str, &str) = ("Connection", "Upgrade");
        let cases: [&[(&str, &str)]; 17] = [
            &[UPGRADE],
            &[("Upgrade", "websocket")],
            &[("Connection", "websocket"), ("Upgrade", "websocket")],
            &[("Connection", "upgraded"), ("Upgrade", "websocket")],
            &[UPGRADE, ("Upgrade", "")],
            &[UPGRADE, ("Upgrade", " , ")],
            &[UPGRADE, ("Upgrade", "h2c")],
            &[UPGRADE, ("Upgrade", "H2C")],
            &[UPGRADE, ("Upgrade", "h2")],
            &[UPGRADE, ("Upgrade", "HTTP/2.0")],
            &[UPGRADE, ("Upgrade", "http/1.1")],
            &[UPGRADE, ("Upgrade", "TLS/1.0")],
            &[UPGRADE, ("Upgrade", "websocket/")],
            &[UPGRADE, ("Upgrade", "/13")],
            &[UPGRADE, ("Upgrade", "web/socket/13")],
            &[UPGRADE, ("Upgrade", "websocket"), ("Content-Length", "1")],
            &[UPGRADE, ("Upgrade", "websocket"), ("Transfer-Encoding", "chunked")],
        ];
        for lines in cases {
            assert_eq!(text(Protocols::asked(&head(lines))), None, "{lines:?}");
        }
        let mut old = head(&[UPGRADE, ("Upgrade", "websocket")]);
        old.version = Version::Http10;
        assert_eq!(text(Protocols::asked(&old)), None);
    }

    #[test]
    fn only_what_was_asked_for_is_granted() {
        let cases = [
            ("websocket", "websocket", true),
            ("websocket", "WebSocket", true),
            ("a, b/1", "b/1", true),
            ("a, b/1", "b/1, a", true),
            ("b/1", "b/2", false),
            ("b/1", "b", false),
            ("websocket", "h2c", false),
            ("websocket", "websocket, h2c", false),
            ("websocket", "websockets", false),
        ];
        for (asked, granted, is_good) in cases {
            let (asked, granted) = (named(asked).unwrap(), named(granted).unwrap());
            assert_eq!(asked.include(&granted), is_good, "{:?}", text(Some(granted)));
        }
        for malformed in ["", ",", "web socket", "websocket, \u{e9}", "websocket; x=y"] {
            assert!(named(malformed).is_none(), "{malformed:?}");
        }
        assert!(Protocols::named(&Fields::new()).is_none());
    }

    #[test]
    fn what_is_said_takes_the_place_of_what_ended_here() {
        let mut head = head(&[
            ("Connection", "Upgrade, HTTP2-Settings, X-Hop"),
            ("Upgrade", "h2c, websocket"),
            ("http2-settings", "AAMAAABk"),
            ("X-Hop", "1"),
            ("X-Stay", "1"),
        ]);
        let asked = Protocols::asked(&head).unwrap();
        hop_by_hop::remove(&mut head.fields);
        asked.say(&mut head.fields);
        let lines: Vec<_> = head.fields.iter().map(|field| (field.name, field.value)).collect();
        let expected: [(&[u8], &[u8]); 4] =
            [(b"Host", b"a"), (b"X-Stay", b"1"), (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")];
        assert_eq!(lines, expected);
    }

    #[test]
    fn settings_of_http2_end_here_though_nobody_says_so() {
        let mut head = head(&[("HTTP2-Settings", "AAMAAABk")]);
        hop_by_hop::remove(&mut head.fields);
        assert_eq!(head.fields.len(), 1);
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_is_well_formed_and_hides_no_request(
            value in prop::collection::vec(prop::sample::select(b"h2cHTTP/tls1.0, \twebsocket\"(\xe9".as_slice()), 0..40),
        ) {
            let mut head = head(&[("Connection", "upgrade")]);
            head.fields.append(b"Upgrade", &value);
            let Some(asked) = Protocols::asked(&head) else { return Ok(()) };
            for protocol in asked.iter() {
                let name = String::from_utf8(protocol.to_vec()).unwrap().to_lowercase();
                let name = name.split('/').next().unwrap();
                assert!(!["h2c", "h2", "http", "tls"].contains(&name), "{name}");
            }
            let mut sent = Fields::new();
            asked.say(&mut sent);
            assert!(Protocols::named(&sent).unwrap().include(&asked));
        }

        #[test]
        fn any_value_is_read(value in any::<Vec<u8>>()) {
            let mut fields = Fields::new();
            fields.append(b"Upgrade", &value);
            assert_eq!(fields.len(), 1);
            drop(Protocols::named(&fields));
        }
    }
}
