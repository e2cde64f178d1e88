//! What can be collected at `/metrics`: what each family counts, by real traffic.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use header_doctor::report::metrics::{FAMILIES, Family, Kind};

use crate::world::fastcgi::{answer, end, request, url};
use crate::world::pair::{KEY, Setup};
use crate::world::{Authority, Doctor, Nobody, Origin, Pair, Wire, until};

pub(crate) const ADMIN: &str = "admin: { health_address: 127.0.0.1:0 }";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// Where a doctor tells what it counts.
pub(crate) struct Collected(SocketAddr);

impl Collected {
    pub(crate) fn of(doctor: &Doctor) -> Self {
        Self(doctor.answers_probes())
    }

    pub(crate) const fn at(address: SocketAddr) -> Self {
        Self(address)
    }

    pub(crate) fn text(&self) -> String {
        let reply = Wire::to(self.0).send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").reply();
        assert_eq!(reply.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        String::from_utf8(reply.body).unwrap()
    }

    /// The value of a series; nothing where there is none.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        let text = self.text();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        Some(value.parse().unwrap())
    }

    #[track_caller]
    pub(crate) fn assert(&self, series: &str, value: impl Into<f64>) {
        let value = value.into();
        assert_eq!(self.value(series), Some(value), "{series}\n{}", self.text());
    }

    pub(crate) fn until(&self, series: &str, value: f64) {
        until(series, || self.value(series) == Some(value));
    }

    /// The sum of all series of a family.
    fn sum(&self, family: &str) -> u64 {
        let text = self.text();
        let lines = text.lines().filter(|line| line.starts_with(family));
        lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
    }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n")
}

fn exchanges(route: &str, status: &str) -> String {
    format!("header_doctor_exchanges_total{{route=\"{route}\",status=\"{status}\"}}")
}

/// Answers each request by the status that its target ends with.
fn by_target() -> Origin {
    Origin::playing(|mut wire, _| {
        loop {
            let asked = wire.message();
            let target = asked.split(' ').nth(1).unwrap();
            let status = target.rsplit_once("s=").map_or("200", |(_, status)| status);
            wire.put(format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nhi"));
        }
    })
}

#[test]
fn every_exchange_is_counted_once_by_what_it_was_about_and_how_it_ended() {
    for diagnosis in ["", "diagnosis: { enabled: false }"] {
        let origin = by_target();
        let doctor = Doctor::with_sections(&origin, &format!("{ADMIN}\n{diagnosis}"));
        let collected = Collected::of(&doctor);
        let mut client = doctor.connect();
        let table = [
            ("/wp-json/jwt-auth/v1/token?s=403", "token", "4xx"),
            ("/index.php/wp-json/jwt-auth/v1/token/validate", "validate", "2xx"),
            ("/?rest_route=/jwt-auth/v1/token/refresh&s=500", "refresh", "5xx"),
            ("/wp-json/wp/v2/users/me?s=401", "users-me", "4xx"),
            ("/wp-json/wp/v2/posts", "public", "2xx"),
            ("/wp-json/wp/v2/posts/7", "public", "2xx"),
            ("/wp-json/wc/v3/orders?s=301", "rest", "3xx"),
            ("/a-page/", "other", "2xx"),
        ];
        for (path, ..) in table {
            client.put(get(path));
            client.reply();
        }
        client.put("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n");
        assert_eq!(client.reply().status(), 204);
        doctor.connect().send("NONSENSE\r\n\r\n").read_to_end();
        for (_, route, status) in table {
            if !["public", "other"].contains(&route) {
                collected.assert(&exchanges(route, status), 1);
            }
        }
        collected.assert(&exchanges("public", "2xx"), 2);
        collected.assert(&exchanges("other", "2xx"), 2);
        collected.assert(&exchanges("unread", "4xx"), 1);
        assert_eq!(collected.sum("header_doctor_exchanges_total"), table.len() as u64 + 2);
        collected.assert(&exchanges("static", "2xx"), 0);
        assert!(!collected.text().contains("a.test"), "nothing of a request is told");
    }
}

#[test]
fn a_client_that_leaves_has_no_reply_and_an_upstream_that_is_not_there_gives_none() {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let origin = Origin::playing(move |mut wire, tell| {
        tell(wire.message());
        let _ended = wait.lock().unwrap().recv();
    });
    let doctor = Doctor::with_sections(&origin, ADMIN);
    let (collected, name) = (Collected::of(&doctor), origin.to_string());
    let in_flight = format!("header_doctor_upstream_requests_in_flight{{upstream=\"{name}\"}}");
    collected.assert(&in_flight, 0);
    let client = doctor.connect().send(get("/wp-json/x"));
    origin.request();
    collected.assert(&in_flight, 1);
    drop(client);
    collected.until(&exchanges("rest", "none"), 1.0);
    collected.assert(&in_flight, 0);
    drop(go);
    assert_eq!(collected.sum("header_doctor_upstream_failures_total"), 0, "that is the client's");
    let free = Nobody::new();
    let doctor = Doctor::with_sections(format!("http://{free}"), ADMIN);
    let collected = Collected::of(&doctor);
    assert_eq!(doctor.connect().send(get("/")).reply().status(), 502);
    collected.assert(&exchanges("other", "5xx"), 1);
    let code = "header_doctor_upstream_unreachable";
    collected.assert(
        &format!("header_doctor_upstream_failures_total{{upstream=\"http://{free}\",code=\"{code}\"}}"),
        1,
    );
    collected
        .assert(&format!("header_doctor_upstream_response_seconds_count{{upstream=\"http://{free}\"}}"), 0);
}

#[test]
fn answers_and_connections_are_counted_for_each_upstream() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::with_sections(&origin, ADMIN);
    let (collected, name) = (Collected::of(&doctor), origin.to_string());
    let of = |family: &str| format!("header_doctor_upstream_{family}{{upstream=\"{name}\"}}");
    collected.assert(&of("up"), 1);
    let mut client = doctor.connect();
    for _ in 0..5 {
        client.put(get("/"));
        assert_eq!(client.reply().status(), 200);
    }
    collected.assert(&of("response_seconds_count"), 5);
    let all = format!("header_doctor_upstream_response_seconds_bucket{{upstream=\"{name}\",le=\"+Inf\"}}");
    collected.assert(&all, 5);
    assert!(collected.value(&of("response_seconds_sum")) > Some(0.0));
    let opened = collected.value(&of("connections_opened_total")).unwrap();
    assert_eq!(collected.value(&of("connections_idle")), Some(opened), "one is kept and used again");
    assert!(opened <= 2.0, "{opened}: it was pipelined over one connection at a time");
    collected.until(&of("connections_idle"), 0.0);
}

