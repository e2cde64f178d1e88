//! The PROXY protocol: whom the upstream is told of, and who is not believed.

use crate::world::{Authority, Doctor, Origin, Wire, asking_for};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
const LINE: &[u8] = b"PROXY TCP4 203.0.113.9 192.0.2.1 56324 443\r\n";

/// A doctor that speaks the protocol so, with more keys of its listener, and believes these.
fn doctor(origin: impl std::fmt::Display, mode: &str, listener: &str, trusted: &str) -> Doctor {
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0, proxy_protocol: {mode}{listener} }}]\n\
         trusted_proxies: [{trusted}]\n\
         sites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]\n\
         workers: 1\n\
         limits: {{ header_timeout: 2s }}\n\
         log: {{ format: json, exchanges: all, client_address: full }}\n"
    ))
}

fn binary(version_and_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[version_and_command, family][..], &length, body].concat()
}

fn v4() -> Vec<u8> {
    binary(0x21, 0x11, &[203, 0, 113, 9, 192, 0, 2, 1, 0xDC, 4, 1, 0xBB])
}

/// Everything before the request comes byte by byte, and with it, and in one piece.
fn send_each_way(doctor: &Doctor, header: &[u8]) -> [Wire; 3] {
    let mut bytewise = doctor.connect();
    header.iter().for_each(|byte| bytewise.put([*byte]));
    let together = doctor.connect().send([header, GET.as_bytes()].concat());
    let apart = doctor.connect().send(header);
    [bytewise.send(GET), together, apart.send(GET)]
}

