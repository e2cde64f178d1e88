//! The program with all that leaves it: what it writes, what it answers whoever asks for its health, what it tells systemd, what
//! is left in its folders.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::ClientConfig;
use serde_json::Value;
use socket2::SockRef;
use tempfile::TempDir;

use super::marks::{ADMIN_TOKEN, BASIC, LOGIN, OPAQUE, PASSWORD, TOKEN, found};
use crate::world::{PATIENCE, Wire, asking_for, until};

/// Bytes that left the program, and by which door.
pub(super) struct Left {
    pub(super) door: String,
    pub(super) bytes: Vec<u8>,
}

impl Left {
    pub(super) fn by(door: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { door: door.into(), bytes: bytes.into() }
    }
}

/// Fails with all marks that left, each with its door and its neighbours.
pub(super) fn assert_clean(left: &[Left]) {
    let mut leaks: Vec<String> = Vec::new();
    for Left { door, bytes } in left {
        let told = found(bytes);
        leaks.extend(told.into_iter().map(|(mark, around)| format!("{mark} by {door}: {around:?}")));
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}

/// The environment of one who debugs: whatever libraries could be made to say, they are asked to.
const LOUD: [(&str, &str); 3] = [("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full"), ("NO_COLOR", "1")];

pub(super) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.env_clear().envs(LOUD).stdin(Stdio::null());
    command
}

/// All that a command that ends by itself said.
pub(super) fn said(door: &str, output: Output) -> [Left; 2] {
    let [out, err] = ["stdout", "stderr"].map(|name| format!("{name} of {door}"));
    [Left::by(out, output.stdout), Left::by(err, output.stderr)]
}

/// A doctor under way.
pub(super) struct Running {
    child: Child,
    /// What it was given to read; whoever takes its place is given the same.
    given: Arc<TempDir>,
    /// Where it writes, as they do.
    out: Arc<TempDir>,
    /// How many there were before it.
    turn: usize,
    systemd: JoinHandle<Vec<Left>>,
    listens: Vec<SocketAddr>,
    health: SocketAddr,
    admin: Admin,
    stream: JoinHandle<Vec<u8>>,
}

/// Where those who run it ask, and by whom certificates there are vouched for.
#[derive(Clone)]
struct Admin {
    address: SocketAddr,
    client: Option<Arc<ClientConfig>>,
}

impl Admin {
    fn wire(&self) -> Wire {
        let wire = Wire::to(self.address);
        match &self.client {
            Some(client) => wire.secured(asking_for("a.test", client)),
            None => wire,
        }
    }
}

impl Running {
    /// Starts one with these sections and one listener, of which `listener` has more keys.
    pub(super) fn start(listener: &str, sections: &str) -> Self {
        Self::asked_with("", None, listener, sections)
    }

