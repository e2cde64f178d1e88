//! From a plan to what a worker serves with. Whatever can fail is done here, before anything is put in force.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;

use super::standing::Standing;
use crate::config::{self, ClientAddress, Exchanges, Hosts, Level, PhpErrors, Plan, Trail, UpstreamTls};
use crate::diagnosis::{RULES, Severity};
use crate::event::{self, Bus, ExchangeIds, Tally};
use crate::exchange::{
    Acceptances, Keeps, Mode, Policy, Promises, Recorder, SecondOpinion, Shows, Signing, Site, Sites,
};
use crate::headers::Trusted;
use crate::history::History;
use crate::listen::{self, Capacity, Serving};
use crate::secret::{Key, Keyring};
use crate::upstream::{self, Registry};

/// What all workers share and no reload replaces: a doctor does not forget because its file was edited.
pub(super) struct Lasting {
    pub(super) key: Key,
    pub(super) bus: Bus,
    pub(super) tally: Arc<Tally>,
    pub(super) promises: Arc<Promises>,
    pub(super) history: Arc<History>,
    pub(super) capacity: Arc<Capacity>,
    pub(super) registry: Arc<Registry>,
    pub(super) began: Instant,
    /// What became of reloads.
    pub(super) standing: Arc<Standing>,
}

/// A plan with what its sites remember: what all workers serve by until the next one comes.
pub(super) struct InForce {
    pub(super) plan: Plan,
    trusted: Arc<Trusted>,
    /// One for each site of the plan.
    acceptances: Vec<Arc<Acceptances>>,
    /// Where each site sends its requests.
    upstreams: Vec<Vec<upstream::Settings>>,
    /// How notes are compared with other doctors.
    signing: Option<Arc<Signing>>,
}

impl InForce {
    /// A plan; what its sites had in the one before they keep, a site being known by its hosts and its upstream.
    pub(super) fn new(
        plan: Plan,
        keys: Option<Keyring>,
        before: Option<&Self>,
        lasting: &Lasting,
    ) -> anyhow::Result<Self> {
        let trusted = Arc::new(plan.trusted_proxies.clone());
        let fresh = || Arc::new(Acceptances::since(lasting.began));
        let kept = |site| before.and_then(|before| before.acceptances_of(site)).unwrap_or_else(fresh);
        let acceptances = plan.sites.iter().map(kept).collect();
        let upstreams = |site: &config::Site| site.upstreams.iter().map(|one| settings(&plan, one)).collect();
        let upstreams = plan.sites.iter().map(upstreams).collect::<anyhow::Result<_>>()?;
        let known = before.and_then(|before| before.signing.as_deref());
        let signing = keys.map(|keys| Arc::new(signing(&plan.trail, keys, known)));
        Ok(Self { plan, trusted, acceptances, upstreams, signing })
    }

    fn acceptances_of(&self, site: &config::Site) -> Option<Arc<Acceptances>> {
        let is_same = |known: &config::Site| {
            let addresses = |site: &config::Site| {
                site.upstreams.iter().map(|one| one.address.clone()).collect::<Vec<_>>()
            };
            known.hosts == site.hosts && addresses(known) == addresses(site)
        };
        let position = self.plan.sites.iter().position(is_same)?;
        self.acceptances.get(position).map(Arc::clone)
    }
}

/// What one worker needs to serve by a plan.
pub(super) struct Share {
    in_force: Arc<InForce>,
    recorder: Recorder,
    promises: Arc<Promises>,
    pub(super) capacity: Arc<Capacity>,
    registry: Arc<Registry>,
}

impl Share {
    pub(super) fn new(in_force: &Arc<InForce>, lasting: &Lasting) -> anyhow::Result<Self> {
        let recorder = recorder(in_force, lasting)?;
        Ok(Self {
            in_force: Arc::clone(in_force),
            recorder,
            promises: Arc::clone(&lasting.promises),
            capacity: Arc::clone(&lasting.capacity),
            registry: Arc::clone(&lasting.registry),
        })
    }

    /// Must be called inside the worker, whose connections to the upstreams begin here.
    pub(super) fn serving(self) -> Serving<Sites> {
        let Self { in_force, recorder, promises, registry, .. } = self;
        let plan = &in_force.plan;
        let remembered = in_force.acceptances.iter().map(Arc::clone);
        let sites = plan.sites.iter().zip(in_force.upstreams.iter().cloned()).zip(remembered);
        let sites = sites.map(|((wanted, upstreams), accepted)| site(wanted, upstreams, &registry, accepted));
        let sites = sites.collect();
        let answer = Sites::new(sites, recorder, Arc::clone(&in_force.trusted), promises);
        Serving { settings: limits(&plan.limits), answer }
    }
}