#[test]
fn the_client_is_the_one_that_a_trusted_proxy_names() {
    let origin = Origin::answering(OK);
    let v6 =
        [&[0x20, 1, 0x0D, 0xB8][..], &[0; 11], &[9], &[0; 16], &[0, 80, 1, 0xBB], &[4, 0, 1, 0]].concat();
    for mode in ["accept", "require"] {
        let doctor = doctor(&origin, mode, "", "loopback");
        for (header, client) in [
            (LINE.to_vec(), "203.0.113.9"),
            (b"PROXY TCP6 2001:db8::9 ::1 80 443\r\n".to_vec(), "2001:db8::9"),
            (v4(), "203.0.113.9"),
            (binary(0x21, 0x21, &v6), "2001:db8::9"),
            (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
            (binary(0x20, 0, &[]), "127.0.0.1"),
            (binary(0x20, 0x11, &[1; 12]), "127.0.0.1"),
            (binary(0x21, 0x31, &[0; 216]), "127.0.0.1"),
        ] {
            for mut wire in send_each_way(&doctor, &header) {
                assert_eq!(wire.reply().body, b"hi");
                let request = origin.request();
                assert!(request.contains(&format!("X-Forwarded-For: {client}\r\n")), "{client}: {request}");
                assert_eq!(doctor.event()["client"], client);
                assert_eq!(wire.send(GET).reply().status(), 200, "the connection goes on as any");
                assert!(origin.request().contains(&format!("X-Forwarded-For: {client}\r\n")));
                assert_eq!(doctor.event()["client"], client);
            }
        }
    }
}

#[test]
fn the_word_of_a_client_counts_when_it_is_a_trusted_proxy_itself() {
    let origin = Origin::answering(OK);
    let doctor = doctor(&origin, "accept", "", "loopback, 198.51.100.0/24");
    let request = "GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 192.0.2.77\r\n\r\n";
    let told = |address: &str| {
        let line = format!("PROXY TCP4 {address} 192.0.2.1 5 443\r\n");
        assert_eq!(doctor.connect().send(line).send(request).reply().status(), 200);
        let request = origin.request();
        request.lines().find_map(|line| line.strip_prefix("X-Forwarded-For: ")).unwrap().to_owned()
    };
    assert_eq!(told("198.51.100.3"), "192.0.2.77, 198.51.100.3");
    assert_eq!(told("203.0.113.9"), "203.0.113.9");
}

#[test]
fn without_a_header_a_request_is_a_request_where_none_is_required() {
    let origin = Origin::answering(OK);
    for trusted in ["loopback", "192.0.2.0/24"] {
        let doctor = doctor(&origin, "accept", "", trusted);
        let mut pieces = doctor.connect();
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n"
            .bytes()
            .for_each(|byte| pieces.put([byte]));
        for mut wire in [doctor.connect().send(GET), pieces] {
            assert_eq!(wire.reply().status(), 200);
            assert!(origin.request().contains("X-Forwarded-For: 127.0.0.1\r\n"));
        }
    }
}

#[test]
fn what_is_not_believed_is_refused_with_the_reason() {
    let origin = Origin::answering(OK);
    let refused = |doctor: &Doctor, sent: &[u8], code: &str| {
        let mut wire = doctor.connect().send(sent);
        let reply = wire.reply();
        assert_eq!((reply.status(), reply.field("connection")), (400, Some("close")));
        assert_eq!(reply.json()["code"], code);
        assert!(wire.is_at_end());
        let event = doctor.event();
        assert_eq!((&event["refusal"]["code"], &event["client"]), (&code.into(), &"127.0.0.1".into()));
    };
    let with_request = |header: &[u8]| [header, GET.as_bytes()].concat();
    for mode in ["accept", "require"] {
        let untrusting = doctor(&origin, mode, "", "192.0.2.0/24");
        for header in [LINE, &v4(), b"PROXY UNKNOWN\r\n", &binary(0x20, 0, &[])] {
            refused(&untrusting, &with_request(header), "header_doctor_proxy_protocol_untrusted");
        }
        let trusting = doctor(&origin, mode, "", "loopback");
        for header in
            [&b"PROXY TCP4 a b c d\r\n"[..], &binary(0x21, 0x11, b"short"), &binary(0x31, 0x11, &[0; 12])]
        {
            refused(&trusting, &with_request(header), "header_doctor_proxy_protocol_malformed");
        }
    }
    let requiring = doctor(&origin, "require", "", "loopback");
    refused(&requiring, GET.as_bytes(), "header_doctor_proxy_protocol_missing");
    let unaware = doctor(&origin, "none", "", "loopback");
    for behind in [GET.as_bytes(), b"\x16\x03\x01\x02\x00"] {
        for header in [LINE, &v4(), b"PROXY UNKNOWN\r\n"] {
            refused(&unaware, &[header, behind].concat(), "header_doctor_proxy_protocol_unexpected");
        }
    }
    assert!(origin.was_not_asked());
}

#[test]
fn half_a_header_is_not_waited_for_without_end() {
    let doctor = doctor("127.0.0.1:9", "accept", "", "loopback");
    let halves = [&b""[..], b"PROX", &LINE[..20], &v4()[..14], &v4()[..20]];
    for half in halves.map(|sent| doctor.connect().send(sent)) {
        assert_eq!(half.read_to_end(), "");
    }
    assert_eq!(doctor.connect().send(&LINE[..20]).finish().read_to_end(), "");
    doctor.expect_no_other_event();
}

#[test]
fn it_stands_before_tls() {
    let (authority, origin) = (Authority::of_a_test(), Origin::answering(OK));
    let listener = format!(", tls: [{}]", authority.pair("a"));
    for header in [LINE, &v4()] {
        for mode in ["accept", "require"] {
            let doctor = doctor(&origin, mode, &listener, "loopback");
            let wire = doctor.connect().send(header);
            let mut wire = wire.secured(asking_for("a.test", &authority.client())).send(GET);
            assert_eq!(wire.reply().status(), 200);
            let request = origin.request();
            assert!(request.contains("X-Forwarded-For: 203.0.113.9\r\n"), "{request}");
            assert!(request.contains("X-Forwarded-Proto: https\r\n"), "{request}");
            let reply = doctor.connect().send([header, GET.as_bytes()].concat()).reply();
            assert_eq!(reply.json()["code"], "header_doctor_plain_http_on_tls_port");
        }
    }
    let plain = |mode| {
        let doctor = doctor(&origin, mode, &listener, "loopback");
        doctor.connect().try_secured(asking_for("a.test", &authority.client())).is_ok()
    };
    assert!(plain("accept"));
    assert!(!plain("require"), "a handshake without a header is closed");
}
