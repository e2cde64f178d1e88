//! The connections to PHP-FPM: how long one lives, how many there are at a time, and who waits for one.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use crate::world::fastcgi::{answer, end, request, stdout, url};
use crate::world::{Doctor, H2, Origin, PATIENCE, Reply, Wire};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
const HELLO: &str = "Content-Type: text/plain\r\n\r\nhello";

/// A doctor before PHP, with these keys of its upstream beside `url`.
fn doctor(origin: &Origin, keys: &str) -> Doctor {
    let upstream = format!("upstreams: [{{ url: '{}', php_root: /srv/www{keys} }}]", url(origin));
    Doctor::with_site(&upstream, "")
}

/// PHP that works until nobody wants its reply any more.
fn endless() -> Origin {
    Origin::playing(|mut wire, tell| {
        request(&mut wire);
        tell("asked".to_owned());
        tell(if wire.is_at_end() { "given up" } else { "told more" }.to_owned());
    })
}

#[test]
fn a_client_that_leaves_takes_the_script_along() {
    let origin = endless();
    let doctor = doctor(&origin, "");
    for leaves in [Wire::reset, drop] {
        for ask in [GET, POST, CHUNKED, "GET / HTTP/1.0\r\nHost: a\r\n\r\n"] {
            let client = doctor.connect().send(ask);
            assert_eq!(origin.request(), "asked");
            leaves(client);
            assert_eq!(origin.request(), "given up", "{ask}");
            let event = doctor.event();
            assert_eq!(event["failure"]["code"], "header_doctor_client_gone", "{event}");
        }
    }
    let mut client = H2::to(doctor.address());
    let ask = http::Request::post("http://a/").body(()).unwrap();
    let (reply, mut body) = client.send(ask, false);
    body.send_data("abc".into(), true).unwrap();
    assert_eq!(origin.request(), "asked");
    drop((reply, body));
    assert_eq!(origin.request(), "given up");
    assert_eq!(doctor.event()["client_gone"], true);
    doctor.expect_no_other_event();
}

#[test]
fn a_client_that_leaves_after_it_said_that_it_sends_no_more_takes_the_script_along() {
    let origin = endless();
    let doctor = doctor(&origin, "");
    for ask in [GET, POST] {
        let mut client: Wire = doctor.connect().send(ask).finish();
        assert_eq!(origin.request(), "asked");
        // What was sent and not read would reset the connection by itself.
        client.try_read_some().unwrap();
        drop(client);
        assert_eq!(origin.request(), "given up", "{ask}");
    }
}

#[test]
fn a_client_that_only_asks_for_more_or_says_that_it_sends_no_more_has_not_left() {
    let origin = Origin::playing(|mut wire, tell| {
        request(&mut wire);
        tell(String::new());
        let _more = wire.has_come_within(Duration::from_millis(100));
        wire.put(answer(HELLO));
    });
    let doctor = doctor(&origin, "");
    for ask in [GET, POST, CHUNKED] {
        let mut client = doctor.connect().send(ask);
        origin.request();
        client.put(GET);
        let mut client: Wire = client.finish();
        for _ in 0..2 {
            assert_eq!(client.reply().body, b"hello", "{ask}");
        }
    }
}

/// PHP that answers one request, whichever was first, each time the test says so. It tells the path of each that comes.
fn held() -> (Origin, Sender<()>) {
    let (go, went) = channel();
    let went = Mutex::new(went);
    let origin = Origin::playing(move |mut wire, tell| {
        tell(request(&mut wire)["REQUEST_URI"].as_str().unwrap().to_owned());
        went.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        wire.put(answer(HELLO));
    });
    (origin, go)
}

