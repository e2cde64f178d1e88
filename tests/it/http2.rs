//! Clients that speak HTTP/2: asked and answered like those of HTTP/1.1, and no less strictly.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use bytes::Bytes;
use h2::Reason;
use h2::client::Builder;
use http::{Request, Version};

use crate::world::{Doctor, H2, Origin, Wire, read, wait};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-WP-Total: 7\r\n\r\nhi";

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn request(method: &str, target: &str) -> http::request::Builder {
    Request::builder().version(Version::HTTP_2).method(method).uri(format!("http://a.test{target}"))
}

fn get(target: &str) -> Request<()> {
    request("GET", target).body(()).unwrap()
}

/// A frame of stream `stream` (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

fn goodbye() -> Vec<u8> {
    frame(7, 0, 0, &[0; 8])
}

#[test]
fn a_request_reaches_the_origin_as_one_of_http1_would() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::observing(&origin);
    let mut client = H2::to(doctor.address());
    let request = request("GET", "/wp-json/?a=%20b")
        .header("user-agent", "x")
        .header("x-wp-nonce", "1")
        .header("cookie", "a=1")
        .header("authorization", "Bearer a.b.c")
        .header("cookie", "b=2")
        .header("te", "trailers")
        .header("dnt", "1")
        .header("x-b-c", "first")
        .header("accept", "*/*")
        .header("x-b-c", "second")
        .body(())
        .unwrap();
    let reply = client.ask(request).unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()["x-wp-total"], "7");
    assert_eq!(reply.headers()["content-length"], "2");
    assert_eq!(read(reply.into_body()).unwrap().0, b"hi");
    let seen = origin.request();
    let expected = "GET /wp-json/?a=%20b HTTP/1.1\r\nHost: a.test\r\nUser-Agent: x\r\nX-WP-Nonce: 1\r\n\
                    Cookie: a=1; b=2\r\nAuthorization: Bearer a.b.c\r\nDNT: 1\r\nX-B-C: first\r\n\
                    X-B-C: second\r\nAccept: */*\r\n";
    let ours: Vec<&str> = seen.split("\r\n").filter(|line| !line.starts_with("TE:")).collect();
    assert!(ours.join("\r\n").starts_with(expected), "{seen}");
    assert_eq!(doctor.event()["status"], 200);
}

#[test]
fn one_port_serves_both_versions() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    assert_eq!(H2::to(doctor.address()).ask(get("/")).unwrap().version(), Version::HTTP_2);
    assert_eq!(doctor.connect().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").reply().status(), 200);
    // The preface may come in pieces, and what begins like it may be something else.
    let mut client = doctor.connect();
    for byte in PREFACE.chunks(1) {
        client.put(byte);
    }
    client.put(frame(4, 0, 0, &[]));
    assert_eq!(client.bytes(9)[3], 4, "the doctor's SETTINGS");
    for other in [
        "PRI * HTTP/1.1\r\nHost: a\r\n\r\n",
        "PRINT /\r\n\r\n",
        "PRI * HTTP/2.0\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM?\r\n",
    ] {
        let status = doctor.connect().send(other).reply().status();
        assert!(matches!(status, 400 | 505), "{other} {status}");
    }
    let second = doctor.connect().send("GET / HTTP/1.1\r\nHost: a\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(second.read_to_end().contains("header_doctor_http2_on_http1_port"), "only at the beginning");
}

#[test]
fn what_may_not_be_forwarded_is_refused_with_its_reason() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    let fields =
        (0..300).fold(request("GET", "/"), |request, number| request.header(format!("x-{number}"), "y"));
    let cases = [
        (request("GET", "/").header("host", "b").body(()).unwrap(), 400, "target_differs_from_host"),
        (
            request("GET", "/").header("host", "a.test").header("host", "a.test").body(()).unwrap(),
            400,
            "host_twice",
        ),
        (Request::get("http://u:p@a.test/").version(Version::HTTP_2).body(()).unwrap(), 400, "host"),
        (request("TRACE", "/").body(()).unwrap(), 405, "method_not_allowed"),
        (Request::builder().method("CONNECT").uri("a.test:443").body(()).unwrap(), 405, "method_not_allowed"),
        (request("GET", "/").header("expect", "a-miracle").body(()).unwrap(), 417, "expectation"),
        (request("GET", "/").header("x-long", "x".repeat(70_000)).body(()).unwrap(), 431, "head_too_large"),
        (fields.body(()).unwrap(), 431, "too_many_fields"),
        (get(&format!("/{}", "x".repeat(33_000))), 414, "target_too_long"),
        (
            request("GET", "/")
                .header("authorization", "Bearer a")
                .header("authorization", "Bearer b")
                .body(())
                .unwrap(),
            400,
            "authorization_twice",
        ),
    ];
    // One connection for all: a refusal ends its stream alone.
    let mut client = H2::to(doctor.address());
    for (request, status, code) in cases {
        let reply = client.ask(request).unwrap();
        assert_eq!(reply.status(), status, "{code}");
        let body: serde_json::Value = serde_json::from_slice(&read(reply.into_body()).unwrap().0).unwrap();
        assert_eq!(body["code"], format!("header_doctor_{code}"));
        assert_eq!(doctor.event()["refusal"]["code"], body["code"]);
    }
    assert!(origin.was_not_asked());
    assert_eq!(client.ask(get("/")).unwrap().status(), 200);
}

