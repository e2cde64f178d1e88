//! The program under test, started as a user starts it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use serde_json::Value;
use tempfile::NamedTempFile;

use super::{PATIENCE, Wire};

/// A running doctor. Its log is read line by line; it is killed when the test lets go of it.
pub(crate) struct Doctor {
    child: Child,
    address: SocketAddr,
    events: Receiver<Value>,
    words: Receiver<Value>,
    probes: Receiver<Value>,
    file: PathBuf,
    own_file: Option<NamedTempFile>,
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
        Self::with_site(&format!("upstreams: [{{ url: \"{upstream}\" }}]"), sections)
    }

    /// A doctor whose one site has these settings, with further sections of the file.
    pub(crate) fn with_site(site: &str, sections: &str) -> Self {
        Self::with_file(&format!(
            "listeners: [{{ address: 127.0.0.1:0 }}]\n\
             sites: [{{ {site} }}]\n\
             workers: 2\n\
             log: {{ format: json, exchanges: all, client_address: full }}\n\
             {sections}\n"
        ))
    }

    /// A doctor with this configuration.
    pub(crate) fn with_file(yaml: &str) -> Self {
        let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
        std::fs::write(file.path(), yaml).unwrap();
        let mut doctor = Self::with_file_at(file.path());
        doctor.own_file = Some(file);
        doctor
    }

    /// A doctor with this configuration file and so many file descriptors.
    pub(crate) fn with_descriptors(count: u32, yaml: &str) -> Self {
        let mut doctor = Self::starting_with_descriptors(count, yaml);
        doctor.address = doctor.listens();
        doctor
    }

    /// The same; nobody has waited yet until it listens.
    pub(crate) fn starting_with_descriptors(count: u32, yaml: &str) -> Self {
        let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
        std::fs::write(file.path(), yaml).unwrap();
        let mut command = Command::new("sh");
        let program = env!("CARGO_BIN_EXE_header-doctor");
        command.args(["-c", &format!("ulimit -n {count} && exec \"$0\" \"$@\""), program]);
        command.args(["run", "--config"]).arg(file.path()).env_clear();
        let mut doctor = Self::spawned(command, file.path());
        doctor.own_file = Some(file);
        doctor
    }

    /// A doctor that starts with this configuration; nobody has waited yet until it listens.
    pub(crate) fn starting(yaml: &str) -> Self {
        let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
        std::fs::write(file.path(), yaml).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
        command.args(["run", "--config"]).arg(file.path()).env_clear();
        let mut doctor = Self::spawned(command, file.path());
        doctor.own_file = Some(file);
        doctor
    }

    /// A doctor with the configuration file that is there.
    pub(crate) fn with_file_at(file: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
        command.args(["run", "--config"]).arg(file).env_clear();
        Self::started_by(command, file)
    }

    /// A doctor that this command starts, once it listens.
    pub(crate) fn started_by(command: Command, file: &Path) -> Self {
        let mut doctor = Self::spawned(command, file);
        doctor.address = doctor.listens();
        doctor
    }

    /// The same; nobody has waited yet until it listens.
    pub(crate) fn started_by_without_waiting(command: Command, file: &Path) -> Self {
        Self::spawned(command, file)
    }

    fn spawned(mut command: Command, file: &Path) -> Self {
        unasked(&mut command, file);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, events) = channel();
        let (tell_words, words) = channel();
        let (tell_probes, probes) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
                let is_event = line["target"] == "header_doctor::exchange";
                if line["message"] == "Answering probes" {
                    drop(tell_probes.send(line.clone()));
                }
                drop(if is_event { tell.send(line) } else { tell_words.send(line) });
            }
        });
        let (address, file) = (SocketAddr::from(([0; 4], 0)), file.to_owned());
        Self { child, address, events, words, probes, file, own_file: None }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next word of its own, whatever it is.
    pub(crate) fn word(&self) -> Value {
        self.words.recv_timeout(PATIENCE).expect("the doctor says something")
    }

    /// Where the next listener that it opens listens.
    pub(crate) fn listens(&self) -> SocketAddr {
        self.says("Listening")["address"].as_str().unwrap().parse().unwrap()
    }

    /// Where it answers probes, and tells what it counts. To be asked once.
    pub(crate) fn answers_probes(&self) -> SocketAddr {
        let line = self.probes.recv_timeout(PATIENCE).expect("the doctor answers probes");
        line["address"].as_str().unwrap().parse().unwrap()
    }

    /// Changes its file, as an editor does: by a new one in its place.
    pub(crate) fn rewrite(&self, yaml: &str) {
        let new = self.file.with_extension("new");
        std::fs::write(&new, yaml).unwrap();
        std::fs::rename(new, &self.file).unwrap();
    }

    /// A client's connection.
    pub(crate) fn connect(&self) -> Wire {
        Wire::to(self.address)
    }

    /// The next event in the log.
    pub(crate) fn event(&self) -> Value {
        self.events.recv_timeout(PATIENCE).expect("the doctor logs an event")
    }

    /// What it says of itself next with these words in it.
    pub(crate) fn says(&self, words: &str) -> Value {
        let has = |line: &Value| line["message"].as_str().is_some_and(|message| message.contains(words));
        let mut lines = std::iter::from_fn(|| self.words.recv_timeout(PATIENCE).ok());
        lines.find(has).expect("the doctor says it")
    }

    /// What it has said of itself so far and nobody has asked for.
    pub(crate) fn said(&self) -> Vec<Value> {
        self.words.try_iter().collect()
    }

    /// The events in the log that nobody has asked for, of a doctor that has ended.
    pub(crate) fn logged(&self) -> Vec<Value> {
        self.events.iter().collect()
    }

    /// Asserts that no event is left, by provoking one more and finding it next. An event may come after its reply, and only
    /// whoever comes to the same worker can be sure to come after both: so each worker is asked for what has no event first.
    pub(crate) fn expect_no_other_event(&self) {
        for _ in 0..8 {
            let options = "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            self.connect().send(options).read_to_end();
        }
        self.connect().send("NONSENSE\r\n\r\n").read_to_end();
        let event = self.event();
        assert_eq!(event["refusal"]["code"], "header_doctor_request_line", "another event: {event}");
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// How many file descriptors it holds.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// How many clock ticks (100 a second) it has spent on a processor.
    pub(crate) fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let times = fields.split(' ').skip(11).take(2);
        times.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal by its short name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
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

/// A thousand doctors side by side do not fight for the usual address of the admin listener: only whose file names one can be
/// asked.
pub(crate) fn unasked(command: &mut Command, file: &Path) {
    let is_asked = std::fs::read_to_string(file).is_ok_and(|text| text.contains("admin: { address:"));
    if !is_asked {
        command.env("HEADER_DOCTOR_ADMIN", "none");
    }
}

impl Drop for Doctor {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