#[test]
fn a_reply_that_breaks_off_is_a_failure_though_it_had_begun_and_one_that_its_client_leaves_is_none() {
    let origin = Origin::closing_after("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\nhi");
    let doctor = Doctor::with_sections(&origin, ADMIN);
    let (collected, name) = (Collected::of(&doctor), origin.to_string());
    doctor.connect().send(get("/")).try_read_to_end().ok();
    let code = "header_doctor_reply_cut_off";
    let failures = format!("header_doctor_upstream_failures_total{{upstream=\"{name}\",code=\"{code}\"}}");
    collected.until(&failures, 1.0);
    collected.assert(&exchanges("other", "2xx"), 1);
    collected.until(&format!("header_doctor_upstream_requests_in_flight{{upstream=\"{name}\"}}"), 0.0);
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let origin = Origin::playing(move |mut wire, _| {
        wire.message();
        wire.put("HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\nhi");
        let _told = wait.lock().unwrap().recv();
        while wire.try_put(&[b'x'; 1000]).is_ok() {}
    });
    let doctor = Doctor::with_sections(&origin, ADMIN);
    let (collected, name) = (Collected::of(&doctor), origin.to_string());
    let in_flight = format!("header_doctor_upstream_requests_in_flight{{upstream=\"{name}\"}}");
    let mut client = doctor.connect().send(get("/"));
    client.head();
    collected.assert(&in_flight, 1);
    drop(client);
    go.send(()).unwrap();
    collected.until(&in_flight, 0.0);
    assert_eq!(collected.sum("header_doctor_upstream_failures_total"), 0);
}

