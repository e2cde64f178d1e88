//! Clients that mean no good, or vanish: each gets its answer and one event, others are served meanwhile, and nothing
//! is left behind.

use std::cell::Cell;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use serde_json::Value;

use crate::world::{Doctor, Origin, Wire, until};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// Counts a connection of the origin for as long as it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[test]
fn no_target_leads_anywhere_but_to_the_origin() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let there = elsewhere.local_addr().unwrap();
    let origin = Origin::answering(OK);
    let doctor = Doctor::observing(&origin);
    let cases = [
        ("GET *".to_owned(), "a".to_owned(), 400),
        (format!("GET @{there}/"), "a".into(), 400),
        (format!("GET {there}"), "a".into(), 400),
        (format!("GET :{}/", there.port()), "a".into(), 400),
        (format!("GET http://{there}/"), "a".into(), 400),
        (format!("GET http://a@{there}/"), there.to_string(), 400),
        (format!("GET http://a@{there}/"), "a".into(), 400),
        ("GET /".into(), format!("a@{there}"), 400),
        ("GET /".into(), format!("a,{there}"), 400),
        ("GET /".into(), format!("a/{there}"), 400),
        (format!("GET ftp://{there}/"), there.to_string(), 400),
        (format!("CONNECT {there}"), there.to_string(), 405),
        (format!("GET http://{there}/x"), there.to_string(), 200),
        (format!("GET //{there}/x"), "a".into(), 200),
        (format!("GET /@{there}/x"), "a".into(), 200),
        (format!("GET /?u=http://{there}/x"), "a".into(), 200),
        ("GET /x".into(), there.to_string(), 200),
    ];
    for (line, host, status) in cases {
        let mut client = doctor.connect().send(format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.reply().status(), status, "{line}, Host: {host}");
        assert_eq!(doctor.event()["status"], status, "{line}, Host: {host}");
        if status == 200 {
            let path = line.replace(&format!("GET http://{there}"), "GET ");
            assert_eq!(origin.request(), format!("{path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        }
        let nobody = elsewhere.accept().map_err(|error| error.kind()).unwrap_err();
        assert_eq!(nobody, io::ErrorKind::WouldBlock, "{line}, Host: {host}");
    }
    assert!(origin.was_not_asked());
    doctor.expect_no_other_event();
}

#[test]
fn a_refusal_is_readable_by_a_client_that_is_still_sending() {
    let origin = Origin::playing(|mut wire, _| {
        if wire.head().starts_with("GET") {
            return wire.put(OK);
        }
        drop(wire.try_read_to_end());
    });
    let doctor = Doctor::with_sections(&origin, "limits: { body_bytes: 1MiB }");
    let (mebibyte, eight) = ("a".repeat(1 << 20), "a".repeat(8 << 20));
    let post = |rest: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{rest}");
    let chunked = |rest: &str| post(&format!("Transfer-Encoding: chunked\r\n\r\n{rest}"));
    let cases = [
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {mebibyte}\r\n\r\n"), 431, "header_doctor_head_too_large"),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(1 << 17)),
            431,
            "header_doctor_head_too_large",
        ),
        (format!("GET /{mebibyte} HTTP/1.1\r\nHost: a\r\n\r\n"), 414, "header_doctor_target_too_long"),
        (post(&format!("Content-Length: 8388608\r\n\r\n{eight}")), 413, "header_doctor_body_too_large"),
        (chunked(&format!("800000\r\n{eight}\r\n0\r\n\r\n")), 413, "header_doctor_body_too_large"),
        (chunked(&format!("0x5\r\n{eight}")), 400, "header_doctor_body_malformed"),
        (post(&format!("Content-Length: five\r\n\r\n{eight}")), 400, "header_doctor_length"),
        (
            post(&format!("Expect: all\r\nContent-Length: 8388608\r\n\r\n{eight}")),
            417,
            "header_doctor_expectation",
        ),
        (format!("{mebibyte}\r\n\r\n"), 414, "header_doctor_target_too_long"),
    ];
    for (request, status, code) in cases {
        let mut client = doctor.connect().send(&request);
        let reply = client.reply();
        assert_eq!((reply.status(), reply.json()["code"].as_str()), (status, Some(code)), "{request:.60}");
        assert!(client.finish().is_at_end(), "{code}: the connection ends");
        let event = doctor.event();
        assert_eq!(event["status"], status, "{event}");
        let said = event["refusal"]["code"].as_str().or(event["failure"]["code"].as_str());
        assert_eq!(said, Some(code), "{event}");
        assert_eq!(doctor.connect().send(GET).reply().status(), 200);
        assert_eq!(doctor.event()["status"], 200);
    }
    doctor.expect_no_other_event();
}

#[test]
fn slow_heads_hold_nobody_up_and_are_answered_with_408() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::with_sections(&origin, "limits: { header_timeout: 1s }");
    let slow: Vec<Wire> =
        (0..100).map(|_| doctor.connect().send("GET / HTTP/1.1\r\nHost: a\r\nX-")).collect();
    assert_eq!(doctor.connect().send(GET).reply().status(), 200, "others are served");
    for client in slow {
        let (text, _) = drip(client, "a: b\r\nX-");
        assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("header_doctor_header_timeout"), "{text}");
    }
    // The first may be too slow before the last has come.
    let (served, refused): (Vec<_>, Vec<_>) =
        (0..101).map(|_| doctor.event()).partition(|event| event["status"] == 200);
    assert_eq!(served.len(), 1, "{served:?}");
    let is_late = |event: &Value| event["refusal"]["code"] == "header_doctor_header_timeout";
    assert!(refused.iter().all(is_late), "{refused:?}");
    doctor.expect_no_other_event();
}

