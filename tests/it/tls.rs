//! TLS towards clients: who is shown, what is resumed, how it begins and how it ends.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};

use crate::world::{Authority, Doctor, Origin, Wire, asking_for};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// A doctor that speaks TLS, with more keys of its listener and more sections.
fn doctor(origin: impl std::fmt::Display, pairs: &[String], listener: &str, sections: &str) -> Doctor {
    Doctor::with_file(&format!(
        "listeners:\n  - address: 127.0.0.1:0\n    tls: [{}]\n{listener}\n\
         sites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]\n\
         workers: 2\n\
         log: {{ format: json, exchanges: all, client_address: full }}\n\
         {sections}\n",
        pairs.join(", ")
    ))
}

/// A doctor with the usual certificate.
fn usual(origin: impl std::fmt::Display, authority: &Authority, sections: &str) -> Doctor {
    doctor(origin, &[authority.pair("a")], "", sections)
}

fn connect(doctor: &Doctor, client: &Arc<ClientConfig>) -> Wire {
    doctor.connect().secured(asking_for("a.test", client))
}

#[test]
fn both_versions_are_spoken_and_the_upstream_is_told_https() {
    let (authority, origin) = (Authority::of_a_test(), Origin::answering(OK));
    let doctor = usual(&origin, &authority, "");
    for (version, name) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let mut client = connect(&doctor, &authority.client_of(&[version])).send(GET);
        assert_eq!(client.reply().body, b"hi");
        assert_eq!(client.tls().protocol_version(), Some(name));
        let request = origin.request();
        assert!(request.contains("X-Forwarded-Proto: https\r\n"), "{request}");
        assert_eq!(client.send(GET).reply().status(), 200, "the connection stays open");
        assert!(origin.request().contains("X-Forwarded-Proto: https\r\n"));
    }
}

#[test]
fn a_client_that_says_goodbye_is_answered_where_it_stays_and_given_up_where_it_leaves() {
    let authority = Authority::of_a_test();
    let origin = Origin::playing(|mut wire, tell| {
        tell(wire.head());
        let is_over = wire.has_come_within(std::time::Duration::from_secs(2));
        tell(if is_over { "given up" } else { "waits" }.to_owned());
        wire.put(OK);
    });
    let doctor = usual(&origin, &authority, "");
    for version in [&TLS12, &TLS13] {
        let client = connect(&doctor, &authority.client_of(&[version])).send(GET);
        origin.request();
        drop(client.say_goodbye());
        assert_eq!(origin.request(), "given up");
        assert_eq!(doctor.event()["client_gone"], true);
        let client = connect(&doctor, &authority.client_of(&[version])).send(GET);
        origin.request();
        let mut client = client.say_goodbye();
        assert_eq!(origin.request(), "waits");
        let reply = client.reply();
        assert!(reply.head.starts_with("HTTP/1.1 200 OK\r\n") && reply.body == b"hi", "{reply:?}");
        doctor.event();
    }
}

#[test]
fn clear_and_https_from_one_address_are_not_confused() {
    let (authority, origin) = (Authority::of_a_test(), Origin::answering(OK));
    let doctor = Doctor::with_file(&format!(
        "listeners:\n  - address: 127.0.0.1:0\n    tls: [{}]\n  - address: 127.0.0.1:0\n\
         sites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]\nworkers: 1\nlog: {{ format: json }}\n",
        authority.pair("a")
    ));
    let clear = doctor.listens();
    for _ in 0..2 {
        assert_eq!(connect(&doctor, &authority.client()).send(GET).reply().status(), 200);
        assert!(origin.request().contains("X-Forwarded-Proto: https\r\n"));
        assert_eq!(Wire::to(clear).send(GET).reply().status(), 200);
        assert!(origin.request().contains("X-Forwarded-Proto: http\r\n"));
    }
}

