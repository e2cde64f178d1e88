//! Strangers and operators at the doctor's own listeners: the admin listener under TLS and over its Unix socket, and the one for
//! probes. Wrong tokens, the right one in a wrong place, and bytes that are no question.

use std::fs;

use super::marks::{
    ADMIN_TOKEN, API_KEY, BASIC, COOKIE, LOGIN, OPAQUE, PASSWORD, RESET_KEY, SIGNATURE, SITE_SECRET, TOKEN,
};
use super::origin::{Said, origin};
use super::running::{Left, Running, assert_clean, question, rest, write_closed};
use super::serving::drive_some;
use crate::world::{Authority, Wire, asking_for};

/// What is asked beside that which is in order.
fn questions() -> Vec<String> {
    let ask = |line: &str, fields: &str| {
        format!("{line} HTTP/1.1\r\nHost: localhost\r\n{fields}Connection: close\r\n\r\n")
    };
    let right = format!("Authorization: Bearer {ADMIN_TOKEN}\r\n");
    let mut questions: Vec<_> = [
        format!("Authorization: Bearer {OPAQUE}\r\n"),
        format!("Authorization: Bearer {ADMIN_TOKEN}x\r\n"),
        format!("Authorization: Bearer {}\r\n", &ADMIN_TOKEN[1..]),
        format!("Authorization: Basic {}\r\n", *BASIC),
        format!("Authorization: Basic {ADMIN_TOKEN}\r\n"),
        format!("Authorization: {ADMIN_TOKEN}\r\n"),
        format!("Authorization: Bearer {ADMIN_TOKEN}, Bearer {OPAQUE}\r\n"),
        format!("{right}Authorization: Bearer {OPAQUE}\r\n"),
        format!("Authorization: Bearer {}\r\n", *TOKEN),
        format!("Authorization: Bearer \u{e9}{OPAQUE}\r\n"),
        format!("Cookie: token={ADMIN_TOKEN}; a={COOKIE}\r\n"),
        format!("X-Authorization: Bearer {ADMIN_TOKEN}\r\n"),
        format!("Proxy-Authorization: Bearer {ADMIN_TOKEN}\r\n"),
        format!("{right}Origin: https://{LOGIN}:{PASSWORD}@{OPAQUE}.test\r\nSec-Fetch-Site: {OPAQUE}\r\n"),
        format!("{right}Host: {OPAQUE}.{PASSWORD}.test\r\n"),
        format!("{right}Expect: {OPAQUE}\r\nUpgrade: {OPAQUE}\r\n"),
        format!("{right}{OPAQUE}: {PASSWORD}\r\n"),
        format!("{right}X: {}\r\n", OPAQUE.repeat(1000)),
        format!("{right}X{OPAQUE} : {PASSWORD}\r\n"),
        format!("{right}X: \x01{PASSWORD}\r\n"),
    ]
    .iter()
    .flat_map(|fields| ["GET /api/status", "GET /livez"].map(|line| ask(line, fields)))
    .collect();
    for path in ["/api/status", "/api/exchanges", "/api/findings", "/api/stream", "/metrics", "/readyz", "/"]
    {
        let line =
            format!("GET {path}?token={ADMIN_TOKEN}&access_token={OPAQUE}&{PASSWORD}=1&host={API_KEY}");
        questions.extend(["", &right].map(|fields| ask(&line, fields)));
    }
    for line in [
        format!("GET /{ADMIN_TOKEN}"),
        format!("GET /api/exchanges/{ADMIN_TOKEN}/{RESET_KEY}"),
        format!("GET /api/findings/{}", *TOKEN),
        format!("GET /%2e%2e/{OPAQUE}%00{PASSWORD}"),
        format!("GET http://{LOGIN}:{PASSWORD}@localhost/api/status?{ADMIN_TOKEN}"),
        format!("CONNECT {LOGIN}:{PASSWORD}@localhost:1"),
        format!("{OPAQUE} /api/status"),
        format!("TRACE /api/status?{PASSWORD}"),
        format!("OPTIONS *?{PASSWORD}"),
        format!("GET /{PASSWORD} {OPAQUE}"),
        format!("GET /{}", OPAQUE.repeat(1000)),
    ] {
        questions.push(ask(&line, &right));
    }
    let body = format!("{{\"token\":\"{ADMIN_TOKEN}\",\"password\":\"{PASSWORD}\"}}");
    let fields = format!("{right}Content-Type: {OPAQUE}/{PASSWORD}\r\nContent-Length: {}\r\n", body.len());
    questions.extend(["/api/status", "/livez"].map(|path| ask(&format!("POST {path}"), &fields) + &body));
    questions.push(ask("POST /api/status", &format!("{right}Content-Length: {OPAQUE}\r\n")));
    questions.push(ask("POST /api/status", &format!("{right}Transfer-Encoding: {OPAQUE}\r\n")));
    questions.push(question("/api/stream", &format!("Connection: close\r\nLast-Event-ID: {OPAQUE}\r\n")));
    questions
}

