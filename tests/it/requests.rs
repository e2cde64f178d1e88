//! What clients send: each row of bad requests gets its own answer and one event, and nothing of it is forwarded.

use crate::world::{Doctor, Origin};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

#[test]
fn a_request_reaches_the_origin_as_it_came() {
    let origin = Origin::answering(
        "HTTP/1.1 201 Sure\r\nsErver: x\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\nhi",
    );
    let doctor = Doctor::observing(&origin);
    let request = "POST /wp-json/x?a=%20 HTTP/1.1\r\nhOST: blog.test:81\r\naUTHORIZATION: Bearer a.b.c\r\n\
                   X-WP-NONCE: 1\r\nX-Odd: \u{e9}\r\nX-Odd: 2\r\nEmpty: \r\nContent-LENGTH: 4\r\n\r\nbody";
    let mut client = doctor.connect().send(request);
    let reply = client.reply();
    assert_eq!(origin.request(), request);
    assert_eq!(reply.head, "HTTP/1.1 201 Sure\r\nsErver: x\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(reply.body, b"hi");
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn what_is_ambiguous_or_malformed_is_refused_with_its_reason() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    let long = "a".repeat(70_000);
    let fields = "X: y\r\n".repeat(1000);
    let post = |rest: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{rest}");
    let get = |rest: &str| format!("GET / HTTP/1.1\r\n{rest}");
    let cases = [
        (get("\r\n"), 400, "header_doctor_host_missing"),
        (get("Host: a\r\nHost: b\r\n\r\n"), 400, "header_doctor_host_twice"),
        (get("Host: a,b\r\n\r\n"), 400, "header_doctor_host"),
        (
            post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400,
            "header_doctor_length_and_transfer_encoding",
        ),
        (post("Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody"), 400, "header_doctor_length_twice"),
        (post("Content-Length: +5\r\n\r\nbody"), 400, "header_doctor_length"),
        (post("Content-Length: -1\r\n\r\nbody"), 400, "header_doctor_length"),
        (post("Content-Length: 1_0\r\n\r\nbody"), 400, "header_doctor_length"),
        (post("Content-Length: 0x5\r\n\r\nbody"), 400, "header_doctor_length"),
        (post("Content-Length: 18446744073709551616\r\n\r\n"), 400, "header_doctor_length"),
        (post("Transfer-Encoding: xchunked\r\n\r\n"), 501, "header_doctor_transfer_encoding"),
        (post("Transfer-Encoding: chunked, identity\r\n\r\n"), 501, "header_doctor_transfer_encoding"),
        (
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
            400,
            "header_doctor_transfer_encoding_in_http10",
        ),
        (get("Host: a\r\nX: y\r\n z\r\n\r\n"), 400, "header_doctor_folded_field"),
        (get("Host : a\r\n\r\n"), 400, "header_doctor_space_before_colon"),
        (get("Host: a\r\nX: \0\r\n\r\n"), 400, "header_doctor_field_value"),
        (get("Host: a\r\nX: y\rz\r\n\r\n"), 400, "header_doctor_field_value"),
        (get("Host: a\nX: y\r\n\r\n"), 400, "header_doctor_bare_line_feed"),
        (get(&format!("Host: a\r\nX: {long}\r\n\r\n")), 431, "header_doctor_head_too_large"),
        (get(&format!("Host: a\r\n{fields}\r\n")), 431, "header_doctor_too_many_fields"),
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), 414, "header_doctor_target_too_long"),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n".into(), 405, "header_doctor_method_not_allowed"),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n".into(), 405, "header_doctor_method_not_allowed"),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400, "header_doctor_target"),
        ("GET @a HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400, "header_doctor_target"),
        ("GET :80/ HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400, "header_doctor_target"),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400, "header_doctor_target_differs_from_host"),
        (get("Host: a\r\nExpect: a-miracle\r\n\r\n"), 417, "header_doctor_expectation"),
        ("\x16\x03\x01\x02".into(), 400, "header_doctor_tls_on_plain_port"),
        (
            get("Host: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"),
            400,
            "header_doctor_authorization_twice",
        ),
    ];
    for (request, status, code) in cases {
        let mut client = doctor.connect().send(&request);
        let reply = client.reply();
        assert_eq!((reply.status(), reply.json()["code"].as_str()), (status, Some(code)), "{request:.60?}");
        assert_eq!(reply.json()["data"]["status"], status);
        assert_eq!(reply.field("cache-control"), Some("no-store"));
        assert_eq!(reply.field("connection"), Some("close"));
        assert!(client.finish().is_at_end(), "{code}: the connection ends");
        let event = doctor.event();
        assert_eq!(
            (event["status"].as_u64(), event["refusal"]["code"].as_str()),
            (Some(status.into()), Some(code))
        );
    }
    assert!(origin.was_not_asked());
    doctor.expect_no_other_event();
    assert_eq!(
        doctor.connect().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").reply().status(),
        200,
        "still alive"
    );
}