fn ask(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn assert_refused(reply: &Reply, code: &str) {
    assert_eq!((reply.status(), reply.json()["code"].as_str()), (503, Some(code)), "{reply:?}");
    assert_eq!(reply.field("retry-after"), Some("5"));
}

#[test]
fn no_more_are_at_php_than_may_be_and_the_others_wait() {
    let (origin, go) = held();
    let doctor = doctor(&origin, ", max_connections: 2");
    let mut clients: Vec<_> =
        (0..6).map(|number| doctor.connect().send(ask(&format!("/{number}")))).collect();
    origin.request();
    origin.request();
    for _ in 2..6 {
        assert!(origin.was_not_asked(), "two are there");
        go.send(()).unwrap();
        origin.request();
    }
    go.send(()).unwrap();
    go.send(()).unwrap();
    for client in &mut clients {
        assert_eq!(client.reply().body, b"hello");
    }
}

#[test]
fn one_too_many_is_told_so_at_once_and_one_too_late_in_time() {
    let (origin, go) = held();
    let doctor = doctor(&origin, ", max_connections: 1, queue: { length: 0 }");
    let mut first = doctor.connect().send(GET);
    origin.request();
    for post in [GET, POST, CHUNKED] {
        let reply = doctor.connect().send(post).reply();
        assert_refused(&reply, "header_doctor_php_queue_full");
        let event = doctor.event();
        let what = event["failure"]["what"].as_str().unwrap();
        assert!(what.contains("`queue.length`") && what.contains("`pm.max_children`"), "{event}");
        assert_eq!(event["failure"]["who"], "upstream");
    }
    go.send(()).unwrap();
    assert_eq!(first.reply().body, b"hello");

    let (origin, go) = held();
    let doctor = crate::php_connections::doctor(&origin, ", max_connections: 1, queue: { timeout: 200ms }");
    let mut first = doctor.connect().send(GET);
    origin.request();
    assert_refused(&doctor.connect().send(POST).reply(), "header_doctor_php_queue_timeout");
    assert!(doctor.event()["failure"]["what"].as_str().unwrap().contains("within 200ms (`queue.timeout`)"));
    go.send(()).unwrap();
    assert_eq!(first.reply().body, b"hello");
}

#[test]
fn a_slow_upload_occupies_no_place() {
    let (origin, go) = held();
    let doctor = doctor(&origin, ", max_connections: 1, queue: { length: 0 }");
    let mut slow = doctor
        .connect()
        .send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert!(slow.head().contains("100 Continue"));
    slow.put("ab");
    let mut other = doctor.connect().send(GET);
    origin.request();
    go.send(()).unwrap();
    assert_eq!(other.reply().status(), 200);
    slow.put("c");
    origin.request();
    go.send(()).unwrap();
    assert_eq!(slow.reply().status(), 200);
}

#[test]
fn who_leaves_while_he_waits_frees_his_place() {
    let (origin, go) = held();
    let doctor = doctor(&origin, ", max_connections: 1, queue: { length: 1 }");
    let mut first = doctor.connect().send(GET);
    origin.request();
    for (ask, leaves) in [(GET, Wire::reset as fn(Wire)), (POST, drop), (CHUNKED, drop)] {
        leaves(doctor.connect().send(ask));
        let event = doctor.event();
        assert_eq!(event["failure"]["code"], "header_doctor_client_gone", "{ask}: {event}");
    }
    let mut last = doctor.connect().send(POST);
    go.send(()).unwrap();
    assert_eq!(first.reply().status(), 200);
    origin.request();
    go.send(()).unwrap();
    assert_eq!(last.reply().status(), 200);
}

/// PHP that does what the path asks.
fn moody() -> Origin {
    Origin::playing(|mut wire, tell| {
        let told = request(&mut wire);
        let path = told["REQUEST_URI"].as_str().unwrap().to_owned();
        tell(path.clone());
        match &*path {
            "/dies" => {}
            "/garbage" => wire.put("HTTP/1.1 200 OK\r\n\r\n"),
            "/no-head" => wire.put(end(0)),
            "/busy" => wire.put(end(2)),
            "/head-cut-off" => wire.put(stdout("Content-Ty")),
            "/bad-head" => wire.put(answer("Status: 999 x\r\n\r\n")),
            "/cut-off" => wire.put(stdout(HELLO)),
            "/too-short" => wire.put(answer("Content-Length: 99\r\n\r\nhello")),
            "/no-body" => wire.put(answer("Status: 204 x\r\n\r\n")),
            "/endless" => {
                wire.put(stdout(HELLO));
                while wire.try_put(&stdout("more")).is_ok() {}
            }
            "/never" => drop(wire.is_at_end()),
            _ => wire.put(answer(HELLO)),
        }
    })
}

#[test]
fn a_place_comes_back_however_an_exchange_ends() {
    let origin = moody();
    let keys = ", max_connections: 1, response_timeout: 2s, queue: { timeout: 1m }";
    let doctor = doctor(&origin, keys);
    for path in [
        "/",
        "/dies",
        "/garbage",
        "/no-head",
        "/busy",
        "/head-cut-off",
        "/bad-head",
        "/cut-off",
        "/too-short",
        "/no-body",
        "/never",
    ] {
        let _outcome = doctor.connect().send(ask(path)).finish().try_read_to_end();
        doctor.event();
        assert_eq!(doctor.connect().send(GET).reply().status(), 200, "after {path}");
        doctor.event();
    }
    for goes in [Wire::reset, drop] {
        let mut client = doctor.connect().send(ask("/endless"));
        client.head();
        goes(client);
        assert_eq!(doctor.event()["client_gone"], true);
        assert_eq!(doctor.connect().send(GET).reply().status(), 200);
        doctor.event();
    }
}

#[test]
fn another_php_answers_where_one_has_no_place() {
    let (full, go) = held();
    let other = moody();
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         sites:\n\
         - {{ hosts: [one], upstreams: [{{ url: '{0}', php_root: /srv, max_connections: 1, queue: {{ length: 0 }} }}] }}\n\
         - upstreams: [{{ url: '{0}', php_root: /srv, max_connections: 1, queue: {{ length: 0 }} }}, {{ url: '{1}', php_root: /srv }}]\n\
         log: {{ format: json, exchanges: all }}\nworkers: 1\n",
        url(&full),
        url(&other)
    ));
    let mut first = doctor.connect().send("GET / HTTP/1.1\r\nHost: one\r\n\r\n");
    full.request();
    for _ in 0..8 {
        assert_eq!(doctor.connect().send(POST).reply().body, b"hello");
        let event = doctor.event();
        assert_eq!(event["upstream"], url(&other), "{event}");
    }
    assert!(doctor.said().iter().all(|line| !line["message"].as_str().unwrap().contains("taken out")));
    go.send(()).unwrap();
    assert_eq!(first.reply().status(), 200);
}