/// Sends a piece whenever nothing has come for a while. Gives all that came in the end, and how many pieces were sent.
fn drip(mut client: Wire, piece: &str) -> (String, usize) {
    let mut sent = 0;
    while !client.has_come_within(Duration::from_millis(50)) {
        client.put(piece);
        sent += 1;
    }
    (client.read_to_end(), sent)
}

#[test]
fn a_body_that_trickles_is_answered_with_408_and_the_origin_let_go() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(wire.head());
        drop(wire.try_read_to_end());
        tell("let go".into());
    });
    let doctor = Doctor::with_sections(&origin, "limits: { body_timeout: 500ms }");
    for (fields, piece) in [("Content-Length: 100", "x"), ("Transfer-Encoding: chunked", "1\r\nx\r\n")] {
        let client = doctor.connect().send(format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n"));
        // Every piece comes long before the timeout, and yet they are too slow.
        let (text, pieces) = drip(client, piece);
        assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("header_doctor_body_too_slow"), "{text}");
        assert!(pieces < 100, "the whole body was waited for");
        assert!(origin.request().starts_with("POST "));
        assert_eq!(origin.request(), "let go");
        let event = doctor.event();
        assert_eq!(
            (event["status"].as_u64(), event["failure"]["who"].as_str(), event["failure"]["code"].as_str()),
            (Some(408), Some("client"), Some("header_doctor_body_too_slow")),
            "{event}"
        );
    }
    doctor.expect_no_other_event();
}

#[test]
fn a_client_that_does_not_read_stops_the_origin_and_is_given_up() {
    const WHOLE: usize = 50 << 20;
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let origin = Origin::playing(move |mut wire, tell| {
        wire.head();
        wire.put(format!("HTTP/1.1 200 OK\r\nContent-Length: {WHOLE}\r\n\r\n"));
        while counted.load(SeqCst) < WHOLE && wire.try_put(&[b'x'; 1 << 14]).is_ok() {
            counted.fetch_add(1 << 14, SeqCst);
        }
        tell("given up".into());
    });
    let doctor = Doctor::with_sections(&origin, "limits: { write_timeout: 1s }");
    let before = doctor.memory();
    let mut client = doctor.connect().send(GET);
    assert!(client.head().contains("200 OK"));
    let (peak, given_up) = (Cell::new(before), Cell::new(false));
    until("the doctor gives up", || {
        peak.set(peak.get().max(doctor.memory()));
        given_up.set(!origin.was_not_asked());
        given_up.get()
    });
    let sent = sent.load(SeqCst);
    assert!(sent < 20 << 20, "{sent} bytes went into the buffers of two sockets");
    assert!(peak.get() - before < 4 << 10, "memory grew by {} KiB", peak.get() - before);
    let rest = client.try_read_to_end().map(|all| all.len()).map_err(|error| error.kind());
    assert_eq!(rest, Err(io::ErrorKind::ConnectionReset), "the system holds nothing for it any more");
    let event = doctor.event();
    assert_eq!(
        (&event["failure"]["who"], &event["client_gone"]),
        (&"client".into(), &true.into()),
        "{event}"
    );
    doctor.expect_no_other_event();
}

#[test]
fn a_thousand_clients_that_vanish_leave_nothing_behind() {
    const TIMES: usize = 1000;
    let open = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&open);
    let origin = Origin::playing(move |mut wire, tell| {
        let _open = Counted::new(&counted);
        let head = wire.head();
        tell(String::new());
        if head.starts_with("GET /endless ") {
            wire.put("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            while wire.try_put(b"4\r\npart\r\n").is_ok() {}
            return;
        }
        if head.starts_with("GET") {
            return wire.put(OK);
        }
        drop(wire.try_read_to_end());
    });
    let doctor = Doctor::before(&origin);
    assert_eq!(doctor.connect().send(GET).reply().status(), 200);
    assert_eq!(doctor.event()["status"], 200);
    let before = doctor.descriptors();
    for number in 0..2 * TIMES {
        let is_upload = number % 2 == 0;
        let mut client = doctor.connect();
        if is_upload {
            client.put("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart");
            origin.request();
        } else {
            client.put("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
            assert!(client.head().contains("200 OK"));
        }
        match number % 4 {
            0 | 1 => client.reset(),
            _ => drop(client),
        }
        let event = doctor.event();
        assert_eq!(event["failure"]["who"], "client", "{number}: {event}");
    }
    until("the origin is let go", || open.load(SeqCst) == 0);
    until("every descriptor is closed", || doctor.descriptors() <= before);
    assert_eq!(doctor.connect().send(GET).reply().status(), 200);
    assert_eq!(doctor.event()["status"], 200);
    doctor.expect_no_other_event();
}

#[test]
fn idle_connections_cost_little() {
    const CLIENTS: usize = 2000;
    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    let warm: Vec<Wire> = (0..50).map(|_| doctor.connect().send(GET)).collect();
    for mut client in warm {
        assert_eq!(client.reply().status(), 200);
    }
    let before = doctor.memory();
    let mut clients: Vec<Wire> = (0..CLIENTS).map(|_| doctor.connect().send(GET)).collect();
    for client in &mut clients {
        assert_eq!(client.reply().status(), 200);
    }
    let each = doctor.memory().saturating_sub(before) / CLIENTS as u64;
    assert!(each < 20, "{each} KiB for each");
    for client in &mut clients {
        client.put(GET);
        assert_eq!(client.reply().status(), 200, "and each is still served");
    }
}