    /// The same with more keys of its admin listener, which whoever asks there believes.
    pub(super) fn asked_with(
        admin: &str,
        client: Option<Arc<ClientConfig>>,
        listener: &str,
        sections: &str,
    ) -> Self {
        let (given, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let address = if admin.contains("address:") { "" } else { "address: 127.0.0.1:0, " };
        let limits = "limits: { header_bytes: 8KiB, body_timeout: 1s, header_timeout: 1s }\n";
        let yaml = format!(
            "listeners: [{{ address: 127.0.0.1:0{listener} }}]\n\
             admin: {{ {address}token_file: {given}/admin.token, health_address: 127.0.0.1:0{admin} }}\n\
             upgrade: {{ socket: {out}/upgrade.sock }}\n\
             spool: {{ memory: 1KiB, directory: {out} }}\n\
             {limits}workers: 2\n{sections}\n",
            limits = if sections.contains("limits:") { "" } else { limits },
            out = out.path().display(),
            given = given.path().display()
        );
        let yaml = yaml.replace("GIVEN", &given.path().display().to_string());
        fs::write(given.path().join("doctor.yaml"), yaml).unwrap();
        write_closed(&given.path().join("admin.token"), ADMIN_TOKEN);
        Self::run(Arc::new(given), Arc::new(out), 0, client).followed()
    }

    /// Starts the one that takes its place. Nobody follows along yet: as long as both are there, either may answer who asks.
    pub(super) fn successor(&self) -> Self {
        let (given, out) = (Arc::clone(&self.given), Arc::clone(&self.out));
        Self::run(given, out, self.turn + 1, self.admin.client.clone())
    }

    fn run(given: Arc<TempDir>, out: Arc<TempDir>, turn: usize, client: Option<Arc<ClientConfig>>) -> Self {
        let socket = out.path().join(name("notify.sock", turn));
        let told = UnixDatagram::bind(&socket).unwrap();
        let systemd = std::thread::spawn(move || listen(&told));
        let file = |text| File::create(out.path().join(name(text, turn))).unwrap();
        let mut command = program();
        command.args(["run", "--config"]).arg(given.path().join("doctor.yaml"));
        if turn > 0 {
            command.arg("--upgrade");
        }
        command.env("NOTIFY_SOCKET", socket).env("WATCHDOG_USEC", "200000");
        let child = command.stdout(file("stdout")).stderr(file("stderr")).spawn().unwrap();
        let nowhere = SocketAddr::from(([0; 4], 0));
        let stream = std::thread::spawn(Vec::new);
        let (health, admin) = (nowhere, Admin { address: nowhere, client });
        let mut running =
            Self { child, given, out, turn, systemd, listens: Vec::new(), health, admin, stream };
        until("the doctor listens", || running.address_behind("Listening").is_some());
        running.listens.extend(running.address_behind("Listening"));
        running.health = running.address_behind("Answering probes").unwrap();
        running.admin.address = match running.address_behind("Answering questions") {
            Some(address) => address,
            None => bridge(running.given().join("admin.sock")),
        };
        running
    }

    /// The same, whose stream of exchanges is read to its end.
    pub(super) fn followed(mut self) -> Self {
        self.stream = self.follow();
        self
    }

    fn address_behind(&self, words: &str) -> Option<SocketAddr> {
        let text = fs::read_to_string(self.written("stdout")).unwrap_or_default();
        let line = text.split_inclusive('\n').find(|line| line.contains(words) && line.ends_with('\n'))?;
        let (_, address) = line.split_once("127.0.0.1:")?;
        let port: String = address.chars().take_while(char::is_ascii_digit).collect();
        format!("127.0.0.1:{port}").parse().ok()
    }

    fn written(&self, text: &str) -> PathBuf {
        self.out.path().join(name(text, self.turn))
    }

    /// Where it writes, and is met by whoever takes its place.
    pub(super) fn out(&self) -> &Path {
        self.out.path()
    }

    /// Where it answers those who run it.
    pub(super) const fn admin(&self) -> SocketAddr {
        self.admin.address
    }

    /// Where it answers probes.
    pub(super) const fn health(&self) -> SocketAddr {
        self.health
    }

    /// Where clients connect.
    pub(super) fn address(&self) -> SocketAddr {
        self.listens[0]
    }

    /// The folder of its configuration.
    pub(super) fn given(&self) -> &Path {
        self.given.path()
    }

    /// Changes its file.
    pub(super) fn rewrite(&self, change: impl Fn(&str) -> String) {
        let path = self.given().join("doctor.yaml");
        let new = path.with_extension("new");
        fs::write(&new, change(&fs::read_to_string(&path).unwrap())).unwrap();
        fs::rename(new, path).unwrap();
        self.signal("HUP");
    }

    /// Sends it a signal by its short name.
    pub(super) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Whether it has written these words.
    pub(super) fn says(&self, words: &str) -> bool {
        self.has_said(words) > 0
    }

    /// How often it has written these words.
    pub(super) fn has_said(&self, words: &str) -> usize {
        fs::read_to_string(self.written("stdout")).unwrap_or_default().matches(words).count()
    }

    /// Does what makes it read its files again, all of which are wrong, and waits until it says so.
    pub(super) fn is_given_wrong_files(&self, give: impl FnOnce()) {
        let before = self.has_said("Not reloaded");
        give();
        self.signal("HUP");
        until("wrong files are told of", || self.has_said("Not reloaded") > before);
    }

    /// Reads the stream of exchanges to its end, which is that of the doctor.
    fn follow(&self) -> JoinHandle<Vec<u8>> {
        let mut wire = self.admin.wire().send(question("/api/stream", "Last-Event-ID: 0\r\n"));
        let begun = wire.head();
        assert!(begun.starts_with("HTTP/1.1 200"), "{begun}");
        std::thread::spawn(move || rest(wire))
    }

    /// Everything it can be asked by those who run it, and what strangers are told who ask.
    fn answers(&self) -> Vec<Left> {
        let told = |wire: Wire, request: String| {
            let reply = wire.send(&request).reply();
            let asked = request.lines().next().unwrap_or_default();
            Left::by(format!("answer to {asked:?}"), [reply.head.as_bytes(), &reply.body].concat())
        };
        let ask = |request| told(self.admin.wire(), request);
        let mut left: Vec<_> = ["/livez", "/readyz", "/healthz", "/metrics", "/", "/nothing"]
            .map(|path| {
                told(
                    Wire::to(self.health),
                    format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
                )
            })
            .into();
        left.extend(Self::kept(&ask));
        for path in
            ["/", "/metrics", "/livez", "/api/status", "/api/findings", "/api/exchanges?sick=true&limit=500"]
        {
            left.push(ask(question(path, "")));
        }
        let strange = [
            format!("/api/exchanges?token={PASSWORD}"),
            format!("/api/exchanges?limit={OPAQUE}&{PASSWORD}"),
            format!("/api/exchanges?host={OPAQUE}"),
            format!("/api/exchanges/{OPAQUE}"),
            format!("/api/findings/{OPAQUE}?token={PASSWORD}"),
            format!("/api/findings/{PASSWORD}"),
            format!("/{}", *TOKEN),
        ];
        left.extend(strange.iter().map(|path| ask(question(path, ""))));
        for fields in [
            format!("Authorization: Bearer {OPAQUE}"),
            format!("Authorization: Basic {}", *BASIC),
            format!("Authorization: Bearer {ADMIN_TOKEN}\r\nOrigin: https://{LOGIN}:{PASSWORD}@{OPAQUE}"),
            format!("Authorization: Bearer {ADMIN_TOKEN}\r\nSec-Fetch-Site: {OPAQUE}"),
            format!("Authorization: Bearer {ADMIN_TOKEN}\r\nCookie: a={OPAQUE}"),
        ] {
            left.push(ask(format!("GET /api/status HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n")));
        }
        let host = format!(
            "GET / HTTP/1.1\r\nHost: {OPAQUE}.{PASSWORD}.test\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
        );
        left.push(ask(host));
        left.push(ask(question("/api/stream", &format!("Last-Event-ID: {OPAQUE}\r\n"))));
        left
    }

    /// All exchanges that are kept, page by page, with some of their verdicts and all findings.
    fn kept(ask: &impl Fn(String) -> Left) -> Vec<Left> {
        let mut left = Vec::new();
        let json = |left: &Left| {
            let body = memchr::memmem::find(&left.bytes, b"\r\n\r\n").unwrap() + 4;
            serde_json::from_slice::<Value>(&left.bytes[body..]).unwrap()
        };
        let mut before = String::new();
        loop {
            let page = ask(question(&format!("/api/exchanges?limit=200{before}"), ""));
            let told = json(&page);
            left.push(page);
            for exchange in told["exchanges"].as_array().unwrap().iter().step_by(10) {
                let id = exchange["exchange"].as_str().unwrap();
                left.push(ask(question(&format!("/api/exchanges/{id}"), "")));
            }
            let Some(next) = told["next"].as_u64() else { break };
            before = format!("&before={next}");
        }
        let findings = json(&ask(question("/api/findings", "")));
        for finding in findings["findings"].as_array().unwrap() {
            let rule = finding["rule"].as_str().unwrap();
            left.push(ask(question(&format!("/api/findings/{rule}"), "")));
        }
        left
    }

    /// Tells it to end, and gives everything that left it.
    pub(super) fn end(self) -> Vec<Left> {
        let mut left = self.answers();
        self.signal("TERM");
        left.extend(self.left_behind());
        left
    }

    /// Waits for the end of one that was told of it, and gives what left it and is not an answer.
    pub(super) fn left_behind(mut self) -> Vec<Left> {
        let mut left = Vec::new();
        let start = std::time::Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < PATIENCE, "the doctor does not end");
            std::thread::yield_now();
        }
        until("the stream ends", || self.stream.is_finished());
        let stream = std::mem::replace(&mut self.stream, std::thread::spawn(Vec::new)).join().unwrap();
        left.push(Left::by("the stream", stream));
        let end = UnixDatagram::unbound().unwrap();
        end.send_to(END, self.written("notify.sock")).unwrap();
        until("all is heard that systemd is told", || self.systemd.is_finished());
        left.extend(std::mem::replace(&mut self.systemd, std::thread::spawn(Vec::new)).join().unwrap());
        for entry in fs::read_dir(self.out.path()).unwrap() {
            let path = entry.unwrap().path();
            left.push(Left::by("the name of a file", path.display().to_string()));
            if let Ok(bytes) = fs::read(&path) {
                left.push(Left::by(format!("file {}", path.file_name().unwrap().display()), bytes));
            }
        }
        left
    }
}

