//! The program under test, started as a user starts it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use serde_json::Value;

use super::{PATIENCE, Wire};

/// A running doctor. Its log is read line by line; it is killed when the test lets go of it.
pub(crate) struct Doctor {
    child: Child,
    address: SocketAddr,
    events: Receiver<Value>,
}

impl Doctor {
    /// A doctor with default settings before one upstream.
    pub(crate) fn before(upstream: impl std::fmt::Display) -> Self {
        Self::with_sections(upstream, "")
    }

    /// A doctor before one upstream that changes nothing end to end.
    pub(crate) fn observing(upstream: impl std::fmt::Display) -> Self {
        Self::with_file(&format!(
            "listeners: [{{ address: 127.0.0.1:0 }}]\n\
             sites: [{{ mode: observe, upstreams: [{{ url: \"{upstream}\" }}] }}]\n\
             workers: 2\n\
             log: {{ format: json, exchanges: all, client_address: full }}\n"
        ))
    }

    /// A doctor before one upstream whose file has more sections. Every exchange is logged.
    pub(crate) fn with_sections(upstream: impl std::fmt::Display, sections: &str) -> Self {
        Self::with_file(&format!(
            "listeners: [{{ address: 127.0.0.1:0 }}]\n\
             sites: [{{ upstreams: [{{ url: \"{upstream}\" }}] }}]\n\
             workers: 2\n\
             log: {{ format: json, exchanges: all, client_address: full }}\n\
             {sections}\n"
        ))
    }

    /// A doctor with this configuration file.
    pub(crate) fn with_file(yaml: &str) -> Self {
        let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
        std::fs::write(file.path(), yaml).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_header-doctor"))
            .args(["run", "--config"])
            .arg(file.path())
            .env_clear()
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, events) = channel();
        let (tell_address, addresses) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
                if line["message"] == "Listening" {
                    let address = line["address"].as_str().unwrap().parse().unwrap();
                    assert!(tell_address.send(address).is_ok());
                }
                if line["target"] == "header_doctor::exchange" {
                    drop(tell.send(line));
                }
            }
        });
        let address = addresses.recv_timeout(PATIENCE).expect("the doctor says where it listens");
        Self { child, address, events }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client's connection.
    pub(crate) fn connect(&self) -> Wire {
        Wire::to(self.address)
    }

    /// The next event in the log.
    pub(crate) fn event(&self) -> Value {
        self.events.recv_timeout(PATIENCE).expect("the doctor logs an event")
    }

    /// Asserts that no event is left, by provoking one more and finding it next.
    pub(crate) fn expect_no_other_event(&self) {
        self.connect().send("NONSENSE\r\n\r\n").read_to_end();
        let event = self.event();
        assert_eq!(event["refusal"]["code"], "header_doctor_request_line", "another event: {event}");
    }

    /// Resident memory in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::yield_now();
        }
        panic!("the doctor does not end");
    }
}

impl Drop for Doctor {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