#[test]
fn a_malformed_body_is_the_clients_fault() {
    let bad =
        ["5 \r\nhello", "0x5\r\nhello", "+5\r\nhello", "5\nhello", "5\r\nhelloX", "10000000000000000\r\n"];
    for chunk in bad {
        let origin = Origin::answering(OK);
        let doctor = Doctor::before(&origin);
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}\r\n");
        let mut client = doctor.connect().send(request);
        let reply = client.reply();
        assert_eq!(
            (reply.status(), reply.json()["code"].as_str()),
            (400, Some("header_doctor_body_malformed")),
            "{chunk:?}"
        );
        assert!(client.finish().is_at_end());
        let event = doctor.event();
        assert_eq!(event["status"], 400, "{event}");
        doctor.expect_no_other_event();
    }
}

#[test]
fn chunks_are_forwarded_with_their_trailers_but_never_a_forbidden_one() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(wire.head());
        tell(String::from_utf8(wire.bytes(36)).unwrap());
        wire.put(OK);
    });
    let doctor = Doctor::observing(&origin);
    let body = "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\nAuthorization: Bearer x\r\n\r\n";
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\nTrailer: X-Sum\r\n\r\n";
    assert_eq!(doctor.connect().send(head).send(body).reply().status(), 200);
    assert_eq!(
        origin.request(),
        "POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    assert_eq!(origin.request(), "5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n");
}

#[test]
fn an_absolute_target_becomes_origin_form() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::observing(&origin);
    doctor.connect().send("GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n").reply();
    assert_eq!(origin.request(), "GET /x?y HTTP/1.1\r\nHost: a.test\r\n\r\n");
}

#[test]
fn options_of_the_server_itself_are_answered_here() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    let reply = doctor.connect().send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").reply();
    assert_eq!(reply.status(), 204);
    assert!(origin.was_not_asked());
}

#[test]
fn fields_that_end_here_are_not_forwarded_and_authorization_cannot_be_nominated() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::observing(&origin);
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Hop, authorization\r\nX-Hop: 1\r\n\
                   Authorization: Bearer a.b.c\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: x\r\n\r\n";
    doctor.connect().send(request).reply();
    assert_eq!(origin.request(), "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a.b.c\r\n\r\n");
}

#[test]
fn pipelined_requests_are_answered_in_order_up_to_the_bad_one() {
    let origin = Origin::playing(|mut wire, tell| {
        loop {
            let request = wire.message();
            let path = request.split(' ').nth(1).unwrap().to_owned();
            wire.put(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len()));
            tell(path);
        }
    });
    let doctor = Doctor::before(&origin);
    let good: String = (0..50).map(|n| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    let mut client =
        doctor.connect().send(good).send("GET / HTTP/1.1\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    for n in 0..50 {
        assert_eq!(client.reply().body, format!("/{n}").into_bytes());
    }
    assert_eq!(client.reply().status(), 400);
    assert!(client.finish().is_at_end());
    assert!((0..50).all(|n| origin.request() == format!("/{n}")));
    assert!(origin.was_not_asked());
}