/// What a file is called that the one after so many others writes.
fn name(text: &str, turn: usize) -> String {
    if turn == 0 { text.to_owned() } else { format!("{text}.{turn}") }
}

/// Writes a file that only its owner may read, in one go.
pub(super) fn write_closed(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o400)).unwrap();
    fs::rename(new, path).unwrap();
}

/// All that still comes; a connection that was reset, or ended without the words of TLS, ends there.
pub(super) fn rest(mut wire: Wire) -> Vec<u8> {
    let mut reply = Vec::new();
    loop {
        match wire.try_read_some() {
            Ok(more) if more.is_empty() => return reply,
            Ok(more) => reply.extend(more),
            Err(error) if [ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof].contains(&error.kind()) => {
                return reply;
            }
            Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&reply)),
        }
    }
}

/// Where a Unix socket is reached by those who speak TCP.
fn bridge(path: PathBuf) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let Ok(unix) = UnixStream::connect(&path) else { continue };
            let (back, forth) = (unix.try_clone().unwrap(), stream.try_clone().unwrap());
            std::thread::spawn(move || pass(back, stream));
            std::thread::spawn(move || pass(forth, unix));
        }
    });
    address
}

/// Passes on all that comes, and its end.
fn pass(mut from: impl Read, mut to: impl Write + AsFd) {
    drop(std::io::copy(&mut from, &mut to));
    drop(SockRef::from(&to).shutdown(Shutdown::Write));
}

/// What tells the listener that nothing more is said.
const END: &[u8] = b"end";

/// Plays systemd, which hears whatever it is told at once: whoever tells it waits otherwise.
fn listen(told: &UnixDatagram) -> Vec<Left> {
    let (mut left, mut message) = (Vec::new(), [0; 4096]);
    loop {
        let length = told.recv(&mut message).unwrap();
        if message[..length] == *END {
            return left;
        }
        left.push(Left::by("sd_notify", &message[..length]));
    }
}

/// A question to the admin listener by one who may ask; `fields` are more of it, each with its line end.
pub(super) fn question(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n{fields}\r\n")
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