#[test]
fn a_head_far_too_large_is_answered_or_ends_its_connection() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    let before = doctor.memory();
    for size in [130_000, 200_000, 1 << 20, 16 << 20] {
        let mut client = H2::to(doctor.address());
        let outcome = client.ask(request("GET", "/").header("x-long", "x".repeat(size)).body(()).unwrap());
        assert!(outcome.map_or(true, |reply| reply.status() == 431), "{size}");
    }
    assert!(origin.was_not_asked());
    assert_eq!(H2::to(doctor.address()).ask(get("/")).unwrap().status(), 200);
    let grown = doctor.memory().saturating_sub(before);
    assert!(grown < 5 << 10, "memory grew by {grown} KiB");
}

#[test]
fn without_an_authority_the_host_field_counts() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    let ask = |field: &[u8]| {
        // GET http / and the field (RFC 7541 §6).
        let head = frame(1, 5, 1, &[&[0x82, 0x86, 0x84], field].concat());
        let client = doctor.connect().send(PREFACE).send(frame(4, 0, 0, &[])).send(head).send(goodbye());
        client.read_to_end()
    };
    assert!(ask(b"").contains("header_doctor_host_missing"));
    assert!(ask(b"\x00\x04host\x03u@a").contains("\"header_doctor_host\""));
    assert!(origin.was_not_asked());
    assert!(ask(b"\x00\x04host\x01a").contains("hi"));
    assert!(origin.request().contains("Host: a\r\n"));
}

#[test]
fn a_body_larger_than_the_limit_is_refused_before_and_while_it_comes() {
    let origin = Origin::playing(|mut wire, _| {
        wire.head();
        while !wire.is_at_end() {}
    });
    let doctor = Doctor::with_sections(&origin, "limits: { body_bytes: 10 }");
    let mut client = H2::to(doctor.address());
    let announced = request("POST", "/").header("content-length", "11").body(()).unwrap();
    assert_eq!(wait(client.send(announced, false).0).unwrap().status(), 413);
    let (reply, mut body) = client.send(request("POST", "/").body(()).unwrap(), false);
    body.send_data(Bytes::from_static(b"eleven byte"), true).unwrap();
    assert_eq!(wait(reply).unwrap().status(), 413);
}

#[test]
fn bodies_pass_both_ways_and_are_framed_anew() {
    let origin = Origin::playing(|mut wire, tell| {
        let head = wire.head();
        let body = if head.contains("chunked") {
            wire.bytes("5\r\nhello\r\n0\r\n\r\n".len())
        } else {
            wire.bytes(5)
        };
        tell(head + &String::from_utf8_lossy(&body));
        wire.put(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nKeep-Alive: x\r\n\r\n",
        );
        wire.put("3\r\nabc\r\n0\r\nX-Sum: 1\r\nAuthorization: x\r\n\r\n");
    });
    let doctor = Doctor::before(&origin);
    for length in [Some("5"), None] {
        let mut client = H2::to(doctor.address());
        let mut request = request("POST", "/");
        if let Some(length) = length {
            request = request.header("content-length", length);
        }
        let (reply, mut body) = client.send(request.body(()).unwrap(), false);
        body.send_data(Bytes::from_static(b"hello"), true).unwrap();
        let reply = wait(reply).unwrap();
        let names: Vec<_> = reply.headers().keys().map(http::HeaderName::as_str).collect();
        assert!(!names.iter().any(|name| ["connection", "keep-alive", "transfer-encoding"].contains(name)));
        let (body, trailers) = read(reply.into_body()).unwrap();
        let trailers = trailers.unwrap();
        assert_eq!(
            (body.as_slice(), trailers.len(), &trailers["x-sum"]),
            (&b"abc"[..], 1, &"1".parse().unwrap())
        );
        let seen = origin.request();
        assert_eq!(seen.contains("Transfer-Encoding: chunked"), length.is_none(), "{seen}");
        assert_eq!(seen.contains("Content-Length: 5"), length.is_some(), "{seen}");
    }
}

