//! A new process takes the place of the running one, and files with secrets become wrong, while clients go on asking: what both
//! processes write, tell and answer.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use tempfile::TempDir;

use super::marks::{ADMIN_TOKEN, API_KEY, BASIC, COOKIE, OPAQUE, PASSWORD, SITE_SECRET, TOKEN};
use super::origin::{Said, origin, replies};
use super::running::{Left, Running, assert_clean, program, said as told, write_closed};
use super::serving::{drive_some, trail};
use crate::world::{Origin, Wire, until};

/// Would-be successors that fail, and strangers where one is waited for.
fn fail_to_take_over(doctor: &Running) -> Vec<Left> {
    let socket = doctor.out().join("upgrade.sock");
    for words in [format!("{OPAQUE} {PASSWORD}"), format!("\x01{}", *TOKEN), format!("\x01\x02{OPAQUE}")] {
        let mut stranger = UnixStream::connect(&socket).unwrap();
        drop(stranger.write_all(words.as_bytes()));
        drop(stranger);
    }
    let wrong = doctor.given().join("wrong.yaml");
    let text = fs::read_to_string(doctor.given().join("doctor.yaml")).unwrap();
    fs::write(&wrong, format!("{text}\nlog: {{ level: '{OPAQUE}' }}\n{PASSWORD}: {}\n", *TOKEN)).unwrap();
    let right = doctor.given().join("doctor.yaml");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let before = doctor.has_said("Not handed over");
    let mut left = Vec::new();
    for (file, more) in
        [(&wrong, ["--admin", "none"]), (&right, ["--listen", &address]), (&right, ["--listen", OPAQUE])]
    {
        let mut command = program();
        command.args(["run", "--upgrade", "--config"]).arg(file).args(more);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        left.extend(told("a successor that fails", output));
    }
    until("nobody takes over", || doctor.has_said("Not handed over") > before);
    left
}

/// Gives it wrong files, one after the other, each with secrets where the fault is.
fn give_wrong_files(doctor: &Running, keys: &TempDir) {
    let (place, trail_keys) = (doctor.given().join("doctor.yaml"), keys.path().join("trail.keys"));
    let text = fs::read_to_string(&place).unwrap();
    let pair = fs::read_to_string(&trail_keys).unwrap();
    for wrong in [
        format!("{text}\n{OPAQUE}: {PASSWORD}\n"),
        format!("{text}\ndrain: {{ delay: '{}' }}\n", *TOKEN),
        format!("{text}\ndrain: {{ timeout: \"{PASSWORD}\n"),
        format!("{text}\ndrain: {{ timeout: '${{{OPAQUE} {PASSWORD}}}' }}\n"),
        text.replace("http://", &format!("http://jo:{PASSWORD}@")),
        format!("{}\n", *BASIC),
    ] {
        doctor.is_given_wrong_files(|| write_closed(&place, &wrong));
    }
    write_closed(&place, &text);
    for wrong in [format!("{OPAQUE} {PASSWORD}\n"), format!("k1:{SITE_SECRET}\n"), format!("{pair}{pair}")] {
        doctor.is_given_wrong_files(|| write_closed(&trail_keys, &wrong));
    }
    write_closed(&trail_keys, &pair);
    let token = doctor.given().join("admin.token");
    for wrong in
        [format!("{OPAQUE}\n{ADMIN_TOKEN}\n"), format!("{API_KEY} {COOKIE}"), PASSWORD[..9].to_owned()]
    {
        doctor.is_given_wrong_files(|| write_closed(&token, &wrong));
    }
    write_closed(&token, ADMIN_TOKEN);
}

#[test]
fn while_one_process_follows_another_and_files_become_wrong() {
    let (said, keys) = (Said::default(), TempDir::new().unwrap());
    let origin = origin(&said);
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let late = replies().swap_remove(2);
    let slow = Origin::playing(move |mut wire, tell| {
        tell(wire.head());
        wait.lock().unwrap().recv().unwrap();
        wire.put(&late);
    });
    let doctor = Running::start(
        "",
        &format!(
            "sites: [{{ hosts: [slow.test], upstreams: [{{ url: '{slow}' }}] }}, {{ upstreams: [{{ url: '{origin}' }}] }}]\n\
             log: {{ format: json, level: trace, exchanges: all, client_address: full }}\n{}",
            trail(&keys, "edge")
        ),
    );
    let mut left = drive_some(&doctor, &said, 0, 7);
    let mut under_way = Wire::to(doctor.address()).send(format!(
        "GET /reset/{OPAQUE}?token={PASSWORD} HTTP/1.1\r\nHost: slow.test\r\nAuthorization: Bearer {}\r\n\r\n",
        *TOKEN
    ));
    assert!(slow.request().contains("slow.test"));
    left.extend(fail_to_take_over(&doctor));
    let after = std::thread::scope(|scope| {
        let driven = scope.spawn(|| drive_some(&doctor, &said, 1, 7));
        let after = doctor.successor();
        left.extend(driven.join().unwrap());
        after
    });
    go.send(()).unwrap();
    let reply = under_way.reply();
    left.push(said.left(b"slow.test", &[reply.head.as_bytes(), &reply.body].concat()));
    left.extend(doctor.left_behind());
    let after = after.followed();
    std::thread::scope(|scope| {
        let driven = scope.spawn(|| drive_some(&after, &said, 2, 7));
        give_wrong_files(&after, &keys);
        left.extend(driven.join().unwrap());
    });
    left.extend(after.end());
    assert!(said.asked() > 80, "{}", said.asked());
    for door in ["file stdout", "file stdout.1", "file stderr.1"] {
        assert!(left.iter().any(|left| left.door == door), "{door}");
    }
    assert_clean(&left);
}
