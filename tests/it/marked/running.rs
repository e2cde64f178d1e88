//! The program with all that leaves it: what it writes, what it answers whoever asks for its health, what it tells systemd, what
//! is left in its folders.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;

use tempfile::TempDir;

use super::marks::found;
use crate::world::{PATIENCE, Wire, until};

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
    /// What it was given to read.
    given: TempDir,
    /// Where it writes.
    out: TempDir,
    systemd: JoinHandle<Vec<Left>>,
    listens: Vec<SocketAddr>,
    health: SocketAddr,
}

impl Running {
    /// Starts one with these sections and one listener, of which `listener` has more keys.
    pub(super) fn start(listener: &str, sections: &str) -> Self {
        let (given, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let yaml = format!(
            "listeners: [{{ address: 127.0.0.1:0{listener} }}]\n\
             admin: {{ health_address: 127.0.0.1:0 }}\n\
             upgrade: {{ socket: {out}/upgrade.sock }}\n\
             spool: {{ memory: 1KiB, directory: {out} }}\n\
             limits: {{ header_bytes: 8KiB, body_timeout: 1s, header_timeout: 1s }}\n\
             workers: 2\n{sections}\n",
            out = out.path().display()
        );
        fs::write(given.path().join("doctor.yaml"), yaml).unwrap();
        let told = UnixDatagram::bind(out.path().join("notify.sock")).unwrap();
        let systemd = std::thread::spawn(move || listen(&told));
        let file = |name| File::create(out.path().join(name)).unwrap();
        let mut command = program();
        command.args(["run", "--config"]).arg(given.path().join("doctor.yaml"));
        command.env("NOTIFY_SOCKET", out.path().join("notify.sock")).env("WATCHDOG_USEC", "200000");
        let child = command.stdout(file("stdout")).stderr(file("stderr")).spawn().unwrap();
        let mut running =
            Self { child, given, out, systemd, listens: Vec::new(), health: ([0; 4], 0).into() };
        until("the doctor listens", || running.address_behind("Listening").is_some());
        running.listens.extend(running.address_behind("Listening"));
        running.health = running.address_behind("Answering probes").unwrap();
        running
    }

    fn address_behind(&self, words: &str) -> Option<SocketAddr> {
        let text = fs::read_to_string(self.written("stdout")).unwrap_or_default();
        let line = text.split_inclusive('\n').find(|line| line.contains(words) && line.ends_with('\n'))?;
        let (_, address) = line.split_once("127.0.0.1:")?;
        let port: String = address.chars().take_while(char::is_ascii_digit).collect();
        format!("127.0.0.1:{port}").parse().ok()
    }

    fn written(&self, name: &str) -> PathBuf {
        self.out.path().join(name)
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
    }

    /// Whether it has written these words.
    pub(super) fn says(&self, words: &str) -> bool {
        fs::read_to_string(self.written("stdout")).unwrap_or_default().contains(words)
    }

    /// Everything it can be asked by those who run it.
    fn answers(&self) -> Vec<Left> {
        ["/livez", "/readyz", "/healthz", "/metrics", "/", "/nothing"]
            .into_iter()
            .map(|path| {
                let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
                let reply = Wire::to(self.health).send(request).reply();
                Left::by(format!("health {path}"), [reply.head.as_bytes(), &reply.body].concat())
            })
            .collect()
    }

    /// Tells it to end, and gives everything that left it.
    pub(super) fn end(mut self) -> Vec<Left> {
        let mut left = self.answers();
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        let start = std::time::Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < PATIENCE, "the doctor does not end");
            std::thread::yield_now();
        }
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

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