#[test]
fn trailers_of_a_request_are_passed_on() {
    let origin = Origin::playing(|mut wire, tell| {
        wire.head();
        wire.bytes("5\r\nhello\r\n".len());
        tell(wire.head());
        wire.put(OK);
    });
    let doctor = Doctor::before(&origin);
    let mut client = H2::to(doctor.address());
    let (reply, mut body) = client.send(request("POST", "/").body(()).unwrap(), false);
    body.send_data(Bytes::from_static(b"hello"), false).unwrap();
    let fields = [("x-sum", "1"), ("authorization", "x")];
    let fields = fields.map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
    body.send_trailers(fields.into_iter().collect()).unwrap();
    assert_eq!(origin.request(), "0\r\nX-Sum: 1\r\n\r\n");
    assert_eq!(wait(reply).unwrap().status(), 200);
}

#[test]
fn a_body_in_many_small_frames_is_no_abuse() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(wire.message());
        wire.put(OK);
    });
    let doctor = Doctor::before(&origin);
    let mut client = H2::to(doctor.address());
    assert_eq!(in_small_frames(&mut client), 200);
    assert!(origin.request().len() > 50_000);
}

#[test]
fn small_frames_may_wait_for_a_connection_to_the_upstream() {
    // It speaks no TLS, so that nobody takes the body.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let entry = format!(
        "url: \"https://{}\", connect_timeout: 1s, tls: {{ verify: false }}",
        silent.local_addr().unwrap()
    );
    let doctor = Doctor::before_entry(&entry);
    let mut client = H2::to(doctor.address());
    assert_eq!(in_small_frames(&mut client), 504);
}

/// Sends a body of 5000 frames, and gives the status of the reply.
fn in_small_frames(client: &mut H2) -> u16 {
    let post = request("POST", "/").header("content-length", "50000").body(()).unwrap();
    let (reply, mut body) = client.send(post, false);
    (0..5000).for_each(|number| body.send_data(Bytes::from_static(b"0123456789"), number == 4999).unwrap());
    wait(reply).unwrap().status().as_u16()
}

#[test]
fn a_post_without_a_body_says_so_to_the_origin() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    let mut client = H2::to(doctor.address());
    assert_eq!(client.ask(request("POST", "/").body(()).unwrap()).unwrap().status(), 200);
    assert!(origin.request().contains("\r\nContent-Length: 0\r\n"));
    assert_eq!(client.ask(get("/")).unwrap().status(), 200);
    assert!(!origin.request().contains("Content-Length"));
}

#[test]
fn large_bodies_pass_both_ways_with_flat_memory() {
    const SIZE: usize = 64 << 20;
    let origin = Origin::playing(|mut wire, tell| {
        wire.head();
        (0..SIZE >> 16).for_each(|_| drop(wire.bytes(1 << 16)));
        tell("all of it".into());
        wire.put(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"));
        (0..SIZE >> 16).for_each(|_| wire.put([b'x'; 1 << 16]));
    });
    let doctor = Doctor::before(&origin);
    let before = doctor.memory();
    let mut client = H2::to(doctor.address());
    let length = SIZE.to_string();
    let post = request("POST", "/").header("content-length", &length).body(()).unwrap();
    let (reply, mut body) = client.send(post, false);
    let mut left = SIZE;
    while left > 0 {
        body.reserve_capacity(left.min(1 << 16));
        let granted = wait(std::future::poll_fn(|context| body.poll_capacity(context))).unwrap().unwrap();
        left -= granted;
        body.send_data(vec![b'x'; granted].into(), left == 0).unwrap();
    }
    assert_eq!(origin.request(), "all of it");
    let reply = wait(reply).unwrap();
    assert_eq!(reply.headers()["content-length"], *length);
    assert_eq!(read(reply.into_body()).unwrap().0.len(), SIZE);
    let grown = doctor.memory().saturating_sub(before);
    assert!(grown < 8 << 10, "memory grew by {grown} KiB");
}

#[test]
fn a_hundred_streams_are_answered_at_once() {
    let (told, all) = channel::<()>();
    let gate = Mutex::new(all);
    let origin = Origin::playing(move |mut wire, tell| {
        tell(wire.message());
        gate.lock().unwrap().recv().unwrap();
        wire.put(OK);
    });
    let doctor = Doctor::before(&origin);
    let mut client = H2::to(doctor.address());
    let replies: Vec<_> = (0..100).map(|_| client.send(get("/"), true).0).collect();
    // Every request is at the origin before the first reply is written.
    (0..100).for_each(|_| drop(origin.request()));
    (0..100).for_each(|_| told.send(()).unwrap());
    for reply in replies {
        assert_eq!(wait(reply).unwrap().status(), 200);
    }
}

#[test]
fn a_client_that_takes_its_request_back_cancels_it_at_the_origin() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(wire.head());
        assert!(wire.is_at_end());
        tell("cancelled".into());
    });
    let doctor = Doctor::observing(&origin);
    let mut client = H2::to(doctor.address());
    let (reply, mut stream) = client.send(get("/"), true);
    assert!(origin.request().starts_with("GET"));
    stream.send_reset(Reason::CANCEL);
    drop(reply);
    assert_eq!(origin.request(), "cancelled");
    assert_eq!(doctor.event()["client_gone"], true);
}

