//! PHP-FPM that is killed, stopped, restarted, or has no worker left: right statuses, an event that says what happened, no
//! wrong or half reply that looks whole, and everything well again without a word to the doctor.
//!
//! Each test has a PHP-FPM of its own. `tests/endure` has the same for minutes, under load.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use super::{Call, Site, Way};
use crate::world::{Reply, Wire, until};

/// Every path leads here: it leaves a file when it begins, may wait to be let go, and answers with the request's own mark.
const SCRIPT: &str = r#"<?php
$mark = $_SERVER['HTTP_X_MARK'];
$wait = $_GET['wait'] ?? '';
header('Content-Type: text/plain');
touch(__DIR__ . "/state/$mark");
if ($wait === 'body') {
    echo "$mark begins ";
    ob_get_level() && ob_flush();
    flush();
}
while ($wait !== '' && !file_exists(__DIR__ . '/state/go')) {
    clearstatcache();
    usleep(2000);
}
echo str_repeat("$mark ", (int) ($_GET['times'] ?? 1)), 'ends';
"#;

/// A running PHP-FPM of the test's own.
struct Pool {
    folder: TempDir,
    master: Child,
}

impl Pool {
    /// One with so many workers, its pool with these further lines.
    fn with(workers: usize, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("index.php"), SCRIPT).unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        fs::set_permissions(folder.path().join("state"), fs::Permissions::from_mode(0o777)).unwrap();
        let path = folder.path().display();
        let config = format!(
            "[global]\nerror_log = {path}/fpm.log\n[test]\nuser = www-data\ngroup = www-data\n\
             listen = {path}/fpm.sock\nlisten.mode = 0666\npm = static\npm.max_children = {workers}\n{more}\n"
        );
        fs::write(folder.path().join("fpm.conf"), config).unwrap();
        let master = Self::run(&folder);
        let pool = Self { folder, master };
        pool.await_workers(workers);
        pool
    }

    fn run(folder: &TempDir) -> Child {
        let mut fpm = Command::new("/usr/sbin/php-fpm8.2");
        fpm.arg("--nodaemonize").arg("--fpm-config").arg(folder.path().join("fpm.conf"));
        fpm.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn await_workers(&self, count: usize) {
        until("PHP-FPM listens", || self.listens() && self.workers().len() == count);
    }

    fn listens(&self) -> bool {
        std::os::unix::net::UnixStream::connect(self.socket()).is_ok()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("fpm.sock")
    }

    fn workers(&self) -> Vec<u32> {
        let id = self.master.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        children.split_whitespace().map(|id| id.parse().unwrap()).collect()
    }

    /// Sends a signal to the workers, and to the master before them, which stands still first: it would make a worker that is
    /// not among these.
    fn signal_all(&self, name: &str) {
        let master = self.master.id();
        signal(master, "STOP");
        until("the master stands still", || stands_still(master));
        let workers = self.workers();
        signal(master, name);
        workers.into_iter().for_each(|worker| signal(worker, name));
    }

    fn has_begun(&self, mark: &str) -> bool {
        self.folder.path().join("state").join(mark).exists()
    }

    /// Lets those go that wait.
    fn let_go(&self) {
        fs::write(self.folder.path().join("state/go"), "").unwrap();
    }

    /// Starts again what has ended.
    fn start_again(&mut self, workers: usize) {
        self.master.wait().unwrap();
        self.master = Self::run(&self.folder);
        self.await_workers(workers);
    }

    /// A doctor before it, its upstream with these further keys.
    fn doctor(&self, more: &str) -> Site {
        let (socket, root) = (self.socket(), self.folder.path());
        let upstream =
            format!("{{ url: \"fastcgi+unix:{}\", php_root: {}{more} }}", socket.display(), root.display());
        Site::before(&upstream, "")
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.signal_all("KILL");
        drop(self.master.wait());
    }
}

fn signal(process: u32, name: &str) {
    drop(Command::new("kill").args(["-s", name, &process.to_string()]).stderr(Stdio::null()).status());
}

/// Whether a process is stopped, or has ended.
fn stands_still(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, fields)| fields.starts_with(['T', 'Z', 'X']))
}

/// Asks and does not wait.
fn begin(site: &Site, mark: &str, query: &str) -> Wire {
    begin_at(site.doctor.address(), mark, query)
}

