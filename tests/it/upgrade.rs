//! Switches of protocol: what a tunnel carries, how it ends, and what never becomes one.

use crate::world::{Doctor, Origin, Wire};

const ASK: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Key: eA==\r\n\r\n";
const GRANT: &str = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: eQ==\r\nUpgrade: WebSocket\r\n\
                     Connection: upgrade, X-Hop\r\nX-Hop: 1\r\nContent-Length: 0\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// An origin that grants every switch and then plays `script`.
fn granting(script: impl Fn(Wire, &dyn Fn(String)) + Send + Sync + 'static) -> Origin {
    Origin::playing(move |mut wire, tell| {
        tell(wire.head());
        wire.put(GRANT);
        script(wire, tell);
    })
}

/// A client whose switch was granted.
fn switched(doctor: &Doctor) -> Wire {
    let mut client = doctor.connect().send(ASK);
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    client
}

#[test]
fn bytes_pass_both_ways_from_the_very_first() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(wire.head());
        wire.put(format!("{GRANT}welcome"));
        tell(String::from_utf8(wire.bytes(5)).unwrap());
        loop {
            let bytes = wire.bytes(1 << 16);
            wire.put(bytes);
        }
    });
    let doctor = Doctor::observing(&origin);
    let mut client = doctor.connect().send(format!("{ASK}early"));
    assert_eq!(
        client.head(),
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: eQ==\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"
    );
    assert_eq!(client.bytes(7), b"welcome");
    assert_eq!(
        origin.request(),
        "GET /ws HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: eA==\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    );
    assert_eq!(origin.request(), "early");
    for round in 0..100_u8 {
        let piece = vec![round; 1 << 16];
        client.put(&piece);
        assert_eq!(client.bytes(1 << 16), piece);
    }
    let event = doctor.event();
    assert_eq!((&event["status"], &event["failure"]), (&101.into(), &serde_json::Value::Null), "{event}");
}

#[test]
fn each_side_may_end_before_the_other() {
    let origin = granting(|mut wire, tell| {
        let (first, ended) = (wire.bytes(3), wire.is_at_end());
        tell(format!("{first:?} {ended}"));
        wire.put("afterwards");
    });
    let doctor = Doctor::before(&origin);
    let mut client = switched(&doctor).send("all").finish();
    assert!(origin.request().starts_with("GET"));
    assert_eq!(origin.request(), format!("{:?} true", b"all"));
    assert_eq!(client.bytes(10), b"afterwards");
    assert!(client.try_read_to_end().unwrap().is_empty(), "in order");

    let origin = granting(|wire, tell| {
        let mut wire = wire.send("done").finish();
        let rest = wire.bytes(10);
        tell(format!("{} {}", String::from_utf8(rest).unwrap(), wire.try_read_to_end().is_ok()));
    });
    let doctor = Doctor::before(&origin);
    let mut client = switched(&doctor);
    assert_eq!(client.bytes(4), b"done");
    assert!(client.is_at_end());
    drop(client.send("afterwards"));
    assert!(origin.request().starts_with("GET"));
    assert_eq!(origin.request(), "afterwards true");
}

#[test]
fn whoever_vanishes_takes_the_other_along() {
    let origin = granting(|wire, tell| tell(format!("in order: {}", wire.try_read_to_end().is_ok())));
    let doctor = Doctor::before(&origin);
    let client = switched(&doctor);
    assert!(origin.request().starts_with("GET"));
    client.reset();
    assert_eq!(origin.request(), "in order: false");

    let origin = granting(|mut wire, _| {
        wire.bytes(2);
        wire.reset();
    });
    let doctor = Doctor::before(&origin);
    assert!(
        switched(&doctor).send("go").try_read_to_end().is_err(),
        "no end that could be taken for one in order"
    );
}

#[test]
fn a_side_that_takes_nothing_makes_the_other_wait() {
    const SIZE: usize = 64 << 20;
    let origin = granting(|mut wire, tell| {
        (0..SIZE >> 16).for_each(|_| wire.put([b'x'; 1 << 16]));
        tell("all of it is on its way".into());
        drop(wire.bytes(1));
    });
    let doctor = Doctor::before(&origin);
    let mut client = switched(&doctor);
    assert!(origin.request().starts_with("GET"));
    let before = doctor.memory();
    client.bytes(1 << 20);
    assert!(origin.was_not_asked(), "a client that does not read holds the origin up");
    (1..SIZE >> 20).for_each(|_| drop(client.bytes(1 << 20)));
    assert_eq!(origin.request(), "all of it is on its way");
    let grown = doctor.memory().saturating_sub(before);
    assert!(grown < 8 << 10, "memory grew by {grown} KiB");
}

