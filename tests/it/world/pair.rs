//! Two doctors with something between them: edge ▸ hop ▸ sidecar ▸ origin.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};

use tempfile::TempDir;

use super::{Doctor, Origin, PATIENCE, Reply, Wire};

/// A key for tests, as a key file has it.
pub(crate) const KEY: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// What a hop does to the bytes of a request.
pub(crate) type Alter = fn(&str) -> String;

/// Two doctors that share a key.
pub(crate) struct Pair {
    pub(crate) edge: Doctor,
    pub(crate) sidecar: Doctor,
    /// What passed the hop, as it went on.
    passed: Receiver<String>,
    _hop: Origin,
    _keys: TempDir,
}

/// How to set up a pair.
pub(crate) struct Setup<'s> {
    /// The key file of the edge.
    pub(crate) edge_keys: &'s str,
    /// That of the sidecar.
    pub(crate) sidecar_keys: &'s str,
    /// More sections of the edge's file.
    pub(crate) edge: &'s str,
    /// More settings of the edge's upstream.
    pub(crate) edge_upstream: &'s str,
    /// More settings of the edge's site.
    pub(crate) edge_site: &'s str,
    /// More settings of the sidecar's site.
    pub(crate) sidecar_site: &'s str,
    /// Whom the sidecar trusts.
    pub(crate) sidecar_trusts: &'s str,
    /// More of the sidecar's section `trail`.
    pub(crate) sidecar_trail: &'s str,
    /// Whether the hop answers by itself what it was asked before, with the first reply.
    pub(crate) is_cache: bool,
    /// A line that the hop adds to every reply.
    pub(crate) adds: &'static str,
    /// Of which exchanges both doctors tell.
    pub(crate) exchanges: &'s str,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            edge_keys: KEY,
            sidecar_keys: KEY,
            edge: "",
            edge_upstream: "",
            edge_site: "",
            sidecar_site: "",
            sidecar_trusts: "loopback",
            sidecar_trail: "",
            is_cache: false,
            adds: "",
            exchanges: "all",
        }
    }
}

impl Pair {
    /// A pair whose hop does this to requests.
    pub(crate) fn with_hop(origin: &Origin, alter: Alter) -> Self {
        Self::set_up(origin, alter, &Setup::default())
    }

    pub(crate) fn set_up(origin: &Origin, alter: Alter, setup: &Setup<'_>) -> Self {
        let keys = TempDir::new().unwrap();
        let file = |name: &str, text: &str| {
            let path = keys.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let trail = format!(
            "trusted_proxies: [{}]\ntrail: {{ hop: sidecar, instance: pod-1, key_file: {}{} }}",
            setup.sidecar_trusts,
            file("sidecar", setup.sidecar_keys),
            setup.sidecar_trail
        );
        let site = |upstream: &dyn std::fmt::Display, more: &str, settings: &str| {
            format!("upstreams: [{{ url: \"{upstream}\"{more} }}]{settings}")
        };
        let sidecar = doctor(&site(origin, "", setup.sidecar_site), setup, &trail);
        let (hop, passed) = hop(sidecar.address(), alter, setup.is_cache, setup.adds);
        let trail =
            format!("trail: {{ hop: edge, key_file: {} }}\n{}", file("edge", setup.edge_keys), setup.edge);
        let edge = doctor(&site(&hop, setup.edge_upstream, setup.edge_site), setup, &trail);
        Self { edge, sidecar, passed, _hop: hop, _keys: keys }
    }

    /// Sends a request to the edge.
    pub(crate) fn ask(&self, request: &str) -> Reply {
        self.edge.connect().send(request).reply()
    }

    /// The next request as the hop passed it on.
    pub(crate) fn passed(&self) -> String {
        self.passed.recv_timeout(PATIENCE).expect("the hop passes a request on")
    }
}

fn doctor(site: &str, setup: &Setup<'_>, sections: &str) -> Doctor {
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         sites: [{{ {site} }}]\n\
         workers: {}\n\
         log: {{ format: json, exchanges: {}, client_address: full, repeats: 0s }}\n\
         {sections}\n",
        if setup.exchanges == "all" { 2 } else { 1 },
        setup.exchanges,
    ))
}

fn hop(sidecar: SocketAddr, alter: Alter, is_cache: bool, adds: &'static str) -> (Origin, Receiver<String>) {
    let (tell, passed) = channel();
    let stored = std::sync::Mutex::new(None::<Vec<u8>>);
    let hop = Origin::playing(move |mut wire, _| {
        loop {
            let request = alter(&wire.message());
            let kept = stored.lock().unwrap().clone();
            if let Some(reply) = kept {
                wire.put(reply);
                continue;
            }
            drop(tell.send(request.clone()));
            let reply = Wire::to(sidecar).send(request).reply();
            let head = reply.head.replacen("\r\n", &format!("\r\n{adds}"), 1);
            let reply = [head.as_bytes(), &reply.body].concat();
            if is_cache {
                *stored.lock().unwrap() = Some(reply.clone());
            }
            wire.put(reply);
        }
    });
    (hop, passed)
}