#[test]
fn http_1_is_agreed_on() {
    let (authority, origin) = (Authority::of_a_test(), Origin::answering(OK));
    let doctor = usual(&origin, &authority, "");
    let agreed = |offered: &[&[u8]]| {
        let mut client = ClientConfig::clone(&authority.client());
        client.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        let wire = connect(&doctor, &Arc::new(client));
        wire.tls().alpn_protocol().map(<[u8]>::to_vec)
    };
    assert_eq!(agreed(&[]), None);
    assert_eq!(agreed(&[b"spdy/3", b"http/1.1"]).as_deref(), Some(&b"http/1.1"[..]));
}

#[test]
fn the_certificate_is_chosen_by_name() {
    let authority = Authority::of_a_test().with("wild", &["*.a.test"]).with("b", &["b.test", "www.a.test"]);
    let origin = Origin::answering(OK);
    let pairs = ["a", "wild", "b"].map(|file| authority.pair(file));
    let doctor = doctor(&origin, &pairs, "", "");
    for (asked, works) in [
        ("a.test", true),
        ("x.a.test", true),
        ("www.a.test", true),
        ("b.test", true),
        // The first is shown, and such a client does not accept it.
        ("c.test", false),
        ("x.x.a.test", false),
        ("127.0.0.1", false),
    ] {
        let shown = doctor.connect().try_secured(asking_for(asked, &authority.client()));
        assert_eq!(shown.is_ok(), works, "{asked}");
    }
    assert_eq!(connect(&doctor, &authority.client()).send(GET).reply().status(), 200);
}

#[test]
fn a_certificate_that_is_replaced_is_shown_without_a_change_of_the_configuration() {
    let (authority, origin) = (Authority::of_a_test(), Origin::answering(OK));
    let doctor = usual(&origin, &authority, "");
    let shows = |name| doctor.connect().try_secured(asking_for(name, &authority.client())).is_ok();
    let stays = connect(&doctor, &authority.client());
    assert!(shows("a.test") && !shows("b.test"));
    authority.issue("a", &["b.test"]);
    doctor.says("Reloaded");
    assert!(shows("b.test") && !shows("a.test"));
    assert_eq!(stays.send(GET).reply().status(), 200, "a connection keeps what it began with");
}

#[test]
fn a_configuration_that_names_files_may_come_through_a_pipe() {
    let authority = Authority::of_a_test();
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command
        .args(["run", "--admin", "none", "--config", "/dev/stdin"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut doctor = command.spawn().unwrap();
    let text = format!(
        "listeners: [{{ address: 127.0.0.1:0, tls: [{}] }}]\nsites: [{{ upstreams: [{{ url: 'http://127.0.0.1:9' }}] }}]\n",
        authority.pair("a")
    );
    doctor.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let mut said = String::new();
    BufReader::new(doctor.stdout.take().unwrap()).read_line(&mut said).unwrap();
    doctor.kill().unwrap();
    doctor.wait().unwrap();
    assert!(said.contains("Listening"), "{said}");
}

#[test]
fn a_listener_turns_to_https_and_back_on_its_address() {
    let (authority, origin) = (Authority::of_a_test(), Origin::answering(OK));
    let doctor = usual(&origin, &authority, "");
    let clear = format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]\n\
         workers: 2\nlog: {{ format: json }}\n"
    );
    let secure = clear.replace("127.0.0.1:0", &format!("127.0.0.1:0, tls: [{}]", authority.pair("a")));
    assert_eq!(connect(&doctor, &authority.client()).send(GET).reply().status(), 200);
    doctor.rewrite(&clear);
    doctor.signal("HUP");
    doctor.says("Reloaded");
    assert_eq!(doctor.connect().send(GET).reply().status(), 200);
    doctor.rewrite(&secure);
    doctor.signal("HUP");
    doctor.says("Reloaded");
    assert_eq!(connect(&doctor, &authority.client()).send(GET).reply().status(), 200);
    assert_eq!(doctor.connect().send(GET).reply().status(), 400);
}

#[test]
fn a_session_is_resumed_whichever_worker_it_comes_to() {
    let (authority, origin) = (Authority::of_a_test(), Origin::answering(OK));
    let doctor = usual(&origin, &authority, "");
    for version in [&TLS12, &TLS13] {
        let client = authority.client_of(&[version]);
        let kind = || {
            let mut wire = connect(&doctor, &client).send(GET);
            // Tickets of 1.3 come with the first reply.
            assert_eq!(wire.reply().status(), 200);
            wire.tls().handshake_kind()
        };
        assert_eq!(kind(), Some(HandshakeKind::Full));
        for _ in 0..6 {
            assert_eq!(kind(), Some(HandshakeKind::Resumed));
        }
    }
}

