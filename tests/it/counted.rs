//! That what happens changes the numbers that count it, by just as much, and no other number.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use header_doctor::evidence::signed::{Bound, Direction, Member, write};
use header_doctor::evidence::{ExchangeId, HopName, Instance};
use header_doctor::message::Method;
use header_doctor::moment::Moment;
use header_doctor::secret::Keyring;
use http::Request;

use crate::metrics::{ADMIN, Collected, get};
use crate::php_hop::wordpress;
use crate::world::fastcgi::{answer, end, request, stdout, url};
use crate::world::pair::{KEY, Setup};
use crate::world::{Authority, Doctor, H2, Http2Origin, Origin, Pair, Wire, own_address, read, until, wait};

const HELLO: &str = "Content-Type: text/plain\r\n\r\nhello";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// All series but those that move by themselves.
type Numbers = BTreeMap<String, f64>;

impl Collected {
    fn numbers(&self) -> Numbers {
        let text = self.text();
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("process_"));
        let lines = lines.map(|line| line.rsplit_once(' ').unwrap());
        // How long something took is judged by its count.
        let is_steady =
            |series: &str| !series.contains("seconds_bucket{") && !series.contains("seconds_sum{");
        let lines = lines.filter(|(series, _)| is_steady(series));
        lines.map(|(series, value)| (series.to_owned(), value.parse().unwrap())).collect()
    }

    /// What is different from then; a series that was not there had 0.
    fn changed_since(&self, before: &Numbers) -> Numbers {
        let now = self.numbers();
        let at = |numbers: &Numbers, series: &String| numbers.get(series).copied().unwrap_or(0.0);
        let series = now.keys().chain(before.keys());
        let changes = series.map(|series| (series.clone(), at(&now, series) - at(before, series)));
        changes.filter(|(_, change)| *change != 0.0).collect()
    }

    /// Waits until just this is different from then.
    #[track_caller]
    fn has_changed(&self, before: &Numbers, expected: &[(&str, i32)]) {
        let wanted: Numbers = expected
            .iter()
            .map(|(series, change)| (format!("header_doctor_{series}"), f64::from(*change)))
            .collect();
        let start = std::time::Instant::now();
        while self.changed_since(before) != wanted {
            let changed = self.changed_since(before);
            assert!(start.elapsed() < crate::world::PATIENCE, "it is {changed:#?}, not {wanted:#?}");
            std::thread::yield_now();
        }
    }
}

fn exchanges(route: &str, status: &str) -> String {
    format!("exchanges_total{{route=\"{route}\",status=\"{status}\"}}")
}

/// Series of one upstream.
struct Of(String);

impl Of {
    fn family(&self, family: &str) -> String {
        format!("upstream_{family}{{upstream=\"{}\"}}", self.0)
    }

    fn answered(&self) -> String {
        self.family("response_seconds_count")
    }

    fn opened(&self) -> String {
        self.family("connections_opened_total")
    }

    fn in_flight(&self) -> String {
        self.family("requests_in_flight")
    }

    fn idle(&self) -> String {
        self.family("connections_idle")
    }

    fn failed(&self, code: &str) -> String {
        format!("upstream_failures_total{{upstream=\"{}\",code=\"header_doctor_{code}\"}}", self.0)
    }

    fn php(&self, state: &str) -> String {
        format!("php_connections{{upstream=\"{}\",state=\"{state}\"}}", self.0)
    }
}

/// One worker, so that it is known where a connection lies.
fn doctor(site: &str, more: &str) -> Doctor {
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ {site} }}]\nworkers: 1\n\
         log: {{ format: json, exchanges: all }}\n{ADMIN}\n{more}\n"
    ))
}

fn before(origin: &Origin) -> (Doctor, Collected, Of) {
    let doctor = doctor(&format!("upstreams: [{{ url: '{origin}' }}]"), "");
    let collected = Collected::of(&doctor);
    (doctor, collected, Of(origin.to_string()))
}

fn closing(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
}

