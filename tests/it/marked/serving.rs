//! What the proxy writes, answers and tells while it serves, by its settings.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use h2::RecvStream;
use http::{Request, Response, Version};
use tempfile::TempDir;

use super::marks::{
    API_KEY, BASIC, COOKIE, EMAIL, LOGIN, NONCE, OPAQUE, PASSWORD, PHP_PASSWORD, REFRESH, RESET_KEY, SESSION,
    SITE_SECRET, TOKEN, found,
};
use super::origin::{Said, origin, php, replies};
use super::requests::{fields, requests, targets};
use super::running::{Left, Running, assert_clean, rest};
use crate::world::{Authority, H2, Origin, Wire, asking_for, fastcgi, read, until};

/// Sends every request, each on a connection of its own, and gives what came back and was not the origin's.
fn drive(doctor: &Running, said: &Said) -> Vec<Left> {
    drive_some(doctor, said, 0, 1)
}

/// The same with the requests from `first` on, so many apart.
pub(super) fn drive_some(doctor: &Running, said: &Said, first: usize, apart: usize) -> Vec<Left> {
    let requests = requests(replies().len());
    let some = requests.iter().skip(first).step_by(apart);
    some.map(|request| said.left(request, &rest(Wire::to(doctor.address()).send(request).finish()))).collect()
}

/// A file that a running doctor does not take, for what it says then.
fn break_file(doctor: &Running) {
    doctor.rewrite(|file| format!("{file}\n{OPAQUE}: {PASSWORD}\n"));
    until("the wrong file is told of", || doctor.says("unknown key"));
    doctor.rewrite(|file| {
        file.replace(&format!("\n{OPAQUE}: {PASSWORD}"), &format!("\ndrain: {{ delay: {OPAQUE} }}"))
    });
    until("the other wrong file is told of", || doctor.says("is not a time"));
}

/// Drives a doctor before this upstream with these sections, and searches everything.
fn search_before(upstream: &str, said: &Said, site: &str, sections: &str) -> Vec<Left> {
    let sections = format!("sites: [{{ upstreams: [{{ {upstream} }}]{site} }}]\n{sections}");
    let doctor = Running::start("", &sections);
    let mut left = drive(&doctor, said);
    break_file(&doctor);
    left.extend(doctor.end());
    // What was not asked about proves nothing.
    assert!(said.asked() > 250, "the origin was asked {} times", said.asked());
    if !sections.contains("enabled: false") {
        for door in ["the stream", "answer to \"GET /api/findings/"] {
            let size: usize =
                left.iter().filter(|left| left.door.starts_with(door)).map(|left| left.bytes.len()).sum();
            assert!(size > 20_000, "{size} bytes by {door}");
        }
    }
    left
}

/// The same before an origin that speaks HTTP.
fn search(site: &str, sections: &str) {
    let said = Said::default();
    let origin = origin(&said);
    assert_clean(&search_before(&format!("url: \"{origin}\""), &said, site, sections));
}

#[test]
fn sick_exchanges_for_eyes() {
    search("", "log: { format: pretty, level: info, exchanges: sick, client_address: full, repeats: 0s }");
}

#[test]
fn all_exchanges_for_machines_where_nothing_is_changed() {
    search(
        ", mode: observe",
        "trusted_proxies: [loopback]\n\
         log: { format: json, level: trace, exchanges: all, client_address: full }",
    );
}

#[test]
fn every_policy_at_once() {
    search(
        ", cors: { allow_origins: ['https://app.test', 'https://*.app.test'], allow_credentials: true }, redirects: rewrite, \
         authorization: { recover_from: [x-authorization, x-amzn-remapped-authorization], mirror_to: [x-copy], placeholder_tokens: refuse }",
        "trusted_proxies: [loopback]\n\
         log: { format: json, level: debug, exchanges: all, client_address: network }",
    );
}

#[test]
fn a_second_opinion_and_summaries() {
    search(
        ", cors: { allow_origins: ['*'] }",
        "diagnosis: { second_opinion: auto }\n\
         log: { format: json, level: trace, exchanges: sick, client_address: none, repeats: 1s }",
    );
}

#[test]
fn nothing_is_judged_and_all_is_written() {
    search("", "diagnosis: { enabled: false }\nlog: { format: pretty, level: trace, exchanges: all }");
}