/// What is needed to compare notes, with the memory of whoever did so before.
fn signing(trail: &Trail, keys: Keyring, known: Option<&Signing>) -> Signing {
    let Trail { hop, instance, after, ends_here, php: asks_php, .. } = trail.clone();
    let replays = known.map(|known| Arc::clone(&known.replays)).unwrap_or_default();
    let stripped = known.map(|known| Arc::clone(&known.stripped)).unwrap_or_default();
    Signing { hop, instance, keys, after, ends_here, asks_php, replays, stripped }
}

fn recorder(in_force: &InForce, lasting: &Lasting) -> anyhow::Result<Recorder> {
    let InForce { plan: Plan { log, trail, diagnosis, .. }, signing, .. } = in_force;
    let shared = signing.as_ref().map(|signing| signing.keys.signing().fingerprints());
    Ok(Recorder {
        // Under a shared key the logs of all doctors show equal values as equal.
        key: shared.unwrap_or(&lasting.key).clone(),
        client_key: lasting.key.clone(),
        ids: ExchangeIds::random().context("the system has no random numbers")?,
        hop: trail.hop.as_str().into(),
        rules: if diagnosis.enabled { RULES } else { &[] },
        site_codes: diagnosis.codes.as_slice().into(),
        bus: lasting.bus.clone(),
        tally: Arc::clone(&lasting.tally),
        history: Arc::clone(&lasting.history),
        began: lasting.began,
        second_opinion: match diagnosis.second_opinion {
            config::SecondOpinion::Never => SecondOpinion::Never,
            config::SecondOpinion::Ask => SecondOpinion::Ask,
            config::SecondOpinion::Auto => SecondOpinion::Auto,
        },
        keeps: match log.exchanges {
            Exchanges::All => Keeps::All,
            Exchanges::Sick => Keeps::Sick,
            Exchanges::None => Keeps::Nothing,
        },
        least: match log.level {
            Level::Error => Some(Severity::Error),
            Level::Warn => Some(Severity::Warning),
            Level::Info | Level::Debug | Level::Trace => None,
        },
        shows: match log.client_address {
            ClientAddress::Full => Shows::Address,
            ClientAddress::Network => Shows::Network,
            ClientAddress::None => Shows::Nothing,
        },
        php_errors: match log.php_errors {
            PhpErrors::Line => event::complaint,
            PhpErrors::Full => event::whole_complaint,
        },
        // A handle of the worker's own: all exchanges hold it.
        signing: signing.as_deref().cloned().map(Arc::new),
    })
}

fn site(
    site: &config::Site,
    upstreams: Vec<upstream::Settings>,
    registry: &Arc<Registry>,
    acceptances: Arc<Acceptances>,
) -> Site {
    let hosts = match &site.hosts {
        Hosts::Any => Vec::new(),
        Hosts::Named(names) => names.clone(),
    };
    let mode = match site.mode {
        config::Mode::Treat => Mode::Treat,
        config::Mode::Observe => Mode::Observe,
    };
    let policy = Policy {
        mode,
        authorization: site.authorization.clone(),
        cors: site.cors.clone(),
        redirects: site.redirects,
        via: site.via,
    };
    Site::new(hosts, policy, upstreams, registry, acceptances)
}

fn settings(plan: &Plan, upstream: &config::Upstream) -> anyhow::Result<upstream::Settings> {
    Ok(upstream::Settings {
        address: upstream.address.clone(),
        tls: upstream.tls.as_ref().map(UpstreamTls::made).transpose()?,
        php: upstream.scripts.clone().map(|scripts| {
            upstream::Php::new(scripts, spool(&plan.spool)).within(bounds(&upstream.connections))
        }),
        host: upstream.host_sent(),
        resolve: upstream.resolve.into(),
        connect_timeout: upstream.connect_timeout,
        response_timeout: upstream.response_timeout,
        idle_timeout: upstream.idle_timeout,
        header_bytes: plan.limits.header_bytes,
    })
}

const fn bounds(connections: &config::Connections) -> upstream::Bounds {
    upstream::Bounds {
        connections: connections.max_connections,
        kept: connections.keep_alive,
        waiting: connections.queue_length,
        patience: connections.queue_timeout,
    }
}

fn spool(spool: &config::Spool) -> upstream::Spool {
    let memory = usize::try_from(spool.memory).unwrap_or(usize::MAX);
    upstream::Spool { memory, total: spool.total, directory: spool.directory.clone() }
}

const fn limits(limits: &config::Limits) -> listen::Settings {
    listen::Settings {
        connections: limits.connections,
        connections_per_address: limits.connections_per_address,
        header_bytes: limits.header_bytes,
        body_bytes: limits.body_bytes,
        header_timeout: limits.header_timeout,
        body_timeout: limits.body_timeout,
        keep_alive_timeout: limits.keep_alive_timeout,
        write_timeout: limits.write_timeout,
    }
}