#[test]
fn a_client_that_vanishes_cancels_what_it_asked_for() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(wire.head());
        assert!(wire.is_at_end());
        tell("cancelled".into());
    });
    let doctor = Doctor::observing(&origin);
    // GET http / a, and HTTP/2's POST of the same whose body never comes.
    for (ends, method) in [(1, 0x82), (0, 0x83)] {
        let head = [&[method, 0x86, 0x84, 0x41, 1][..], b"a"].concat();
        let client =
            doctor.connect().send(PREFACE).send(frame(4, 0, 0, &[])).send(frame(1, 4 | ends, 1, &head));
        assert!(origin.request().contains("Host: a\r\n"));
        client.reset();
        assert_eq!(origin.request(), "cancelled");
        let event = doctor.event();
        assert!(event["client_gone"] == true || event["failure"]["who"] == "client", "{event}");
    }
}

#[test]
fn an_answer_to_a_body_still_on_its_way_reaches_the_client() {
    let origin = Origin::playing(|mut wire, _| {
        wire.head();
        wire.put("HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nless");
    });
    let doctor = Doctor::before(&origin);
    let mut client = H2::to(doctor.address());
    let (reply, mut body) = client.send(request("POST", "/").body(()).unwrap(), false);
    body.send_data(vec![b'x'; 1000].into(), false).unwrap();
    let reply = wait(reply).unwrap();
    assert_eq!(reply.status(), 413);
    assert_eq!(read(reply.into_body()).unwrap().0, b"less");
    let asked = wait(std::future::poll_fn(|context| body.poll_reset(context))).unwrap();
    assert_eq!(asked, Reason::NO_ERROR, "the client need not send the rest");
    assert_eq!(client.ask(get("/")).unwrap().status(), 413, "the connection goes on");
}

#[test]
fn uploads_that_are_answered_early_do_not_end_their_connection() {
    let refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
    let origin = Origin::playing(move |mut wire, _| {
        wire.head();
        wire.put(refusal);
    });
    let doctor = Doctor::before(&origin);
    let mut client = H2::to(doctor.address());
    for _ in 0..20 {
        let uploads: Vec<_> = (0..20)
            .map(|_| {
                let (reply, mut body) = client.send(request("POST", "/").body(()).unwrap(), false);
                // In many frames, most of which come after the reply.
                (0..60).for_each(|_| drop(body.send_data(Bytes::from_static(&[b'x'; 1000]), false)));
                (reply, body)
            })
            .collect();
        for (reply, _body) in uploads {
            assert_eq!(wait(reply).unwrap().status(), 401);
        }
    }
}

#[test]
fn a_body_that_comes_too_slowly_is_given_up() {
    let origin = Origin::playing(|mut wire, _| {
        wire.head();
        while !wire.is_at_end() {}
    });
    let doctor = Doctor::with_sections(&origin, "limits: { body_timeout: 1s }");
    let mut client = H2::to(doctor.address());
    let (reply, mut body) = client.send(request("POST", "/").body(()).unwrap(), false);
    body.send_data(Bytes::from_static(b"x"), false).unwrap();
    assert_eq!(wait(reply).unwrap().status(), 408);
}