#[test]
fn what_an_origin_echoes_is_found_where_it_is_not_known_as_its_own() {
    let said = Said::default();
    let origin = origin(&said);
    let doctor = Running::start("", &format!("sites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]"));
    let request = format!(
        "GET /?token={PASSWORD} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nX-Reply: 2\r\nAuthorization: Bearer {}\r\n\r\n",
        *TOKEN
    );
    let reply = rest(Wire::to(doctor.address()).send(&request));
    let is_found = |text: &[u8]| found(text).iter().any(|(mark, _)| *mark == "a token's signature");
    assert!(is_found(&reply), "{}", String::from_utf8_lossy(&reply));
    assert!(is_found(&Said::default().without(&reply)));
    assert!(found(&said.without(&reply)).is_empty());
    assert_clean(&doctor.end());
}

/// What scripts write into PHP's log.
pub(super) fn complaints() -> Vec<String> {
    let token = &*TOKEN;
    [
        format!("PHP Fatal error:  Uncaught Exception: token '{token}' for password {PHP_PASSWORD} in /srv/www/wp-content/plugins/my-shop/a.php:3\nStack trace:\n#0 f('{PHP_PASSWORD}')"),
        format!("PHP Warning:  mysqli_real_connect(): Access denied for user '{LOGIN}'@'localhost' (using password: {PHP_PASSWORD}) in /srv/www/a.php on line 3"),
        format!("WordPress database error for query SELECT * FROM wp_users WHERE user_pass = '{PHP_PASSWORD}' AND user_email = '{EMAIL}' made by require('wp-blog-header.php')"),
        format!("GET /wp-json/?token={PHP_PASSWORD} HTTP/1.1"),
        format!("Authorization: Bearer {token}"),
        format!("Authorization: Basic {}", *BASIC),
        format!("the password is {PHP_PASSWORD}"),
        format!("password was: {PHP_PASSWORD}"),
        format!("Array ( [user_login] => {PHP_PASSWORD} [password] => {PHP_PASSWORD} )"),
        format!("{{\"password\":\"{PHP_PASSWORD}\"}}"),
        format!("{{\"password\": \"{PHP_PASSWORD}\", \"token\": \"{token}\"}}"),
        format!("DB_PASSWORD={PHP_PASSWORD}"),
        format!("define('DB_PASSWORD', '{PHP_PASSWORD}');"),
        format!("smtp://{LOGIN}:{PHP_PASSWORD}@mail.test:25"),
        format!("session {SESSION} of {EMAIL} has cookie {COOKIE}"),
        format!("invalid nonce {NONCE}"),
        format!("no plugin takes {OPAQUE}"),
        format!("Undefined array key \"{OPAQUE}\" in /srv/www/{RESET_KEY}/a.php on line 3"),
        format!("Bearer {PHP_PASSWORD}"),
        format!("refresh token {REFRESH}, api key {API_KEY}"),
        format!("login failed: {LOGIN}@a.test:{PHP_PASSWORD}"),
        format!("\x1b[31m{PHP_PASSWORD}=1"),
    ]
    .map(|text| format!("PHP message: {text}"))
    .into()
}

#[test]
fn what_php_complains_of_is_scrubbed() {
    let said = Said::default();
    let php = php(&said, complaints());
    let upstream = format!("url: \"{}\", php_root: /srv/www", fastcgi::url(&php));
    let log = "log: { format: json, level: trace, exchanges: all, client_address: full }";
    let left = search_before(&upstream, &said, "", &format!("{log}\ntrusted_proxies: [loopback]"));
    let log = left.iter().find(|left| left.door == "file stdout").unwrap();
    assert!(
        String::from_utf8_lossy(&log.bytes).contains("\"php\":\"PHP Fatal error: Uncaught Exception: token")
    );
    assert_clean(&left);
}

