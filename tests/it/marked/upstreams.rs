//! What stands behind the doctor in other ways than bare HTTP: HTTP/2 and TLS, certificates of somebody else, tunnels, upstreams
//! that fail one after the other, a full queue before PHP, and PHP that answers what it is asked.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use rustls::ServerConfig;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};
use tokio_rustls::TlsAcceptor;

use super::marks::{
    COOKIE, LOGIN, NONCE, OPAQUE, OTHER_PASSWORD, PASSWORD, RESET_KEY, SESSION, SITE_SECRET, TOKEN,
};
use super::origin::{Said, asked_for, replies};
use super::requests::requests;
use super::running::{Left, Running, assert_clean, rest};
use super::serving::trail;
use crate::php_hop::{answer, seen};
use crate::world::{Authority, Origin, SecureOrigin, Wire, fastcgi};

/// A reply as HTTP/2 has it; nothing where it has none.
fn over_http2(reply: &[u8]) -> Option<(Response<()>, Bytes)> {
    let end = memchr::memmem::find(reply, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&reply[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut response = Response::builder().status(lines.next()?.split(' ').nth(1)?);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let is_of_connection = ["content-length", "transfer-encoding", "connection", "upgrade"];
        if !is_of_connection.contains(&&*name.to_ascii_lowercase()) {
            response = response.header(name, value);
        }
    }
    let response = response.body(()).ok().filter(|response| response.status() != 101)?;
    Some((response, Bytes::copy_from_slice(&reply[end + 4..])))
}

/// An origin that speaks HTTP/2 under TLS and says what is asked for; what HTTP/2 cannot say is a stream that breaks off. Gives
/// its port.
fn http2_origin(mut config: ServerConfig, said: &Said) -> u16 {
    config.alpn_protocols = vec![b"h2".to_vec()];
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let (port, tls) = (socket.local_addr().unwrap().port(), TlsAcceptor::from(Arc::new(config)));
    let said = said.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async move {
            let listener = TcpListener::from_std(socket).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                spawn_local(serve_http2(tls.clone(), stream, said.clone()));
            }
        });
    });
    port
}

async fn serve_http2(tls: TlsAcceptor, stream: tokio::net::TcpStream, said: Said) -> Option<Infallible> {
    let replies = replies();
    let mut connection = h2::server::handshake(tls.accept(stream).await.ok()?).await.ok()?;
    loop {
        let (request, mut reply) = connection.accept().await?.ok()?;
        said.count();
        let number = request.headers().get("x-reply").and_then(|value| value.to_str().ok()?.parse().ok());
        let number: usize = number.unwrap_or_default();
        match over_http2(&replies[number % replies.len()]) {
            None => reply.send_reset(h2::Reason::PROTOCOL_ERROR),
            Some((head, body)) => {
                said.note(&lines(&head, &body));
                if let Ok(mut stream) = reply.send_response(head, false) {
                    drop(stream.send_data(body, true));
                }
            }
        }
    }
}

/// What is passed on of such a reply, as HTTP/1.1 has it.
fn lines(head: &Response<()>, body: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in head.headers() {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
    }
    text.extend(body);
    text
}

/// The same under TLS and in HTTP/1.1.
fn secure_origin(config: ServerConfig, said: &Said) -> SecureOrigin {
    let said = said.clone();
    SecureOrigin::playing(config, move |mut wire, _| {
        let Some(head) = wire.head() else { return };
        said.count();
        let replies = replies();
        wire.put(&String::from_utf8_lossy(&replies[asked_for(&head) % replies.len()]));
        wire.say_goodbye();
    })
}

/// The grant of a tunnel that quotes what was asked with, and what comes first in it.
fn grant() -> String {
    format!(
        "HTTP/1.1 101 {OPAQUE}\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: {OPAQUE}\r\n\
         Sec-WebSocket-Protocol: {}\r\nSet-Cookie: a={COOKIE}\r\n\r\nwelcome, {PASSWORD}\r\n",
        *TOKEN
    )
}