#[test]
fn a_reply_over_http2_that_breaks_off_is_a_failure_and_a_client_that_leaves_is_none() {
    let authority = Authority::new();
    let origin = Http2Origin::new(authority.server("127.0.0.1"));
    let name = format!("https://127.0.0.1:{}", origin.port());
    let ca = authority.ca();
    let doctor = doctor(
        &format!("upstreams: [{{ url: '{name}', http2: auto, tls: {{ ca: {} }} }}]", ca.display()),
        "",
    );
    let (collected, of) = (Collected::of(&doctor), Of(name));
    let other = exchanges("other", "2xx");

    let start = collected.numbers();
    assert_eq!(doctor.connect().send(closing("/")).reply().status(), 200);
    let answered = [(&*other, 1), (&of.answered(), 1), (&of.opened(), 1), ("connections_accepted_total", 1)];
    collected.has_changed(&start, &answered);

    // Another stream of the same connection.
    let start = collected.numbers();
    doctor.connect().send(closing("/reset")).try_read_to_end().ok();
    let broken = [
        (&*other, 1),
        (&of.answered(), 1),
        (&of.failed("reply_cut_off"), 1),
        ("connections_accepted_total", 1),
    ];
    collected.has_changed(&start, &broken);

    let start = collected.numbers();
    assert_eq!(doctor.connect().send(closing("/refuse")).reply().status(), 502);
    let refused = [
        (&*exchanges("other", "5xx"), 1),
        (&of.failed("upstream_connection"), 1),
        ("connections_accepted_total", 1),
    ];
    collected.has_changed(&start, &refused);

    let start = collected.numbers();
    let mut client = doctor.connect().send(get("/endless"));
    client.head();
    let connected = [("connections_accepted_total", 1), ("connections", 1)];
    let under_way = [(&*of.in_flight(), 1), (&*other, 1), (&of.answered(), 1)];
    collected.has_changed(&start, &[&connected[..], &under_way].concat());
    client.reset();
    collected.has_changed(&start, &[(&*other, 1), (&of.answered(), 1), ("connections_accepted_total", 1)]);

    let start = collected.numbers();
    let client = doctor.connect().send(get("/silent"));
    collected.has_changed(&start, &[&connected[..], &[(&*of.in_flight(), 1)]].concat());
    client.reset();
    collected.has_changed(&start, &[(&*exchanges("other", "none"), 1), ("connections_accepted_total", 1)]);
}

#[test]
fn a_reply_of_php_that_breaks_off_is_a_failure_and_a_client_that_leaves_is_none() {
    let origin = Origin::playing(|mut wire, _| {
        let told = request(&mut wire);
        match told["REQUEST_URI"].as_str().unwrap() {
            "/dies" => {}
            "/cut-off" => wire.put(stdout(HELLO)),
            "/endless" => {
                wire.put(stdout(HELLO));
                while wire.try_put(&stdout("more")).is_ok() {}
            }
            "/never" => {
                wire.is_at_end();
            }
            _ => wire.put(answer(HELLO)),
        }
    });
    let of = Of(url(&origin));
    let doctor = doctor(&format!("upstreams: [{{ url: '{}', php_root: /srv }}]", of.0), "");
    let collected = Collected::of(&doctor);
    let other = exchanges("other", "2xx");
    let connected = [("connections_accepted_total", 1)];
    let opened = of.opened();

    let start = collected.numbers();
    assert_eq!(doctor.connect().send(closing("/")).reply().status(), 200);
    collected
        .has_changed(&start, &[&connected[..], &[(&*other, 1), (&of.answered(), 1), (&opened, 1)]].concat());

    let start = collected.numbers();
    doctor.connect().send(closing("/cut-off")).try_read_to_end().ok();
    let broken = [(&*other, 1), (&of.answered(), 1), (&of.failed("reply_cut_off"), 1), (&opened, 1)];
    collected.has_changed(&start, &[&connected[..], &broken].concat());

    let start = collected.numbers();
    assert_eq!(doctor.connect().send(closing("/dies")).reply().status(), 502);
    let died = [(&*exchanges("other", "5xx"), 1), (&of.failed("php_closed"), 1), (&opened, 1)];
    collected.has_changed(&start, &[&connected[..], &died].concat());

    let start = collected.numbers();
    let mut client = doctor.connect().send(get("/endless"));
    client.head();
    let busy = [(&*of.php("busy"), 1), (&of.in_flight(), 1), ("connections", 1)];
    let begun = [(&*other, 1), (&of.answered(), 1), (&opened, 1)];
    collected.has_changed(&start, &[&connected[..], &begun, &busy].concat());
    client.reset();
    collected.has_changed(&start, &[&connected[..], &begun].concat());

    let start = collected.numbers();
    let client = doctor.connect().send(get("/never"));
    collected.has_changed(&start, &[&connected[..], &busy, &[(&*opened, 1)]].concat());
    client.reset();
    collected
        .has_changed(&start, &[&connected[..], &[(&*exchanges("other", "none"), 1), (&opened, 1)]].concat());
}