#[test]
fn nothing_but_what_was_asked_for_is_granted() {
    let origin = Origin::answering(GRANT);
    let doctor = Doctor::observing(&origin);
    let get = |lines: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let cases = [
        get(""),
        get("Upgrade: websocket\r\n"),
        get("Connection: Upgrade\r\nUpgrade: foo\r\n"),
        get("Connection: Upgrade\r\nUpgrade: h2c\r\n"),
        get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
        "GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi".to_owned(),
    ];
    for request in cases {
        let mut client = doctor.connect().send(format!("{request}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"));
        let reply = client.reply();
        assert_eq!((reply.status(), reply.field("connection")), (502, Some("close")), "{request:?}");
        assert_eq!(reply.json()["code"], "header_doctor_upstream_malformed");
        let sent = origin.request();
        let is_asked = request.contains("foo");
        assert_eq!((sent.contains("Upgrade"), sent.contains("Settings")), (is_asked, false), "{sent:?}");
        assert!(client.finish().is_at_end());
        assert!(origin.was_not_asked(), "{request:?}");
        assert_eq!(doctor.event()["failure"]["code"], "header_doctor_upstream_malformed");
    }
}

#[test]
fn a_reply_that_grants_nothing_passes_as_any_other() {
    let refusal = r#"{"code":"rest_forbidden","message":"Sorry, you are not allowed to do that.","data":{"status":401}}"#;
    let length = refusal.len();
    let replies = [
        (200, OK.to_owned(), "hi"),
        (401, format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: {length}\r\n\r\n{refusal}"), refusal),
        (426, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno".to_owned(), "no"),
    ];
    for (status, reply, body) in replies {
        let origin = Origin::playing(move |mut wire, tell| {
            tell(wire.head());
            wire.put(&reply);
            tell(if wire.is_at_end() { "no more".into() } else { "more".into() });
        });
        let doctor = Doctor::before(&origin);
        let mut client = doctor.connect().send(format!("{ASK}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"));
        let reply = client.reply();
        assert_eq!((reply.status(), reply.field("connection")), (status, Some("close")));
        assert_eq!(reply.body, body.as_bytes());
        assert!(client.finish().is_at_end());
        assert!(origin.request().starts_with("GET /ws "));
        assert_eq!(
            origin.request(),
            "no more",
            "nothing behind the request, and its connection is not used again"
        );
        assert_eq!(doctor.event()["status"], status);
    }
}

#[test]
fn a_drain_lets_tunnels_live_until_its_timeout_and_counts_them() {
    let origin = granting(|mut wire, tell| {
        let bytes = wire.bytes(2);
        wire.put(bytes);
        tell(format!("in order: {}", wire.try_read_to_end().is_ok()));
    });
    let mut doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]\nworkers: 1\n\
         drain: {{ timeout: 2s }}\nlog: {{ format: json }}\n"
    ));
    let mut client = switched(&doctor);
    assert!(origin.request().starts_with("GET"));
    let idle = doctor.connect();
    doctor.terminate();
    assert_eq!(idle.read_to_end(), "", "an idle connection ends, which shows that the drain has begun");
    client.put("hi");
    assert_eq!(client.bytes(2), b"hi", "the tunnel lives on");
    assert!(client.is_at_end());
    assert!(doctor.wait().success());
    assert_eq!(origin.request(), "in order: false");
    assert_eq!(doctor.says("Stopped")["cut_off"], 1);
}

#[test]
fn a_granted_switch_is_healthy_whatever_the_policy_for_pages_is() {
    let origin = granting(|wire, _| drop(wire.read_to_end()));
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nworkers: 1\nlog: {{ format: json, exchanges: sick }}\n\
         sites: [{{ upstreams: [{{ url: \"{origin}\" }}], cors: {{ allow_origins: ['https://app.test'], paths: ['/'] }} }}]\n"
    ));
    let said =
        "Origin: https://other.test\r\nAuthorization: Bearer s3cr3tm4rk3d\r\nSec-WebSocket-Key: eA==\r\n\r\n";
    let mut client = doctor.connect().send(ASK.replace("Sec-WebSocket-Key: eA==\r\n\r\n", said));
    let head = client.head();
    assert!(head.starts_with("HTTP/1.1 101 ") && !head.contains("Access-Control"), "{head}");
    assert!(origin.request().contains("Authorization: Bearer s3cr3tm4rk3d\r\n"));
    client.reset();
    doctor.expect_no_other_event();
}

#[test]
fn a_refused_web_socket_is_no_matter_of_cors() {
    let origin = Origin::answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let doctor = Doctor::before(&origin);
    let said = "Origin: https://other.test\r\nSec-WebSocket-Key: eA==\r\n\r\n";
    let ask = ASK.replace("Sec-WebSocket-Key: eA==\r\n\r\n", said);
    assert_eq!(doctor.connect().send(ask).reply().status(), 403);
    let event = doctor.event().to_string();
    assert!(event.contains("403") && !event.contains("cors"), "{event}");
}

#[test]
fn what_passes_a_tunnel_is_never_written() {
    let origin = granting(|mut wire, _| {
        wire.put("Authorization: Bearer s3cr3tm4rk3d\r\n\r\n");
        drop(wire.read_to_end());
    });
    let doctor = Doctor::before(&origin);
    let ask = ASK.replace("/ws", "/ws?token=s3cr3tm4rk3d").replace("eA==", "s3cr3tm4rk3d");
    let mut client = doctor.connect().send(ask).send("GET /s3cr3tm4rk3d HTTP/1.1\r\n\r\n");
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    assert!(client.head().contains("s3cr3tm4rk3d"), "the tunnel itself changes nothing");
    let event = doctor.event().to_string();
    assert!(event.contains("101") && !event.contains("s3cr3tm4rk3d"), "{event}");
}
