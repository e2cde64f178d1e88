//! Several upstreams: who is asked, who is left out, and what is sent again. Most of all what is not.

use std::cell::Cell;
use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::world::{Doctor, Nobody, Origin, Wire, own_address, until};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// A doctor with one worker before these upstreams.
fn before(upstreams: &[&dyn std::fmt::Display], exchanges: &str) -> Doctor {
    waiting(upstreams, "1m", exchanges)
}

/// The same; it waits so long for a reply.
fn waiting(upstreams: &[&dyn std::fmt::Display], patience: &str, exchanges: &str) -> Doctor {
    let urls: Vec<_> =
        upstreams.iter().map(|url| format!("{{ url: \"{url}\", response_timeout: {patience} }}")).collect();
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{}] }}]\nworkers: 1\n\
         log: {{ format: json, exchanges: {exchanges} }}\n",
        urls.join(", ")
    ))
}

/// The requests that wait at an origin.
type Held = Vec<Sender<()>>;

#[test]
fn a_request_goes_to_the_upstream_with_the_fewest_under_way() {
    let (tell, asked) = channel();
    let held = Arc::<Mutex<HashMap<&str, Held>>>::default();
    let origin = |name: &'static str| {
        let (tell, held) = (Mutex::new(tell.clone()), Arc::clone(&held));
        Origin::playing(move |mut wire, _| {
            loop {
                wire.message();
                let (go, wait) = channel();
                held.lock().unwrap().entry(name).or_default().push(go);
                tell.lock().unwrap().send(name).unwrap();
                wait.recv().unwrap();
                wire.put(OK);
            }
        })
    };
    let (a, b) = (origin("a"), origin("b"));
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{a}\" }}, {{ url: \"{b}\" }}] }}]\n\
         workers: 1\nlog: {{ format: json }}\n"
    ));
    let ask = || (doctor.connect().send(GET), asked.recv().unwrap());
    let mut clients: Vec<_> = (0..4).map(|_| ask()).collect();
    let count = |name| clients.iter().filter(|(_, asked)| *asked == name).count();
    assert_eq!((count("a"), count("b")), (2, 2));
    // Those at one of them are answered, so the next ones go there.
    held.lock().unwrap().remove("a").unwrap().iter().for_each(|go| go.send(()).unwrap());
    clients.iter_mut().filter(|(_, name)| *name == "a").for_each(|(client, _)| drop(client.reply()));
    assert_eq!([ask().1, ask().1], ["a", "a"]);
}

#[test]
fn one_upstream_that_refuses_costs_no_request_and_the_log_says_so() {
    let (good, dead) = (Origin::answering(OK), Nobody::new());
    let doctor = before(&[&dead, &good], "sick");
    let large = "x".repeat(1 << 20);
    let post = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{large}", large.len());
    for request in [&post, GET, &post, POST, POST, &post, GET, GET] {
        assert_eq!(doctor.connect().send(request).reply().status(), 200, "{}", &request[..4]);
        let (body, arrived) = (request.split("\r\n\r\n").last(), good.request());
        assert_eq!(arrived.split("\r\n\r\n").last(), body, "the body is whole");
    }
    let event = doctor.event();
    assert_eq!(
        (&event["message"], &event["level"]),
        (&"Exchange answered at another try".into(), &"WARN".into())
    );
    assert_eq!((&event["status"], &event["upstream"]), (&200.into(), &good.to_string().into()));
    let tried = &event["tried"][0];
    assert_eq!(tried["upstream"], format!("http://{dead}"));
    assert_eq!(tried["code"], "header_doctor_upstream_unreachable");
    assert_eq!(tried["what"], "the upstream cannot be connected to: connection refused");
    let out = doctor.says("An upstream is taken out");
    assert_eq!((&out["upstream"], &out["level"]), (&format!("http://{dead}").into(), &"WARN".into()));
    assert_eq!((&out["for_ms"], &out["left"], &out["of"]), (&10_000.into(), &1.into(), &2.into()));
}

#[test]
fn what_may_have_been_done_is_not_done_again() {
    // Both read the whole request, and close.
    let count = Arc::new(AtomicUsize::new(0));
    let origin = || {
        let count = Arc::clone(&count);
        Origin::playing(move |mut wire, _| {
            wire.message();
            count.fetch_add(1, Ordering::Relaxed);
        })
    };
    let put = POST.replace("POST", "PUT");
    let empty = POST.replace("2\r\n\r\nhi", "0\r\n\r\n");
    let delete = GET.replace("GET", "DELETE");
    let cases = [(POST, 1), (&put, 1), (&empty, 1), (GET, 2), (&delete, 2)];
    for (request, times) in cases {
        let (a, b) = (origin(), origin());
        let doctor = before(&[&a, &b], "all");
        let reply = doctor.connect().send(request).reply();
        assert_eq!((reply.status(), &reply.json()["code"]), (502, &"header_doctor_upstream_closed".into()));
        assert_eq!(count.swap(0, Ordering::Relaxed), times, "{request}");
        let event = doctor.event();
        assert_eq!(event["tried"].as_array().unwrap().len(), times - 1, "{event}");
        assert_ne!(event["tried"][0]["upstream"], event["upstream"], "{event}");
        let shown = String::from_utf8(reply.body).unwrap();
        assert!(!shown.contains("127.0.0.1"), "a client is not told where WordPress is: {shown}");
    }
}

