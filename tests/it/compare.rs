//! `header-doctor compare` on the logs of two real doctors with a careless hop between them, and on files that are none.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::world::{Doctor, Origin, Wire};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// What the program said and how it ended.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

fn compare(arguments: &[&Path], input: &str) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.arg("compare").args(arguments).env_clear();
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn json(edge: &Path, sidecar: &Path) -> Value {
    let ended = compare(&[Path::new("--output"), Path::new("json"), edge, sidecar], "");
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{} {}", ended.out, ended.err))
}

/// WordPress: it knows who brings a credential.
fn wordpress() -> Origin {
    Origin::playing(|mut wire, _| {
        loop {
            let is_known = wire.message().to_lowercase().contains("\r\nauthorization: ");
            let refused = r#"{"code":"rest_not_logged_in","message":"You are not currently logged in.","data":{"status":401}}"#;
            let (status, body) = if is_known { ("200 OK", "{}") } else { ("401 Unauthorized", refused) };
            wire.put(format!(
                "HTTP/1.1 {status}\r\nLink: <http://a/wp-json/>; rel=\"https://api.w.org/\"\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            ));
        }
    })
}

/// A hop that passes on the lines of a head that it likes.
fn hop(to: SocketAddr, likes: fn(&str) -> bool) -> Origin {
    Origin::playing(move |mut wire, _| {
        let mut next = Wire::to(to);
        loop {
            let head = wire.head();
            let kept: String = head.split_inclusive("\r\n").filter(|line| likes(line)).collect();
            next.put(kept);
            let reply = next.reply();
            wire.put([reply.head.as_bytes(), &reply.body].concat());
        }
    })
}

fn is_no_credential(line: &str) -> bool {
    !line.to_lowercase().starts_with("authorization:")
}

/// The logs of two doctors that four requests passed, one of them without a credential.
fn logs(likes: fn(&str) -> bool) -> (TempDir, PathBuf, PathBuf) {
    let wordpress = wordpress();
    let sidecar = Doctor::before(&wordpress);
    let hop = hop(sidecar.address(), likes);
    let edge = Doctor::before(&hop);
    let trace = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n");
    let requests = [
        ("/wp-json/wp/v2/users/me", "Authorization: Bearer a.b.c\r\n".to_owned()),
        ("/wp-json/wp/v2/posts?context=edit", "Authorization: Bearer a.b.c\r\n".to_owned()),
        ("/wp-json/wp/v2/settings", format!("Authorization: Bearer a.b.c\r\n{trace}")),
        ("/wp-json/", String::new()),
    ];
    let (mut first, mut second) = (String::new(), String::new());
    for (path, fields) in &requests {
        edge.connect().send(format!("GET {path} HTTP/1.1\r\nHost: blog.test\r\n{fields}\r\n")).reply();
        first += &line(edge.event(), "edge");
        second += &line(sidecar.event(), "sidecar");
    }
    let folder = tempfile::tempdir().unwrap();
    let [edge, sidecar] = [("edge.jsonl", first), ("sidecar.jsonl", second)].map(|(name, text)| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    });
    (folder, edge, sidecar)
}

/// The record as a doctor of this name writes it.
fn line(mut event: Value, hop: &str) -> String {
    event["hop"] = hop.into();
    format!("{event}\n")
}

#[test]
fn a_hop_that_deletes_authorization_stands_between_the_two_doctors() {
    let (_folder, edge, sidecar) = logs(is_no_credential);
    let ended = compare(&[&edge, &sidecar], "");
    assert_eq!((ended.code, &*ended.err), (1, ""), "{}", ended.out);
    let expected = [
        "✗ 401: Authorization is lost between edge and sidecar",
        "  where   client ✓  edge ✓  ── LOST ──  sidecar ✗ absent",
        "  sure    likely: edge wrote that it sent Authorization, sidecar that none arrived; logs are not signed",
        "  scope   3 of 3 joined requests with a credential since ",
        "  cleared client, web server, PHP, secret, expiry. Token not judged. Do not rotate secrets",
        "  fix     ",
    ];
    for (line, expected) in ended.out.lines().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
    assert!(
        ended.out.contains("joined: 4: 0 by exchange, 1 by trace, 0 by fingerprint, 3 by method"),
        "{}",
        ended.out
    );
    assert!(!ended.out.contains('\x1b'));

    let found = json(&edge, &sidecar);
    assert_eq!(found["schema"], 1);
    let finding = &found["findings"][0];
    for (field, expected) in [
        ("rule", "authorization-lost-between-doctors"),
        ("proof", "likely"),
        ("severity", "error"),
        ("header", "authorization"),
        ("change", "missing"),
        ("after", "edge"),
        ("before", "sidecar"),
    ] {
        assert_eq!(finding[field], expected, "{finding}");
    }
    assert_eq!((&found["joined"]["total"], &found["joined"]["trace"]), (&4.into(), &1.into()));
    assert_eq!(found["edge"]["hops"], serde_json::json!(["edge"]));
}

#[test]
fn a_clean_pair_is_silent() {
    let (_folder, edge, sidecar) = logs(|_| true);
    let ended = compare(&[&edge, &sidecar], "");
    assert_eq!((ended.code, &*ended.err), (0, ""), "{}", ended.out);
    assert!(
        ended
            .out
            .starts_with("Authorization arrived in 3 of 3 joined requests that were sent with it since ")
    );
    let found = json(&edge, &sidecar);
    assert_eq!((&found["findings"], &found["not_compared"]), (&serde_json::json!([]), &Value::Null));
}

#[test]
fn one_log_may_come_from_standard_input_and_have_other_lines() {
    let (_folder, edge, sidecar) = logs(is_no_credential);
    let text = std::fs::read_to_string(&sidecar).unwrap();
    let text = format!("{{\"message\":\"Listening\"}}\nhunter2marked\n{text}");
    let ended = compare(&[&edge, Path::new("-")], &text);
    assert_eq!(ended.code, 1, "{}", ended.err);
    let told = "standard input: lines 6, exchanges 4 (sidecar), other lines 1, unreadable 1 (line 2)\n";
    assert!(ended.out.contains(told), "{}", ended.out);
    assert!(!ended.out.contains("hunter2marked"));
}

#[test]
fn logs_that_have_nothing_in_common_are_not_compared() {
    let (folder, edge, sidecar) = logs(|_| true);
    let text = std::fs::read_to_string(&sidecar).unwrap();
    let elsewhere = folder.path().join("elsewhere.jsonl");
    std::fs::write(&elsewhere, text.replace("/wp-json/", "/else/")).unwrap();
    let ended = compare(&[&edge, &elsewhere], "");
    assert_eq!(ended.code, 3);
    let reason = "could not be compared: no request of one is in the other; set `log.exchanges: all` on both for an hour";
    assert!(ended.out.starts_with(reason), "{}", ended.out);
    let empty = folder.path().join("empty.jsonl");
    std::fs::write(&empty, "").unwrap();
    assert_eq!(compare(&[&edge, &empty], "").code, 3);
    let twice = folder.path().join("twice.jsonl");
    std::fs::write(&twice, text.repeat(2).replace("\"exchange\":\"", "\"exchange\":\"x")).unwrap();
    let ended = compare(&[&edge, &twice], "");
    assert_eq!(ended.code, 3, "{}", ended.out);
    assert!(ended.out.contains("ask the same path more than 3 s apart"), "{}", ended.out);
}

#[test]
fn logs_in_the_wrong_order_are_told_and_accuse_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let file = |hop: &str, seen: &str, millis: u8, took: u8| {
        let record = |number: u8| {
            format!(
                r#"{{"timestamp":"2026-11-23T15:10:00.00{millis}Z","target":"header_doctor::exchange","hop":"{hop}","method":"GET","host":"a","path":"/{number}","status":401,"authorization":{{"arrived":"{seen}","sent":"{seen}"}},"upstream":"u","duration_ms":{took}}}"#
            )
        };
        let path = folder.path().join(hop);
        std::fs::write(&path, (0..9).map(|number| record(number) + "\n").collect::<String>()).unwrap();
        path
    };
    let (edge, sidecar) = (file("edge", "once", 1, 9), file("sidecar", "absent", 2, 7));
    assert_eq!(compare(&[&edge, &sidecar], "").code, 1);
    let ended = compare(&[&sidecar, &edge], "");
    assert_eq!(ended.code, 3, "{}", ended.out);
    assert!(ended.out.contains("the logs may be swapped: "), "{}", ended.out);
    assert!(ended.out.contains("sure    possible: "), "{}", ended.out);
    assert_eq!(json(&sidecar, &edge)["may_be_swapped"], true);
}

#[test]
fn what_is_no_log_is_told_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let pretty =
        file("pretty.log", b"2026-11-23T15:10:00.000Z GET hunter2marked/ 401 12 ms 00ff\n  where client\n");
    let empty = file("empty.jsonl", b"");
    let packed = file("packed.gz", b"\x1f\x8b\x08hunter2marked");
    let (input, gone) = (PathBuf::from("-"), folder.path().join("gone"));
    let table = [
        ([&pretty, &empty], "none of the 2 lines of"),
        ([&empty, &pretty], "`log.format: json`"),
        ([&empty, &packed], "is compressed; unpack it"),
        ([&empty, &gone], "gone: No such file"),
        ([&empty, &empty], "are the same file"),
        ([&input, &input], "only one of the two logs"),
    ];
    for (files, message) in table {
        let ended = compare(&files.map(PathBuf::as_path), "");
        assert_eq!((ended.code, &*ended.out), (2, ""), "{message}");
        assert!(ended.err.contains(message), "{}", ended.err);
        assert!(!ended.err.contains("hunter2marked"));
    }
}
