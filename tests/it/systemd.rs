//! What systemd passes and what it is told.

use std::io::{Read, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::world::{Doctor, Origin, PATIENCE, Wire, own_address};

/// Listens for what systemd would be told.
struct Systemd {
    folder: TempDir,
    socket: UnixDatagram,
}

impl Systemd {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { folder, socket }
    }

    fn start(&self, file: &Path) -> Doctor {
        let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
        command.args(["run", "--config"]).arg(file).env_clear();
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify")).env("WATCHDOG_USEC", "200000");
        Doctor::started_by(command, file)
    }

    /// The next message that is not only a sign of life.
    fn told(&self) -> String {
        loop {
            let told = self.next();
            if told != "WATCHDOG=1\n" {
                return told;
            }
        }
    }

    fn next(&self) -> String {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).expect("systemd is told something");
        String::from_utf8(message[..length].to_vec()).unwrap()
    }
}

fn config(upstream: &str, more: &str) -> String {
    format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{{ url: \"{upstream}\" }}] }}]\n\
         workers: 2\nlog: {{ format: json }}\n{more}\n"
    )
}

#[test]
fn systemd_is_told_of_the_whole_life() {
    let systemd = Systemd::new();
    let file = systemd.folder.path().join("doctor.yaml");
    std::fs::write(&file, config("h:80", "drain: { delay: 500ms }")).unwrap();
    let mut doctor = systemd.start(&file);
    let ready = systemd.told();
    assert!(ready.starts_with("READY=1\nSTATUS=Serving 1 site(s) on 127.0.0.1:"), "{ready}");
    assert_eq!(systemd.next(), "WATCHDOG=1\n");
    doctor.signal("HUP");
    let reloading = systemd.told();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(systemd.told(), ready);
    doctor.rewrite("sites: nonsense");
    assert!(systemd.told().starts_with("RELOADING=1\n"));
    let wrong = systemd.told();
    assert!(wrong.starts_with("READY=1\n") && wrong.contains("wrong, see the log"), "{wrong}");
    doctor.terminate();
    assert!(systemd.told().starts_with("STOPPING=1\n"));
    assert_eq!(systemd.next(), "WATCHDOG=1\n", "a drain is no hang");
    assert!(doctor.wait().success());
}

#[test]
fn a_doctor_to_which_systemd_does_not_listen_serves_reloads_and_ends() {
    let systemd = Systemd::new();
    let filler = UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    while filler.send_to(b"x", systemd.folder.path().join("notify")).is_ok() {}
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let file = systemd.folder.path().join("doctor.yaml");
    std::fs::write(&file, config(&origin.to_string(), "")).unwrap();
    let mut doctor = systemd.start(&file);
    let said = doctor.says("Nobody reads at NOTIFY_SOCKET");
    assert_eq!(said["level"], "WARN", "{said}");
    doctor.signal("HUP");
    doctor.says("Reloaded");
    let reply = doctor.connect().send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").reply();
    assert_eq!(reply.status(), 200);
    doctor.terminate();
    assert!(doctor.wait().success());
    let again = doctor.said().iter().filter(|line| line.to_string().contains("NOTIFY_SOCKET")).count();
    assert_eq!(again, 0, "it is said once");
}

#[test]
fn systemd_is_told_who_the_service_is_after_a_hand_over() {
    let systemd = Systemd::new();
    let at = |name: &str| systemd.folder.path().join(name);
    std::fs::write(at("doctor.yaml"), config("h:80", "")).unwrap();
    let command = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
        command.args(["run", "--config"]).arg(at("doctor.yaml")).args(more).env_clear();
        command.env("HEADER_DOCTOR_UPGRADE_SOCKET", at("upgrade")).env("NOTIFY_SOCKET", at("notify"));
        command
    };
    let (command, again) = (command(&[]), command(&["--upgrade"]));
    let mut before = Doctor::started_by(command, &at("doctor.yaml"));
    assert!(systemd.told().starts_with("READY=1\n"));
    let after = Doctor::started_by(again, &at("doctor.yaml"));
    let told = [systemd.told(), systemd.told()];
    let main = format!("MAINPID={}\n", after.process());
    assert!(told.iter().any(|told| told.starts_with(&main)), "{told:?}");
    assert!(told.iter().any(|told| told.starts_with("READY=1\n")), "{told:?}");
    assert!(before.wait().success());
    // systemd watches it by the time it told the one before, and tells it nothing.
    assert_eq!([systemd.next(), systemd.next()], ["WATCHDOG=1\n", "WATCHDOG=1\n"]);
}

