//! What origins send: a reply is passed on whole and as it came, or the client sees that it was not.

use std::io::ErrorKind;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use crate::world::{Doctor, Nobody, Origin, Reply, Wire};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn get(origin: &Origin) -> (Doctor, Reply) {
    let doctor = Doctor::before(origin);
    let reply = doctor.connect().send(GET).reply();
    (doctor, reply)
}

#[test]
fn an_origin_reset_within_an_unframed_reply_is_a_reset_for_the_client() {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let origin = Origin::playing(move |mut wire, _| {
        wire.head();
        wire.put("HTTP/1.1 200 OK\r\n\r\npart");
        // The doctor has passed the part on before the connection is reset.
        wait.lock().unwrap().recv().unwrap();
        wire.reset();
    });
    let doctor = Doctor::before(&origin);
    let mut client = doctor.connect().send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert!(client.head().contains("200 OK"));
    assert_eq!(client.bytes(4), b"part");
    go.send(()).unwrap();
    let rest = client.try_read_to_end().map_err(|error| error.kind());
    assert_eq!(rest, Err(ErrorKind::ConnectionReset), "an end in order would make the part look whole");
}

#[test]
fn a_coding_overrides_a_length() {
    let both =
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let (_doctor, reply) = get(&Origin::closing_after(both));
    assert_eq!((reply.status(), reply.field("content-length")), (200, None));
    assert_eq!(reply.body, b"hello");
}

#[test]
fn a_reply_that_ends_with_the_connection_is_framed_anew() {
    let (_doctor, reply) = get(&Origin::closing_after("HTTP/1.1 200 OK\r\n\r\nhello"));
    assert_eq!(reply.field("transfer-encoding"), Some("chunked"));
    assert_eq!(reply.body, b"hello");
}

#[test]
fn interim_replies_are_passed_on_and_counted() {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let origin = Origin::answering(format!("{hint}{ok}"));
    let doctor = Doctor::before(&origin);
    let mut client = doctor.connect().send(GET);
    assert_eq!(client.head(), hint);
    assert_eq!(client.reply().status(), 200);
    assert_eq!(doctor.connect().send("GET / HTTP/1.0\r\n\r\n").reply().status(), 200, "none for old clients");

    let continues = "HTTP/1.1 100 Continue\r\n\r\n";
    let (_doctor, reply) = get(&Origin::answering(continues.repeat(50) + ok));
    assert_eq!(reply.status(), 200, "nobody asked, nobody is bothered");
    let (_doctor, reply) = get(&Origin::answering(continues.repeat(100) + ok));
    assert_eq!(reply.status(), 502);
}

#[test]
fn a_reply_without_a_body_has_none() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    let doctor = Doctor::before(&origin);
    let mut client = doctor
        .connect()
        .send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        .send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(client.head().contains("Content-Length: 5"));
    assert!(client.head().starts_with("HTTP/1.1 200"), "the second reply follows at once");

    let origin = Origin::answering("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
    let doctor = Doctor::before(&origin);
    let mut client = doctor.connect().send(GET).send(GET);
    assert!(client.head().contains("Content-Length: 5"));
    assert!(client.head().starts_with("HTTP/1.1 304"), "the second reply follows at once");
}

#[test]
fn bytes_behind_a_reply_do_not_answer_the_next_request() {
    let smuggled =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let origin = Origin::answering(smuggled);
    let doctor = Doctor::before(&origin);
    let mut client = doctor.connect();
    for _ in 0..3 {
        client.put(GET);
        assert_eq!(client.reply().body, b"hi");
    }
}

#[test]
fn connections_to_the_origin_are_used_again() {
    let origin = Origin::playing(|mut wire, tell| {
        tell("connection".into());
        loop {
            wire.message();
            wire.put("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]\nworkers: 1\nlog: {{ format: json }}\n"
    ));
    for _ in 0..5 {
        assert_eq!(doctor.connect().send(GET).reply().status(), 200);
    }
    assert_eq!(origin.request(), "connection");
    assert!(origin.was_not_asked(), "one connection is enough");
}

#[test]
fn a_connection_that_dies_when_it_is_used_is_replaced_for_a_get_and_not_for_a_post() {
    let origin = Origin::playing(|mut wire, tell| {
        wire.message();
        wire.put("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        // The second request finds a connection that closes as it is read.
        tell(wire.message());
    });
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]\nworkers: 1\nlog: {{ format: json }}\n"
    ));
    let mut client = doctor.connect().send(GET);
    assert_eq!(client.reply().status(), 200);
    client.put(GET);
    assert_eq!(client.reply().status(), 200, "asked again over a new connection");
    assert!(origin.request().starts_with("GET"));
    client.put("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(client.reply().status(), 502, "perhaps it was done already");
    assert!(origin.request().starts_with("POST"));
    assert!(origin.was_not_asked());
}

#[test]
fn failures_to_reach_the_origin_are_told_apart() {
    let closed = Nobody::new();
    let doctor = Doctor::before(&closed);
    assert_eq!(doctor.connect().send(GET).reply().json()["code"], "header_doctor_upstream_unreachable");
    assert_eq!(doctor.event()["failure"]["code"], "header_doctor_upstream_unreachable");

    let doctor = Doctor::before("http://no-such-name.invalid:80");
    assert_eq!(doctor.connect().send(GET).reply().json()["code"], "header_doctor_upstream_name");

    let silent = Origin::playing(|mut wire, _| drop(wire.bytes(1 << 20)));
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{silent}\", response_timeout: 300ms }}] }}]\nlog: {{ format: json }}\n"
    ));
    let reply = doctor.connect().send(GET).reply();
    assert_eq!(
        (reply.status(), reply.json()["code"].as_str()),
        (504, Some("header_doctor_upstream_timeout"))
    );
}

#[test]
fn a_client_that_vanishes_takes_its_request_to_the_origin_along() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(wire.head());
        tell(if wire.is_at_end() { "cancelled".into() } else { "more".into() });
    });
    let doctor = Doctor::before(&origin);
    for vanishes in [Wire::reset, drop] {
        let client = doctor.connect().send(GET);
        assert!(origin.request().starts_with("GET"));
        vanishes(client);
        assert_eq!(origin.request(), "cancelled");
        assert_eq!(doctor.event()["failure"]["code"], "header_doctor_client_gone");
    }
    doctor.expect_no_other_event();
}
