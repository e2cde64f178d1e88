//! The file as a whole: its shape, and from there to a [`Plan`].

use super::error::Problem;
use super::log::Format;
use super::overrides::{Overrides, Surroundings};
use super::reading::Scalar;
use super::upstreams::Upstream;
use super::workers::Workers;
use super::{
    Mode, Plan, Site, Upgrade, admin, cors, diagnosis, drain, limits, listeners, log, sites, spool, trail,
    trusted_proxies, upgrade,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The configuration of header-doctor, a reverse proxy that says where `Authorization` was lost.
///
/// Every single value may hold `${VAR}` or `${VAR:-default}`; `$${` stands for the characters `${`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "header-doctor")]
pub(super) struct Shape {
    /// The addresses clients connect to; 127.0.0.1:8080 when absent.
    #[schemars(length(min = 1))]
    listeners: Option<Vec<listeners::Shape>>,
    /// The proxies whose word about a client is believed (Forwarded, X-Forwarded-*, PROXY headers, recover_from): networks, `private`
    /// or `loopback`; nobody when absent.
    trusted_proxies: Option<trusted_proxies::Shape>,
    /// Which requests are answered, and from where.
    sites: Option<Vec<sites::Shape>>,
    /// What this doctor is called, and with which others it compares notes.
    trail: Option<trail::Shape>,
    /// What the operators of the site know that the doctor does not, and what it does about a verdict that is only possible.
    diagnosis: Option<diagnosis::Shape>,
    /// How much and how slow a client may be.
    limits: Option<limits::Shape>,
    /// Where the bodies of requests wait for PHP-FPM (`fastcgi://`, `fastcgi+unix:`) until they are whole.
    spool: Option<spool::Shape>,
    /// How the doctor leaves.
    drain: Option<drain::Shape>,
    /// How many threads share the work; `auto`, as when absent, is the cgroup's CPU quota rounded up.
    workers: Option<Scalar<Workers>>,
    /// What is written about exchanges, and how.
    log: Option<log::Shape>,
    /// What the doctor says of itself, and where.
    admin: Option<admin::Shape>,
    /// How a new process takes over from the running one.
    upgrade: Option<upgrade::Shape>,
}

impl Shape {
    /// The plan, or `None` when neither the file nor a flag names an upstream.
    pub(super) fn plan(self, overrides: &Overrides, around: Surroundings) -> Result<Option<Plan>, Problem> {
        let mut listeners = listeners::check(self.listeners).map_err(|problem| problem.under("listeners"))?;
        let mut sites = sites::check(self.sites).map_err(|problem| problem.under("sites"))?;
        let trusted_proxies = trusted_proxies::check(self.trusted_proxies, &overrides.trusted_proxies);
        listeners::check_trust(&listeners, &trusted_proxies).map_err(|problem| problem.under("listeners"))?;
        sites::check_trust(&sites, &trusted_proxies).map_err(|problem| problem.under("sites"))?;
        if !overrides.listeners.is_empty() {
            listeners.clone_from(&overrides.listeners);
        }
        if !overrides.upstreams.is_empty() {
            let (root, php_root) = (overrides.root.as_ref(), overrides.php_root.as_ref());
            let upstream = |target| Upstream::of_flag(target, root, php_root);
            let upstreams = overrides.upstreams.iter().map(upstream);
            sites = vec![Site::any(upstreams.collect::<Result<_, _>>()?)];
        }
        if sites.is_empty() {
            return Ok(None);
        }
        sites::check_loops(&sites, &listeners).map_err(|problem| problem.under("sites"))?;
        if overrides.observe {
            sites.iter_mut().for_each(|site| site.mode = Mode::Observe);
        }
        allow_origins(&mut sites, overrides)?;
        let trail = trail::check(self.trail.unwrap_or_default(), overrides)?;
        let diagnosis = diagnosis::check(self.diagnosis.unwrap_or_default())
            .map_err(|problem| problem.under("diagnosis"))?;
        let format = if around.terminal { Format::Pretty } else { Format::Json };
        let mut log = self.log.unwrap_or_default().settings(format);
        log.format = overrides.log_format.unwrap_or(log.format);
        let admin = admin::check(self.admin.unwrap_or_default(), overrides, &listeners)?;
        let mut upgrade = Upgrade::from(self.upgrade.unwrap_or_default());
        upgrade.socket = overrides.upgrade_socket.clone().or(upgrade.socket);
        Ok(Some(Plan {
            listeners,
            trusted_proxies,
            sites,
            trail,
            diagnosis,
            limits: self.limits.unwrap_or_default().into(),
            spool: self.spool.unwrap_or_default().into(),
            drain: self.drain.unwrap_or_default().into(),
            workers: match self.workers {
                Some(Scalar(Workers::Number(number))) => number,
                Some(Scalar(Workers::Auto)) | None => around.cores,
            },
            log,
            admin,
            upgrade,
        }))
    }
}

/// What the flag says of every site.
fn allow_origins(sites: &mut [Site], overrides: &Overrides) -> Result<(), Problem> {
    let origins = &overrides.cors_origins;
    if origins.is_empty() {
        return Ok(());
    }
    for (index, site) in sites.iter_mut().enumerate() {
        // Of the settings of a site, only its credentials can contradict an origin.
        let contradicted = |_| {
            let message =
                "is true, which excludes `--cors-origin \"*\"`; name the origins, or leave credentials out";
            Problem::here(message).under("allow_credentials").under("cors").under(index).under("sites")
        };
        site.cors = Some(cors::with_origins(site.cors.as_ref(), origins).map_err(contradicted)?);
    }
    Ok(())
}

impl From<&Plan> for Shape {
    fn from(plan: &Plan) -> Self {
        Self {
            listeners: Some(plan.listeners.iter().map(Into::into).collect()),
            trusted_proxies: Some(trusted_proxies::shape(&plan.trusted_proxies)),
            sites: Some(plan.sites.iter().map(Into::into).collect()),
            trail: Some((&plan.trail).into()),
            diagnosis: Some((&plan.diagnosis).into()),
            limits: Some((&plan.limits).into()),
            spool: Some((&plan.spool).into()),
            drain: Some((&plan.drain).into()),
            workers: Some(Scalar(Workers::Number(plan.workers))),
            log: Some((&plan.log).into()),
            admin: Some((&plan.admin).into()),
            upgrade: Some((&plan.upgrade).into()),
        }
    }
}
