//! What goes on about a request, from trusted peers and others.

use std::net::IpAddr;

use proptest::prelude::{Just, any, prop, prop_oneof, proptest};

use super::{Report, Via, apply, client_address, scheme};
use crate::headers::{Peer, Scheme, Trusted};
use crate::message::{Fields, Name, Version};

const EXCHANGE: &str = "00000000000000ff";

fn trusted() -> Trusted {
    Trusted::new(vec!["private".parse().unwrap(), "loopback".parse().unwrap()])
}

fn peer(address: &str) -> Peer {
    Peer::new(address.parse().unwrap(), &trusted(), Scheme::Http)
}

const PROXY: &str = "10.0.0.1";
const STRANGER: &str = "203.0.113.9";

fn treated<const N: usize>(address: &str, sent: [(&str, &str); N]) -> (Fields, Report) {
    let mut fields = Fields::from(sent);
    let report = apply(&mut fields, &peer(address), Version::Http11, Via::Send, EXCHANGE);
    (fields, report)
}

fn text(fields: &Fields, name: Name) -> Option<String> {
    fields.only(name).map(|value| String::from_utf8(value.to_vec()).unwrap())
}

/// What becomes of a field, by who sent it.
#[test]
fn a_trusted_peer_is_believed_and_another_is_not() {
    use Name::{XForwardedFor, XForwardedHost, XForwardedProto, XRequestId};
    let table: [(Name, &[&str], &str, &str); 20] = [
        (XForwardedFor, &[], "10.0.0.1", STRANGER),
        (XForwardedFor, &["192.0.2.1"], "192.0.2.1, 10.0.0.1", STRANGER),
        (XForwardedFor, &["192.0.2.1, 10.9.9.9"], "192.0.2.1, 10.9.9.9, 10.0.0.1", STRANGER),
        (XForwardedFor, &["192.0.2.1", "10.9.9.9"], "192.0.2.1, 10.9.9.9, 10.0.0.1", STRANGER),
        (XForwardedFor, &[""], "10.0.0.1", STRANGER),
        (XForwardedProto, &[], "http", "http"),
        (XForwardedProto, &["https"], "https", "http"),
        (XForwardedProto, &["http"], "http", "http"),
        (XForwardedProto, &["https", "https"], "http", "http"),
        (XForwardedProto, &["https, http"], "https, http", "http"),
        (XForwardedProto, &["https, evil"], "http", "http"),
        (XForwardedProto, &["wss"], "http", "http"),
        (XForwardedHost, &[], "a.test:8080", "a.test:8080"),
        (XForwardedHost, &["b.test"], "b.test", "a.test:8080"),
        (XForwardedHost, &["b.test", "c.test"], "b.test, c.test", "a.test:8080"),
        (XForwardedHost, &[""], "a.test:8080", "a.test:8080"),
        (XRequestId, &[], EXCHANGE, EXCHANGE),
        (XRequestId, &["3f2a9c1b-2d4e"], "3f2a9c1b-2d4e", EXCHANGE),
        (XRequestId, &["a", "b"], EXCHANGE, EXCHANGE),
        (XRequestId, &["a b"], EXCHANGE, EXCHANGE),
    ];
    for (name, sent, from_proxy, from_stranger) in table {
        for (address, expected) in [(PROXY, from_proxy), (STRANGER, from_stranger)] {
            let mut fields = Fields::from([("Host", "a.test:8080")]);
            sent.iter().for_each(|value| fields.append(name.canonical().as_bytes(), value.as_bytes()));
            apply(&mut fields, &peer(address), Version::Http11, Via::Send, EXCHANGE);
            assert_eq!(text(&fields, name).as_deref(), Some(expected), "{name:?} {sent:?} from {address}");
        }
    }
}

#[test]
fn a_listener_with_tls_says_https() {
    let mut fields = Fields::from([("Host", "a.test"), ("X-Forwarded-Proto", "http")]);
    let peer = Peer::new(STRANGER.parse().unwrap(), &trusted(), Scheme::Https);
    apply(&mut fields, &peer, Version::Http11, Via::Send, EXCHANGE);
    assert_eq!(text(&fields, Name::XForwardedProto).as_deref(), Some("https"));
}