#[test]
fn all_that_php_complains_of_stands_in_its_field_alone_where_the_file_asks_for_it() {
    let said = Said::default();
    let php = php(&said, complaints());
    let upstream = format!("url: \"{}\", php_root: /srv/www", fastcgi::url(&php));
    let mut left =
        search_before(&upstream, &said, "", "log: { format: json, exchanges: all, php_errors: full }");
    let log = left.iter().find(|left| left.door == "file stdout").unwrap();
    assert!(!found(&log.bytes).is_empty(), "it was asked for");
    // The verdict of a single exchange is text, in which nothing tells what PHP said from the rest.
    left.retain(|left| !left.door.contains("/api/exchanges/"));
    left.iter_mut().for_each(|left| left.bytes = without_php(&left.bytes));
    assert_clean(&left);
}

/// The text without what stands in the field `php` of each record.
fn without_php(text: &[u8]) -> Vec<u8> {
    let (mut kept, mut rest) = (Vec::new(), text);
    while let Some(at) = memchr::memmem::find(rest, b"\"php\":\"") {
        kept.extend(&rest[..at]);
        rest = &rest[at + 7..];
        let is_end = |at: &usize| rest[*at] == b'"' && !rest[..*at].ends_with(b"\\");
        let end = (0..rest.len()).find(is_end).unwrap();
        rest = &rest[end + 1..];
    }
    kept.extend(rest);
    kept
}

/// The key that two doctors share, in a file beside them.
pub(super) fn trail(folder: &TempDir, hop: &str) -> String {
    let path = folder.path().join("trail.keys");
    std::fs::write(&path, format!("k1:{}\n", STANDARD.encode(SITE_SECRET))).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    format!("trail: {{ hop: {hop}, key_file: {}, php: true }}", path.display())
}

/// What stands between two doctors: it passes on what it gets, and keeps what doctors tell one another there.
fn hop(to: SocketAddr, kept: &Arc<Mutex<Vec<u8>>>) -> Origin {
    let kept = Arc::clone(kept);
    Origin::playing(move |mut wire, _| {
        loop {
            let request = wire.message();
            let reply = Wire::to(to).send(&request).reply();
            let told = request.lines().chain(reply.head.lines());
            let told = told.filter(|line| line.to_ascii_lowercase().starts_with("header-doctor-"));
            told.for_each(|line| kept.lock().unwrap().extend(format!("{line}\n").bytes()));
            wire.put([reply.head.as_bytes(), &reply.body].concat());
        }
    })
}

#[test]
fn what_two_doctors_tell_one_another() {
    let (said, keys, kept) = (Said::default(), TempDir::new().unwrap(), Arc::default());
    let origin = origin(&said);
    let log = "log: { format: json, level: trace, exchanges: all, client_address: full }\ntrusted_proxies: [loopback]";
    let start = |upstream: &str, hop: &str| {
        let site = format!("sites: [{{ upstreams: [{{ url: \"{upstream}\" }}] }}]");
        Running::start("", &format!("{site}\n{log}\n{}", trail(&keys, hop)))
    };
    let sidecar = start(&origin.to_string(), "sidecar");
    let hop = hop(sidecar.address(), &kept);
    let edge = start(&hop.to_string(), "edge");
    let mut left = drive(&edge, &said);
    // Whoever stands beside the edge is a client of the sidecar.
    left.extend(drive(&sidecar, &said));
    std::fs::write(keys.path().join("trail.keys"), format!("{OPAQUE} {PASSWORD}\n")).unwrap();
    [&edge, &sidecar].iter().for_each(|doctor| doctor.signal("HUP"));
    until("the wrong keys are told of", || edge.says("Not reloaded") && sidecar.says("Not reloaded"));
    left.extend(edge.end());
    left.extend(sidecar.end());
    let told = kept.lock().unwrap().clone();
    let text = String::from_utf8_lossy(&told).to_ascii_lowercase();
    assert!(text.contains("header-doctor-trail: ") && text.contains("header-doctor-report: "), "{text}");
    left.push(Left::by("what doctors tell one another", told));
    assert_clean(&left);
}

