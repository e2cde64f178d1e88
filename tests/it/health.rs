//! Whether the doctor is ready, as probes and `header-doctor health` see it.

use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::mpsc::channel;

use crate::world::{Doctor, Nobody, Origin, Wire};

fn config(upstream: impl std::fmt::Display, more: &str) -> String {
    format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{upstream}\" }}] }}]\n\
         workers: 1\nlog: {{ format: json }}\n{more}\n"
    )
}

fn health(address: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.arg("health").env_clear().env("HEADER_DOCTOR_HEALTH_ADDRESS", address).output().unwrap()
}

#[test]
fn a_doctor_is_ready_until_it_is_told_to_stop() {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let origin = Origin::playing(move |mut wire, tell| {
        tell(wire.head());
        wait.lock().unwrap().recv().unwrap();
        wire.put("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    });
    let doctor = Doctor::starting(&config(&origin, "admin: { health_address: 127.0.0.1:0 }"));
    let address = doctor.says("Answering probes")["address"].as_str().unwrap().to_owned();
    let listens = doctor.listens();
    let ask = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        Wire::to(address.parse().unwrap()).send(request).reply().status()
    };
    let ready = health(&address);
    assert_eq!((ready.status.code(), &ready.stdout[..]), (Some(0), &b"ready\n"[..]));
    assert_eq!((ask("/livez"), ask("/readyz"), ask("/")), (200, 200, 404));
    let mut busy = Wire::to(listens).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    origin.request();
    doctor.terminate();
    doctor.says("Draining");
    assert_eq!((ask("/livez"), ask("/readyz")), (200, 503));
    let draining = health(&address);
    assert_eq!(draining.status.code(), Some(1));
    assert!(String::from_utf8(draining.stdout).unwrap().starts_with("not ready: "));
    go.send(()).unwrap();
    assert_eq!(busy.reply().status(), 200);
}

#[test]
fn whoever_only_holds_connections_keeps_no_probe_from_its_answer() {
    let doctor = Doctor::starting(&config("h:80", "admin: { health_address: 127.0.0.1:0 }"));
    let address = doctor.says("Answering probes")["address"].as_str().unwrap().to_owned();
    doctor.listens();
    let _held: Vec<_> = (0..200).map(|_| Wire::to(address.parse().unwrap())).collect();
    // Whoever says nothing may do so for twice as long as a probe waits for its answer.
    assert_eq!(health(&address).status.code(), Some(0));
}

#[test]
fn where_nobody_answers_nobody_is_ready() {
    let free = Nobody::new();
    let silent = health(&free.to_string());
    assert_eq!(silent.status.code(), Some(1));
    assert!(String::from_utf8(silent.stdout).unwrap().starts_with(&format!("nobody answers at {free}")));
}

#[test]
fn a_file_that_became_wrong_does_not_make_the_doctor_look_ill() {
    let doctor = Doctor::starting(&config("h:80", "admin: { health_address: 127.0.0.1:0 }"));
    let address = doctor.says("Answering probes")["address"].as_str().unwrap().to_owned();
    doctor.says("Listening");
    let wrong = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(wrong.path(), format!("nonsense: 1\nadmin: {{ health_address: '{address}' }}\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    let asked = command.args(["health", "--config"]).arg(wrong.path()).env_clear().output().unwrap();
    assert_eq!(asked.status.code(), Some(0), "{asked:?}");
}

#[test]
fn without_an_address_one_is_told_what_to_configure() {
    for flags in [&["--upstream", "h:80"][..], &[]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
        let asked = command.arg("health").args(flags).env_clear().output().unwrap();
        assert_eq!(asked.status.code(), Some(2));
        let words = String::from_utf8(asked.stderr).unwrap();
        assert!(words.contains("--health-address 127.0.0.1:9901") && words.contains("admin: {"), "{words}");
    }
}
