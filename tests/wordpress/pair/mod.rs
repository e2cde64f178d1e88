//! Two doctors with a shared key and a real hop between them, before the real WordPress.
//!
//! client ▸ edge ▸ hop ▸ sidecar ▸ nginx ▸ PHP. Both log sick exchanges only, so that a healthy one is silence in both logs.

mod arrivals;
mod healthy;
pub(crate) mod hop;
mod spoiled;
mod strangers;

use serde_json::Value;
use tempfile::NamedTempFile;

use self::hop::{Hop, Server};
use crate::judge::Ask;
use crate::stand::Stand;
use crate::world::{Doctor, Reply};

/// Keys as a file has them; the second is another one under another name.
const KEY: &str = "stand:c3RhbmQtdHJhaWwta2V5LTAxMjM0NTY3ODktYWJjZGU=";
const OTHER_KEY: &str = "other:b3RoZXItdHJhaWwta2V5LTAxMjM0NTY3ODktYWJjZGU=";

/// What must not be found in anything that leaves the path: the headers' names, the members of the lists, the keys.
const SIGNS: [&str; 6] = [
    "header-doctor-",
    "edge;i=",
    "sidecar;i=",
    "instance-of-the-stand",
    "c3RhbmQtdHJhaWwta2V5LTAxMjM0NTY3ODktYWJjZGU",
    "stand-trail-key",
];

/// The doctors before WordPress whom the edge reaches by a hop: all that lies behind the edge.
pub(crate) struct Way {
    sidecar: Doctor,
    hop: Hop,
    _keys: NamedTempFile,
}

impl Way {
    pub(crate) fn through(server: Server) -> Self {
        Self::with(server, "NGINX_GOOD", KEY, "")
    }

    /// An nginx, and a sidecar before this door of the stand.
    pub(crate) fn before(door: &str) -> Self {
        Self::with(Server::Nginx, door, KEY, "")
    }

    /// One whose sidecar stands before this door of the stand, has these keys, and these settings of a trail besides.
    fn with(server: Server, door: &str, keys: &str, more: &str) -> Self {
        let door = Stand::up().get(door);
        let (sidecar, keys) = doctor("sidecar", keys, &format!("{{ url: \"http://{door}\" }}"), more);
        let hop = Hop::before(sidecar.address(), server);
        Self { sidecar, hop, _keys: keys }
    }

    pub(crate) fn pair(&self, door: &str) -> Pair<'_> {
        self.pair_with(door, KEY)
    }

    /// A pair whose edge has these keys.
    fn pair_with(&self, door: &str, keys: &str) -> Pair<'_> {
        let (edge, keys) = doctor("edge", keys, &self.hop.upstream(door), "");
        Pair { edge, sidecar: &self.sidecar, door: door.to_owned(), _keys: keys }
    }
}

/// A doctor that believes the loopback, as one does behind a hop that it knows; and the file of its keys, which it watches.
fn doctor(hop: &str, keys: &str, upstream: &str, more: &str) -> (Doctor, NamedTempFile) {
    let file = NamedTempFile::with_suffix(".keys").unwrap();
    std::fs::write(file.path(), format!("{keys}\n")).unwrap();
    let path = file.path().display();
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         trusted_proxies: [loopback]\n\
         sites: [{{ upstreams: [{upstream}] }}]\n\
         trail: {{ hop: {hop}, instance: instance-of-the-stand, key_file: {path}{more} }}\n\
         workers: 1\n\
         log: {{ format: json, repeats: 0s }}\n"
    ));
    (doctor, file)
}

/// An edge and a sidecar, with one door of a hop between them.
pub(crate) struct Pair<'a> {
    pub(crate) edge: Doctor,
    pub(crate) sidecar: &'a Doctor,
    door: String,
    _keys: NamedTempFile,
}

impl Pair<'_> {
    /// What the client gets. Whatever it is, it shows nothing of what the doctors told each other.
    pub(crate) fn ask(&self, ask: &Ask) -> Reply {
        let reply = ask.over(self.edge.connect());
        assert_shows_nothing(&self.door, &reply);
        reply
    }

    /// What the edge and the sidecar log of one exchange.
    fn events(&self) -> [Value; 2] {
        let [edge, sidecar] = [self.edge.event(), self.sidecar.event()];
        let id = |event: &Value, name: &str| event[name].as_str().map(str::to_owned);
        for name in ["exchange", "trace_id"] {
            assert!(id(&edge, name).is_some(), "{} has no {name}: {edge}", self.door);
            assert_eq!(id(&edge, name), id(&sidecar, name), "{} {name}: {edge} {sidecar}", self.door);
        }
        assert_eq!([&edge["hop"], &sidecar["hop"]], ["edge", "sidecar"], "{}", self.door);
        [edge, sidecar]
    }

    /// Neither of them has anything to say.
    fn expect_silence(&self) {
        self.edge.expect_no_other_event();
        self.sidecar.expect_no_other_event();
    }

    /// Neither of them accuses anybody. What a cache breaks off, having seen the head that it asked for, may be told.
    fn expect_no_finding(&self) {
        for doctor in [&self.edge, self.sidecar] {
            doctor.connect().send("NONSENSE\r\n\r\n").read_to_end();
            let is_last = |event: &Value| event["refusal"]["code"] == "header_doctor_request_line";
            let events = std::iter::repeat_with(|| doctor.event()).take_while(|event| !is_last(event));
            events.for_each(|event| assert_eq!(rules(&event), [""; 0], "{}: {event}", self.door));
        }
    }
}

fn assert_shows_nothing(what: &str, reply: &Reply) {
    let text = format!("{}{}", reply.head, String::from_utf8_lossy(&reply.body)).to_lowercase();
    for sign in SIGNS {
        assert!(!text.contains(&sign.to_lowercase()), "{what} shows {sign}: {}", reply.head);
    }
}

/// The rules of an event, the root cause first.
fn rules(event: &Value) -> Vec<&str> {
    event["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|finding| finding["rule"].as_str())
        .collect()
}