#[test]
fn behind_tls_and_a_proxy_that_names_the_client() {
    let (said, authority) = (Said::default(), Authority::of_a_test());
    let origin = origin(&said);
    let listener = format!(", proxy_protocol: accept, tls: [{}]", authority.pair("a"));
    let doctor = Running::start(
        &listener,
        &format!(
            "sites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]\ntrusted_proxies: [loopback]\n\
             log: {{ format: json, level: trace, exchanges: all, client_address: full }}"
        ),
    );
    let client = authority.client();
    let mut left = Vec::new();
    for request in requests(replies().len()).iter().step_by(3) {
        let wire = Wire::to(doctor.address()).send("PROXY TCP4 203.0.113.9 192.0.2.1 56324 443\r\n");
        let wire = wire.secured(asking_for("a.test", &client)).send(request);
        left.push(said.left(request, &rest(wire)));
        // The same to those who expect TLS.
        let wire = Wire::to(doctor.address()).send(request).finish();
        left.push(said.left(request, &rest(wire)));
    }
    let name = format!("{OPAQUE}.test");
    for line in [
        format!("PROXY TCP4 {OPAQUE} 192.0.2.1 56324 443\r\n"),
        format!("PROXY UNKNOWN {PASSWORD}\r\n"),
        format!("PROXY {PASSWORD}\r\n"),
    ] {
        let wire = Wire::to(doctor.address()).send(&line);
        drop(wire.try_secured(asking_for(&name, &client)));
    }
    // Version 2 has room for whatever a balancer adds.
    let more = [&[2, 0, u8::try_from(OPAQUE.len()).unwrap()], OPAQUE.as_bytes()].concat();
    let length = u8::try_from(12 + more.len()).unwrap();
    let addresses = [203, 0, 113, 9, 192, 0, 2, 1, 0xDC, 4, 1, 0xBB];
    let header = [b"\r\n\r\n\0\r\nQUIT\n", &[0x21, 0x11, 0, length][..], &addresses, &more].concat();
    let request = requests(1).swap_remove(1);
    let wire = Wire::to(doctor.address()).send(header).secured(asking_for("a.test", &client)).send(&request);
    left.push(said.left(&request, &rest(wire)));
    left.extend(doctor.end());
    assert!(said.asked() > 80, "{}", said.asked());
    assert_clean(&left);
}

/// A request of HTTP/2 with this field, where the client's library lets it pass.
pub(super) fn over_http2(method: &str, target: &str, fields: &str, number: usize) -> Option<Request<()>> {
    let is_path = target.starts_with('/');
    let target = if is_path { format!("http://a.test{target}") } else { target.to_owned() };
    let mut request = Request::builder().version(Version::HTTP_2).method(method).uri(target);
    request = request.header("x-reply", number.to_string());
    for field in fields.split("\r\n") {
        let (name, value) = field.split_once(": ")?;
        let name = name.to_ascii_lowercase();
        let is_of_connection =
            ["connection", "te", "transfer-encoding", "upgrade", "host", "content-length", "expect"];
        if is_of_connection.contains(&&*name) {
            return None;
        }
        request = request.header(name, value);
    }
    request.body(()).ok()
}

/// A reply of HTTP/2 as lines.
pub(super) fn text_of(reply: Response<RecvStream>) -> Vec<u8> {
    let (head, body) = reply.into_parts();
    let mut text: Vec<u8> = Vec::new();
    for (name, value) in &head.headers {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
    }
    text.extend(read(body).map(|(bytes, _)| bytes).unwrap_or_default());
    text
}

#[test]
fn by_clients_that_speak_http2() {
    let said = Said::default();
    let origin = origin(&said);
    let doctor = Running::start(
        "",
        &format!(
            "sites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]\n\
             log: {{ format: json, level: trace, exchanges: all, client_address: full }}"
        ),
    );
    let usual = format!("authorization: Bearer {}", *TOKEN);
    let targets = targets().into_iter().map(|target| ("GET", target, usual.clone()));
    let fields = fields().into_iter().map(|field| ("GET", "/wp-json/wp/v2/users/me".to_owned(), field));
    let method = [(OPAQUE, "/wp-json/".to_owned(), usual.clone())];
    let requests: Vec<_> = targets.chain(fields).chain(method).collect();
    let (mut left, mut asked) = (Vec::new(), 0);
    for (number, (method, target, fields)) in requests.iter().enumerate() {
        let Some(request) = over_http2(method, target, fields, number) else { continue };
        asked += 1;
        let Ok(reply) = H2::to(doctor.address()).ask(request) else { continue };
        left.push(said.left(target.as_bytes(), &text_of(reply)));
    }
    left.extend(doctor.end());
    assert!(asked > 60 && said.asked() > 40, "{asked}, {}", said.asked());
    assert_clean(&left);
}