#[test]
fn connections_to_php_that_are_kept_are_idle_until_they_are_used_or_end() {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let origin = Origin::playing(move |mut wire, _| {
        while !wire.is_at_end() {
            request(&mut wire);
            let _told = wait.lock().unwrap().recv();
            wire.put([stdout(HELLO), stdout(""), end(0)].concat());
        }
    });
    let of = Of(url(&origin));
    let kept = doctor(&format!("upstreams: [{{ url: '{}', php_root: /srv, keep_alive: 1 }}]", of.0), "");
    let collected = Collected::of(&kept);
    let other = exchanges("other", "2xx");
    let start = collected.numbers();
    let mut client = kept.connect().send(get("/"));
    let connected = [("connections_accepted_total", 1), ("connections", 1), (&*of.opened(), 1)];
    let busy = [(&*of.php("busy"), 1), (&of.in_flight(), 1)];
    collected.has_changed(&start, &[&connected[..], &busy].concat());
    go.send(()).unwrap();
    assert_eq!(client.reply().status(), 200);
    let idle = [(&*of.php("idle"), 1), (&of.idle(), 1)];
    let once = [(&*other, 1), (&of.answered(), 1)];
    collected.has_changed(&start, &[&connected[..], &idle, &once].concat());
    client.put(get("/"));
    collected.has_changed(&start, &[&connected[..], &busy, &once].concat());
    go.send(()).unwrap();
    assert_eq!(client.reply().status(), 200);
    let twice = [(&*other, 2), (&of.answered(), 2)];
    collected.has_changed(&start, &[&connected[..], &idle, &twice].concat());

    // None is left once nobody has used it for a while.
    collected.has_changed(&start, &[&connected[..], &twice].concat());
}

