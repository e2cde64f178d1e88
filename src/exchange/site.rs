//! The sites of a worker: which one a request is for, and where its requests go.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use super::Recorder;
use super::memory::{Acceptances, Promises};
use super::record::{Record, Shared};
use crate::event::Shard;
use crate::headers::{Peer, Scheme, Trusted, authorization, cors, forwarded, redirects};
use crate::listen::Client;
use crate::message::{Name, ReplyHead, RequestHead, host_of};
use crate::upstream::{Group, Registry, Settings};

/// What the doctor may do to a site's exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What the policy says.
    Treat,
    /// Nothing end to end: it only looks.
    Observe,
}

/// What the doctor may change on the exchanges of a site.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether it may change anything.
    pub mode: Mode,
    /// What may be done about `Authorization`.
    pub authorization: authorization::Policy,
    /// Which pages of other origins may use the site; nothing leaves that to WordPress.
    pub cors: Option<cors::Policy>,
    /// What is done about redirects to another origin.
    pub redirects: redirects::Policy,
    /// Whether the upstream is told that a request passed here.
    pub via: forwarded::Via,
}

impl Policy {
    /// The policy of a site that configures none, in this mode.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            authorization: authorization::Policy::default(),
            cors: None,
            redirects: redirects::Policy::default(),
            via: forwarded::Via::default(),
        }
    }
}

/// A virtual host: its names, its policy, its upstreams.
pub struct Site {
    hosts: Vec<String>,
    policy: Policy,
    upstreams: Group,
    upstream_name: Arc<str>,
    authorities: Vec<String>,
    told: Told,
    acceptances: Arc<Acceptances>,
}

/// The host that requests are sent on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The one they came with.
    Asked,
    /// This one, to whichever upstream.
    Always(String),
    /// It depends on the upstream.
    Varies,
}

impl Told {
    fn of(upstreams: &[Settings]) -> Self {
        let mut hosts = upstreams.iter().map(|one| &one.host);
        let first = hosts.next().cloned().flatten();
        if !hosts.all(|host| *host == first) {
            return Self::Varies;
        }
        first.map_or(Self::Asked, Self::Always)
    }

    /// The host that a seal is made for: where upstreams are told different ones, the one that was asked for, which the
    /// doctor behind may find in `X-Forwarded-Host`.
    pub(super) fn sealed<'h>(&'h self, head: &'h RequestHead) -> &'h [u8] {
        match self {
            Self::Always(host) => host.as_bytes(),
            Self::Asked | Self::Varies => head.fields.first(Name::Host).unwrap_or_default(),
        }
    }
}

impl Site {
    /// A site; without `hosts` (lower case, without port) it answers for every host no other site names. What its
    /// upstreams accept is shared with the same site in other workers, and their health with all sites of the
    /// registry. Must be made inside the worker that uses it.
    #[must_use]
    pub fn new(
        hosts: Vec<String>,
        policy: Policy,
        upstreams: Vec<Settings>,
        registry: &Arc<Registry>,
        acceptances: Arc<Acceptances>,
    ) -> Self {
        let names: Vec<_> = upstreams.iter().map(ToString::to_string).collect();
        let authorities = upstreams.iter().map(Settings::authority).collect();
        let told = Told::of(&upstreams);
        let upstreams = Group::new(upstreams, registry);
        let upstream_name = names.join(", ").into();
        Self { hosts, policy, upstreams, upstream_name, authorities, told, acceptances }
    }

    /// The host of a request that names none.
    pub(super) fn authority(&self) -> &[u8] {
        self.authorities.first().map(String::as_bytes).unwrap_or_default()
    }

    /// The host that its upstreams are told.
    pub(super) const fn told(&self) -> &Told {
        &self.told
    }

    /// What an exchange is told of that went to no one upstream in particular.
    pub(super) fn upstream_name(&self) -> Arc<str> {
        Arc::clone(&self.upstream_name)
    }

    pub(super) fn treats(&self) -> bool {
        self.policy.mode == Mode::Treat
    }