#[test]
fn a_client_is_looked_after_at_the_next_php_as_well() {
    let (full, go) = held();
    let other = endless();
    let keys = format!("url: '{}', php_root: /srv, max_connections: 1, queue: {{ length: 0 }}", url(&full));
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         sites: [{{ hosts: [one], upstreams: [{{ {keys} }}] }}, {{ upstreams: [{{ {keys} }}, {{ url: '{}', php_root: /srv }}] }}]\n\
         log: {{ format: json, exchanges: all }}\nworkers: 1\n",
        url(&other)
    ));
    let mut first = doctor.connect().send("GET / HTTP/1.1\r\nHost: one\r\n\r\n");
    full.request();
    for ask in [POST, CHUNKED, POST, CHUNKED] {
        let client = doctor.connect().send(ask);
        assert_eq!(other.request(), "asked");
        drop(client);
        assert_eq!(other.request(), "given up");
        assert_eq!(doctor.event()["client_gone"], true);
    }
    go.send(()).unwrap();
    assert_eq!(first.reply().status(), 200);
}

#[test]
fn a_reload_changes_how_many_there_may_be() {
    let (origin, go) = held();
    let yaml = |most: &str| {
        format!(
            "listeners: [{{ address: 127.0.0.1:0 }}]\n\
             sites: [{{ upstreams: [{{ url: '{}', php_root: /srv, max_connections: {most} }}] }}]\n\
             log: {{ format: json, exchanges: all }}\nworkers: 2\n",
            url(&origin)
        )
    };
    let doctor = Doctor::with_file(&yaml("1"));
    let reload = |most| {
        doctor.rewrite(&yaml(most));
        doctor.signal("HUP");
        doctor.says("Reloaded");
    };
    let mut clients: Vec<_> = (0..2).map(|_| doctor.connect().send(GET)).collect();
    origin.request();
    assert!(origin.was_not_asked());
    reload("2");
    origin.request();
    reload("1");
    clients.push(doctor.connect().send(GET));
    go.send(()).unwrap();
    assert!(doctor.event()["status"] == 200 && origin.was_not_asked(), "one is still there");
    go.send(()).unwrap();
    origin.request();
    reload("unlimited");
    clients.push(doctor.connect().send(GET));
    origin.request();
    go.send(()).unwrap();
    go.send(()).unwrap();
    for client in &mut clients {
        assert_eq!(client.reply().status(), 200);
    }
}

/// The same with one worker, so that it is known where a connection lies.
fn one_worker(origin: &Origin, keys: &str) -> Doctor {
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         sites: [{{ upstreams: [{{ url: '{}', php_root: /srv{keys} }}] }}]\n\
         log: {{ format: json, exchanges: all }}\nworkers: 1\n",
        url(origin)
    ))
}

