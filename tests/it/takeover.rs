//! A new process takes the place of the running one: every request is answered, by one or the other.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;

use tempfile::TempDir;

use crate::world::{Doctor, Load, Origin, Wire};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Where two processes meet: the file, and the socket named in it.
struct Meeting {
    folder: TempDir,
}

impl Meeting {
    fn new(upstream: impl std::fmt::Display, workers: usize) -> Self {
        let meeting = Self { folder: tempfile::tempdir().unwrap() };
        meeting.write(upstream, workers);
        meeting
    }

    fn write(&self, upstream: impl std::fmt::Display, workers: usize) {
        let socket = self.socket();
        let yaml = format!(
            "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{upstream}\" }}] }}]\n\
             workers: {workers}\nlog: {{ format: json }}\nupgrade: {{ socket: {} }}\n",
            socket.display()
        );
        std::fs::write(self.file(), yaml).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("doctor.yaml")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("doctor.sock")
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
        command.args(["run", "--config"]).arg(self.file()).args(more).env_clear();
        command
    }

    fn start(&self) -> Doctor {
        Doctor::started_by(self.command(&[]), &self.file())
    }

    fn upgrade(&self) -> Doctor {
        Doctor::started_by(self.command(&["--upgrade"]), &self.file())
    }
}

fn plain() -> Origin {
    Origin::playing(|mut wire, _| {
        while !wire.is_at_end() {
            wire.head();
            wire.put("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        }
    })
}

fn is_socket(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

#[test]
fn no_request_fails_when_one_process_after_the_other_takes_over() {
    let origin = plain();
    let meeting = Meeting::new(&origin, 2);
    let mut doctor = meeting.start();
    let load = Load::on(doctor.address());
    // More workers than sockets, then fewer: all sockets are accepted from, however many look after them.
    for workers in [3, 1, 2] {
        load.go_on(50);
        meeting.write(&origin, workers);
        let mut before = std::mem::replace(&mut doctor, meeting.upgrade());
        assert_eq!(doctor.address(), before.address());
        assert!(before.wait().success(), "the process before ends in order");
        load.go_on(200);
    }
    assert!(load.end() > 600);
    assert!(is_socket(&meeting.socket()), "the next one can take over, too");
    doctor.terminate();
    assert!(doctor.wait().success());
    assert!(!is_socket(&meeting.socket()));
}

#[test]
fn a_request_under_way_is_answered_by_the_process_that_has_it() {
    let (go, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let origin = Origin::playing(move |mut wire, tell| {
        tell(wire.head());
        wait.lock().unwrap().recv().unwrap();
        wire.put("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    });
    let meeting = Meeting::new(&origin, 1);
    let mut before = meeting.start();
    let idle = before.connect();
    let mut client = before.connect().send(GET);
    assert!(origin.request().starts_with("GET"));
    let _after = meeting.upgrade();
    before.says("Handed over: draining");
    assert_eq!(idle.read_to_end(), "", "an idle connection ends, which shows that the drain has begun");
    go.send(()).unwrap();
    let reply = client.reply();
    assert_eq!((reply.status(), reply.field("connection")), (200, Some("close")));
    assert!(before.wait().success());
}

#[test]
fn when_the_new_process_dies_before_it_is_ready_the_old_one_goes_on() {
    let origin = plain();
    let meeting = Meeting::new(&origin, 1);
    let doctor = meeting.start();
    let load = Load::on(doctor.address());
    // One that asks for the sockets and is gone before it has them, and one that finds an address taken.
    let mut dies = UnixStream::connect(meeting.socket()).unwrap();
    std::io::Write::write_all(&mut dies, &[1]).unwrap();
    std::io::Read::read_exact(&mut dies, &mut [0]).unwrap();
    // As if it had taken the place already.
    std::fs::remove_file(meeting.socket()).unwrap();
    drop(dies);
    assert!(doctor.says("Not handed over: this process goes on")["error"].is_string());
    assert!(is_socket(&meeting.socket()), "the place is taken back");
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let fails = meeting.command(&["--upgrade", "--listen", &taken]).stdout(Stdio::null()).output().unwrap();
    assert_eq!(fails.status.code(), Some(2));
    doctor.says("Not handed over: this process goes on");
    load.go_on(100);
    assert!(load.end() > 100);
    assert!(is_socket(&meeting.socket()));
    drop(meeting.upgrade());
}

#[test]
fn who_is_no_longer_waited_for_does_not_serve_beside_the_old_one() {
    let meeting = Meeting::new("127.0.0.1:9", 1);
    let old = UnixListener::bind(meeting.socket()).unwrap();
    let waited = std::thread::spawn(move || {
        let (mut new, _) = old.accept().unwrap();
        std::io::Read::read_exact(&mut new, &mut [0]).unwrap();
        std::io::Write::write_all(&mut new, b".x").unwrap();
        old
    });
    let late = meeting.command(&["--upgrade"]).stdout(Stdio::null()).output().unwrap();
    let words = String::from_utf8(late.stderr).unwrap();
    assert_eq!(late.status.code(), Some(2), "{words}");
    assert!(words.contains("no longer waits for this one"), "{words}");
    drop(waited.join().unwrap());
}

#[test]
fn without_being_told_to_nobody_takes_over() {
    let meeting = Meeting::new("127.0.0.1:9", 1);
    let doctor = meeting.start();
    let second = meeting.command(&[]).stdout(Stdio::null()).output().unwrap();
    let words = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(words.contains("another process answers there; add --upgrade to take over"), "{words}");
    let address = doctor.address().to_string();
    let same = meeting.command(&["--listen", &address]).stdout(Stdio::null()).output().unwrap();
    let words = String::from_utf8(same.stderr).unwrap();
    assert!(words.contains("is taken by another process"), "{words}");
    assert!(is_socket(&meeting.socket()), "the running process keeps its socket");
}

#[test]
fn a_socket_that_a_crash_left_is_replaced() {
    let meeting = Meeting::new("127.0.0.1:9", 1);
    drop(UnixListener::bind(meeting.socket()).unwrap());
    let doctor = meeting.upgrade();
    assert!(UnixStream::connect(meeting.socket()).is_ok(), "now somebody answers");
    let mode = std::fs::metadata(meeting.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(Wire::to(doctor.address()));
}

#[test]
fn what_is_no_socket_is_left_alone() {
    for (name, words) in [
        ("doctor.sock", "is not a socket, so it is left alone"),
        ("doctor.sock.new", "cannot be listened on"),
    ] {
        let meeting = Meeting::new("127.0.0.1:9", 1);
        let precious = meeting.folder.path().join(name);
        std::fs::write(&precious, "precious").unwrap();
        let start = meeting.command(&[]).stdout(Stdio::null()).output().unwrap();
        let said = String::from_utf8(start.stderr).unwrap();
        assert!(said.contains(words), "{said}");
        assert_eq!(std::fs::read_to_string(precious).unwrap(), "precious");
    }
}

#[test]
fn to_upgrade_without_a_place_to_meet_is_told_what_to_type() {
    let start = Command::new(env!("CARGO_BIN_EXE_header-doctor"))
        .args(["run", "--upstream", "127.0.0.1:9", "--listen", "127.0.0.1:0", "--upgrade"])
        .env_clear()
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let words = String::from_utf8(start.stderr).unwrap();
    assert_eq!(start.status.code(), Some(2));
    assert!(words.contains("add `--upgrade-socket PATH`"), "{words}");
}