#[test]
fn an_upstream_that_is_left_out_is_told_as_such() {
    let origin = Origin::answering(OK);
    let free = Nobody::new();
    let site = format!("upstreams: [{{ url: '{origin}' }}, {{ url: 'http://{free}' }}]");
    let doctor = Doctor::with_site(&site, ADMIN);
    let collected = Collected::of(&doctor);
    let up = format!("header_doctor_upstream_up{{upstream=\"http://{free}\"}}");
    collected.assert(&up, 1);
    for _ in 0..8 {
        assert_eq!(doctor.connect().send(get("/")).reply().status(), 200);
    }
    collected.assert(&up, 0);
    collected.assert(&format!("header_doctor_upstream_up{{upstream=\"{origin}\"}}"), 1);
    let code = "header_doctor_upstream_unreachable";
    let failures =
        format!("header_doctor_upstream_failures_total{{upstream=\"http://{free}\",code=\"{code}\"}}");
    collected.assert(&failures, 3);
}

#[test]
fn preflights_are_counted_by_their_outcome() {
    let preflight = |origin: &str| {
        format!(
            "OPTIONS /wp-json/x HTTP/1.1\r\nHost: a.test\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: GET\r\n\r\n"
        )
    };
    let origin = Origin::answering(OK);
    let site = format!("upstreams: [{{ url: '{origin}' }}], cors: {{ allow_origins: ['https://app.test'] }}");
    let doctor = Doctor::with_site(&site, ADMIN);
    let collected = Collected::of(&doctor);
    assert_eq!(doctor.connect().send(preflight("https://app.test")).reply().status(), 204);
    doctor.connect().send(preflight("https://evil.test")).reply();
    doctor.connect().send("OPTIONS /wp-json/x HTTP/1.1\r\nHost: a.test\r\n\r\n").reply();
    let outcome = |word: &str| format!("header_doctor_preflights_total{{outcome=\"{word}\"}}");
    collected.assert(&outcome("answered"), 1);
    collected.assert(&outcome("refused"), 1);
    collected.assert(&outcome("passed"), 0);
    assert_eq!(collected.sum("header_doctor_exchanges_total{route=\"preflight\""), 2);
    assert!(!collected.text().contains("evil"));
    let doctor = Doctor::with_sections(&origin, ADMIN);
    let collected = Collected::of(&doctor);
    doctor.connect().send(preflight("https://app.test")).reply();
    collected.assert(&outcome("passed"), 1);
    collected.assert(&exchanges("preflight", "2xx"), 1);
}

#[test]
fn findings_and_losses_between_doctors_are_counted_with_their_proof() {
    const ANONYMOUS: &str = "{\"code\":\"rest_not_logged_in\",\"message\":\"You are not currently logged in.\",\"data\":{\"status\":401}}";
    let origin = Origin::answering(format!(
        "HTTP/1.1 401 Unauthorized\r\nLink: <http://a.test/wp-json/>; rel=\"https://api.w.org/\"\r\n\
         Content-Type: application/json; charset=UTF-8\r\nContent-Length: {}\r\n\r\n{ANONYMOUS}",
        ANONYMOUS.len()
    ));
    let deleting = |request: &str| {
        let lines = request.split_inclusive("\r\n").filter(|line| !line.starts_with("Authorization:"));
        lines.collect::<String>()
    };
    let pair = Pair::set_up(&origin, deleting, &Setup { edge: ADMIN, ..Setup::default() });
    let collected = Collected::of(&pair.edge);
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjQxMDI0NDQ4MDB9.m4rk3d";
    let ask = format!(
        "GET /wp-json/wp/v2/users/me HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    for _ in 0..2 {
        assert_eq!(pair.ask(&ask).status(), 401);
        pair.edge.event();
    }
    let lost =
        "header=\"authorization\",change=\"missing\",after=\"edge\",before=\"sidecar\",proof=\"proved\"";
    collected.assert(&format!("header_doctor_losses_total{{{lost}}}"), 2);
    let found = "rule=\"authorization-lost-between-doctors\",proof=\"proved\",severity=\"error\"";
    collected.assert(&format!("header_doctor_findings_total{{{found}}}"), 2);
    let text = collected.text();
    assert!(!text.contains("m4rk3d") && !text.contains("a.test"), "{text}");
}