#[test]
fn who_must_show_a_certificate_does_not_come_in_without() {
    let authority = Authority::of_a_test().with("machine", &["machine.test"]);
    let stranger = Authority::new().with("machine", &["machine.test"]);
    let origin = Origin::answering(OK);
    let asks = |require: bool| {
        let ca = authority.ca();
        let clients =
            format!("    client_certificates: {{ authorities: {}, require: {require} }}", ca.display());
        doctor(&origin, &[authority.pair("a")], &clients, "")
    };
    // In TLS 1.3 a client learns of the refusal when it reads.
    let status = |doctor: &Doctor, client: &Arc<ClientConfig>| {
        let mut wire = doctor.connect().try_secured(asking_for("a.test", client)).ok()?;
        wire.put(GET);
        let reply = String::from_utf8(wire.try_read_some().ok()?).unwrap();
        Some(reply.starts_with("HTTP/1.1 200"))
    };
    let mut forged = ClientConfig::clone(&authority.client());
    forged.client_auth_cert_resolver = stranger.client_showing("machine").client_auth_cert_resolver.clone();
    let forged = Arc::new(forged);
    let required = asks(true);
    assert_eq!(status(&required, &authority.client()), None);
    assert_eq!(status(&required, &forged), None);
    assert!(origin.was_not_asked());
    assert_eq!(status(&required, &authority.client_showing("machine")), Some(true));
    let optional = asks(false);
    assert_eq!(status(&optional, &authority.client()), Some(true));
    assert_eq!(status(&optional, &authority.client_showing("machine")), Some(true));
    assert_eq!(status(&optional, &forged), None);
}

#[test]
fn a_proxy_header_before_a_handshake_is_named_where_none_is_expected() {
    let authority = Authority::of_a_test();
    let doctor = usual("127.0.0.1:9", &authority, "");
    for header in [&b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"] {
        let mut client = doctor.connect().send([header, b"\x16\x03\x01\x02\x00"].concat());
        assert_eq!(client.reply().json()["code"], "header_doctor_proxy_protocol_unexpected");
        assert_eq!(doctor.event()["refusal"]["code"], "header_doctor_proxy_protocol_unexpected");
    }
}

#[test]
fn plain_http_is_told_to_use_https() {
    let authority = Authority::of_a_test();
    let doctor = usual("127.0.0.1:9", &authority, "");
    let mut client = doctor.connect().send(GET);
    let reply = client.reply();
    assert_eq!((reply.status(), reply.field("connection")), (400, Some("close")));
    assert_eq!(reply.json()["code"], "header_doctor_plain_http_on_tls_port");
    assert!(reply.json()["message"].as_str().unwrap().contains("write https://"));
    assert!(client.is_at_end());
    assert_eq!(doctor.event()["refusal"]["code"], "header_doctor_plain_http_on_tls_port");
}