fn begin_at(address: SocketAddr, mark: &str, query: &str) -> Wire {
    let line = format!("GET /?{query}");
    Wire::to(address).send(Call::new(&line, vec![("X-Mark", mark.to_owned())]).head())
}

fn ask(site: &Site, way: Way, mark: &str) -> Reply {
    site.ask(way, &Call::new("GET /", vec![("X-Mark", mark.to_owned())]))
}

fn assert_well(site: &Site, mark: &str) {
    for way in Way::ALL {
        let reply = ask(site, way, mark);
        let body = String::from_utf8_lossy(&reply.body);
        assert_eq!((reply.status(), &*body), (200, &*format!("{mark} ends")), "{way:?}");
    }
}

/// What the next event says went wrong.
fn failure(site: &Site) -> (Value, String) {
    let event = site.doctor.event();
    let code = event["failure"]["code"].as_str().unwrap_or_else(|| panic!("no failure: {event}")).to_owned();
    (event, code)
}

/// All that came on a connection as a reply, unless it was cut off.
fn whole(got: &[u8]) -> Option<Reply> {
    let at = memchr::memmem::find(got, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&got[..at]).into_owned();
    let (mut rest, mut body) = (&got[at..], Vec::new());
    let mut reply = Reply { head, body: Vec::new() };
    if let Some(length) = reply.field("content-length") {
        let is_whole = length == rest.len().to_string();
        reply.body = rest.to_vec();
        return is_whole.then_some(reply);
    }
    while let Some(end) = memchr::memmem::find(rest, b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        if length == 0 {
            reply.body = body;
            return Some(reply);
        }
        body.extend_from_slice(rest.get(end + 2..end + 2 + length)?);
        rest = rest.get(end + 4 + length..)?;
    }
    None
}

fn code(reply: &Reply) -> (u16, String) {
    (reply.status(), reply.json()["code"].as_str().unwrap().to_owned())
}

#[test]
fn workers_that_are_killed_cut_their_own_requests_only() {
    let pool = Pool::with(4, "");
    let site = pool.doctor("");
    assert_well(&site, "before");
    let mut silent = ["a", "b"].map(|mark| begin(&site, mark, "wait=head"));
    let mut begun = ["c", "d"].map(|mark| begin(&site, mark, "wait=body"));
    until("all are under way", || ["a", "b", "c", "d"].iter().all(|mark| pool.has_begun(mark)));
    for wire in &mut begun {
        assert!(wire.head().starts_with("HTTP/1.1 200 "));
    }
    pool.workers().into_iter().for_each(|worker| signal(worker, "KILL"));
    for wire in &mut silent {
        assert_eq!(code(&wire.reply()), (502, "header_doctor_php_closed".to_owned()));
    }
    for wire in begun {
        let rest = wire.try_read_to_end().unwrap_or_default();
        assert!(!rest.ends_with(b"0\r\n\r\n"), "it looks whole: {}", String::from_utf8_lossy(&rest));
    }
    let mut codes: Vec<_> = (0..4).map(|_| failure(&site).1).collect();
    codes.sort_unstable();
    let [cut, closed] = ["header_doctor_php_closed", "header_doctor_reply_cut_off"];
    assert_eq!(codes, [cut, cut, closed, closed]);
    assert_well(&site, "after");
    site.expect_silence();
}

#[test]
fn one_that_is_gone_is_named_and_one_that_is_back_is_used() {
    let mut pool = Pool::with(2, "");
    let site = pool.doctor("");
    assert_well(&site, "before");
    for (name, how) in [
        // A killed master leaves its socket behind, an orderly one takes it along.
        ("KILL", "header_doctor_php_refused"),
        ("TERM", "header_doctor_php_socket_missing"),
    ] {
        match name {
            "KILL" => pool.signal_all("KILL"),
            name => signal(pool.master.id(), name),
        }
        pool.master.wait().unwrap();
        until("nobody listens", || !pool.listens());
        for way in Way::ALL {
            assert_eq!(code(&ask(&site, way, "gone")), (502, how.to_owned()), "{name} {way:?}");
            let (event, code) = failure(&site);
            assert_eq!((&*code, event["failure"]["who"].as_str()), (how, Some("upstream")), "{event}");
        }
        pool.start_again(2);
        assert_well(&site, "back");
        site.expect_silence();
    }
}