#[test]
fn a_trail_that_counts_for_nothing_is_counted_by_why() {
    let origin = Origin::answering(OK);
    let other = "k2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    let setup = Setup { edge: ADMIN, edge_keys: &format!("{other}\n{KEY}"), ..Setup::default() };
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), KEY).unwrap();
    let trail = format!(
        "{ADMIN}\ntrusted_proxies: [loopback]\ntrail: {{ hop: sidecar, key_file: {}, after: edge }}",
        keys.path().display()
    );
    let doctor = Doctor::with_sections(&origin, &trail);
    let collected = Collected::of(&doctor);
    let reason = |word: &str| format!("header_doctor_trail_failures_total{{reason=\"{word}\"}}");
    let send = |trail: &str| {
        let line = if trail.is_empty() { String::new() } else { format!("Header-Doctor-Trail: {trail}\r\n") };
        let ask = format!("GET / HTTP/1.1\r\nHost: a.test\r\n{line}\r\n");
        assert_eq!(doctor.connect().send(ask).reply().status(), 200);
    };
    send("");
    collected.assert(&reason("missing"), 1);
    send("nonsense");
    collected.assert(&reason("malformed"), 1);
    send(&"x".repeat(2000));
    collected.assert(&reason("too_long"), 1);
    let pair = Pair::set_up(&origin, str::to_owned, &setup);
    pair.ask(&get("/"));
    let passed = pair.passed();
    let signed = passed.lines().find_map(|line| {
        line.to_lowercase()
            .starts_with("header-doctor-trail:")
            .then(|| line.split_once(": ").unwrap().1.to_owned())
    });
    send(&signed.unwrap());
    collected.assert(&reason("unknown_key"), 1);
    collected.assert(&reason("bad_seal"), 0);
    let pair = Pair::with_hop(&origin, str::to_owned);
    pair.ask(&get("/"));
    let passed = pair.passed();
    let signed = passed.lines().find_map(|line| {
        line.to_lowercase()
            .starts_with("header-doctor-trail:")
            .then(|| line.split_once(": ").unwrap().1.to_owned())
    });
    let signed = signed.unwrap();
    send(&signed);
    send(&signed);
    collected.assert(&reason("replayed"), 1);
    let ask = format!(
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nHeader-Doctor-Trail: {signed}\r\n\r\n"
    );
    doctor.connect().send(ask).reply();
    collected.assert(&reason("bad_seal"), 1);
}

#[test]
fn php_tells_how_many_connections_there_are_and_who_waits() {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let origin = Origin::playing(move |mut wire, tell| {
        request(&mut wire);
        tell("asked".to_owned());
        let _told = wait.lock().unwrap().recv();
        wire.put(answer("Content-Type: text/plain\r\n\r\nhello"));
        wire.put(end(0));
    });
    let name = url(&origin);
    let waiting = |patience: &str| {
        let keys = format!("max_connections: 1, queue: {{ length: 1, timeout: {patience} }}");
        Doctor::with_site(&format!("upstreams: [{{ url: '{name}', php_root: /srv/www, {keys} }}]"), ADMIN)
    };
    let doctor = waiting("1h");
    let collected = Collected::of(&doctor);
    let of = |family: &str, more: &str| format!("header_doctor_php_{family}{{upstream=\"{name}\"{more}}}");
    collected.assert(&of("connections_limit", ""), 1);
    let mut first = doctor.connect().send(get("/"));
    origin.request();
    collected.assert(&of("connections", ",state=\"busy\""), 1);
    let second = doctor.connect().send(get("/"));
    collected.until(&of("queue_length", ""), 1.0);
    assert_eq!(doctor.connect().send(get("/")).reply().status(), 503);
    collected.assert(&of("queue_refused_total", ",reason=\"full\""), 1);
    drop(second);
    collected.until(&of("queue_length", ""), 0.0);
    go.send(()).unwrap();
    assert_eq!(first.reply().status(), 200);
    collected.until(&of("connections", ",state=\"busy\""), 0.0);
    collected.assert(&of("connections", ",state=\"idle\""), 0);
    let refused = |collected: &Collected, code: &str| {
        let code = format!("code=\"header_doctor_php_queue_{code}\"");
        collected.assert(&format!("header_doctor_upstream_failures_total{{upstream=\"{name}\",{code}}}"), 1);
        collected.assert(&exchanges("other", "5xx"), 1);
    };
    refused(&collected, "full");
    let doctor = waiting("200ms");
    let collected = Collected::of(&doctor);
    let _first = doctor.connect().send(get("/"));
    origin.request();
    assert_eq!(doctor.connect().send(get("/")).reply().status(), 503);
    collected.assert(&of("queue_refused_total", ",reason=\"timeout\""), 1);
    collected.assert(&of("queue_length", ""), 0);
    refused(&collected, "timeout");
}

