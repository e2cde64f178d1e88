//! Upstreams that choose HTTP/2: what is sent and received is the same as over HTTP/1.1, over one connection.

use crate::world::http2_origin::{LARGE, TOGETHER};
use crate::world::{Authority, Doctor, Http2Origin, Reply, SecureOrigin, Wire};

struct World {
    origin: Http2Origin,
    doctor: Doctor,
    _authority: Authority,
}

fn world_with(more: &str) -> World {
    let authority = Authority::new();
    let origin = Http2Origin::new(authority.server("127.0.0.1"));
    let doctor = Doctor::before_entry(&entry(origin.port(), &authority, more));
    World { origin, doctor, _authority: authority }
}

fn world() -> World {
    world_with("")
}

fn entry(port: u16, authority: &Authority, more: &str) -> String {
    let ca = authority.ca();
    let ca = ca.display();
    format!("url: \"https://127.0.0.1:{port}\", http2: auto, tls: {{ ca: {ca} }}{more}")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: shop.test\r\nAuthorization: Bearer m4rked-s3cret\r\n\r\n")
}

impl World {
    fn get(&self, path: &str) -> Reply {
        self.doctor.connect().send(get(path)).reply()
    }
}

#[test]
fn a_request_keeps_what_it_says_and_a_reply_is_spelled_as_usual() {
    let world = world();
    let reply = world.get("/a%2Fb?c=1");
    assert_eq!((reply.status(), &*reply.body), (200, &b"hello"[..]));
    for line in
        ["HTTP/1.1 200 OK\r\n", "X-WP-Nonce: 1\r\n", "ETag: 2\r\n", "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"]
    {
        assert!(reply.head.contains(line), "{}", reply.head);
    }
    let asked = world.origin.told();
    assert!(asked.starts_with("GET https://shop.test/a%2Fb?c=1 "), "{asked}");
    assert!(asked.contains(r#""authorization": "Bearer m4rked-s3cret""#), "{asked}");
    let event = world.doctor.event().to_string();
    assert!(!event.contains("m4rked"), "{event}");
}

#[test]
fn exchanges_share_one_connection() {
    let world = world();
    let clients: Vec<Wire> = (0..TOGETHER).map(|_| world.doctor.connect().send(get("/together"))).collect();
    for mut client in clients {
        assert_eq!(client.reply().body, b"hello");
    }
    assert_eq!(world.get("/").status(), 200);
    assert_eq!(world.origin.connections(), 1);
}

#[test]
fn large_bodies_pass_both_ways_at_once() {
    let world = world();
    let body: Vec<u8> = (0..LARGE).map(|index| b"abcdefg"[index % 7]).collect();
    let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n");
    let mut client = world.doctor.connect().send(head);
    std::thread::scope(|scope| {
        let mut sender = client.other_hand();
        let sent = &body;
        scope.spawn(move || sender.put(sent));
        let reply = client.reply();
        assert_eq!((reply.status(), reply.body.len()), (200, LARGE));
        assert!(reply.body == body);
    });
}

#[test]
fn a_slow_reader_stops_nobody_else() {
    let world = world();
    let mut slow: Vec<Wire> = (0..8).map(|_| world.doctor.connect().send(get("/large"))).collect();
    for client in &mut slow {
        assert!(client.head().starts_with("HTTP/1.1 200"));
    }
    assert_eq!(world.get("/").body, b"hello");
    assert_eq!(world.origin.connections(), 1);
}

#[test]
fn a_chunked_body_and_trailers_arrive() {
    let world = world();
    let request = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n";
    let reply = world.doctor.connect().send(request).reply();
    assert_eq!(reply.body, br#"hello{"x-sum": "7"}"#);
    let close = get("/trailers").replace("Host:", "Connection: close\r\nHost:");
    let reply = world.doctor.connect().send(close).read_to_end();
    assert!(reply.ends_with("5\r\nhello\r\n0\r\nX-Sum: 3\r\n\r\n"), "{reply}");
}

#[test]
fn a_reply_without_a_body_says_so() {
    let world = world();
    let mut client = world.doctor.connect();
    for _ in 0..2 {
        client.put(get("/empty"));
        assert_eq!(client.reply().field("content-length"), Some("0"));
    }
    client.put(get("/").replace("GET", "HEAD"));
    assert!(client.head().starts_with("HTTP/1.1 200"));
    client.put(get("/"));
    assert_eq!(client.reply().body, b"hello");
}

#[test]
fn a_body_where_none_can_be_is_no_second_reply() {
    let world = world();
    let close = get("/surplus").replace("Host:", "Connection: close\r\nHost:");
    let seen = world.doctor.connect().send(close).try_read_to_end();
    assert!(!seen.is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("200 OK")));
    let event = world.doctor.event();
    assert_eq!(event["failure"]["who"], "upstream", "{event}");
}

#[test]
fn an_interim_reply_is_passed_on() {
    let world = world();
    let mut client = world.doctor.connect().send(get("/hint"));
    assert_eq!(client.head(), "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    assert_eq!(client.reply().body, b"hello");
}

#[test]
fn a_refusal_may_come_before_the_body() {
    let world = world();
    let head = "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    assert_eq!(world.doctor.connect().send(head).reply().status(), 413);
    assert_eq!(world.get("/").status(), 200);
    assert_eq!(world.origin.connections(), 1);
}

#[test]
fn a_reset_is_seen_by_the_client() {
    let world = world();
    let reply = world.get("/refuse");
    assert_eq!((reply.status(), &reply.json()["code"]), (502, &"header_doctor_upstream_connection".into()));
    let close = get("/reset").replace("Host:", "Connection: close\r\nHost:");
    let seen = world.doctor.connect().send(close).try_read_to_end();
    assert!(!seen.is_ok_and(|bytes| bytes.ends_with(b"0\r\n\r\n")));
    assert_eq!(world.get("/").status(), 200);
}

#[test]
fn a_goodbye_retires_the_connection_and_loses_no_request() {
    let world = world();
    assert_eq!(world.get("/goodbye").body, b"hello");
    for _ in 0..3 {
        assert_eq!(world.get("/").body, b"hello");
    }
    assert_eq!(world.origin.connections(), 2);
}

#[test]
fn a_request_that_a_connection_takes_down_with_it_is_sent_again() {
    let world = world();
    assert_eq!(world.get("/").status(), 200);
    assert_eq!(world.get("/rude").body, b"hello");
    assert_eq!(world.origin.connections(), 2);
}

#[test]
fn what_was_not_processed_is_sent_again_with_its_body() {
    let world = world();
    let body = "x".repeat(50_000);
    let request = format!("POST /busy HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let reply = world.doctor.connect().send(request).reply();
    assert_eq!((reply.status(), reply.body.len()), (200, body.len()));
    assert_eq!([world.origin.told(), world.origin.told()].map(|asked| asked.starts_with("POST ")), [true; 2]);
}

#[test]
fn silence_ends_in_time() {
    let world = world_with(", response_timeout: 300ms");
    let reply = world.get("/silent");
    assert_eq!((reply.status(), &reply.json()["code"]), (504, &"header_doctor_upstream_timeout".into()));
}

#[test]
fn silence_within_a_body_ends_in_time_and_is_seen() {
    let world = world_with(", idle_timeout: 300ms");
    let close = get("/stall").replace("Host:", "Connection: close\r\nHost:");
    let seen = world.doctor.connect().send(close).try_read_to_end();
    assert!(!seen.is_ok_and(|bytes| bytes.ends_with(b"0\r\n\r\n")));
    let event = world.doctor.event();
    assert_eq!(event["failure"]["who"], "upstream", "{event}");
}

#[test]
fn an_exchange_whose_client_has_gone_is_cancelled() {
    let world = world();
    let client = world.doctor.connect().send(get("/silent"));
    assert!(world.origin.told().starts_with("GET "));
    client.reset();
    assert_eq!(world.origin.told(), "Ok(CANCEL)");
    assert_eq!(world.get("/").status(), 200);
    assert_eq!(world.origin.connections(), 1);
}

#[test]
fn an_upstream_without_http2_is_spoken_to_in_http1() {
    let authority = Authority::new();
    let mut config = authority.server("127.0.0.1");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let origin = SecureOrigin::answering(config, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let doctor = Doctor::before_entry(&entry(origin.port(), &authority, ""));
    for _ in 0..3 {
        assert_eq!(doctor.connect().send(get("/")).reply().body, b"hello");
        assert!(origin.told().contains("Authorization: Bearer"));
    }
    assert_eq!(origin.connections(), 1);
}