/// Starts the doctor with a listening socket of this address, as systemd does; nothing where the tool is missing.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn activated(addresses: &[&str], file: &Path) -> Option<Command> {
    let tool = Path::new("/usr/bin/systemd-socket-activate");
    if !tool.exists() {
        eprintln!("skipped: systemd-socket-activate is not installed");
        return None;
    }
    let mut command = Command::new(tool);
    let is_asked = std::fs::read_to_string(file).unwrap().contains("admin: { address:");
    // It passes nothing of our environment on.
    command.args(if is_asked { &[][..] } else { &["--setenv", "HEADER_DOCTOR_ADMIN=none"] });
    command.args(addresses.iter().flat_map(|address| ["--listen", *address]));
    command.args([env!("CARGO_BIN_EXE_header-doctor"), "run", "--config"]).arg(file);
    Some(command)
}

#[test]
fn a_socket_that_systemd_passes_is_served_by_all_workers() {
    let origin = Origin::playing(|mut wire, _| {
        wire.head();
        wire.put("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    });
    let (folder, address) = (tempfile::tempdir().unwrap(), own_address());
    let file = folder.path().join("doctor.yaml");
    let listeners = config(&origin.to_string(), "").replace("127.0.0.1:0", &address.to_string());
    std::fs::write(&file, listeners).unwrap();
    let Some(mut command) = activated(&[&address.to_string()], &file) else { return };
    command.stderr(std::process::Stdio::null());
    // It starts the doctor with the first connection, which waits in the queue until then.
    let doctor = std::thread::scope(|scope| {
        scope.spawn(|| {
            while std::net::TcpStream::connect(address).is_err() {
                std::thread::yield_now();
            }
        });
        Doctor::started_by(command, &file)
    });
    assert_eq!(doctor.address(), address);
    for _ in 0..8 {
        let reply = doctor.connect().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").reply();
        assert_eq!((reply.status(), &reply.body[..]), (200, &b"hi"[..]));
    }
}

#[test]
fn the_admin_listener_is_passed_a_unix_socket_and_leaves_its_path_to_systemd() {
    let (folder, address) = (tempfile::tempdir().unwrap(), own_address());
    let (file, path) = (folder.path().join("doctor.yaml"), folder.path().join("admin.sock"));
    let yaml = config("h:80", &format!("admin: {{ address: 'unix:{}' }}", path.display()));
    std::fs::write(&file, yaml.replace("127.0.0.1:0", &address.to_string())).unwrap();
    let Some(mut command) = activated(&[&address.to_string(), path.to_str().unwrap()], &file) else { return };
    command.stderr(std::process::Stdio::null());
    let mut doctor = std::thread::scope(|scope| {
        scope.spawn(|| {
            while std::net::TcpStream::connect(address).is_err() {
                std::thread::yield_now();
            }
        });
        Doctor::started_by(command, &file)
    });
    let mut admin = std::os::unix::net::UnixStream::connect(&path).unwrap();
    admin.write_all(b"GET /livez HTTP/1.1\r\nHost: doctor\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    admin.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    doctor.terminate();
    assert!(doctor.wait().success());
    assert!(path.exists());
}

#[test]
fn a_socket_that_nobody_wants_is_told_what_to_do() {
    let (folder, address) = (tempfile::tempdir().unwrap(), own_address());
    let file = folder.path().join("doctor.yaml");
    std::fs::write(&file, config("h:80", "")).unwrap();
    let Some(mut command) = activated(&[&address.to_string()], &file) else { return };
    let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let _first = std::iter::repeat_with(|| Wire::try_to(address)).flatten().next();
    let ended = child.wait_with_output().unwrap();
    let words = String::from_utf8(ended.stderr).unwrap();
    assert!(
        words.contains(&format!("systemd passed a socket on {address}, which no listener names")),
        "{words}"
    );
}
