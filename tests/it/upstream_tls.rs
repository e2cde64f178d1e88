//! Upstreams under TLS: whose certificate is taken, what a failure is told as, and how connections are kept.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, date_time_ymd};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};

use crate::world::{Authority, Doctor, Origin, SecureOrigin};

const GET: &str = "GET / HTTP/1.1\r\nHost: shop.test\r\nAuthorization: Bearer m4rked-s3cret\r\n\r\n";
const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn entry(port: u16, ca: &Path, more: &str) -> String {
    format!("url: \"https://127.0.0.1:{port}\", tls: {{ ca: {}{more} }}", ca.display())
}

/// What a request is answered with: status, code and message.
fn failure(doctor: &Doctor) -> (u16, String, String) {
    let reply = doctor.connect().send(GET).reply();
    let event = doctor.event();
    let body = reply.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    assert_eq!(
        (&event["failure"]["code"], &event["failure"]["who"]),
        (&body["code"], &"upstream".into()),
        "{event}"
    );
    assert!(!event.to_string().contains("m4rked"), "{event}");
    (reply.status(), text(&body["code"]), text(&body["message"]))
}

fn hello(config: ServerConfig) -> SecureOrigin {
    SecureOrigin::answering(config, HELLO)
}

#[test]
fn a_connection_under_tls_is_used_again() {
    let authority = Authority::new();
    let origin = hello(authority.server("127.0.0.1"));
    let doctor = Doctor::before_entry(&entry(origin.port(), &authority.ca(), ""));
    let mut client = doctor.connect();
    for _ in 0..3 {
        client.put(GET);
        assert_eq!(client.reply().body, b"hello");
        let asked = origin.told();
        assert!(asked.contains("Host: shop.test\r\n") && asked.contains("Bearer m4rked-s3cret"), "{asked}");
    }
    assert_eq!(origin.connections(), 1, "tickets that came meanwhile do not count");
    let url = doctor.event()["upstream"].as_str().unwrap().to_owned();
    assert_eq!(url, format!("https://127.0.0.1:{}", origin.port()));
}

#[test]
fn new_keys_do_not_end_a_connection_and_a_goodbye_does() {
    let authority = Authority::new();
    let origin = SecureOrigin::playing(authority.server("127.0.0.1"), |mut wire, _| {
        wire.head();
        wire.put(HELLO);
        wire.change_keys();
        wire.head();
        wire.put(HELLO);
        wire.say_goodbye();
        wire.head();
    });
    let doctor = Doctor::before_entry(&entry(origin.port(), &authority.ca(), ""));
    let mut client = doctor.connect();
    for connections in [1, 1, 2] {
        client.put(GET);
        assert_eq!(client.reply().status(), 200);
        assert_eq!(origin.connections(), connections);
    }
}

