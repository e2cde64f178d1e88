//! What stands between two doctors: a real HAProxy, nginx or Varnish with the configurations of `tests/stand/hops`.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::token::basic;
use crate::world::{Authority, PATIENCE};

/// A web server, and its doors: each is a configuration of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    HaProxy,
    Nginx,
    Varnish,
}

impl Server {
    const fn doors(self) -> &'static [&'static str] {
        match self {
            Self::HaProxy => &[
                "CLEAN",
                "CLEAN_HTTP2",
                "DELETES",
                "DELETES_HTTP2",
                "RENAMES",
                "REPLACES",
                "DOUBLES",
                "FOLDS",
                "TRUNCATES",
                "SHOUTS",
                "EMPTIES",
                "ADDS",
                "STRIPS_ORIGIN",
                "FORGETS",
            ],
            Self::Nginx => &[
                "CLEAN",
                "CLEAN_HTTP2",
                "BLANKS",
                "BLANKS_HTTP2",
                "MOVES",
                "REMAPS",
                "FORBIDS",
                "ERROR_PAGES",
                "HOST_WITHOUT_PORT",
                "HOST_OF_UPSTREAM",
            ],
            Self::Varnish => &["CLEAN", "UNSETS", "IGNORES"],
        }
    }

    const fn template(self) -> &'static str {
        match self {
            Self::HaProxy => "haproxy.conf",
            Self::Nginx => "nginx.conf",
            Self::Varnish => "varnish.vcl",
        }
    }

    /// Starts it in the foreground with the configuration in this folder.
    fn command(self, folder: &Path, doors: &[(&str, SocketAddr)]) -> Command {
        let file = folder.join(self.template());
        let program = match self {
            Self::HaProxy => "haproxy",
            Self::Nginx => "nginx",
            Self::Varnish => "varnishd",
        };
        // Debian keeps servers out of an ordinary user's PATH.
        let mut command = Command::new(Path::new("/usr/sbin").join(program));
        match self {
            Self::HaProxy => command.arg("-db").arg("-f").arg(file),
            Self::Nginx => command.args(["-e", "stderr", "-c"]).arg(file).arg("-p").arg(folder),
            Self::Varnish => {
                // As whoever runs the tests: another user could not enter the folder.
                command.args(["-F", "-j", "none", "-s", "default,8m", "-p", "thread_pools=1", "-n"]);
                command.arg(folder.join("work")).arg("-f").arg(file);
                command.args(doors.iter().flat_map(|(door, at)| ["-a".to_owned(), format!("{door}={at}")]))
            }
        };
        command
    }
}

/// A running one; it is stopped when the test lets go of it.
pub(crate) struct Hop {
    child: Child,
    doors: Vec<(&'static str, SocketAddr)>,
    authority: Authority,
}

impl Hop {
    /// One that forwards to this address, whichever door a request comes through.
    pub(crate) fn before(sidecar: SocketAddr, server: Server) -> Self {
        let (here, first) = nobodys_address();
        let doors: Vec<_> = server
            .doors()
            .iter()
            .zip(first..)
            .map(|(door, port)| (*door, SocketAddr::from((here, port))))
            .collect();
        let authority = Authority::new().with("hop", &[&here.to_string()]);
        let folder = authority.file("");
        let text = render(server, sidecar, &folder, &doors);
        std::fs::write(folder.join(server.template()), text).unwrap();
        let pem = ["hop.crt", "hop.key"].map(|file| std::fs::read_to_string(authority.file(file)).unwrap());
        std::fs::write(authority.file("hop.pem"), pem.concat()).unwrap();
        let log = std::fs::File::create(authority.file("log")).unwrap();
        let mut command = server.command(&folder, &doors);
        let child =
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut hop = Self { child, doors, authority };
        hop.wait_until_it_listens();
        hop
    }

    fn wait_until_it_listens(&mut self) {
        for (door, address) in self.doors.clone() {
            let start = std::time::Instant::now();
            while TcpStream::connect(address).is_err() {
                let ended = self.child.try_wait().unwrap();
                assert!(
                    ended.is_none() && start.elapsed() < PATIENCE,
                    "{door} does not open: {}",
                    self.log()
                );
                std::thread::yield_now();
            }
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.authority.file("log")).unwrap_or_default()
    }

    /// Where a door is.
    pub(crate) fn door(&self, name: &str) -> SocketAddr {
        let door = self.doors.iter().find(|(door, _)| *door == name);
        door.unwrap_or_else(|| panic!("there is no door {name}")).1
    }

    /// A door as the configuration of a doctor names its upstream.
    pub(crate) fn upstream(&self, door: &str) -> String {
        let address = self.door(door);
        if door.ends_with("_HTTP2") {
            let ca = self.authority.ca();
            let ca = ca.display();
            return format!("{{ url: \"https://{address}\", http2: auto, tls: {{ ca: {ca} }} }}");
        }
        format!("{{ url: \"http://{address}\" }}")
    }
}

impl Drop for Hop {
    /// Asked to end, Varnish ends its child as well.
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        drop(Command::new("kill").args(["-s", "TERM", &id]).status());
        let start = std::time::Instant::now();
        while start.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::yield_now();
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The login that a hop puts in the client's place.
pub(crate) fn login_of_hop() -> String {
    basic("hop", "hop")
}

fn render(server: Server, sidecar: SocketAddr, folder: &Path, doors: &[(&str, SocketAddr)]) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stand/hops").join(server.template());
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stand/templates");
    let values = [
        ("TEMPLATES", templates.display().to_string()),
        ("FOLDER", folder.display().to_string().trim_end_matches('/').to_owned()),
        ("SIDECAR", sidecar.to_string()),
        ("SIDECAR_IP", sidecar.ip().to_string()),
        ("SIDECAR_PORT", sidecar.port().to_string()),
        ("BASIC", login_of_hop().replace("Basic ", "")),
    ];
    let doors = doors.iter().map(|(door, address)| (*door, address.to_string()));
    let template = std::fs::read_to_string(file).unwrap();
    values
        .into_iter()
        .chain(doors)
        .fold(template, |text, (name, value)| text.replace(&format!("@{name}@"), &value))
}

/// An address of the loopback that belongs to this process, and the first of a hundred ports on it that belong to this
/// call: below those that the system gives away, and so free without a search that somebody else could spoil.
fn nobodys_address() -> (Ipv4Addr, u16) {
    static CALLS: AtomicU16 = AtomicU16::new(0);
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    let call = CALLS.fetch_add(1, Ordering::Relaxed) % 200;
    (Ipv4Addr::new(127, 128 | high, middle, low), 10_000 + 100 * call)
}