#[test]
fn a_reply_that_is_late_is_not_asked_for_again() {
    let silent = || {
        Origin::playing(|mut wire, tell| {
            tell(wire.message());
            drop(wire.bytes(1));
        })
    };
    let (a, b) = (silent(), silent());
    let doctor = waiting(&[&a, &b], "300ms", "all");
    let reply = doctor.connect().send(GET).reply();
    assert_eq!((reply.status(), &reply.json()["code"]), (504, &"header_doctor_upstream_timeout".into()));
    let asked = Cell::new([false; 2]);
    let hear = || asked.set(std::array::from_fn(|at| asked.get()[at] | ![&a, &b][at].was_not_asked()));
    until("one is asked", || {
        hear();
        asked.get() != [false; 2]
    });
    hear();
    assert_ne!(asked.get(), [true; 2], "one of them was asked");
    assert_eq!(doctor.event()["tried"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_reply_that_says_no_is_a_reply() {
    let (busy, good) =
        (Origin::answering("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), Origin::answering(OK));
    let doctor = before(&[&busy, &good], "none");
    let statuses: Vec<_> = (0..12).map(|_| doctor.connect().send(GET).reply().status()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 6, "{statuses:?}");
}

/// An origin that can be stopped and started again at the same address. It counts what it answers by path.
struct Restarting {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<HashMap<String, usize>>>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    accepting: Option<thread::JoinHandle<()>>,
}

impl Restarting {
    fn start() -> Self {
        let mut origin = Self {
            address: own_address(),
            stop: Arc::default(),
            seen: Arc::default(),
            connections: Arc::default(),
            accepting: None,
        };
        origin.open();
        origin
    }

    fn open(&mut self) {
        // The standard library lets an address be bound again while its old connections linger.
        let listener = TcpListener::bind(self.address).unwrap();
        self.stop.store(false, Ordering::SeqCst);
        let (stop, seen, connections) =
            (Arc::clone(&self.stop), Arc::clone(&self.seen), Arc::clone(&self.connections));
        self.accepting = Some(thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                connections.lock().unwrap().push(stream.try_clone().unwrap());
                let seen = Arc::clone(&seen);
                thread::spawn(move || answer(stream, &seen));
            }
        }));
    }

    /// Ends like a process that is killed: nobody listens, and every connection breaks.
    fn kill(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        self.accepting.take().unwrap().join().unwrap();
        for connection in self.connections.lock().unwrap().drain(..) {
            drop(connection.shutdown(Shutdown::Both));
        }
    }
}

fn answer(stream: TcpStream, seen: &Mutex<HashMap<String, usize>>) {
    drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut wire = Wire::over(stream);
        loop {
            let target = wire.message().split(' ').nth(1).unwrap().to_owned();
            *seen.lock().unwrap().entry(target).or_default() += 1;
            wire.put(OK);
        }
    })));
}

#[test]
fn a_restart_of_one_of_two_under_load_fails_no_get_and_sends_no_post_twice() {
    let (mut one, two) = (Restarting::start(), Restarting::start());
    let doctor = before(&[&one.address, &two.address], "all");
    let (address, over) = (doctor.address(), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..6)
        .map(|client| {
            let over = Arc::clone(&over);
            thread::spawn(move || load(address, client, &over))
        })
        .collect();
    let served = |origin: &Restarting| origin.seen.lock().unwrap().len();
    let wait_for_more = |origin: &Restarting| {
        let before = served(origin);
        while served(origin) < before + 200 {
            assert!(clients.iter().all(|client| !client.is_finished()), "a client has failed");
            thread::yield_now();
        }
    };
    for _ in 0..3 {
        wait_for_more(&two);
        one.kill();
        wait_for_more(&two);
        one.open();
    }
    over.store(true, Ordering::SeqCst);
    let failed: Vec<_> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    for (target, code) in &failed {
        assert!(target.starts_with("/post"), "{target}: {code}");
        // What could not be sent was sent elsewhere; these were on their way when their connection broke.
        let broke = ["header_doctor_upstream_closed", "header_doctor_upstream_connection"];
        assert!(broke.contains(&code.as_str()), "{target}: {code}");
    }
    let (one, two) = (one.seen.lock().unwrap(), two.seen.lock().unwrap());
    let twice = |target: &&String| {
        let times = one.get(*target).unwrap_or(&0) + two.get(*target).unwrap_or(&0);
        target.starts_with("/post") && times > 1
    };
    assert_eq!(one.keys().chain(two.keys()).find(twice), None, "sent twice");
}

/// Asks until it is over, every other time by POST. Gives what failed, and how.
fn load(address: SocketAddr, client: usize, over: &AtomicBool) -> Vec<(String, String)> {
    let mut failed = Vec::new();
    let mut wire = Wire::to(address);
    for number in 0.. {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let (method, body) = if number % 2 == 0 { ("GET", "") } else { ("POST", "hi") };
        let target = format!("/{}/{client}/{number}", method.to_lowercase());
        wire.put(format!(
            "{method} {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        let reply = wire.reply();
        if reply.status() != 200 {
            failed.push((target, reply.json()["code"].as_str().unwrap_or_default().to_owned()));
            wire = Wire::to(address);
        }
    }
    failed
}