    /// The policy for pages of other origins, where it holds for this request.
    pub(super) fn cors(&self, head: &RequestHead) -> Option<&cors::Policy> {
        self.policy.cors.as_ref().filter(|policy| self.treats() && policy.covers(head))
    }

    /// The same of a reply: one of the REST server is covered whatever URL it came by, for `rest_route` may stand in
    /// the body of a form.
    pub(super) fn cors_on(&self, head: &RequestHead, reply: &ReplyHead) -> Option<&cors::Policy> {
        let is_rest = || reply.fields.has(Name::AccessControlAllowOrigin) && links_to_rest(reply);
        self.policy.cors.as_ref().filter(|policy| self.treats() && (policy.covers(head) || is_rest()))
    }

    pub(super) const fn authorization(&self) -> &authorization::Policy {
        &self.policy.authorization
    }

    pub(super) const fn via(&self) -> forwarded::Via {
        self.policy.via
    }

    pub(super) fn rewrites(&self) -> bool {
        self.treats() && self.policy.redirects == redirects::Policy::Rewrite
    }

    /// The names of this site, for whoever decides whether a redirect stays at home.
    pub(super) fn own(&self) -> redirects::Own<'_> {
        redirects::Own { hosts: &self.hosts, upstreams: &self.authorities }
    }

    pub(super) fn acceptances(&self) -> &Acceptances {
        &self.acceptances
    }

    pub(super) const fn upstreams(&self) -> &Group {
        &self.upstreams
    }

    fn is_named(&self, host: &[u8]) -> bool {
        self.hosts.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(host))
    }
}

/// All sites of a worker.
pub struct Sites {
    sites: Vec<Rc<Site>>,
    recorder: Rc<Recorder>,
    shared: Rc<Shared>,
    last_peer: Cell<Option<Peer>>,
}

impl Sites {
    /// The sites, who records their exchanges, whose word about a client is believed, and what browsers announced to
    /// any worker. Must be made inside the worker that uses it, for what it counts is the worker's own.
    #[must_use]
    pub fn new(sites: Vec<Site>, recorder: Recorder, trusted: Arc<Trusted>, promises: Arc<Promises>) -> Self {
        let sites = sites.into_iter().map(Rc::new).collect();
        let shard = recorder.tally.shard();
        let shared = Rc::new(Shared { trusted, promises, shard, ..Shared::default() });
        Self { sites, recorder: Rc::new(recorder), shared, last_peer: Cell::new(None) }
    }

    /// Opens the record of an exchange.
    pub(super) fn open(&self, client: Client, head: RequestHead) -> Record {
        let peer = self.peer(client);
        self.recorder.open(peer, head, Rc::clone(&self.shared))
    }

    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        self.shared.trusted.contains(peer)
    }

    /// What this worker counts in.
    pub(super) fn shard(&self) -> &Shard {
        &self.shared.shard
    }

    pub(super) const fn recorder(&self) -> &Rc<Recorder> {
        &self.recorder
    }

    /// The other end of a connection. Requests of one peer come in a row, most of all those of a proxy in front.
    fn peer(&self, client: Client) -> Peer {
        let address = client.address.ip().to_canonical();
        let scheme = if client.secure { Scheme::Https } else { Scheme::Http };
        let last = self.last_peer.get();
        if let Some(peer) = last.filter(|peer| peer.address() == address && peer.scheme() == scheme) {
            return peer;
        }
        let peer = Peer::new(address, &self.shared.trusted, scheme);
        self.last_peer.set(Some(peer));
        peer
    }

    /// The site a request is for: the one that names its host, else the one for any.
    pub(super) fn of(&self, head: &RequestHead) -> Option<Rc<Site>> {
        let host = host_of(head.fields.first(Name::Host).unwrap_or_default());
        let named = self.sites.iter().find(|site| site.is_named(host));
        named.or_else(|| self.sites.iter().find(|site| site.hosts.is_empty())).map(Rc::clone)
    }
}

/// Whether a reply names the REST root, as WordPress's do (`rest_output_link_header`).
fn links_to_rest(reply: &ReplyHead) -> bool {
    let names = |link: &[u8]| memchr::memmem::find(link, b"https://api.w.org/").is_some();
    reply.fields.all(Name::Link).any(names)
}
