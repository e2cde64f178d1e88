//! The life of the process: a drain that loses nothing, a second start that fails, transfers that need no memory.

use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use crate::world::{Doctor, Origin};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

#[test]
fn a_drain_lets_requests_under_way_complete_and_ends_in_order() {
    let (go, wait) = channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let origin = Origin::playing(move |mut wire, tell| {
        tell(wire.head());
        // The reply comes when the doctor has been asked to stop. That is said to all, so that a connection which was
        // meant for an earlier owner of this port cannot keep it from the one that waits.
        assert!(wait.lock().unwrap().recv().is_err());
        wire.put(OK);
    });
    // One worker, so that what its idle connection shows holds for the busy one.
    let mut doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]\nworkers: 1\nlog: {{ format: json }}\n"
    ));
    let idle = doctor.connect();
    let mut busy = doctor.connect().send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(origin.request().starts_with("GET /busy "));
    doctor.terminate();
    assert_eq!(idle.read_to_end(), "", "an idle connection ends, which shows that the drain has begun");
    drop(go);
    let reply = busy.reply();
    assert_eq!((reply.status(), reply.field("connection")), (200, Some("close")));
    assert!(doctor.wait().success());
}

#[test]
fn a_second_signal_ends_the_drain_at_once() {
    let (_go, wait) = channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let origin = Origin::playing(move |mut wire, tell| {
        tell(wire.head());
        assert!(wait.lock().unwrap().recv().is_err(), "nobody says go");
    });
    let mut doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]\ndrain: {{ timeout: 1h }}\n"
    ));
    let busy = doctor.connect().send(GET);
    assert!(origin.request().starts_with("GET"));
    doctor.terminate();
    doctor.says("Draining");
    doctor.terminate();
    assert_eq!(busy.read_to_end(), "");
    assert_eq!(doctor.wait().code(), Some(128 + 15), "as a shell says it of a process ended by SIGTERM");
    assert_eq!(doctor.says("Stopped")["cut_off"], 1);
}

#[test]
fn what_goes_on_is_written_once_and_summed_up_at_the_end() {
    // Nobody listens there, so every request fails alike.
    let mut doctor = Doctor::with_file(
        "listeners: [{ address: 127.0.0.1:0 }]\nsites: [{ upstreams: [{ url: '127.0.0.1:9' }] }]\nworkers: 2\nlog: { format: json }\n",
    );
    for _ in 0..3 {
        assert_eq!(doctor.connect().send(GET).reply().status(), 502);
    }
    doctor.terminate();
    assert!(doctor.wait().success());
    let (first, summary) = (doctor.event(), doctor.event());
    assert_eq!(first["failure"]["code"], "header_doctor_upstream_unreachable", "{first}");
    assert_eq!(summary["message"], "Exchanges summarised", "{summary}");
    assert_eq!((&summary["code"], &summary["level"]), (&first["failure"]["code"], &first["level"]));
    assert_eq!(
        (&summary["host"], &summary["suppressed"], &summary["total"]),
        (&"a".into(), &2.into(), &3.into())
    );
}

#[test]
fn a_second_start_on_the_same_address_fails_and_proposes_another() {
    let doctor = Doctor::before("127.0.0.1:9");
    let second = Command::new(env!("CARGO_BIN_EXE_header-doctor"))
        .args(["run", "--upstream", "127.0.0.1:9", "--listen", &doctor.address().to_string()])
        .args(["--admin", "none"])
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(2));
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(
        words.contains("is taken by another process") && words.contains("--listen 127.0.0.1:"),
        "{words}"
    );
}

#[test]
fn large_bodies_pass_both_ways_with_flat_memory() {
    const SIZE: usize = 256 << 20;
    let origin = Origin::playing(|mut wire, tell| {
        wire.head();
        (0..SIZE >> 16).for_each(|_| drop(wire.bytes(1 << 16)));
        tell("all of it".into());
        wire.put(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"));
        (0..SIZE >> 16).for_each(|_| wire.put([b'x'; 1 << 16]));
    });
    let doctor = Doctor::before(&origin);
    let mut client =
        doctor.connect().send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n"));
    let before = doctor.memory();
    (0..SIZE >> 16).for_each(|_| client.put([b'x'; 1 << 16]));
    assert_eq!(origin.request(), "all of it");
    assert!(client.head().contains("200 OK"));
    (0..SIZE >> 16).for_each(|_| drop(client.bytes(1 << 16)));
    let grown = doctor.memory().saturating_sub(before);
    assert!(grown < 8 << 10, "memory grew by {grown} KiB");
}