#[test]
fn a_long_or_odd_request_id_is_replaced() {
    for odd in ["x".repeat(129), "a\"b".to_owned(), "a,b".to_owned(), "é".to_owned(), String::new()] {
        let (fields, _) = treated(PROXY, [("X-Request-Id", &odd)]);
        assert_eq!(text(&fields, Name::XRequestId).as_deref(), Some(EXCHANGE));
    }
    let longest = "x".repeat(128);
    let (fields, _) = treated(PROXY, [("X-Request-Id", &longest)]);
    assert_eq!(text(&fields, Name::XRequestId), Some(longest));
}

#[test]
fn a_forwarded_list_is_extended_for_a_trusted_peer_and_never_begun() {
    let element = "for=192.0.2.1;proto=https";
    let (fields, _) = treated(PROXY, [("Host", "a.test:80"), ("Forwarded", element)]);
    let expected = r#"for=192.0.2.1;proto=https, for=10.0.0.1;host="a.test:80";proto=http"#;
    assert_eq!(text(&fields, Name::Forwarded).as_deref(), Some(expected));

    let (fields, _) = treated("fd00::7", [("Forwarded", element)]);
    let expected = r#"for=192.0.2.1;proto=https, for="[fd00::7]";proto=http"#;
    assert_eq!(text(&fields, Name::Forwarded).as_deref(), Some(expected));

    for (address, sent) in [(STRANGER, element), (PROXY, "")] {
        assert!(!treated(address, [("Forwarded", sent)]).0.has(Name::Forwarded));
    }
    assert!(!treated(PROXY, [("Host", "a.test")]).0.has(Name::Forwarded));
}

#[test]
fn the_doctor_names_itself_behind_those_before_it() {
    let via = |version, sent: &[&str]| {
        let mut fields = Fields::new();
        sent.iter().for_each(|value| fields.append(b"via", value.as_bytes()));
        apply(&mut fields, &peer(STRANGER), version, Via::Send, EXCHANGE);
        text(&fields, Name::Via).unwrap()
    };
    assert_eq!(via(Version::Http11, &[]), "1.1 header-doctor");
    assert_eq!(via(Version::Http10, &[]), "1.0 header-doctor");
    assert_eq!(via(Version::Http2, &[]), "2.0 header-doctor");
    assert_eq!(via(Version::Http11, &["2 edge", "1.1 cache"]), "2 edge, 1.1 cache, 1.1 header-doctor");
}

#[test]
fn the_doctor_is_not_the_first_to_name_itself_unless_it_is_told_to() {
    let mut fields = Fields::from([("Host", "a.test")]);
    apply(&mut fields, &peer(STRANGER), Version::Http11, Via::Extend, EXCHANGE);
    assert!(!fields.has(Name::Via));
    let mut fields = Fields::from([("Via", "2 edge")]);
    apply(&mut fields, &peer(STRANGER), Version::Http11, Via::Extend, EXCHANGE);
    assert_eq!(text(&fields, Name::Via).as_deref(), Some("2 edge, 1.1 header-doctor"));
}

#[test]
fn one_valid_traceparent_stays_with_its_state() {
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
    for value in [good, later] {
        let (fields, report) = treated(STRANGER, [("traceparent", value), ("tracestate", "a=1")]);
        assert_eq!(text(&fields, Name::Traceparent).as_deref(), Some(value));
        assert!(fields.has(Name::Tracestate) && report.dropped.is_empty());
    }
}