#[test]
fn clients_of_http2_that_break_off_have_no_reply_or_half_of_one_and_no_upstream_failed() {
    let (go, wait_for) = channel::<()>();
    let wait_for = Mutex::new(wait_for);
    let origin = Origin::playing(move |mut wire, _| {
        loop {
            let head = wire.head();
            if head.starts_with("GET /half") {
                wire.put("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
            }
            if head.starts_with("GET / ") {
                let _told = wait_for.lock().unwrap().recv();
                wire.put(OK);
                continue;
            }
            assert!(wire.is_at_end());
        }
    });
    let (doctor, collected, of) = before(&origin);
    let ask = |method: &str, path: &str| {
        Request::builder().method(method).uri(format!("http://a.test{path}")).body(()).unwrap()
    };
    let start = collected.numbers();
    let mut client = H2::to(doctor.address());
    let (reply, _) = client.send(ask("GET", "/"), true);
    go.send(()).unwrap();
    assert_eq!(read(wait(reply).unwrap().into_body()).unwrap().0, b"hi");
    let connected = [("connections_accepted_total", 1), ("connections", 1)];
    let whole = [(&*exchanges("other", "2xx"), 1), (&of.answered(), 1), (&of.opened(), 1), (&of.idle(), 1)];
    collected.has_changed(&start, &[&connected[..], &whole].concat());

    // Before the reply: the connection to the upstream was the one that lay idle.
    let (reply, mut stream) = client.send(ask("GET", "/never"), true);
    let used = [(&*exchanges("other", "2xx"), 1), (&of.answered(), 1), (&of.opened(), 1)];
    collected.has_changed(&start, &[&connected[..], &used, &[(&*of.in_flight(), 1)]].concat());
    stream.send_reset(h2::Reason::CANCEL);
    drop((reply, stream));
    let left = [(&*exchanges("other", "none"), 1)];
    collected.has_changed(&start, &[&connected[..], &used, &left].concat());

    // Within the reply.
    let start = collected.numbers();
    let (reply, mut stream) = client.send(ask("GET", "/half"), true);
    let reply = wait(reply).unwrap();
    let begun = [(&*exchanges("other", "2xx"), 1), (&of.answered(), 1), (&of.opened(), 1)];
    collected.has_changed(&start, &[&begun[..], &[(&*of.in_flight(), 1)]].concat());
    stream.send_reset(h2::Reason::CANCEL);
    drop((reply, stream));
    collected.has_changed(&start, &begun);

    // Within its own body, by the end of the whole connection: a bad request, whoever could still read that.
    let start = collected.numbers();
    let (reply, body) = client.send(ask("POST", "/upload"), false);
    collected.has_changed(&start, &[(&*of.in_flight(), 1), (&of.opened(), 1)]);
    drop((client, reply, body));
    let bad = [(&*exchanges("other", "4xx"), 1), (&of.opened(), 1), ("connections", -1)];
    collected.has_changed(&start, &bad);
}

#[test]
fn an_upgrade_has_its_reply_and_its_tunnel_is_a_connection_and_no_request() {
    let origin = Origin::playing(|mut wire, _| {
        wire.message();
        wire.put("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        wire.is_at_end();
    });
    let (doctor, collected, of) = before(&origin);
    let start = collected.numbers();
    let ask = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    let mut client = doctor.connect().send(ask);
    assert!(client.head().starts_with("HTTP/1.1 101"));
    let opened = [("connections_accepted_total", 1), (&*of.opened(), 1), (&of.answered(), 1)];
    let tunnel = [("connections", 1), (&*exchanges("other", "1xx"), 1)];
    collected.has_changed(&start, &[&opened[..], &tunnel].concat());
    drop(client);
    collected.has_changed(&start, &[&opened[..], &[(&*exchanges("other", "1xx"), 1)]].concat());
}

#[test]
fn clients_that_are_refused_before_their_first_request_are_counted_by_why() {
    let origin = Origin::answering(OK);
    let refused = |reason: &str| format!("connections_refused_total{{reason=\"{reason}\"}}");
    let unread = exchanges("unread", "5xx");
    let site = format!("upstreams: [{{ url: '{origin}' }}]");
    let crowded = doctor(&site, "limits: { connections_per_address: 1 }");
    let collected = Collected::of(&crowded);
    let mut guest = crowded.connect().send(get("/"));
    assert_eq!(guest.reply().status(), 200);
    let start = collected.numbers();
    assert_eq!(crowded.connect().send(get("/")).reply().status(), 503);
    collected.has_changed(
        &start,
        &[("connections_accepted_total", 1), (&refused("too_many_of_address"), 1), (&unread, 1)],
    );
    let required = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0, proxy_protocol: require }}]\ntrusted_proxies: [loopback]\n\
         sites: [{{ {site} }}]\nlog: {{ format: json }}\n{ADMIN}\n"
    ));
    let collected = Collected::of(&required);
    let start = collected.numbers();
    assert_eq!(required.connect().send(get("/")).reply().status(), 400);
    collected.has_changed(
        &start,
        &[
            ("connections_accepted_total", 1),
            (&refused("proxy_protocol"), 1),
            (&exchanges("unread", "4xx"), 1),
        ],
    );
}

#[test]
fn a_trail_of_its_own_and_a_report_that_a_cache_kept_are_counted_as_such() {
    let origin = Origin::answering(OK);
    let failed = |reason: &str| format!("trail_failures_total{{reason=\"{reason}\"}}");
    let trusting = format!("{ADMIN}\ntrusted_proxies: [loopback]");
    let pair = Pair::set_up(&origin, str::to_owned, &Setup { edge: &trusting, ..Setup::default() });
    let collected = Collected::of(&pair.edge);
    assert_eq!(pair.ask(&get("/")).status(), 200);
    let seen = origin.request();
    let trail = seen.lines().find(|line| line.starts_with("Header-Doctor-Trail: ")).unwrap();
    let trails = |text: &Numbers| -> Numbers {
        text.iter().filter(|(series, _)| series.contains("trail_")).map(|(s, v)| (s.clone(), *v)).collect()
    };
    let start = collected.numbers();
    let again = format!("GET / HTTP/1.1\r\nHost: a.test\r\n{trail}\r\n\r\n");
    assert_eq!(pair.ask(&again).status(), 200);
    until("it is counted", || !trails(&collected.changed_since(&start)).is_empty());
    let counted = trails(&collected.changed_since(&start));
    assert_eq!(counted, Numbers::from([(format!("header_doctor_{}", failed("own_name")), 1.0)]));

    let origin = Origin::answering(OK);
    let setup = Setup { edge: ADMIN, is_cache: true, ..Setup::default() };
    let pair = Pair::set_up(&origin, str::to_owned, &setup);
    let collected = Collected::of(&pair.edge);
    let private = "GET /wp-json/x HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer a.b.c\r\n\r\n";
    assert_eq!(pair.ask(private).status(), 200);
    let start = collected.numbers();
    assert_eq!(pair.ask(private).status(), 200);
    until("it is counted", || !trails(&collected.changed_since(&start)).is_empty());
    let counted = trails(&collected.changed_since(&start));
    assert_eq!(counted, Numbers::from([(format!("header_doctor_{}", failed("other_exchange")), 1.0)]));
}