#[test]
fn a_body_that_came_fast_and_then_stops_is_given_up() {
    let origin = Origin::playing(|mut wire, _| while !wire.is_at_end() {});
    let doctor = Doctor::with_sections(&origin, "limits: { body_timeout: 1s }");
    let mut client = H2::to(doctor.address());
    let (reply, mut body) = client.send(request("POST", "/").body(()).unwrap(), false);
    // At the slowest pace it could take two minutes.
    body.send_data(Bytes::from_static(&[b'x'; 60_000]), false).unwrap();
    assert_eq!(wait(reply).unwrap().status(), 408);
}

#[test]
fn the_client_is_to_blame_for_an_upload_that_breaks_off_though_the_reply_has_begun() {
    let origin = Origin::playing(|mut wire, _| {
        wire.head();
        wire.put("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
        while !wire.is_at_end() {}
    });
    let doctor = Doctor::before(&origin);
    let blamed = || doctor.event()["failure"]["who"].clone();
    let mut client = H2::to(doctor.address());
    let (reply, mut body) = client.send(request("POST", "/").body(()).unwrap(), false);
    assert_eq!(wait(reply).unwrap().status(), 200);
    body.send_reset(Reason::CANCEL);
    assert_eq!(blamed(), "client");
    let mut old = doctor.connect().send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    assert!(old.head().starts_with("HTTP/1.1 200"));
    drop(old);
    assert_eq!(blamed(), "client");
}

#[test]
fn a_body_that_contradicts_its_length_is_no_request_of_the_origin() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(wire.head());
        tell(wire.read_to_end());
    });
    let doctor = Doctor::before(&origin);
    let mut client = doctor.connect().send(PREFACE);
    // POST http / a, content-length 5 (RFC 7541 §6: indexed fields, then literals).
    let head = [&[0x83, 0x86, 0x84, 0x41, 1][..], b"a", &[0x0f, 0x0d, 1], b"5"].concat();
    client.put([frame(4, 0, 0, &[]), frame(1, 4, 1, &head)].concat());
    assert!(origin.request().starts_with("POST / HTTP/1.1\r\nHost: a\r\n"));
    client.put(frame(0, 1, 1, b"abc"));
    assert!(origin.request().len() < 5, "it breaks off: nobody takes it for whole");
    assert!(memchr::memmem::find(&client.send(goodbye()).read(), &frame(3, 0, 1, &[0, 0, 0, 1])).is_some());
}

#[test]
fn a_reply_that_breaks_off_never_looks_complete() {
    let replies = [
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nnonsense\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n",
    ];
    for reply in replies {
        let origin = Origin::closing_after(reply);
        let doctor = Doctor::before(&origin);
        let outcome = H2::to(doctor.address()).ask(get("/")).and_then(|reply| read(reply.into_body()));
        assert_eq!(outcome.unwrap_err().reason(), Some(Reason::INTERNAL_ERROR), "{reply}");
    }
}

#[test]
fn replies_without_a_body_end_with_their_head() {
    let replies = [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ];
    for (method, text) in replies {
        let origin = Origin::answering(text);
        let doctor = Doctor::before(&origin);
        let reply = H2::to(doctor.address()).ask(request(method, "/").body(()).unwrap()).unwrap();
        assert!(reply.body().is_end_stream(), "{text}");
        assert_eq!(reply.headers().contains_key("content-length"), text.contains("Length"), "{text}");
        assert_eq!(doctor.event()["client_gone"], false);
    }
}