#[test]
fn files_that_the_doctor_has_are_no_pages_of_wordpress() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("style.css"), "a{}").unwrap();
    std::fs::write(root.path().join("index.php"), "<?php").unwrap();
    let origin = crate::world::fastcgi::php(answer("Content-Type: text/plain\r\n\r\nhello"));
    let site = format!("upstreams: [{{ url: '{}', root: {} }}]", url(&origin), root.path().display());
    let doctor = Doctor::with_site(&site, ADMIN);
    let collected = Collected::of(&doctor);
    assert_eq!(doctor.connect().send(get("/style.css")).reply().status(), 200);
    assert_eq!(doctor.connect().send(get("/a-page")).reply().status(), 200);
    collected.assert(&exchanges("static", "2xx"), 1);
    collected.assert(&exchanges("other", "2xx"), 1);
    let count = format!("header_doctor_upstream_response_seconds_count{{upstream=\"{}\"}}", url(&origin));
    collected.assert(&count, 1);
}

#[test]
fn connections_are_counted_and_those_that_are_refused_by_why() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::with_sections(&origin, &format!("{ADMIN}\nlimits: {{ connections: 2 }}"));
    let collected = Collected::of(&doctor);
    collected.assert("header_doctor_connections_limit", 2);
    let mut clients = [doctor.connect(), doctor.connect()];
    for client in &mut clients {
        client.put(get("/"));
        assert_eq!(client.reply().status(), 200);
    }
    collected.assert("header_doctor_connections", 2);
    assert_eq!(doctor.connect().send(get("/")).reply().status(), 503);
    collected.assert("header_doctor_connections_accepted_total", 3);
    collected.assert("header_doctor_connections_refused_total{reason=\"too_many\"}", 1);
    collected.assert("header_doctor_connections_refused_total{reason=\"too_many_of_address\"}", 0);
    collected.assert(&exchanges("unread", "5xx"), 1);
    drop(clients);
    collected.until("header_doctor_connections", 0.0);
}

#[test]
fn plain_http_and_failed_handshakes_at_a_port_of_https_are_counted() {
    let authority = Authority::of_a_test();
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0, tls: [{}] }}]\n\
         sites: [{{ upstreams: [{{ url: 'http://127.0.0.1:9' }}] }}]\nlog: {{ format: json }}\n{ADMIN}\n",
        authority.pair("a")
    ));
    let collected = Collected::of(&doctor);
    assert_eq!(doctor.connect().send(get("/")).reply().status(), 400);
    collected.assert("header_doctor_connections_refused_total{reason=\"plain_http\"}", 1);
    doctor.connect().send(b"\x16\x03\x01\x00\x05nonsense that is no handshake at all").try_read_to_end().ok();
    collected.until("header_doctor_tls_handshakes_failed_total", 1.0);
}

#[test]
fn reloads_and_the_state_of_the_doctor_are_told() {
    let origin = Origin::answering(OK);
    let yaml = |more: &str| {
        format!(
            "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: '{origin}' }}] }}]\n\
             log: {{ format: json }}\n{ADMIN}\n{more}\n"
        )
    };
    let doctor = Doctor::with_file(&yaml("limits: { connections: 7 }"));
    let collected = Collected::of(&doctor);
    doctor.connect().send(get("/")).reply();
    let reloads = |word: &str| format!("header_doctor_reloads_total{{result=\"{word}\"}}");
    let (is_good, when) = (
        "header_doctor_config_last_reload_successful",
        "header_doctor_config_last_reload_success_timestamp_seconds",
    );
    collected.assert("header_doctor_ready", 1);
    collected.assert(&reloads("success"), 0);
    collected.assert(&reloads("failure"), 0);
    collected.assert(is_good, 1);
    let before = collected.value(when).unwrap();
    assert!(collected.value("process_start_time_seconds").unwrap() <= before);
    doctor.rewrite(&yaml("nonsense: 1"));
    doctor.says("Not reloaded");
    collected.until(&reloads("failure"), 1.0);
    collected.assert(is_good, 0);
    collected.assert("header_doctor_connections_limit", 7);
    doctor.rewrite(&yaml("limits: { connections: 8 }"));
    doctor.says("Reloaded");
    collected.until(&reloads("success"), 1.0);
    collected.assert(is_good, 1);
    collected.assert("header_doctor_connections_limit", 8);
    assert!(collected.value(when).unwrap() > before);
    doctor.connect().send(get("/")).reply();
    collected.assert(&exchanges("other", "2xx"), 2);
    let name = format!("header_doctor_upstream_response_seconds_count{{upstream=\"{origin}\"}}");
    collected.assert(&name, 2);
    assert_eq!(collected.value("header_doctor_panics_total"), Some(0.0));
}