/// What is no question.
fn junk() -> Vec<String> {
    let token = &*TOKEN;
    [
        format!("{ADMIN_TOKEN}\r\n\r\n"),
        format!("{OPAQUE} {PASSWORD} {token}\r\n\r\n"),
        format!("GET /?token={PASSWORD} HTTP/{OPAQUE}\r\n\r\n"),
        format!("GET /api/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN_TOKEN}"),
        format!(
            "GET /api/status HTTP/1.1\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n no field {token}\r\n\r\n"
        ),
        format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{PASSWORD}{SIGNATURE}"),
        format!("PROXY TCP4 {OPAQUE} 192.0.2.1 56324 443\r\n{PASSWORD}"),
        format!("\x16\x03\x01\x02\x00\x01{PASSWORD}{token}"),
        format!("\0\x01{ADMIN_TOKEN}"),
    ]
    .into()
}

/// Asks all of it by connections that are made like this.
fn ask_all(door: &str, connect: impl Fn() -> Option<Wire>) -> Vec<Left> {
    let mut left = Vec::new();
    for text in questions() {
        let Some(wire) = connect() else { continue };
        left.push(Left::by(format!("{door}: {text:.40}"), rest(wire.send(&text))));
    }
    for text in junk() {
        let Some(wire) = connect() else { continue };
        left.push(Left::by(format!("{door}: junk"), rest(wire.send(&text).say_goodbye())));
    }
    left
}

/// How many of the answers begin so.
fn count(left: &[Left], start: &str) -> usize {
    left.iter().filter(|left| left.bytes.starts_with(start.as_bytes())).count()
}

fn sections(said: &Said) -> (crate::world::Origin, String) {
    let origin = origin(said);
    let sections = format!(
        "sites: [{{ upstreams: [{{ url: '{origin}' }}] }}]\n\
         log: {{ format: json, level: trace, exchanges: all, client_address: full }}"
    );
    (origin, sections)
}

#[test]
fn under_tls_and_in_the_clear_where_tls_is_spoken() {
    let (said, authority) = (Said::default(), Authority::of_a_test());
    let (_origin, sections) = sections(&said);
    let client = authority.client();
    let admin = format!(", tls: {}, hosts: [a.test]", authority.pair("a"));
    let doctor = Running::asked_with(&admin, Some(client.clone()), "", &sections);
    let mut left = drive_some(&doctor, &said, 0, 7);
    let connect = || Some(Wire::to(doctor.admin()));
    left.extend(ask_all("in the clear", connect));
    let secured = |name: &str| connect()?.try_secured(asking_for(name, &client)).ok();
    let told = ask_all("under TLS", || secured("a.test"));
    assert!(count(&told, "HTTP/1.1 401") > 20 && count(&told, "HTTP/1.1 200") > 2, "{}", told.len());
    left.extend(told);
    assert!(secured(&format!("{OPAQUE}.{PASSWORD}.test")).is_none(), "the client looks at the name");
    for (name, text) in [
        (
            "a.key",
            format!("-----BEGIN PRIVATE KEY-----\n{SITE_SECRET}!{OPAQUE}\n-----END PRIVATE KEY-----\n"),
        ),
        ("a.crt", format!("{PASSWORD}\n{}\n", *TOKEN)),
    ] {
        let right = fs::read_to_string(authority.file(name)).unwrap();
        doctor.is_given_wrong_files(|| write_closed(&authority.file(name), &text));
        write_closed(&authority.file(name), &right);
    }
    left.extend(doctor.end());
    assert_clean(&left);
}

#[test]
fn over_a_unix_socket_and_where_probes_are_answered() {
    let said = Said::default();
    let (_origin, sections) = sections(&said);
    let admin = ", address: 'unix:GIVEN/admin.sock'";
    let doctor = Running::asked_with(admin, None, "", &sections);
    let mut left = drive_some(&doctor, &said, 3, 7);
    for (door, address) in [("over a Unix socket", doctor.admin()), ("a probe", doctor.health())] {
        let told = ask_all(door, || Some(Wire::to(address)));
        assert!(count(&told, "HTTP/1.1 4") > 20 && count(&told, "HTTP/1.1 200") > 2, "{door}");
        left.extend(told);
    }
    left.extend(doctor.end());
    assert_clean(&left);
}