#[test]
fn a_refused_upgrade_ends_the_connection_and_its_bytes_go_nowhere() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    let request = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut client = doctor.connect().send(request).send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.status(), reply.field("connection")), (200, Some("close")));
    assert!(client.finish().is_at_end());
    assert!(origin.request().starts_with("GET /ws "));
    assert!(origin.was_not_asked());
}

#[test]
fn a_client_that_expects_100_gets_it_once() {
    for origin_continues in [true, false] {
        let origin = Origin::playing(move |mut wire, tell| {
            let head = wire.head();
            if origin_continues {
                wire.put("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
            }
            tell(head);
            tell(String::from_utf8(wire.bytes(4)).unwrap());
            wire.put(OK);
        });
        let doctor = Doctor::before(&origin);
        let mut client = doctor
            .connect()
            .send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
        client.put("body");
        assert_eq!(client.reply().status(), 200);
        assert!(origin.request().contains("Expect: 100-continue"));
        assert_eq!(origin.request(), "body");
    }
}

#[test]
fn old_clients_are_served_as_they_expect() {
    let origin =
        Origin::answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
    let doctor = Doctor::observing(&origin);
    let all = doctor.connect().send("GET / HTTP/1.0\r\n\r\n").read_to_end();
    assert_eq!(all, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi");
    let host = origin.to_string().replace("http://", "");
    assert_eq!(origin.request(), format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), "HTTP/1.1 needs a host");

    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    let mut client = doctor.connect().send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(client.reply().field("connection"), Some("keep-alive"));
    client.put("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.reply().field("connection"), Some("close"));
}

#[test]
fn a_client_that_says_it_sends_no_more_still_gets_its_reply() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    let all = doctor.connect().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").finish().read_to_end();
    assert!(all.ends_with("\r\n\r\nhi"), "{all:?}");
}

#[test]
fn an_empty_line_before_a_request_is_read_over() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::before(&origin);
    assert_eq!(doctor.connect().send("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").reply().status(), 200);
}

#[test]
fn slow_heads_and_slow_bodies_are_answered_with_408() {
    let origin = Origin::playing(|mut wire, _| {
        wire.head();
        wire.bytes(100);
    });
    let doctor = Doctor::with_sections(&origin, "limits: { header_timeout: 300ms, body_timeout: 300ms }");
    let mut client = doctor.connect().send("GET / HTTP/1.1\r\nHost:");
    let reply = client.reply();
    assert_eq!((reply.status(), reply.json()["code"].as_str()), (408, Some("header_doctor_header_timeout")));
    assert_eq!(doctor.event()["refusal"]["code"], "header_doctor_header_timeout");

    let mut client = doctor.connect().send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx");
    let reply = client.reply();
    assert_eq!((reply.status(), reply.json()["code"].as_str()), (408, Some("header_doctor_body_too_slow")));
    assert_eq!(doctor.event()["status"], 408);

    // Nothing sent at all is no request: the connection ends without a word and without an event.
    assert_eq!(doctor.connect().read_to_end(), "");
    doctor.expect_no_other_event();
}

#[test]
fn a_body_over_the_limit_is_refused_announced_or_not() {
    let origin = Origin::playing(|mut wire, _| {
        wire.head();
        wire.bytes(1000);
    });
    let doctor = Doctor::with_sections(&origin, "limits: { body_bytes: 10 }");
    let mut client =
        doctor.connect().send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world");
    assert_eq!(client.reply().status(), 413);
    assert_eq!(doctor.event()["status"], 413);
    let chunked =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n";
    assert_eq!(doctor.connect().send(chunked).reply().status(), 413);
    assert_eq!(doctor.event()["status"], 413);
}
