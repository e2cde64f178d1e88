//! Clients that come up against a limit, or are not let in: too many, too slow, too much, gone before the end; without the PROXY
//! header or the certificate that is asked for, or with one that holds a secret.

use std::sync::Arc;

use rustls::ClientConfig;

use super::marks::{COOKIE, OPAQUE, PASSWORD, REFRESH, RESET_KEY, TOKEN};
use super::origin::{Said, origin, replies};
use super::requests::requests;
use super::running::{Left, Running, assert_clean, rest};
use crate::world::{Authority, Origin, Wire, asking_for, until};

/// A request with secrets in each part of its head, up to the fields that are missing.
fn head(method: &str, host: &str, fields: &str) -> String {
    format!(
        "{method} /reset/{RESET_KEY}?token={PASSWORD} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nCookie: a={COOKIE}\r\n{fields}",
        *TOKEN
    )
}

fn json(field: &str) -> String {
    format!(
        "Content-Type: application/json\r\n{field}\r\n\r\n{{\"refresh_token\":\"{REFRESH}\",\"password\":\"{PASSWORD}\","
    )
}

/// What goes beyond a limit, and the code that the doctor has for it.
fn beyond() -> Vec<(String, &'static str)> {
    let chunk = format!("{{\"password\":\"{PASSWORD}\",\"x\":\"{}\"", OPAQUE.repeat(20));
    vec![
        (head("GET", "a.test", "X-Late: "), "header_timeout"),
        (head("POST", "slow.test", &json("Content-Length: 99")), "body_too_slow"),
        (head("POST", "slow.test", &json("Content-Length: 500")), "body_too_large"),
        (
            head(
                "POST",
                "slow.test",
                &format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{chunk}\r\n0\r\n\r\n", chunk.len()),
            ),
            "body_too_large",
        ),
        (head("GET", "a.test", &format!("X: {}\r\n\r\n", OPAQUE.repeat(200))), "head_too_large"),
    ]
}

#[test]
fn whoever_is_too_many_too_slow_too_long_or_gone() {
    let said = Said::default();
    let origin = origin(&said);
    let slow = Origin::answering("HTTP/1.1 204 No\r\n\r\n");
    let large = format!("HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n{}", OPAQUE.repeat(2_000_000));
    let large = Origin::closing_after(large);
    let doctor = Running::start(
        "",
        &format!(
            "sites: [{{ hosts: [slow.test], upstreams: [{{ url: '{slow}' }}] }}, {{ hosts: [large.test], upstreams: [{{ url: '{large}' }}] }}, \
             {{ upstreams: [{{ url: '{origin}' }}] }}]\n\
             limits: {{ connections: 3, header_bytes: 2KiB, body_bytes: 100, header_timeout: 200ms, body_timeout: 200ms, \
             keep_alive_timeout: 200ms, write_timeout: 200ms }}\n\
             log: {{ format: json, level: trace, exchanges: all, client_address: full }}"
        ),
    );
    let mut left = Vec::new();
    for (request, code) in beyond() {
        let reply = rest(Wire::to(doctor.address()).send(&request));
        assert!(
            String::from_utf8_lossy(&reply).contains(code),
            "no {code}: {:?}",
            String::from_utf8_lossy(&reply)
        );
        left.push(Left::by(code, reply));
    }
    // The second of two on one connection never ends; and those who take no reply, or go.
    let two = head("GET", "slow.test", "\r\n") + &head("GET", "a.test", "");
    left.push(Left::by("a second request", rest(Wire::to(doctor.address()).send(two))));
    let ask = head("GET", "large.test", "\r\n");
    let (lazy, gone) = (Wire::to(doctor.address()).send(&ask), Wire::to(doctor.address()).send(&ask));
    gone.reset();
    until("both are given up", || doctor.has_said("\"host\":\"large.test\"") == 2);
    drop(lazy);
    // Which of them is one too many is up to the workers that accept them.
    let many = [(); 4].map(|()| Wire::to(doctor.address()).send(head("GET", "a.test", "")));
    let replies = many.map(rest);
    let count = replies.iter().filter(|reply| reply.starts_with(b"HTTP/1.1 503")).count();
    assert_eq!(count, 1, "{replies:?}");
    left.extend(replies.map(|reply| Left::by("one of too many", reply)));
    left.extend(doctor.end());
    assert_clean(&left);
}

#[test]
fn whoever_shows_a_certificate_or_none() {
    let marked = format!("{OPAQUE}.{PASSWORD}.test");
    let (said, authority) = (Said::default(), Authority::of_a_test().with("c", &[&marked]));
    let stranger = Authority::new().with("c", &[&marked]);
    let origin = origin(&said);
    let listener = format!(
        ", proxy_protocol: require, tls: [{}], client_certificates: {{ authorities: '{}' }}",
        authority.pair("a"),
        authority.ca().display()
    );
    let doctor = Running::start(
        &listener,
        &format!(
            "sites: [{{ upstreams: [{{ url: '{origin}' }}] }}]\ntrusted_proxies: [loopback]\n\
             log: {{ format: json, level: trace, exchanges: all, client_address: full }}"
        ),
    );
    let mut forged = ClientConfig::clone(&authority.client());
    forged.client_auth_cert_resolver = stranger.client_showing("c").client_auth_cert_resolver.clone();
    let (known, forged, nobody) = (authority.client_showing("c"), Arc::new(forged), authority.client());
    let mut left = Vec::new();
    for request in requests(replies().len()).iter().step_by(9) {
        let open = || Wire::to(doctor.address()).send("PROXY TCP4 203.0.113.9 192.0.2.1 56324 443\r\n");
        left.push(said.left(request, &rest(open().secured(asking_for("a.test", &known)).send(request))));
        // Nobody expects the header to be missing, nor an answer in the clear.
        left.push(said.left(request, &rest(Wire::to(doctor.address()).send(request).finish())));
    }
    for client in [&forged, &nobody] {
        let wire = Wire::to(doctor.address()).send("PROXY TCP4 203.0.113.9 192.0.2.1 56324 443\r\n");
        let wire = wire.try_secured(asking_for("a.test", client));
        // In TLS 1.3 a client learns of the refusal when it reads.
        let reply = wire.and_then(|wire| wire.send(head("GET", "a.test", "\r\n")).try_read_to_end());
        let reply = reply.unwrap_or_default();
        assert!(reply.is_empty(), "{}", String::from_utf8_lossy(&reply));
    }
    left.extend(doctor.end());
    assert!(said.asked() > 20, "{}", said.asked());
    assert_clean(&left);
}