#[test]
fn interim_replies_are_passed_on_and_a_waiting_upload_goes_on() {
    let origin = Origin::playing(|mut wire, _| {
        wire.head();
        wire.put("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
        wire.bytes(2);
        wire.put(OK);
    });
    let doctor = Doctor::before(&origin);
    let mut client = H2::to(doctor.address());
    let post =
        request("POST", "/").header("expect", "100-continue").header("content-length", "2").body(()).unwrap();
    let (mut reply, mut body) = client.send(post, false);
    let mut interim = || {
        wait(std::future::poll_fn(|context| reply.poll_informational(context)))
            .unwrap()
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!([interim(), interim()], [103, 100]);
    body.send_data(Bytes::from_static(b"hi"), true).unwrap();
    assert_eq!(wait(reply).unwrap().status(), 200);
}

#[test]
fn a_drain_says_goodbye_and_lets_requests_under_way_complete() {
    let (go, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let origin = Origin::playing(move |mut wire, tell| {
        tell(wire.head());
        gate.lock().unwrap().recv().unwrap();
        wire.put(OK);
    });
    let mut doctor = Doctor::before(&origin);
    let idle = H2::to(doctor.address());
    let mut busy = H2::to(doctor.address());
    let (reply, _) = busy.send(get("/"), true);
    assert!(origin.request().starts_with("GET"));
    doctor.terminate();
    assert!(idle.end_by_doctor().is_ok(), "a goodbye is no error");
    go.send(()).unwrap();
    let reply = wait(reply).unwrap();
    assert_eq!(read(reply.into_body()).unwrap().0, b"hi");
    assert!(busy.end_by_doctor().is_ok());
    assert!(doctor.wait().success());
}

#[test]
fn a_client_that_grants_nothing_is_cut_off() {
    let body = "x".repeat(1 << 20);
    let origin =
        Origin::answering(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let doctor = Doctor::with_sections(&origin, "limits: { write_timeout: 1s }");
    let mut client = H2::with(doctor.address(), Builder::new().initial_window_size(0));
    let replies: Vec<_> = (0..100).map(|_| client.send(get("/"), true).0).collect();
    for reply in replies {
        let reply = wait(reply).unwrap();
        assert_eq!(reply.status(), 200);
        assert_eq!(read(reply.into_body()).unwrap_err().reason(), Some(Reason::CANCEL));
    }
}

#[test]
fn a_client_that_grants_everything_and_reads_nothing_is_cut_off() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(wire.head());
        wire.put("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let piece = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
        while wire.try_put(piece.as_bytes()).is_ok() {}
        tell("cut off".into());
    });
    let doctor = Doctor::with_sections(&origin, "limits: { write_timeout: 1s }");
    let before = doctor.memory();
    // SETTINGS_INITIAL_WINDOW_SIZE and the connection's window at their most.
    let most =
        [frame(4, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]), frame(8, 0, 0, &[0x7f, 0xff, 0, 0])].concat();
    let mut client = doctor.connect().send(PREFACE).send(most);
    let head = [&[0x82, 0x86, 0x84, 0x41, 1][..], b"a"].concat();
    for number in 0..20 {
        client.put(frame(1, 5, number * 2 + 1, &head));
    }
    (0..40).for_each(|_| drop(origin.request()));
    let grown = doctor.memory().saturating_sub(before);
    assert!(grown < 8 << 10, "memory grew by {grown} KiB");
    drop(client);
}

#[test]
fn idle_and_mute_connections_end() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::with_sections(&origin, "limits: { keep_alive_timeout: 1s, header_timeout: 1s }");
    let mut client = H2::to(doctor.address());
    assert_eq!(client.ask(get("/")).unwrap().status(), 200);
    assert!(client.end_by_doctor().is_ok(), "after its last request");
    assert!(H2::to(doctor.address()).end_by_doctor().is_ok(), "without any request");
    // It neither sends SETTINGS nor answers the goodbye of the doctor.
    assert!(!doctor.connect().send(PREFACE).read_to_end().is_empty());
}

#[test]
fn floods_end_their_connection_alone() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    let mut other = H2::to(doctor.address());
    assert_eq!(other.ask(get("/")).unwrap().status(), 200);
    let take_back = |stream: u8| {
        let head = [&[0x82, 0x86, 0x84, 0x41, 1][..], b"a"].concat();
        [frame(1, 5, stream, &head), frame(3, 0, stream, &[0, 0, 0, 8])].concat()
    };
    let floods = [
        frame(6, 0, 0, &[0; 8]).repeat(100_000),
        frame(4, 0, 0, &[]).repeat(100_000),
        (0..20_000_u32)
            .flat_map(|number| {
                let mut frames = take_back(0);
                let stream = (number * 2 + 1).to_be_bytes();
                frames[5..9].copy_from_slice(&stream);
                let second = frames.len() - 13;
                frames[second + 5..second + 9].copy_from_slice(&stream);
                frames
            })
            .collect(),
    ];
    for flood in floods {
        let wire = Wire::to(doctor.address());
        let mut wire = wire.send(PREFACE).send(frame(4, 0, 0, &[]));
        let sent = flood.chunks(4096).try_for_each(|piece| wire.try_put(piece));
        let said = wire.try_read_to_end();
        // Either the goodbye was read, or the connection was reset over what was not.
        let calm = |said: Vec<u8>| memchr::memmem::find(&said, &[0, 0, 0, 11]).is_some();
        assert!(sent.is_err() || said.map_or(true, calm));
        assert_eq!(other.ask(get("/")).unwrap().status(), 200);
    }
}