#[test]
fn sessions_are_resumed_on_new_connections() {
    let authority = Authority::new();
    let origin = SecureOrigin::playing(authority.server("127.0.0.1"), |mut wire, tell| {
        wire.head();
        tell(wire.is_resumed().to_string());
        wire.put("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        wire.say_goodbye();
    });
    let doctor = Doctor::before_entry(&entry(origin.port(), &authority.ca(), ""));
    for resumed in ["false", "true"] {
        assert_eq!(doctor.connect().send(GET).reply().status(), 200);
        assert_eq!(origin.told(), resumed);
    }
}

#[test]
fn the_name_asked_for_is_the_configured_one_and_an_address_is_asked_for_in_silence() {
    let authority = Authority::new();
    for (name, key, asked) in [
        ("origin.test", ", server_name: origin.test", "Some(\"origin.test\") Some(\"http/1.1\")"),
        ("127.0.0.1", "", "None Some(\"http/1.1\")"),
    ] {
        let mut config = authority.server(name);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let origin = SecureOrigin::playing(config, |mut wire, tell| {
            wire.head();
            tell(format!("{:?} {:?}", wire.asked_name(), wire.protocol()));
            wire.put(HELLO);
        });
        let doctor = Doctor::before_entry(&entry(origin.port(), &authority.ca(), key));
        assert_eq!(doctor.connect().send(GET).reply().status(), 200);
        assert_eq!(origin.told(), asked);
    }
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_by_its_cause() {
    let (authority, other) = (Authority::new(), Authority::new());
    let expired = || {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        authority.server_with(&params)
    };
    for (config, cause) in [
        (
            authority.server("other.test"),
            "it is for another name; write the one it is for as tls.server_name",
        ),
        (other.server("127.0.0.1"), "nobody known has signed it; name who has"),
        (Authority::nobodys().0, "it vouches for itself; name the certificate as tls.ca"),
        (expired(), "it has expired;"),
    ] {
        let origin = hello(config);
        let doctor = Doctor::before_entry(&entry(origin.port(), &authority.ca(), ""));
        let (status, code, message) = failure(&doctor);
        assert_eq!((status, &*code), (502, "header_doctor_upstream_certificate"));
        assert!(message.contains(cause), "{message}");
        assert!(!message.contains("other.test"), "{message}");
    }
}

#[test]
fn a_certificate_named_itself_is_taken_as_it_is() {
    let (config, file) = Authority::nobodys();
    let origin = hello(config);
    let doctor = Doctor::before_entry(&entry(origin.port(), file.path(), ""));
    assert_eq!(doctor.connect().send(GET).reply().body, b"hello");
}

#[test]
fn without_verification_any_certificate_is_taken() {
    let origin = hello(Authority::nobodys().0);
    let entry = format!("url: \"https://127.0.0.1:{}\", tls: {{ verify: false }}", origin.port());
    assert_eq!(Doctor::before_entry(&entry).connect().send(GET).reply().body, b"hello");
}

#[test]
fn an_upstream_without_tls_is_told_as_such() {
    let authority = Authority::new();
    let ends = "header_doctor_upstream_tls";
    let plain =
        Origin::playing(|mut wire, _| wire.put("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    let closing = Origin::playing(|mut wire, _| drop(wire.bytes(1)));
    for (origin, cause) in
        [(&plain, "the upstream speaks no TLS there; is its URL http://?"), (&closing, "the TLS handshake")]
    {
        let port = origin.to_string().rsplit(':').next().unwrap().parse().unwrap();
        let doctor = Doctor::before_entry(&entry(port, &authority.ca(), ""));
        let (status, code, message) = failure(&doctor);
        assert_eq!((status, &*code), (502, ends));
        assert!(message.contains(cause), "{message}");
    }
}

#[test]
fn an_upstream_that_wants_a_certificate_is_told_as_such() {
    let authority = Authority::new();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.ca()).unwrap()).unwrap();
    let wanting = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
    for version in [&TLS12, &TLS13] {
        let config = ServerConfig::builder_with_protocol_versions(&[version])
            .with_client_cert_verifier(wanting.clone())
            .with_cert_resolver(authority.server("127.0.0.1").cert_resolver);
        let origin = hello(config);
        for more in ["", ", http2: auto"] {
            let doctor = Doctor::before_entry(&(entry(origin.port(), &authority.ca(), "") + more));
            let (status, code, message) = failure(&doctor);
            assert_eq!((status, &*code), (502, "header_doctor_upstream_tls"), "{message}");
            assert!(message.contains("a certificate of its client"), "{message}");
        }
    }
}

#[test]
fn a_handshake_that_stalls_ends_in_time() {
    let authority = Authority::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let doctor = Doctor::before_entry(&(entry(port, &authority.ca(), "") + ", connect_timeout: 300ms"));
    let (status, code, message) = failure(&doctor);
    assert_eq!((status, &*code), (504, "header_doctor_upstream_tls"));
    assert_eq!(message, "the upstream did not complete the TLS handshake within 300ms");
}

#[test]
fn a_body_that_ends_without_a_goodbye_is_cut_off() {
    let authority = Authority::new();
    for (says_goodbye, is_whole) in [(true, true), (false, false)] {
        let origin = SecureOrigin::playing(authority.server("127.0.0.1"), move |mut wire, _| {
            wire.head();
            wire.put("HTTP/1.1 200 OK\r\n\r\npart");
            if says_goodbye {
                wire.say_goodbye();
            }
        });
        let doctor = Doctor::before_entry(&entry(origin.port(), &authority.ca(), ""));
        let seen =
            doctor.connect().send(GET.replace("GET / HTTP/1.1", "GET / HTTP/1.1\r\nConnection: close"));
        let seen = seen.try_read_to_end();
        let ends = seen.is_ok_and(|bytes| bytes.ends_with(b"4\r\npart\r\n0\r\n\r\n"));
        assert_eq!(ends, is_whole);
        let event = doctor.event();
        assert_eq!(event["failure"].is_null(), is_whole, "{event}");
    }
}

#[test]
fn the_host_may_be_the_upstreams_or_another() {
    let origin = Origin::answering(HELLO);
    for (host, sent) in [
        ("preserve", "Host: shop.test\r\n".to_owned()),
        ("upstream", format!("Host: {}\r\n", origin.to_string().trim_start_matches("http://"))),
        ("www.example.com", "Host: www.example.com\r\n".to_owned()),
    ] {
        let doctor = Doctor::before_entry(&format!("url: \"{origin}\", host: {host}"));
        assert_eq!(doctor.connect().send(GET).reply().status(), 200);
        let asked = origin.request();
        assert!(asked.contains(&sent) && asked.contains("X-Forwarded-Host: shop.test\r\n"), "{asked}");
    }
}