/// An origin that grants tunnels. What it does then is said by the first byte that comes: it goes, it breaks, or it stays.
fn tunnels(said: &Said) -> Origin {
    said.note(grant().as_bytes());
    Origin::playing(move |mut wire, tell| {
        tell(wire.head());
        wire.put(grant());
        match wire.bytes(1)[0] {
            b'g' => wire.put(format!("go, {OPAQUE}")),
            b'b' => wire.reset(),
            _ => drop(wire.try_read_to_end()),
        }
    })
}

/// A request for a tunnel.
fn asking_for_a_tunnel() -> String {
    let token = &*TOKEN;
    format!(
        "GET /ws/{RESET_KEY}?token={token}&ticket={OPAQUE} HTTP/1.1\r\nHost: tunnel.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: {OPAQUE}\r\nSec-WebSocket-Protocol: bearer, {token}\r\nCookie: PHPSESSID={SESSION}\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    )
}

/// Goes through tunnels that end in every way. The last one is open still when the doctor is told to end.
fn go_through_tunnels(doctor: &Running, said: &Said) -> (Vec<Left>, Wire) {
    let open = |first: &str| {
        let mut wire = Wire::to(doctor.address()).send(asking_for_a_tunnel());
        let head = wire.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        wire.put(format!("{first}{OPAQUE} {PASSWORD}"));
        (said.left(b"a tunnel", head.as_bytes()), wire)
    };
    let mut left = Vec::new();
    for first in ["g", "b"] {
        let (head, wire) = open(first);
        drop(rest(wire));
        left.push(head);
    }
    let (head, wire) = open("s");
    wire.reset();
    left.push(head);
    let (head, wire) = open("s");
    left.push(head);
    (left, wire)
}

/// Asks for a host by some of the requests.
fn ask(doctor: &Running, said: &Said, host: &str, first: usize, apart: usize) -> Vec<Left> {
    let requests = requests(replies().len());
    let as_asked = |request: &Vec<u8>| {
        let mut request = request.clone();
        let (old, new) = (b"Host: a.test\r\n", format!("Host: {host}\r\n"));
        if let Some(at) = memchr::memmem::find(&request, old) {
            request.splice(at..at + old.len(), new.bytes());
        }
        said.left(&request, &rest(Wire::to(doctor.address()).send(&request).finish()))
    };
    requests.iter().skip(first).step_by(apart).map(as_asked).collect()
}

/// PHP that never answers, and what clients are told who wait for it, or in the queue before it.
fn wait_for_php(doctor: &Running, said: &Said) -> Vec<Left> {
    let body = format!("username={LOGIN}&password={PASSWORD}{}", OPAQUE.repeat(100));
    let request = format!(
        "POST /wp-json/jwt-auth/v1/token?key={RESET_KEY} HTTP/1.1\r\nHost: full.test\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // A machine that is paused meanwhile may let them in one by one.
    let ask = || [(); 4].map(|()| Wire::to(doctor.address()).send(&request)).map(rest);
    let is_refused = |reply: &Vec<u8>| reply.starts_with(b"HTTP/1.1 503");
    let met = std::iter::repeat_with(ask).take(20).find(|replies| replies.iter().any(is_refused));
    let replies = met.expect("the queue is full");
    replies.iter().map(|reply| said.left(request.as_bytes(), reply)).collect()
}

/// All that stands behind, and the certificates by which it is known.
struct Behind {
    authority: Authority,
    http2: u16,
    secure: SecureOrigin,
    /// With the certificate of a name that holds secrets.
    other: SecureOrigin,
    /// No TLS where it is expected.
    junk: Origin,
    closing: Origin,
    silent: Origin,
    tunnels: Origin,
    /// PHP that never answers.
    php: Origin,
}

impl Behind {
    fn new(said: &Said) -> Self {
        let authority = Authority::of_a_test();
        replies().iter().for_each(|reply| said.note(reply));
        let marked = authority.server(&format!("{OPAQUE}.{PASSWORD}.test"));
        Self {
            http2: http2_origin(authority.server("a.test"), said),
            secure: secure_origin(authority.server("a.test"), said),
            other: secure_origin(marked, said),
            junk: Origin::playing(|mut wire, _| {
                wire.put(format!("{} {PASSWORD}\r\n\r\n{OPAQUE}", *TOKEN));
            }),
            closing: Origin::closing_after(""),
            silent: Origin::playing(|wire, _| drop(wire.read())),
            tunnels: tunnels(said),
            php: Origin::playing(|mut wire, _| {
                fastcgi::request(&mut wire);
                drop(wire.read());
            }),
            authority,
        }
    }

    /// The sites of a doctor before it, each by the host that names it.
    fn sites(&self) -> String {
        let Self { authority, closing, silent, tunnels, .. } = self;
        let tls = format!("tls: {{ ca: '{}', server_name: a.test }}", authority.ca().display());
        let secure = |port: &str, more: &str| format!("{{ url: 'https://127.0.0.1:{port}', {tls}{more} }}");
        let junk = self.junk.to_string();
        let (_, junk) = junk.rsplit_once(':').unwrap();
        let several = format!(
            "{{ url: '127.0.0.1:1' }}, {{ url: '{closing}' }}, {{ url: '{silent}', response_timeout: 100ms }}"
        );
        let full = format!(
            "{{ url: '{}', php_root: /srv/www, response_timeout: 300ms, max_connections: 1, \
             queue: {{ length: 1, timeout: 100ms }} }}",
            fastcgi::url(&self.php)
        );
        [
            ("h2", secure(&self.http2.to_string(), ", http2: auto"), ""),
            (
                "secure",
                secure(&self.secure.port().to_string(), ", host: upstream"),
                ", via: send, mode: observe",
            ),
            ("other", secure(&self.other.port().to_string(), ""), ""),
            ("junk", secure(junk, ""), ""),
            ("gone", "{ url: 'unix:GIVEN/none.sock' }".to_owned(), ""),
            ("several", several, ""),
            ("tunnel", format!("{{ url: '{tunnels}' }}"), ""),
            ("full", full, ""),
        ]
        .map(|(host, upstreams, more)| format!("{{ hosts: [{host}.test], upstreams: [{upstreams}]{more} }}"))
        .join(", ")
    }
}

#[test]
fn whoever_stands_behind_by_whatever_way() {
    let said = Said::default();
    let behind = Behind::new(&said);
    let doctor = Running::start(
        "",
        &format!(
            "sites: [{}]\ndrain: {{ timeout: 100ms }}\n\
             log: {{ format: json, level: trace, exchanges: all, client_address: full }}",
            behind.sites()
        ),
    );
    let mut left = ask(&doctor, &said, "h2.test", 0, 3);
    let by_http2 = said.asked();
    left.extend(ask(&doctor, &said, "secure.test", 1, 5));
    let by_tls = said.asked() - by_http2;
    assert!(by_http2 > 50 && by_tls > 30, "{by_http2} by HTTP/2, {by_tls} by TLS");
    // Nobody is asked whose certificate is that of somebody else.
    for host in ["other.test", "junk.test", "gone.test", "several.test", &format!("{OPAQUE}.test")] {
        left.extend(ask(&doctor, &said, host, 2, 25));
    }
    left.extend(wait_for_php(&doctor, &said));
    let (told, _open) = go_through_tunnels(&doctor, &said);
    left.extend(told);
    left.extend(doctor.end());
    let log = left.iter().find(|left| left.door == "file stdout").unwrap();
    let log = String::from_utf8_lossy(&log.bytes);
    for word in ["certificate", "upstream_timeout", "queue", "\"status\":101", "upstream_unreachable"] {
        assert!(log.contains(word), "no {word}");
    }
    assert_clean(&left);
}

/// What PHP may say of an exchange, with a secret in the place of each word that it tells; `seen` is how it would tell of the credential
/// that was sent. Names of routes and functions are those of the site's own code.
fn words_of_php(seen: &str) -> Vec<String> {
    let token = &*TOKEN;
    [
        format!("s={OPAQUE};i=0,none"),
        format!("s=fpm-fcgi;y={OPAQUE};i=0,none"),
        format!("s=fpm-fcgi;y={token};e={OPAQUE};i=0,none"),
        format!("s=fpm-fcgi;n=http://{LOGIN}:{PASSWORD}@b.test/{OPAQUE};i=0,none"),
        format!("s=fpm-fcgi;j={OPAQUE}:{token},jwt-authentication-for-wp-rest-api:{OPAQUE};i=0,none"),
        format!("s=fpm-fcgi;f={OPAQUE};i=7,{OPAQUE},{OPAQUE},{token}"),
        format!("s=fpm-fcgi;f={token};o=x-{OPAQUE}:{seen};i=0,none"),
        format!("s=fpm-fcgi;o={token}:{seen},{OPAQUE}:20.b.00112233445566ff;i=0,none"),
        format!("s=fpm-fcgi;k={OPAQUE};{OPAQUE}={PASSWORD};w={OPAQUE},{PASSWORD};i=0,none"),
        format!("s=fpm-fcgi;a={OPAQUE};r={PASSWORD}"),
        format!("{OPAQUE};{PASSWORD}"),
    ]
    .into()
}

/// A WordPress whose plugin answers with such words, sealed or by somebody else.
fn wordpress(said: &Said) -> Origin {
    let (replies, said, turn) = (replies(), said.clone(), AtomicUsize::new(0));
    replies.iter().for_each(|reply| said.note(reply));
    let key = format!("k1:{}", STANDARD.encode(SITE_SECRET));
    Origin::playing(move |mut wire, tell| {
        let (request, turn) = (wire.message(), turn.fetch_add(1, Ordering::Relaxed));
        let words = words_of_php(&seen(&request, &key));
        let words = &words[turn % words.len()];
        let sealed = answer(&request, &key, words).filter(|_| turn % 11 != 10);
        if let Some(sealed) = &sealed {
            tell(sealed.clone());
        }
        let said = sealed.unwrap_or_else(|| format!("1;k1;{OPAQUE};0;{words};m={PASSWORD}"));
        let reply = &replies[asked_for(&request) % replies.len()];
        let start = memchr::memmem::find(reply, b"\r\n").map_or(0, |at| at + 2);
        let line = format!("Header-Doctor-Answer: {said}\r\nHeader-Doctor-Answer: {OPAQUE}\r\n");
        wire.put([&reply[..start], line.as_bytes(), &reply[start..]].concat());
    })
}

#[test]
fn php_that_is_asked_and_answers() {
    let (said, keys) = (Said::default(), TempDir::new().unwrap());
    let wordpress = wordpress(&said);
    let more = "php: true, ends_here: true, after: edge, instance: web-1";
    let doctor = Running::start(
        "",
        &format!(
            "sites: [{{ upstreams: [{{ url: '{wordpress}' }}] }}]\n\
             log: {{ format: json, level: trace, exchanges: all, client_address: full }}\n{}",
            trail(&keys, "sidecar").replace("php: true", more)
        ),
    );
    let mut left = Vec::new();
    let fields = [
        format!("Authorization: Bearer {}", *TOKEN),
        format!("Authorization: Bearer {OPAQUE}"),
        format!("X-WP-Nonce: {NONCE}\r\nCookie: wordpress_logged_in_a={LOGIN}%7C{COOKIE}"),
    ];
    // Of replies that are none, and of what passes nothing on, PHP says nothing.
    for number in (0..22).cycle().take(132) {
        let request = format!(
            "GET /wp-json/wp/v2/users/me?token={OTHER_PASSWORD} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nX-Reply: {number}\r\n{}\r\n\r\n",
            fields[number % 3]
        );
        let reply = rest(Wire::to(doctor.address()).send(&request));
        left.push(said.left(request.as_bytes(), &reply));
    }
    let sealed = std::iter::from_fn(|| wordpress.next_request()).count();
    left.extend(doctor.end());
    let log = left.iter().find(|left| left.door == "file stdout").unwrap();
    let log = String::from_utf8_lossy(&log.bytes);
    let believed = log.matches("\"seen_by_php\":\"").count();
    assert!(sealed > 80 && believed > 30, "{sealed} sealed, {believed} believed");
    assert_clean(&left);
}
