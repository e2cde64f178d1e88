//! PHP-FPM behind the doctor, played by a script of ours: what it is told, what becomes of its replies, and how each way
//! to fail is told.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use http::Request;
use rustls::ClientConfig;
use serde_json::Value;

use crate::world::fastcgi::{answer, asked, end, php, record, request, stdout, url};
use crate::world::{Authority, Doctor, H2, Nobody, Origin, Wire, read};

const GET: &str = "GET /wp-json/ HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer abc\r\n\r\n";
const HELLO: &str = "Content-Type: text/plain\r\n\r\nhello";

pub(crate) fn before(upstream: &str, more: &str) -> Doctor {
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         trusted_proxies: [loopback]\n\
         sites: [{{ upstreams: [{{ url: \"{upstream}\", php_root: /srv/www }}] }}]\n\
         workers: 2\n\
         log: {{ format: json, exchanges: all, client_address: full }}\n{more}\n"
    ))
}

/// A doctor before it.
pub(crate) fn doctor(origin: &Origin) -> Doctor {
    before(&url(origin), "")
}

fn assert_fails(doctor: &Doctor, client: &mut Wire, status: u16, code: &str, words: &str) -> Value {
    let reply = client.reply();
    assert_eq!((reply.status(), reply.json()["code"].as_str()), (status, Some(code)), "{reply:?}");
    let event = doctor.event();
    assert_eq!(event["failure"]["code"], code, "{event}");
    assert!(event["failure"]["what"].as_str().unwrap().contains(words), "{event}");
    event
}

#[test]
fn php_is_told_of_a_request_and_its_reply_is_passed_on() {
    let origin = php(answer("Status: 404 Not Here\r\nX-A: 1\r\nContent-Type: text/plain\r\n\r\nhello"));
    let doctor = doctor(&origin);
    let ask = "GET /wp-json/x?rest_route=%2Fa HTTP/1.1\r\nHost: a.test:81\r\nAuthorization: Bearer abc\r\n\
               X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.9\r\nX_Evil: 1\r\nPHP_VALUE: 1\r\nProxy: p\r\n\r\n";
    let mut client = doctor.connect().send(ask);
    let reply = client.reply();
    assert!(reply.head.starts_with("HTTP/1.1 404 Not Here\r\nX-A: 1\r\n"), "{reply:?}");
    assert!(reply.field("date").is_some_and(|date| date.ends_with(" GMT")), "{reply:?}");
    assert_eq!((reply.body, reply.head.contains("Status")), (b"hello".to_vec(), false));
    let told = asked(&origin);
    for (name, value) in [
        ("SCRIPT_FILENAME", "/srv/www/index.php"),
        ("REQUEST_URI", "/wp-json/x?rest_route=%2Fa"),
        ("QUERY_STRING", "rest_route=%2Fa"),
        ("HTTP_HOST", "a.test:81"),
        ("HTTP_AUTHORIZATION", "Bearer abc"),
        ("HTTPS", "on"),
        ("SERVER_PORT", "443"),
        ("REMOTE_ADDR", "192.0.2.9"),
    ] {
        assert_eq!(told[name], value, "{told}");
    }
    for name in ["HTTP_X_EVIL", "PHP_VALUE", "HTTP_PHP_VALUE", "HTTP_PROXY", "CONTENT_LENGTH"] {
        assert_eq!(told[name], Value::Null, "{told}");
    }
    assert_eq!(told["flags"], 0, "no connection is kept");
    let event = doctor.event();
    assert_eq!((&event["status"], &event["upstream"]), (&404.into(), &Value::from(url(&origin))), "{event}");
    client.put(GET);
    assert_eq!(client.reply().status(), 404, "the client's connection is");
}

#[test]
fn php_is_told_of_tls_over_http2_too() {
    let (authority, origin) = (Authority::of_a_test(), php(answer(HELLO)));
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0, tls: [{}] }}]\n\
         sites: [{{ upstreams: [{{ url: \"{}\", php_root: /srv/www }}] }}]\n\
         workers: 1\nlog: {{ format: json }}\n",
        authority.pair("a"),
        url(&origin)
    ));
    let mut client = ClientConfig::clone(&authority.client());
    client.alpn_protocols = vec![b"h2".to_vec()];
    let mut client = H2::secured(doctor.address(), "a.test", Arc::new(client));
    let reply = client.ask(Request::get("https://a.test/wp-json/").body(()).unwrap()).unwrap();
    assert_eq!(read(reply.into_body()).unwrap().0, b"hello");
    let told = asked(&origin);
    for (name, value) in
        [("HTTPS", "on"), ("SERVER_PORT", "443"), ("SERVER_PROTOCOL", "HTTP/2.0"), ("HTTP_HOST", "a.test")]
    {
        assert_eq!(told[name], value, "{told}");
    }
}

#[test]
fn a_body_is_whole_and_measured_before_php_hears_of_it() {
    let origin = php(answer(HELLO));
    let folder = tempfile::tempdir().unwrap();
    let spool = format!("spool: {{ memory: 1KiB, total: 1MiB, directory: {} }}", folder.path().display());
    let doctor = before(&url(&origin), &spool);
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut client = doctor.connect().send(format!("{chunked}3\r\nabc\r\n"));
    assert!(!client.has_come_within(std::time::Duration::from_millis(100)) && origin.was_not_asked());
    client.put("2\r\nde\r\n0\r\n\r\n");
    assert_eq!(client.reply().body, b"hello");
    let told = asked(&origin);
    assert_eq!((&told["CONTENT_LENGTH"], &told["stdin"]), (&"5".into(), &"abcde".into()), "{told}");

    let body = "0123456789".repeat(30_000);
    let large = format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    client.put(large);
    assert_eq!(client.reply().status(), 200);
    let told = asked(&origin);
    assert_eq!((&told["CONTENT_LENGTH"], &told["stdin"]), (&"300000".into(), &body.into()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    // One that breaks off never reaches PHP.
    for ask in [
        format!("{chunked}3\r\nabc\r\n"),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc".to_owned(),
    ] {
        let reply = doctor.connect().send(ask).finish().reply();
        assert_eq!(
            (reply.status(), reply.json()["code"].as_str()),
            (400, Some("header_doctor_body_cut_off"))
        );
        assert!(origin.was_not_asked());
    }
    let too_large = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n";
    let reply = doctor.connect().send(too_large).reply();
    assert_eq!((reply.status(), reply.json()["code"].as_str()), (413, Some("header_doctor_spool_too_small")));
    assert!(origin.was_not_asked());
}

#[test]
fn a_client_that_waits_is_told_to_go_on_at_once() {
    let origin = php(answer(HELLO));
    let doctor = doctor(&origin);
    let ask = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let is_told_at_once = || {
        let mut client = doctor.connect();
        let asked_at = std::time::Instant::now();
        client.put(ask);
        assert_eq!(client.head(), "HTTP/1.1 100 Continue\r\n\r\n");
        let waited = asked_at.elapsed();
        client.put("abc");
        assert_eq!(client.reply().body, b"hello");
        assert_eq!(asked(&origin)["HTTP_EXPECT"], Value::Null);
        waited < std::time::Duration::from_millis(900)
    };
    // A busy machine may be late once or twice; patience would be late each time.
    assert!((0..5).any(|_| is_told_at_once()), "no patience is needed");
}

#[test]
fn a_reply_streams_and_may_be_of_any_length() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(request(&mut wire).to_string());
        wire.put(stdout("Content-Type: a/b\r\n"));
        wire.put(stdout("\r\nfirst"));
        // Goes on when the client has read the beginning.
        let _told = wire.has_come_within(std::time::Duration::from_millis(100));
        for _ in 0..100 {
            wire.put(record(6, &[b'x'; 50_000]));
        }
        wire.put(end(0));
    });
    let doctor = doctor(&origin);
    let mut client = doctor.connect().send(GET);
    assert!(client.head().contains("Transfer-Encoding: chunked"));
    let rest = client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").read();
    assert_eq!(rest.iter().filter(|byte| **byte == b'x').count(), 2 * 5_000_000);
}

#[test]
fn a_reply_that_leads_elsewhere_and_tells_no_status_is_found_there() {
    for (told, line) in [
        ("Location: /x", "HTTP/1.1 302 Found\r\n"),
        ("location: https://a.test/x", "HTTP/1.1 302 Found\r\n"),
        ("Status: 200 OK\r\nLocation: /x", "HTTP/1.1 200 OK\r\n"),
        ("Location: /x\r\nStatus: 201 Created", "HTTP/1.1 201 Created\r\n"),
    ] {
        let origin = php(answer(&format!("{told}\r\n\r\n")));
        let reply = doctor(&origin).connect().send(GET).reply();
        assert!(reply.head.starts_with(line) && reply.field("location").is_some(), "{reply:?}");
    }
}

#[test]
fn a_head_has_no_body() {
    let origin = php(answer("Content-Length: 5\r\n\r\n"));
    let doctor = doctor(&origin);
    let mut client = doctor.connect().send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(client.head().contains("Content-Length: 5\r\n"));
    client.put("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(client.head().starts_with("HTTP/1.1 200 OK"), "nothing stood between");
    for _ in 0..2 {
        let event = doctor.event();
        assert_eq!((&event["status"], &event["failure"]), (&200.into(), &Value::Null), "{event}");
    }
}

#[test]
fn a_reply_without_a_body_may_end_later_than_its_head() {
    let origin = Origin::playing(|mut wire, tell| {
        tell(request(&mut wire).to_string());
        wire.put(stdout("Status: 204 No Content\r\n\r\nnobody's"));
        let _told = wire.has_come_within(std::time::Duration::from_millis(50));
        wire.put(end(0));
    });
    let doctor = doctor(&origin);
    let mut client = doctor.connect().send(GET);
    assert!(client.head().starts_with("HTTP/1.1 204 No Content\r\n"));
    client.put(GET);
    assert!(client.head().starts_with("HTTP/1.1 204 No Content\r\n"));
    assert_eq!(doctor.event()["failure"], Value::Null);
}

#[test]
fn no_web_server_is_blamed_where_there_is_none() {
    let origin = php(answer(
        "Status: 403 Forbidden\r\nContent-Type: application/json; charset=UTF-8\r\nLink: <http://a/wp-json/>; \
         rel=\"https://api.w.org/\"\r\n\r\n{\"code\":\"jwt_auth_no_auth_header\",\"message\":\"Authorization header not \
         found.\",\"data\":{\"status\":403}}",
    ));
    let doctor = doctor(&origin);
    let ask =
        "POST /wp-json/jwt-auth/v1/token/validate HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer abc\r\n\r\n";
    assert_eq!(doctor.connect().send(ask).reply().status(), 403);
    let event = doctor.event();
    assert_eq!(event["wordpress_code"], "jwt_auth_no_auth_header");
    let rules: Vec<_> =
        event["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].clone()).collect();
    assert!(!rules.contains(&"authorization-lost-before-php".into()), "{event}");
}

#[test]
fn a_reply_that_a_dying_worker_cuts_off_never_looks_complete() {
    for (reply, is_chunked) in [
        (stdout(HELLO), true),
        (stdout("Content-Length: 9\r\n\r\nhello"), false),
        ([stdout("Content-Length: 9\r\n\r\nhello"), end(0)].concat(), false),
        ([stdout(HELLO), end(1)].concat(), true),
        ([stdout(HELLO), b"garbage!".to_vec()].concat(), true),
    ] {
        let origin = php(reply);
        let doctor = doctor(&origin);
        let got = doctor.connect().send(GET).try_read_to_end();
        if let Ok(got) = got {
            let got = String::from_utf8_lossy(&got).into_owned();
            assert!(if is_chunked { !got.ends_with("0\r\n\r\n") } else { got.ends_with("hello") }, "{got}");
        }
        let event = doctor.event();
        assert_eq!(event["cut_off"], true, "{event}");
        assert_eq!(event["failure"]["code"], "header_doctor_reply_cut_off");
    }
}

#[test]
fn more_than_was_announced_is_nobodys() {
    let origin = php(answer("Content-Length: 5\r\n\r\nhello, and more"));
    let doctor = doctor(&origin);
    let mut client = doctor.connect().send(GET);
    assert_eq!(client.reply().body, b"hello");
    client.put(GET);
    assert_eq!(client.reply().body, b"hello");
}

#[test]
fn what_a_script_complains_of_is_told_in_the_event_and_never_to_the_client() {
    let said = "PHP message: PHP Fatal error:  Uncaught Error in /srv/www/a.php:3, Bearer hunter2 given\nStack: secret";
    let reply = [record(7, said.as_bytes()), answer("Status: 500 Oops\r\n\r\nx")].concat();
    let origin = php(reply);
    let doctor = doctor(&origin);
    let reply = doctor.connect().send(GET).reply();
    assert_eq!((reply.status(), &*reply.body), (500, &b"x"[..]));
    let event = doctor.event();
    assert_eq!(
        event["php"], "PHP Fatal error: Uncaught Error in /srv/www/a.php:3, Bearer … given",
        "{event}"
    );
    assert!(!event.to_string().contains("hunter2"));
}

#[test]
fn a_script_unknown_to_php_is_its_own_404() {
    let reply =
        [record(7, b"Primary script unknown"), answer("Status: 404 Not Found\r\n\r\nFile not found.\n")]
            .concat();
    let origin = php(reply);
    let doctor = doctor(&origin);
    let reply = doctor.connect().send("GET /no-such.php HTTP/1.1\r\nHost: a\r\n\r\n").reply();
    assert_eq!((reply.status(), &*reply.body), (404, &b"File not found.\n"[..]));
    assert_eq!(asked(&origin)["SCRIPT_FILENAME"], "/srv/www/no-such.php");
    assert_eq!(doctor.event()["php"], "Primary script unknown");
}

#[test]
fn what_comes_instead_of_a_reply_is_told_by_its_own_code() {
    for (reply, status, code, words) in [
        (Vec::new(), 502, "header_doctor_php_closed", "its worker died"),
        (stdout("Content-Type: a"), 502, "header_doctor_upstream_truncated", "within the head"),
        (end(0), 502, "header_doctor_php_no_reply", "without a reply"),
        (end(2), 503, "header_doctor_php_overloaded", "overloaded"),
        (end(3), 502, "header_doctor_php_unwilling", "protocol status 3"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), 502, "header_doctor_php_malformed", "speaks HTTP"),
        (answer("Status: 700 x\r\n\r\n"), 502, "header_doctor_upstream_malformed", "status"),
        (answer("Status: 101 x\r\n\r\n"), 502, "header_doctor_upstream_malformed", "status"),
        (answer("no head at all\r\n\r\n"), 502, "header_doctor_upstream_malformed", "field's name"),
    ] {
        let origin = php(reply);
        let doctor = doctor(&origin);
        let mut client = doctor.connect().send(GET);
        assert_fails(&doctor, &mut client, status, code, words);
    }
}

#[test]
fn a_head_without_end_is_given_up_at_the_limit() {
    let origin = php([stdout(&"X: y\r\n".repeat(9_000)), stdout(&"X: y\r\n".repeat(9_000))].concat());
    let doctor = doctor(&origin);
    let mut client = doctor.connect().send(GET);
    assert_fails(&doctor, &mut client, 502, "header_doctor_upstream_malformed", "larger than the limit");
}

#[test]
fn each_way_not_to_reach_php_names_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let missing = format!("fastcgi+unix:{}", at("missing.sock").display());
    // Nobody listens on the socket any more.
    drop(UnixListener::bind(at("left.sock")).unwrap());
    let left = format!("fastcgi+unix:{}", at("left.sock").display());
    let closed = Nobody::new();
    for (upstream, code, words) in [
        (missing, "header_doctor_php_socket_missing", "`listen`"),
        (left, "header_doctor_php_refused", "start php-fpm"),
        (format!("fastcgi://{closed}"), "header_doctor_php_refused", "start php-fpm"),
    ] {
        let doctor = before(&upstream, "");
        let mut client = doctor.connect().send(GET);
        let event = assert_fails(&doctor, &mut client, 502, code, words);
        assert_eq!(event["upstream"], *upstream);
    }
    let _forbidden = UnixListener::bind(at("forbidden.sock")).unwrap();
    std::fs::set_permissions(at("forbidden.sock"), std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root may use any socket.
    if std::os::unix::net::UnixStream::connect(at("forbidden.sock")).is_err() {
        let doctor = before(&format!("fastcgi+unix:{}", at("forbidden.sock").display()), "");
        let mut client = doctor.connect().send(GET);
        assert_fails(&doctor, &mut client, 502, "header_doctor_php_socket_forbidden", "`listen.mode`");
    }
}

#[test]
fn a_header_that_fits_into_no_record_is_refused_before_php_is_asked() {
    let origin = php(answer(HELLO));
    let doctor = before(&url(&origin), "limits: { header_bytes: 256KiB }");
    let ask = |length: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX-A: {}\r\n\r\n", "a".repeat(length));
    assert_eq!(doctor.connect().send(ask(65_000)).reply().status(), 200);
    assert_eq!(asked(&origin)["HTTP_X_A"].as_str().unwrap().len(), 65_000);
    let _event = doctor.event();
    let mut client = doctor.connect().send(ask(65_500));
    let event =
        assert_fails(&doctor, &mut client, 431, "header_doctor_php_field_too_long", "longer than FastCGI");
    assert_eq!(event["failure"]["who"], "client");
    assert!(origin.was_not_asked());
}

#[test]
fn another_php_answers_where_one_is_not_there() {
    let origin = php(answer(HELLO));
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         sites: [{{ upstreams: [{{ url: 'fastcgi+unix:/nowhere/php.sock', php_root: /srv/www }}, \
         {{ url: '{}', php_root: /srv/www }}] }}]\n\
         log: {{ format: json, exchanges: all }}\nworkers: 1\n",
        url(&origin)
    ));
    for _ in 0..4 {
        let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(doctor.connect().send(post).reply().body, b"hello");
        assert_eq!(asked(&origin)["stdin"], "abc");
    }
}

#[test]
fn a_body_in_a_file_needs_its_room_once_whichever_php_answers() {
    let origin = php(answer(HELLO));
    let folder = tempfile::tempdir().unwrap();
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         sites: [{{ upstreams: [{{ url: 'fastcgi+unix:/nowhere/php.sock', php_root: /srv/www }}, \
         {{ url: '{}', php_root: /srv/www }}] }}]\n\
         spool: {{ memory: 1KiB, total: 1MiB, directory: {} }}\nworkers: 1\n",
        url(&origin),
        folder.path().display()
    ));
    let body = "0123456789".repeat(70_000);
    for _ in 0..4 {
        let post = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        assert_eq!(doctor.connect().send(post).reply().status(), 200);
        assert_eq!(asked(&origin)["stdin"], body);
    }
}