#[test]
fn a_trail_of_another_time_is_counted_as_such() {
    let origin = Origin::answering(OK);
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), KEY).unwrap();
    let trail = format!(
        "trusted_proxies: [loopback]\ntrail: {{ hop: sidecar, key_file: {} }}",
        keys.path().display()
    );
    let doctor = doctor(&format!("upstreams: [{{ url: '{origin}' }}]"), &trail);
    let collected = Collected::of(&doctor);
    let ring: Keyring = KEY.parse().unwrap();
    let edge = Member {
        hop: HopName::new("edge").unwrap(),
        instance: Instance::default(),
        key: ring.signing().id().clone(),
        seen: None,
        changes: Vec::new(),
    };
    let bound = Bound::new(Direction::There, Method::Get, b"GET", b"a.test");
    let of_1970 = Moment::from_seconds(1);
    let trail = write(&[edge], ExchangeId::new(1), of_1970, ring.signing(), &bound);
    let ask = format!(
        "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nHeader-Doctor-Trail: {}\r\n\r\n",
        String::from_utf8(trail).unwrap()
    );
    let start = collected.numbers();
    assert_eq!(doctor.connect().send(ask).reply().status(), 200);
    let series = "header_doctor_trail_failures_total{reason=\"clock_off\"}".to_owned();
    until("it is counted", || collected.changed_since(&start).contains_key(&series));
    let failures =
        collected.changed_since(&start).into_iter().filter(|(series, _)| series.contains("trail_"));
    assert_eq!(failures.collect::<Numbers>(), Numbers::from([(series, 1.0)]));
}

#[test]
fn what_php_says_of_its_clock_and_its_secret_is_told_with_its_home() {
    let origin = wordpress(KEY, |_| "s=fpm-fcgi;k=4a40f;n=https://a.test/blog;i=0,none".to_owned());
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), KEY).unwrap();
    let trail =
        format!("trail: {{ hop: sidecar, ends_here: true, php: true, key_file: {} }}", keys.path().display());
    let doctor = doctor(&format!("upstreams: [{{ url: '{origin}' }}]"), &trail);
    let collected = Collected::of(&doctor);
    assert!(collected.numbers().keys().all(|series| !series.contains("_php_")), "nobody has told anything");
    let ask = "GET /wp-json/wp/v2/users/me HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer a.b.c\r\n\r\n";
    assert_eq!(doctor.connect().send(ask).reply().status(), 401);
    let of = format!("home=\"https://a.test/blog\",upstream=\"{origin}\"");
    collected.until(&format!("header_doctor_php_secret_info{{{of},key=\"k1\",secret=\"4a40f\"}}"), 1.0);
    // It says the second of the question and a half, and the question is of no other second.
    let ahead = collected.value(&format!("header_doctor_php_clock_offset_seconds{{{of}}}")).unwrap();
    assert!(ahead.abs() < 5.0, "{ahead}");
    let told: Vec<_> = collected.numbers().into_keys().filter(|series| series.contains("_php_")).collect();
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn what_files_hold_of_bodies_is_told_until_php_has_it() {
    let (go, wait): (Sender<()>, _) = channel();
    let wait = Mutex::new(wait);
    let origin = Origin::playing(move |mut wire, _| {
        request(&mut wire);
        let _told = wait.lock().unwrap().recv();
        wire.put(answer(HELLO));
    });
    let folder = tempfile::tempdir().unwrap();
    let spool = format!("spool: {{ memory: 1KiB, total: 1MiB, directory: {} }}", folder.path().display());
    let of = Of(url(&origin));
    let doctor = doctor(&format!("upstreams: [{{ url: '{}', php_root: /srv }}]", of.0), &spool);
    let collected = Collected::of(&doctor);
    let other = exchanges("other", "2xx");
    let start = collected.numbers();
    let body = "0123456789".repeat(30_000);
    let post = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut client = doctor.connect().send(post).send(&body[..200_000]);
    let connected = [("connections_accepted_total", 1), ("connections", 1)];
    let coming = [("spool_bytes", 200_000), (&*of.in_flight(), 1)];
    collected.has_changed(&start, &[&connected[..], &coming].concat());
    client.put(&body[200_000..]);
    // PHP has it all, and no file has.
    let sent = [(&*of.in_flight(), 1), (&of.php("busy"), 1), (&of.opened(), 1)];
    collected.has_changed(&start, &[&connected[..], &sent].concat());
    go.send(()).unwrap();
    assert_eq!(client.reply().status(), 200);
    let answered = [(&*other, 1), (&of.answered(), 1), (&of.opened(), 1)];
    collected.has_changed(&start, &[&connected[..], &answered].concat());
}