/// PHP that answers all requests of a connection as its path asks. It tells the number of the connection and the flags of each,
/// and of each connection that has ended.
fn keeping(reply: impl Fn(&mut Wire, &str) -> bool + Send + Sync + 'static) -> Origin {
    let connections = AtomicUsize::new(0);
    Origin::playing(move |mut wire, tell| {
        let number = connections.fetch_add(1, SeqCst);
        while !wire.is_at_end() {
            let told = request(&mut wire);
            tell(format!("{number}: {}", told["flags"]));
            if !reply(&mut wire, told["REQUEST_URI"].as_str().unwrap()) {
                break;
            }
        }
        drop(wire);
        tell(format!("{number}: ended"));
    })
}

fn says_hello(wire: &mut Wire, _: &str) -> bool {
    wire.put(answer(HELLO));
    true
}

#[test]
fn a_connection_is_used_again_where_it_may_be_kept_and_ends_when_nobody_uses_it() {
    let origin = keeping(says_hello);
    let doctor = one_worker(&origin, ", keep_alive: 1");
    for ask in [GET, POST, CHUNKED, "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"] {
        doctor.connect().send(ask).head();
        assert_eq!(origin.request(), "0: 1", "{ask}");
        doctor.event();
    }
    assert_eq!(origin.request(), "0: ended");
    doctor.connect().send(GET).reply();
    assert_eq!(origin.request(), "1: 1", "its slot came back");
}

#[test]
fn large_bodies_both_ways_leave_a_connection_good() {
    let origin = keeping(|wire, _| {
        wire.put(stdout("Content-Type: a/b\r\n\r\n"));
        (0..20).for_each(|_| wire.put(stdout(&"x".repeat(50_000))));
        wire.put(answer("end"));
        true
    });
    let doctor = one_worker(&origin, ", keep_alive: 1");
    let large = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n{}",
        "0123456789".repeat(40_000)
    );
    for ask in [GET, &large, GET, &large] {
        assert_eq!(doctor.connect().send(ask).reply().body.len(), 1_000_003);
        assert_eq!(origin.request(), "0: 1");
    }
}

#[test]
fn no_more_connections_are_kept_than_told_over_all_workers() {
    let origin = keeping(says_hello);
    let doctor = doctor(&origin, ", keep_alive: 2");
    let address = doctor.address();
    let ask = || (0..20).for_each(|_| assert_eq!(Wire::to(address).send(GET).reply().status(), 200));
    std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(ask))));
    let mut kept = std::collections::BTreeSet::new();
    for _ in 0..160 {
        let told = std::iter::repeat_with(|| origin.request()).find(|told| !told.ends_with("ended")).unwrap();
        let (number, flags) = told.split_once(": ").unwrap();
        if flags == "1" {
            kept.insert(number.to_owned());
        }
    }
    assert!(kept.len() <= 2, "{kept:?}");
}

#[test]
fn a_connection_that_has_ended_meanwhile_costs_no_request() {
    let origin = keeping(|wire, _| {
        wire.put(answer(HELLO));
        false
    });
    let doctor = one_worker(&origin, ", keep_alive: 1, max_connections: 2");
    for number in 0..20 {
        assert_eq!(doctor.connect().send(POST).reply().status(), 200);
        assert_eq!(origin.request(), format!("{number}: 1"));
        assert_eq!(origin.request(), format!("{number}: ended"));
    }
}

#[test]
fn one_that_ends_as_it_is_used_is_replaced_for_what_may_be_repeated_and_nothing_else() {
    // Ends with the first request that it does not like.
    let origin = keeping(|wire, path| path == "/" && says_hello(wire, path));
    let doctor = one_worker(&origin, ", keep_alive: 1, max_connections: 2, queue: { length: 0 }");
    let begin = |number: usize| {
        assert_eq!(doctor.connect().send(GET).reply().status(), 200);
        assert_eq!(origin.request(), format!("{number}: 1"));
        doctor.event();
    };
    begin(0);
    let reply = doctor.connect().send(ask("/dies")).reply();
    assert_eq!(reply.json()["code"], "header_doctor_php_closed", "it has died twice");
    let mut told = [(); 4].map(|()| origin.request());
    told.sort();
    assert_eq!(told, ["0: 1", "0: ended", "1: 1", "1: ended"]);
    doctor.event();
    begin(2);
    let post = "POST /dies HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let reply = doctor.connect().send(post).reply();
    assert_eq!((reply.status(), reply.json()["code"].as_str()), (502, Some("header_doctor_php_kept_closed")));
    assert_eq!((&*origin.request(), &*origin.request()), ("2: 1", "2: ended"));
    let event = doctor.event();
    assert!(event["failure"]["what"].as_str().unwrap().contains("is not sent again"), "{event}");
    begin(3);
}

