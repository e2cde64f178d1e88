//! The sites of a worker: which one a request is for, and where its requests go.

use std::rc::Rc;
use std::sync::Arc;

use super::Recorder;
use crate::message::{Name, RequestHead};
use crate::upstream::{Settings, Upstream};

/// What the doctor may do to a site's exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What the policy says.
    Treat,
    /// Nothing end to end: it only looks.
    Observe,
}

/// A virtual host: its names, its policy, its upstream.
pub struct Site {
    hosts: Vec<String>,
    mode: Mode,
    upstream: Upstream,
    upstream_name: Arc<str>,
    authority: String,
}

impl Site {
    /// A site; without `hosts` (lower case, without port) it answers for every host no other site names. Must be
    /// made inside the worker that uses it.
    #[must_use]
    pub fn new(hosts: Vec<String>, mode: Mode, upstream: Settings) -> Self {
        let upstream_name = upstream.address.to_string().into();
        let authority = upstream.address.authority();
        Self { hosts, mode, upstream: Upstream::new(upstream), upstream_name, authority }
    }

    /// The host of a request that names none.
    pub(super) fn authority(&self) -> &[u8] {
        self.authority.as_bytes()
    }

    pub(super) fn upstream_name(&self) -> Arc<str> {
        Arc::clone(&self.upstream_name)
    }

    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) const fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    fn is_named(&self, host: &[u8]) -> bool {
        self.hosts.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(host))
    }
}

/// All sites of a worker.
pub struct Sites {
    sites: Vec<Site>,
    recorder: Rc<Recorder>,
}

impl Sites {
    /// The sites and who records their exchanges.
    #[must_use]
    pub fn new(sites: Vec<Site>, recorder: Recorder) -> Self {
        Self { sites, recorder: Rc::new(recorder) }
    }

    pub(super) const fn recorder(&self) -> &Rc<Recorder> {
        &self.recorder
    }

    /// The site a request is for: the one that names its host, else the one for any.
    pub(super) fn of(&self, head: &RequestHead) -> Option<&Site> {
        let host = without_port(head.fields.first(Name::Host).unwrap_or_default());
        let named = self.sites.iter().find(|site| site.is_named(host));
        named.or_else(|| self.sites.iter().find(|site| site.hosts.is_empty()))
    }
}

/// `host` without its port and without the final dot of a full name.
fn without_port(host: &[u8]) -> &[u8] {
    let bracket = memchr::memrchr(b']', host);
    let colon = memchr::memrchr(b':', host).filter(|colon| bracket.is_none_or(|bracket| bracket < *colon));
    let name = colon.and_then(|colon| host.get(..colon)).unwrap_or(host);
    name.strip_suffix(b".").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn a_host_is_compared_without_port_and_final_dot() {
        let cases =
            [("a.test", "a.test"), ("a.test:80", "a.test"), ("a.test.:80", "a.test"), ("[::1]:80", "[::1]")];
        for (host, name) in cases {
            assert_eq!(without_port(host.as_bytes()), name.as_bytes());
        }
        assert_eq!(without_port(b"[::1]"), b"[::1]");
    }
}
