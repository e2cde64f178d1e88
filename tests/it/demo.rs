//! `header-doctor demo`: the first thing that anybody runs must work, and must be right.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use crate::world::Wire;

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.arg("demo").args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    demo(arguments).output().expect("the program starts")
}

#[test]
fn every_story_is_told_and_ends_as_expected() {
    let output = run(&["--once"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(0), ""), "{text}");
    let told = [
        "The doctor is silent.",
        "✗ 403 jwt_auth_no_auth_header: WordPress never saw the token; it is lost between doctor and PHP",
        "── LOST ──  Apache ·",
        "explain authorization-lost-before-php",
        "! 401 rest_not_logged_in: a good-looking token was sent",
        "explain authorization-lost-before-php",
        "✗ 401 rest_not_logged_in: the credential came as x-amzn-remapped-authorization",
        "explain authorization-lost-before-doctor",
        "The edge's log:",
        "✗ 401 rest_not_logged_in: WordPress never saw the token; it is lost between edge and sidecar",
        "client ✓  edge ✓  ── LOST ──  sidecar ✗",
        "proved: edge signed \"Bearer, ",
        "The sidecar's log:",
        "client ✓  edge ✓  ── LOST ──  sidecar ✗",
        "explain authorization-lost-between-doctors",
        "! 403 jwt_auth_invalid_token \"Wrong number of segments\": the client sent the word undefined",
        "explain placeholder-token",
        "! 403 jwt_auth_invalid_token \"Expired token\": the client sent a token whose time is over",
        "explain token-expired",
        "i 403 rest_forbidden: WordPress knows the user",
        "explain permission-refused",
        "✗ 401: a gate in front wants Basic in Authorization",
        "explain gate-in-front",
        "403 header_doctor_preflight_refused: pages of https://other.example.com may not use this site",
        "explain preflight-refused",
        "Every verdict was the expected one.",
    ];
    let mut rest = text.as_str();
    for words in told {
        (_, rest) = rest
            .split_once(words)
            .unwrap_or_else(|| panic!("{words:?} is not told, or not in order: {text}"));
    }
    assert!(!text.contains("eyJ"), "a token is printed: {text}");
}

#[test]
fn it_stays_up_to_be_tried_and_ends_when_told_to() {
    let mut child = demo(&["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut line_with = |words: &str| lines.find(|line| line.contains(words)).expect(words);
    let port = line_with("stays up at http://localhost:");
    let port: u16 = port.split(':').nth(2).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
    let token = line_with("TOKEN=").trim_start_matches("TOKEN=").to_owned();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let ask = |host: &str| {
        let text = format!(
            "GET /wp-json/wp/v2/users/me HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        Wire::to(address).send(text).reply().status()
    };
    line_with("appears here");
    assert_eq!((ask("localhost"), ask("apache.localhost")), (200, 401));
    assert!(line_with("GET localhost").contains(" 200 "));
    assert!(line_with("! 401 rest_not_logged_in").contains("it may be lost"));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn wrong_arguments_are_told_by_their_name() {
    let said = |arguments: &[&str]| {
        let output = run(arguments);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let wrong = "header-doctor: --listen: \"example.com\" is not an address to listen on; write IP:PORT, \
                 [IPV6]:PORT or :PORT\n";
    assert_eq!(said(&["--listen", "example.com"]), (Some(2), wrong.to_owned()));
    let (code, message) = said(&["--twice"]);
    assert_eq!(code, Some(2));
    assert!(message.contains("--twice"), "{message}");
}

#[test]
fn a_taken_address_is_told_with_a_free_one() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut child = demo(&["--listen", &address]).stderr(Stdio::piped()).spawn().unwrap();
    let mut message = String::new();
    child.stderr.take().unwrap().read_to_string(&mut message).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(message.contains(&format!("{address} is taken by another process; ")), "{message}");
}