#[test]
fn what_follows_a_reply_unasked_is_nobodys_and_its_connection_is_not_used_again() {
    for (more, is_kept) in [("", true), ("\x01\x06\x00\x01\x00\x01\x00\x00x", false)] {
        let origin = keeping(move |wire, _| {
            wire.put([answer(HELLO), more.as_bytes().to_vec()].concat());
            true
        });
        let doctor = one_worker(&origin, ", keep_alive: 1");
        assert_eq!(doctor.connect().send(GET).reply().body, b"hello");
        assert_eq!(origin.request(), "0: 1");
        if !is_kept {
            assert_eq!(origin.request(), "0: ended");
        }
        assert_eq!(doctor.connect().send(GET).reply().body, b"hello");
        assert_eq!(origin.request(), if is_kept { "0: 1" } else { "1: 1" });
    }
}

#[test]
fn a_reply_that_nobody_reads_to_its_end_takes_its_connection_along() {
    let origin = keeping(|wire, path| {
        if path != "/endless" {
            return says_hello(wire, path);
        }
        wire.put(stdout(HELLO));
        while wire.try_put(&stdout("more")).is_ok() {}
        false
    });
    let doctor = one_worker(&origin, ", keep_alive: 1, max_connections: 2, queue: { timeout: 1m }");
    for number in 0..4 {
        let mut client = doctor.connect().send(ask("/endless"));
        client.head();
        assert_eq!(origin.request(), format!("{number}: 1"), "its slot came back");
        client.reset();
        assert_eq!(doctor.event()["client_gone"], true);
        assert_eq!(origin.request(), format!("{number}: ended"));
    }
}

#[test]
fn a_kept_connection_gives_way_to_whoever_waits_in_whatever_worker() {
    let together = Arc::new(Barrier::new(2));
    let origin = keeping(move |wire, path| {
        if path == "/together" {
            together.wait();
        }
        says_hello(wire, path)
    });
    let doctor = doctor(&origin, ", keep_alive: 1, max_connections: 2, queue: { timeout: 10s }");
    for _ in 0..20 {
        assert_eq!(doctor.connect().send(GET).reply().status(), 200);
        let mut both = [(); 2].map(|()| doctor.connect().send(ask("/together")));
        both.iter_mut().for_each(|client| assert_eq!(client.reply().status(), 200));
    }
}

#[test]
fn nothing_leaks_where_many_come_and_go() {
    const MOST: usize = 3;
    let together = Barrier::new(MOST);
    let origin = keeping(move |wire, path| {
        match path {
            "/dies" => return false,
            "/cut-off" => {
                wire.put(stdout(HELLO));
                return false;
            }
            "/slow" => drop(wire.has_come_within(Duration::from_millis(3))),
            "/together" => drop(together.wait()),
            _ => {}
        }
        says_hello(wire, path)
    });
    let yaml = |patience: &str| {
        let bounds = "keep_alive: 2, max_connections: 3";
        let keys = format!("php_root: /srv/www, {bounds}, queue: {{ length: 8, timeout: {patience} }}");
        format!(
            "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: '{}', {keys} }}] }}]\n\
             workers: 2\nlog: {{ format: json }}\n",
            url(&origin)
        )
    };
    let doctor = Doctor::with_file(&yaml("50ms"));
    let address = doctor.address();
    let come_and_go = move |thread: usize| {
        for turn in 0..60 {
            let path = ["/", "/slow", "/dies", "/slow", "/cut-off"][(thread + turn) % 5];
            let body = if turn % 2 == 0 { "GET" } else { "POST" };
            let client = Wire::to(address);
            let client = client.send(format!(
                "{body} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
            ));
            match turn % 3 {
                0 => client.reset(),
                1 => drop(client),
                _ => drop(client.try_read_to_end()),
            }
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..12 {
            scope.spawn(move || come_and_go(thread));
        }
    });
    // What has leaked would be missed however long one waits for it.
    doctor.rewrite(&yaml("1m"));
    doctor.signal("HUP");
    doctor.says("Reloaded");
    let asked = ask("/together");
    for _ in 0..3 {
        let mut clients = [(); MOST].map(|()| doctor.connect().send(&asked));
        clients.iter_mut().for_each(|client| assert_eq!(client.reply().status(), 200));
    }
}
