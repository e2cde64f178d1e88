//! `Connection: authorization`: the request asks every proxy to remove its own credential.
//!
//! A field named in `Connection` ends at the next hop (RFC 9110 §7.6.1). Careful proxies obey (Apache's mod_proxy_http,
//! Caddy), Varnish answers 400, HAProxy passes the field and the nomination on. `Authorization` is for the origin, so
//! the doctor drops the nomination and keeps the field; what it says here is that another hop would not.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use crate::evidence::{Hop, Symptom, Trail};
use crate::message::Name;

pub(in super::super) struct AuthorizationNominated;

impl Rule for AuthorizationNominated {
    fn id(&self) -> &'static str {
        "authorization-nominated"
    }

    fn text(&self) -> &'static str {
        include_str!("authorization_nominated.md")
    }

    fn judge(&self, trail: &Trail, _: &Symptom) -> Option<Finding> {
        if !trail.treatment.nominated.contains(&Name::Authorization) {
            return None;
        }
        let summary = "the request nominates its own Authorization for removal (Connection: authorization); the \
                       doctor kept it";
        Some(Finding {
            because:
                "the nomination was seen on arrival; by RFC 9110 a proxy that obeys it removes the field"
                    .into(),
            path: vec![
                Stop::new(Hop::Client, Mark::Bad).noted("\"Connection: authorization\""),
                Stop::new(Hop::Doctor, Mark::Good).noted("kept"),
            ],
            aside: true,
            cleared: vec!["doctor"],
            ..Finding::of(self, Proof::Proved, "any", summary)?
        })
    }
}