#[test]
fn several_or_malformed_traceparents_go_with_their_state() {
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut bad = vec![
        vec![""],
        vec!["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"],
        vec!["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"],
        vec!["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
        vec!["00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
        vec!["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"],
        vec!["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"],
    ];
    bad.push(vec![good, good]);
    for values in bad {
        let mut fields = Fields::from([("tracestate", "a=1")]);
        values.iter().for_each(|value| fields.append(b"traceparent", value.as_bytes()));
        let report = apply(&mut fields, &peer(PROXY), Version::Http11, Via::Send, EXCHANGE);
        assert!(!fields.has(Name::Traceparent) && !fields.has(Name::Tracestate), "{values:?}");
        assert_eq!(report.dropped.names().collect::<Vec<_>>(), [Name::Traceparent, Name::Tracestate]);
    }
}

#[test]
fn what_could_be_taken_for_a_proxys_word_is_removed_unless_a_proxy_said_it() {
    let sent = [
        ("X-Real-IP", "1.2.3.4"),
        ("Client-IP", "1.2.3.4"),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Ssl", "on"),
        ("Front-End-Https", "on"),
        ("X-Forwarded-Prefix", "/x"),
        ("CF-Connecting-IP", "1.2.3.4"),
        ("X-Forwarded-Access-Token", "t"),
        ("Authorization", "Bearer a"),
    ];
    let (fields, report) = treated(STRANGER, sent);
    let names = [
        Name::ClientIp,
        Name::FrontEndHttps,
        Name::XForwardedPort,
        Name::XForwardedPrefix,
        Name::XForwardedSsl,
        Name::XRealIp,
    ];
    assert_eq!(report.dropped.names().collect::<Vec<_>>(), names);
    assert!(names.iter().all(|name| !fields.has(*name)));
    assert_eq!(fields.iter().filter(|field| field.id == Name::Other).count(), 2);

    let (fields, report) = treated(PROXY, sent);
    assert!(report.dropped.is_empty() && names.iter().all(|name| fields.has(*name)));
}

#[test]
fn httpoxy_and_other_spellings_are_removed_whoever_sent_them() {
    for address in [PROXY, STRANGER] {
        let (fields, report) = treated(
            address,
            [
                ("Proxy", "http://evil.test"),
                ("X_Forwarded_Proto", "https"),
                ("x.real-ip", "1.2.3.4"),
                ("X_Request-Id", "a"),
                ("X_Custom", "1"),
                ("X_Authorization", "Bearer a"),
            ],
        );
        let names = [Name::XRealIp, Name::Proxy, Name::XForwardedProto, Name::XRequestId];
        assert_eq!(report.dropped.names().collect::<Vec<_>>(), names);
        assert_eq!(fields.iter().filter(|field| field.id == Name::Other).count(), 2);
        assert_eq!(text(&fields, Name::XForwardedProto).as_deref(), Some("http"));
    }
}

#[test]
fn a_stranger_who_says_https_over_plain_http_is_reported() {
    let claim = |address, value| treated(address, [("X-Forwarded-Proto", value)]).1.claimed_https;
    for value in ["https", "HTTPS", "https, http", "http,https"] {
        assert!(claim(STRANGER, value), "{value}");
        assert!(!claim(PROXY, value), "{value}");
    }
    for value in ["http", "", "httpsx"] {
        assert!(!claim(STRANGER, value), "{value}");
    }
    let mut fields = Fields::from([("X-Forwarded-Proto", "https")]);
    let peer = Peer::new(STRANGER.parse().unwrap(), &trusted(), Scheme::Https);
    assert!(!apply(&mut fields, &peer, Version::Http11, Via::Send, EXCHANGE).claimed_https);
}

#[test]
fn a_request_without_host_has_no_forwarded_host() {
    assert!(!treated(STRANGER, [("X-Forwarded-Host", "evil.test")]).0.has(Name::XForwardedHost));
}

#[test]
fn the_client_is_the_first_from_the_right_that_is_not_trusted() {
    type Sent = &'static [(&'static str, &'static str)];
    let table: [(&str, Sent, &str); 17] = [
        (STRANGER, &[("X-Forwarded-For", "192.0.2.1")], STRANGER),
        (PROXY, &[], PROXY),
        (PROXY, &[("X-Forwarded-For", "192.0.2.1")], "192.0.2.1"),
        (PROXY, &[("X-Forwarded-For", "6.6.6.6, 192.0.2.1, 10.0.0.2")], "192.0.2.1"),
        (PROXY, &[("X-Forwarded-For", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1")], "192.0.2.1"),
        (PROXY, &[("X-Forwarded-For", "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
        (PROXY, &[("X-Forwarded-For", "192.0.2.1, unknown")], PROXY),
        (PROXY, &[("X-Forwarded-For", "192.0.2.1, junk, 10.0.0.2")], "10.0.0.2"),
        (PROXY, &[("X-Forwarded-For", "192.0.2.1:4711")], "192.0.2.1"),
        (PROXY, &[("X-Forwarded-For", "[2001:db8::1]:4711")], "2001:db8::1"),
        (PROXY, &[("X-Forwarded-For", "2001:db8::1,")], "2001:db8::1"),
        (PROXY, &[("X-Forwarded-For", "::ffff:192.0.2.1")], "192.0.2.1"),
        (PROXY, &[("Forwarded", "for=6.6.6.6, For=192.0.2.1;proto=https")], "192.0.2.1"),
        (PROXY, &[("Forwarded", "proto=https; for=\"[2001:db8::1]:4711\"")], "2001:db8::1"),
        (PROXY, &[("Forwarded", "for=192.0.2.1, for=_hidden")], PROXY),
        (PROXY, &[("Forwarded", "for=\"6.6.6.6, for=192.0.2.1")], "192.0.2.1"),
        (PROXY, &[("Forwarded", "for=6.6.6.6"), ("X-Forwarded-For", "192.0.2.1")], "192.0.2.1"),
    ];
    for (address, sent, expected) in table {
        let mut fields = Fields::new();
        sent.iter().for_each(|(name, value)| fields.append(name.as_bytes(), value.as_bytes()));
        let peer = peer(address);
        let client = || client_address(&fields, &peer, &trusted());
        assert_eq!(client(), expected.parse::<IpAddr>().unwrap(), "{address} {sent:?}");
        let (before, before_scheme) = (client(), scheme(&fields, &peer));
        apply(&mut fields, &peer, Version::Http11, Via::Send, EXCHANGE);
        let after = (client_address(&fields, &peer, &trusted()), scheme(&fields, &peer));
        if sent.iter().all(|(name, _)| *name != "Forwarded") {
            assert_eq!(after, (before, before_scheme), "{address} {sent:?}");
        }
    }
}

const NAMES: &[&str] = &[
    "Authorization",
    "x-forwarded-for",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X_Forwarded_Proto",
    "x.forwarded.for",
    "Forwarded",
    "Via",
    "X-Request-Id",
    "traceparent",
    "tracestate",
    "Proxy",
    "Host",
    "X-Real-IP",
    "X-Custom",
];

proptest! {
    #[test]
    fn whatever_is_sent_one_of_each_goes_on_and_authorization_is_untouched(
        sent in prop::collection::vec(
            (prop::sample::select(NAMES), prop_oneof![any::<Vec<u8>>(), Just(b"https".to_vec()), Just(b"for=\"[::1]\", 1.2.3.4".to_vec())]),
            0..12,
        ),
        address in prop::sample::select(&[PROXY, STRANGER, "fd00::1"][..]),
    ) {
        let mut fields = Fields::new();
        sent.iter().for_each(|(name, value)| fields.append(name.as_bytes(), value));
        let kept = |fields: &Fields| fields.all(Name::Authorization).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let before = kept(&fields);
        let peer = peer(address);
        let client = client_address(&fields, &peer, &trusted());
        assert!(client == peer.address() || peer.is_trusted());
        apply(&mut fields, &peer, Version::Http11, Via::Send, EXCHANGE);
        assert_eq!(kept(&fields), before);
        for name in [Name::XForwardedFor, Name::XForwardedProto, Name::Via, Name::XRequestId] {
            assert_eq!(fields.all(name).count(), 1, "{name:?}");
        }
        for name in [Name::XForwardedHost, Name::Forwarded, Name::Traceparent] {
            assert!(fields.all(name).count() <= 1, "{name:?}");
        }
        assert!(!fields.has(Name::Proxy));
        let last = fields.first(Name::XForwardedFor).unwrap().rsplit(|byte| *byte == b',').next().unwrap().trim_ascii();
        assert_eq!(last, peer.text());
    }
}
