//! A panic while a request or a command is under way: what it says may hold a secret, and must not be written.
//!
//! Nothing makes the program panic on purpose, so this test's own program is started once more as the doctor: it does what
//! `main` does, and then panics with a secret in its words.

use std::process::{Command, Output};
use std::thread;

use super::marks::{OPAQUE, TOKEN};
use super::running::{assert_clean, said};
use crate::world::{Wire, own_address, until};

/// Names what the child is to do; without it, the child's test does nothing.
const WHAT: &str = "MARKED_PANIC";

/// This program again, with nothing but the test that plays the doctor, unguarded by the harness.
fn child(what: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "marked::panics::a_doctor_that_panics", "--nocapture", "--test-threads", "1"]);
    command.env_clear().env(WHAT, what).env("RUST_BACKTRACE", "full").output().unwrap()
}

#[test]
fn the_words_of_a_panic_are_not_written() {
    for (what, words) in [
        ("command", "header-doctor: the program failed at "),
        ("run", "The doctor failed: a defect to report"),
    ] {
        let output = child(what);
        let left = said(what, output);
        let text: String = left.iter().map(|left| String::from_utf8_lossy(&left.bytes)).collect();
        assert!(text.contains(words) && text.contains("tests/it/marked/panics.rs:"), "{text}");
        assert_clean(&left);
    }
}

/// The child's part.
#[test]
fn a_doctor_that_panics() {
    let Ok(what) = std::env::var(WHAT) else { return };
    if what == "command" {
        header_doctor::cli::main(["header-doctor", "explain", "401"].map(Into::into));
    } else {
        serve();
    }
    let panicked = thread::spawn(|| panic!("{} and {OPAQUE} are not what was expected", *TOKEN)).join();
    assert!(panicked.is_err());
}

/// Starts the doctor beside us. It goes on until this process ends.
fn serve() {
    let address = own_address();
    let listen = address.to_string();
    thread::spawn(move || {
        let flags =
            ["--upstream", "127.0.0.1:1", "--log-format", "json", "--admin", "none", "--listen", &listen];
        let arguments = [&["header-doctor", "run"], &flags[..]].concat();
        header_doctor::cli::main(arguments.into_iter().map(Into::into));
    });
    until("the doctor listens", || std::net::TcpStream::connect(address).is_ok());
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    until("the doctor serves", || Wire::to(address).send(request).reply().status() == 502);
}
