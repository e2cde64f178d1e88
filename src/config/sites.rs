//! Section `sites`: which requests are answered, from where, and what may be changed on the way.

use super::authorization;
use super::connections;
use super::cors;
use super::error::Problem;
use super::listeners::Listener;
use super::reading::Scalar;
use super::redirects::Redirects;
use super::upstreams::{self, Upstream};
use super::values::Host;
use super::values::words::words;
use super::via::Via;
use crate::headers::cors::Policy;
use crate::headers::{Trusted, authorization as headers, forwarded, redirects};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A virtual host and its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Which requests it answers.
    pub hosts: Hosts,
    /// Whether it may treat what it finds.
    pub mode: Mode,
    /// Where its requests are sent to; at least one, and none twice.
    pub upstreams: Vec<Upstream>,
    /// What may be done about `Authorization`.
    pub authorization: headers::Policy,
    /// What is done about redirects to another origin.
    pub redirects: redirects::Policy,
    /// Whether the upstream is told that a request passed here.
    pub via: forwarded::Via,
    /// Which pages of other origins may use it; nothing leaves that to WordPress.
    pub cors: Option<Policy>,
}

/// Which hosts a site answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Whatever no other site claims.
    Any,
    /// These names, in lower case, without a port or a final dot; an IPv6 address is in its brackets.
    Named(Vec<String>),
}

words! {
    /// Whether a site may change anything.
    pub Mode is "a mode" {
        /// Does what the policy of the site says.
        #[default]
        Treat = "treat",
        /// Changes nothing end to end, and only reports.
        Observe = "observe",
    }
}

/// One entry of `sites` in the file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Site")]
pub(super) struct Shape {
    /// Exact names this site answers for; absent: any host that no other site names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    hosts: Option<Vec<Scalar<Host>>>,
    /// `treat` when absent.
    mode: Option<Scalar<Mode>>,
    /// Where requests are sent to: of several, each goes to the one with the fewest requests under way.
    #[schemars(required, length(min = 1))]
    upstreams: Option<Vec<upstreams::Shape>>,
    /// What may be done about `Authorization` beside forwarding it; nothing when absent.
    authorization: Option<authorization::Shape>,
    /// What is done about a redirect to another scheme, host or port; `report` when absent.
    redirects: Option<Scalar<Redirects>>,
    /// Whether the upstream is told in `Via` that a request passed here; `extend` when absent.
    via: Option<Scalar<Via>>,
    /// Which pages of other origins may use the site; when absent, what WordPress says is left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    cors: Option<cors::Shape>,
}

/// Checks the list as a whole: no host may belong to two sites.
pub(super) fn check(shapes: Option<Vec<Shape>>) -> Result<Vec<Site>, Problem> {
    let mut claimed = Claimed::default();
    let sites: Vec<Site> = shapes
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .map(|(index, shape)| site(shape, index, &mut claimed).map_err(|problem| problem.under(index)))
        .collect::<Result<_, _>>()?;
    connections::check_alike(&sites)?;
    Ok(sites)
}

/// Checks what the sites ask of trusted proxies.
pub(super) fn check_trust(sites: &[Site], trusted: &Trusted) -> Result<(), Problem> {
    sites.iter().enumerate().try_for_each(|(index, site)| {
        authorization::check_recovery(&site.authorization, trusted.is_empty())
            .map_err(|problem| problem.under("authorization").under(index))
    })
}

/// Refuses an upstream that is the doctor itself: one request would become as many as there are descriptors.
pub(super) fn check_loops(sites: &[Site], listeners: &[Listener]) -> Result<(), Problem> {
    for (index, site) in sites.iter().enumerate() {
        for (position, upstream) in site.upstreams.iter().enumerate() {
            let Some(listener) = listeners.iter().find(|one| one.is_reached_at(&upstream.address)) else {
                continue;
            };
            let words = format!(
                "{} leads back to the doctor, which listens on {listener}; name where WordPress answers, or listen elsewhere",
                upstream.address
            );
            return Err(Problem::here(words).under("url").under(position).under("upstreams").under(index));
        }
    }
    Ok(())
}

/// Which hosts already have a site, by its number.
#[derive(Default)]
struct Claimed {
    any: Option<usize>,
    named: HashMap<String, usize>,
}

fn site(shape: Shape, index: usize, claimed: &mut Claimed) -> Result<Site, Problem> {
    Ok(Site {
        hosts: hosts(shape.hosts, index, claimed)?,
        mode: shape.mode.map_or_else(Mode::default, |Scalar(mode)| mode),
        upstreams: upstreams::check(shape.upstreams).map_err(|problem| problem.under("upstreams"))?,
        authorization: authorization::check(shape.authorization.unwrap_or_default())
            .map_err(|problem| problem.under("authorization"))?,
        redirects: shape.redirects.map_or_else(Redirects::default, |Scalar(word)| word).into(),
        via: shape.via.map_or_else(Via::default, |Scalar(word)| word).into(),
        cors: shape.cors.map(cors::check).transpose().map_err(|problem| problem.under("cors"))?,
    })
}

fn hosts(shapes: Option<Vec<Scalar<Host>>>, index: usize, claimed: &mut Claimed) -> Result<Hosts, Problem> {
    let Some(shapes) = shapes else {
        let Some(first) = claimed.any.replace(index) else {
            return Ok(Hosts::Any);
        };
        let message = format!("answers for any host, as sites[{first}] does; give one of them `hosts`");
        return Err(Problem::here(message));
    };
    if shapes.is_empty() {
        return Err(Problem::here("names no host; leave `hosts` out to answer for any").under("hosts"));
    }
    let mut names = Vec::with_capacity(shapes.len());
    for (position, Scalar(Host(name))) in shapes.into_iter().enumerate() {
        if let Some(first) = claimed.named.insert(name.clone(), index) {
            let message = format!("\"{name}\" already belongs to sites[{first}]; keep it in one place");
            return Err(Problem::here(message).under(position).under("hosts"));
        }
        names.push(name);
    }
    Ok(Hosts::Named(names))
}

impl Site {
    /// One for any host, with these upstreams and a policy that changes nothing it is not asked to.
    pub(super) fn any(upstreams: Vec<Upstream>) -> Self {
        Self {
            hosts: Hosts::Any,
            mode: Mode::default(),
            upstreams,
            authorization: headers::Policy::default(),
            redirects: redirects::Policy::default(),
            via: forwarded::Via::default(),
            cors: None,
        }
    }
}

impl From<&Site> for Shape {
    fn from(site: &Site) -> Self {
        let hosts = match &site.hosts {
            Hosts::Any => None,
            Hosts::Named(names) => Some(names.iter().cloned().map(Host).map(Scalar).collect()),
        };
        Self {
            hosts,
            mode: Some(Scalar(site.mode)),
            upstreams: Some(site.upstreams.iter().map(Into::into).collect()),
            authorization: Some((&site.authorization).into()),
            redirects: Some(Scalar(site.redirects.into())),
            via: Some(Scalar(site.via.into())),
            cors: site.cors.as_ref().map(Into::into),
        }
    }
}