#[test]
fn the_process_is_told_as_the_kernel_knows_it() {
    let origin = Origin::answering(OK);
    let text = format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: '{origin}' }}] }}]\nworkers: 1\n\
         log: {{ format: json }}\nlimits: {{ connections: 32 }}\n{ADMIN}\n"
    );
    let doctor = Doctor::with_descriptors(333, &text);
    let collected = Collected::of(&doctor);
    collected.assert("process_max_fds", 333);
    let version = env!("CARGO_PKG_VERSION");
    collected.assert(&format!("header_doctor_build_info{{version=\"{version}\"}}"), 1);
    let value = |series: &str| collected.value(series).unwrap();
    let (open, start, spent) =
        (value("process_open_fds"), value("process_start_time_seconds"), value("process_cpu_seconds_total"));
    let guests: Vec<Wire> = (0..20).map(|_| doctor.connect()).collect();
    collected.until("header_doctor_connections", 20.0);
    // One or two of the questions' own connections may not be closed yet.
    until("twenty more are open", || (open + 18.0..=open + 22.0).contains(&value("process_open_fds")));
    drop(guests);
    until("they are closed", || value("process_open_fds") <= open + 2.0);
    // Each question costs it something.
    until("time was spent", || value("process_cpu_seconds_total") > spent);
    let told = value("process_resident_memory_bytes");
    let (least, most) = (doctor.memory() as f64 * 512.0, doctor.memory() as f64 * 2048.0);
    assert!((least..most).contains(&told), "{told} is not about {} KiB", doctor.memory());
    collected.assert("process_start_time_seconds", start);
}

#[test]
fn one_that_drains_is_not_ready() {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let origin = Origin::playing(move |mut wire, tell| {
        tell(wire.message());
        let _told = wait.lock().unwrap().recv();
        wire.put(OK);
    });
    let (mut doctor, collected, _) = before(&origin);
    collected.assert("header_doctor_ready", 1);
    let mut client = doctor.connect().send(get("/"));
    origin.request();
    doctor.terminate();
    doctor.says("Draining");
    collected.until("header_doctor_ready", 0.0);
    go.send(()).unwrap();
    assert_eq!(client.reply().status(), 200);
    assert!(doctor.wait().success());
}

#[test]
fn events_that_cannot_be_written_are_counted_and_no_request_suffers() {
    let origin = Origin::answering(OK);
    let (address, health) = (own_address(), own_address());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("doctor.yaml");
    let text = format!(
        "listeners: [{{ address: '{address}' }}]\nsites: [{{ upstreams: [{{ url: '{origin}' }}] }}]\nworkers: 1\n\
         log: {{ format: json, exchanges: all }}\nadmin: {{ health_address: '{health}' }}\n"
    );
    std::fs::write(&file, text).unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command
        .args(["run", "--admin", "none", "--config"])
        .arg(&file)
        .env_clear()
        .stdout(full)
        .stderr(Stdio::null());
    let _process = Ending(command.spawn().unwrap());
    until("it serves", || Wire::try_to(address).is_some() && Wire::try_to(health).is_some());
    let collected = Collected::at(health);
    collected.until("header_doctor_connections", 0.0);
    let start = collected.numbers();
    // All at once, so that several are written together.
    let mut client = Wire::to(address).send(get("/").repeat(2)).send(closing("/"));
    for _ in 0..3 {
        assert_eq!(client.reply().status(), 200);
    }
    let dropped = "header_doctor_events_dropped_total".to_owned();
    until("they are counted", || collected.changed_since(&start).get(&dropped) == Some(&3.0));
    assert_eq!(collected.changed_since(&start)[&format!("header_doctor_{}", exchanges("other", "2xx"))], 3.0);
}

/// A process that ends with the test.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