#[test]
fn one_that_is_stopped_is_given_up_in_time_and_answers_when_it_goes_on() {
    let pool = Pool::with(2, "");
    let (hasty, patient) = (pool.doctor(", response_timeout: 300ms"), pool.doctor(""));
    assert_well(&patient, "before");
    pool.signal_all("STOP");
    for way in Way::ALL {
        let reply = ask(&hasty, way, "stopped");
        assert_eq!(code(&reply), (504, "header_doctor_upstream_timeout".to_owned()), "{way:?}");
        assert_eq!(failure(&hasty).1, "header_doctor_upstream_timeout");
    }
    pool.signal_all("CONT");
    assert_well(&patient, "after");
    patient.expect_silence();
    // It works off what nobody waits for any more.
    for way in Way::ALL {
        until("whoever gave it up is answered", || ask(&hasty, way, "again").status() == 200);
    }
}

#[test]
fn a_pool_without_a_worker_left_lets_some_wait_and_refuses_the_rest_at_once() {
    const WORKERS: usize = 2;
    const WAITING: usize = 5;
    const REFUSED: usize = 4;
    // Of a Unix socket one more may wait than the backlog says.
    let pool = Pool::with(WORKERS, "listen.backlog = 4");
    let site = pool.doctor("");
    let marks: Vec<_> = (0..WORKERS + WAITING + REFUSED).map(|number| format!("m{number}")).collect();
    let (working, waiting) = marks.split_at(WORKERS);
    let start = |mark: &String| begin(&site, mark, "wait=head&times=9");
    let mut wires: Vec<_> = working.iter().map(start).collect();
    until("every worker is busy", || working.iter().all(|mark| pool.has_begun(mark)));
    wires.extend(waiting.iter().map(start));
    for _ in 0..REFUSED {
        let (event, code) = failure(&site);
        assert_eq!(code, "header_doctor_php_backlog_full");
        assert!(event["failure"]["what"].as_str().unwrap().contains("pm.max_children"), "{event}");
    }
    pool.let_go();
    let mut refused = 0;
    for (mark, wire) in marks.iter().zip(&mut wires) {
        let reply = wire.reply();
        if reply.status() == 503 {
            assert_eq!(code(&reply), (503, "header_doctor_php_backlog_full".to_owned()));
            refused += 1;
            continue;
        }
        let body = String::from_utf8_lossy(&reply.body);
        assert_eq!((reply.status(), &*body), (200, &*(format!("{mark} ").repeat(9) + "ends")));
    }
    assert_eq!(refused, REFUSED);
    assert_well(&site, "after");
    site.expect_silence();
}

/// A reload of PHP-FPM kills what runs; whoever was not hit gets its own reply, and nobody anybody else's.
#[test]
fn reloads_under_load_mix_no_replies() {
    const CLIENTS: usize = 4;
    const RELOADS: usize = 5;
    const BETWEEN: usize = 60;
    let pool = Pool::with(3, "");
    let site = pool.doctor("");
    let address = site.doctor.address();
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (over, answered) = (&over, &answered);
    let work = |client: usize| {
        let mut number = 0;
        while !over.load(Ordering::Relaxed) {
            number += 1;
            let mark = format!("client{client}-{number}");
            let got = begin_at(address, &mark, "times=2000").try_read_to_end().unwrap_or_default();
            let Some(reply) = whole(&got) else { continue };
            let body = String::from_utf8_lossy(&reply.body);
            match reply.status() {
                200 => assert_eq!(body, format!("{mark} ").repeat(2000) + "ends", "another's reply"),
                502 => assert!(
                    body.contains("header_doctor_php_") || body.contains("header_doctor_upstream_truncated"),
                    "{body}"
                ),
                status => panic!("{status} {body}"),
            }
            answered.fetch_add(usize::from(reply.status() == 200), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(move || work(client))).collect();
        for turn in 0..RELOADS {
            let before = answered.load(Ordering::Relaxed);
            until("the load goes on", || {
                let failed = clients.iter().any(std::thread::ScopedJoinHandle::is_finished);
                assert!(!failed, "a client has failed");
                answered.load(Ordering::Relaxed) > before + BETWEEN
            });
            let signals = ["USR2", "KILL"];
            match signals[turn % 2] {
                "USR2" => signal(pool.master.id(), "USR2"),
                name => pool.workers().into_iter().for_each(|worker| signal(worker, name)),
            }
        }
        let before = answered.load(Ordering::Relaxed);
        until("the load goes on", || answered.load(Ordering::Relaxed) > before + BETWEEN);
        over.store(true, Ordering::Relaxed);
    });
    assert_well(&site, "after");
}