#[test]
fn what_stands_in_a_summary_alone_is_counted() {
    let origin = Origin::answering("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n");
    let free = Nobody::new();
    drop(origin);
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: 'http://{free}' }}] }}]\n\
         workers: 1\nlog: {{ format: json }}\n{ADMIN}\n"
    ));
    let collected = Collected::of(&doctor);
    for _ in 0..3 {
        assert_eq!(doctor.connect().send(get("/")).reply().status(), 502);
    }
    collected.until("header_doctor_events_suppressed_total", 2.0);
    collected.assert("header_doctor_events_dropped_total", 0);
}

#[test]
fn only_families_of_the_registry_are_told_with_their_labels_and_no_other() {
    let origin = Origin::answering(OK);
    let doctor = Doctor::with_sections(&origin, ADMIN);
    let collected = Collected::of(&doctor);
    doctor.connect().send(get("/")).reply();
    let text = collected.text();
    for family in FAMILIES {
        assert!(text.contains(&format!("# HELP {} {}\n", family.name, family.help)), "{}", family.name);
        assert!(
            text.contains(&format!("# TYPE {} {}\n", family.name, family.kind.word())),
            "{}",
            family.name
        );
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let family = family_of(name).unwrap_or_else(|| panic!("{line}"));
        let names: BTreeSet<_> = labels.split(',').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
        let mut known: BTreeSet<_> = family.labels.iter().map(|(name, _)| *name).collect();
        known.extend(name.ends_with("_bucket").then_some("le"));
        assert_eq!(names, known, "{line}");
    }
}

fn family_of(name: &str) -> Option<&'static Family> {
    let is_of = |family: &&Family| match family.kind {
        Kind::Histogram => {
            name.strip_prefix(family.name).is_some_and(|rest| ["_bucket", "_sum", "_count"].contains(&rest))
        }
        Kind::Counter | Kind::Gauge => family.name == name,
    };
    FAMILIES.iter().find(is_of)
}

#[test]
fn every_alert_is_of_known_series_has_a_page_and_is_tested_and_what_it_explains_is_known() {
    let read =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (rules, tests) =
        (read("deploy/observability/alerts.yaml"), read("deploy/observability/alerts.test.yaml"));
    let page = read("docs/alerts.md");
    let is_name = |character: char| character.is_ascii_lowercase() || character == '_';
    for text in [&rules, &tests] {
        for (start, _) in text.match_indices("header_doctor_") {
            let name: String = text[start..].chars().take_while(|character| is_name(*character)).collect();
            assert!(family_of(&name).is_some(), "no family {name}");
        }
    }
    let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in alerts {
        let anchor = format!("runbook: docs/alerts.md#{}\n", alert.to_lowercase());
        assert!(rules.contains(&anchor) && page.contains(&format!("\n### {alert}\n")), "{alert}");
        let fires = [format!("alertname=\"{alert}\",alertstate=\"firing\""), format!("alertname: {alert}\n")];
        assert!(fires.iter().any(|fires| tests.contains(fires)), "{alert} is not tested");
    }
    let program = env!("CARGO_BIN_EXE_header-doctor");
    for text in [&rules, &page] {
        for (start, words) in text.match_indices("`header-doctor explain ") {
            let word = text[start + words.len()..].split('`').next().unwrap();
            if word.starts_with("{{") || word == "RULE" {
                continue;
            }
            let explained = Command::new(program).args(["explain", word]).env_clear().output().unwrap();
            assert!(explained.status.success(), "explain {word}");
        }
    }
}