#[test]
fn what_is_no_handshake_or_only_half_of_one_is_closed() {
    let authority = Authority::of_a_test();
    let doctor = usual("127.0.0.1:9", &authority, "limits: { header_timeout: 2s }");
    let mut hello = Vec::new();
    asking_for("a.test", &authority.client()).write_tls(&mut hello).unwrap();
    let half = &hello[..hello.len() / 2];
    let silent = [(&b""[..], "nothing"), (half, "half a hello"), (&hello[..1], "one byte")];
    // All of them wait at the same time.
    for (client, what) in silent.map(|(sent, what)| (doctor.connect().send(sent), what)) {
        assert_eq!(client.read_to_end(), "", "{what}");
    }
    for (sent, what) in [(&b"\x00\x01\x02"[..], "bytes"), (&b"\x80\x2e\x01\x03\x01"[..], "an SSL 2 hello")] {
        assert_eq!(doctor.connect().send(sent).read_to_end(), "", "{what}");
    }
    // A record of a handshake that holds none is answered with an alert.
    let alert = doctor.connect().send(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00").try_read_to_end();
    assert!(matches!(&alert, Ok(bytes) if bytes.first() == Some(&0x15)), "{alert:?}");
    // Nobody is told of that in the log.
    doctor.connect().send(GET).reply();
    assert_eq!(doctor.event()["refusal"]["code"], "header_doctor_plain_http_on_tls_port");
    assert_eq!(connect(&doctor, &authority.client()).send(GET).reply().status(), 502, "others are served");
}

#[test]
fn a_slow_handshake_is_waited_for() {
    let (authority, origin) = (Authority::of_a_test(), Origin::answering(OK));
    let doctor = usual(&origin, &authority, "");
    let mut hello = Vec::new();
    let mut tls = asking_for("a.test", &authority.client());
    tls.write_tls(&mut hello).unwrap();
    let mut wire = doctor.connect();
    for byte in hello {
        wire.put([byte]);
    }
    assert_eq!(wire.secured(tls).send(GET).reply().status(), 200);
}

#[test]
fn large_bodies_pass_both_ways() {
    const SIZE: usize = 24 << 20;
    let piece: Vec<u8> = (0..1_u32 << 16).map(|at| (at % 251) as u8).collect();
    let reply = piece.clone();
    let authority = Authority::of_a_test();
    let origin = Origin::playing(move |mut wire, tell| {
        wire.head();
        let whole = (0..SIZE >> 16).all(|_| wire.bytes(1 << 16) == reply);
        tell(format!("{whole}"));
        wire.put(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"));
        (0..SIZE >> 16).for_each(|_| wire.put(&reply));
    });
    let doctor = usual(&origin, &authority, "");
    let head = format!("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: {SIZE}\r\n\r\n");
    let mut client = connect(&doctor, &authority.client()).send(head);
    (0..SIZE >> 16).for_each(|_| client.put(&piece));
    assert_eq!(origin.request(), "true");
    assert!(client.head().contains("200 OK"));
    assert!((0..SIZE >> 16).all(|_| client.bytes(1 << 16) == piece));
}

#[test]
fn an_end_in_order_is_said_and_a_reply_cut_off_is_not_taken_for_one() {
    let authority = Authority::of_a_test();
    let ask = |reply: &'static str, request: &str| {
        let origin = Origin::closing_after(reply);
        let doctor = usual(&origin, &authority, "");
        connect(&doctor, &authority.client()).send(request).try_read_to_end()
    };
    let old = "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n";
    let last = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
    // The client of this test takes an end without the closing word of TLS for an error.
    assert!(ask("HTTP/1.1 200 OK\r\n\r\nwhole", old).is_ok_and(|reply| reply.ends_with(b"whole")));
    assert!(ask(OK, last).is_ok_and(|reply| reply.ends_with(b"hi")));
    assert!(ask("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", last).is_err());
    assert!(ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", last).is_err());
    assert!(ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", old).is_err());
}

#[test]
fn idle_connections_end_in_order_after_their_time_and_in_a_drain() {
    let (authority, origin) = (Authority::of_a_test(), Origin::answering(OK));
    let doctor = usual(&origin, &authority, "limits: { keep_alive_timeout: 300ms }");
    let mut client = connect(&doctor, &authority.client()).send(GET);
    assert_eq!(client.reply().status(), 200);
    assert_eq!(client.try_read_to_end().unwrap(), b"");

    let mut doctor = usual(&origin, &authority, "limits: { header_timeout: 2s }");
    let mut used = connect(&doctor, &authority.client()).send(GET);
    assert_eq!(used.reply().status(), 200);
    let (fresh, silent) = (connect(&doctor, &authority.client()), doctor.connect());
    // Whoever was accepted after the silent one was seen after it.
    assert_eq!(connect(&doctor, &authority.client()).send(GET).reply().status(), 200);
    doctor.terminate();
    assert_eq!(used.try_read_to_end().unwrap(), b"");
    assert_eq!(fresh.try_read_to_end().unwrap(), b"");
    assert_eq!(silent.read_to_end(), "");
    assert!(doctor.wait().success());
}
