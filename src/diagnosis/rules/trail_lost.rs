//! The trail that a doctor in front signs should have come with this request, and did not, or not so that it can be believed.
//!
//! It says nothing of the reply, and the request may have been right: it came around the edge, or a hop drops headers that it
//! does not know, or changed the host that the seal covers. An edge that passes listed headers only will drop others too,
//! which is why it is worth knowing.

use super::super::{Decision, Finding, Mark, Proof, Rule, Severity, Stop};
use crate::evidence::{Arrival, Hop, HopName, Product, Symptom, Trail};

pub(in super::super) struct TrailLost;

impl Rule for TrailLost {
    fn id(&self) -> &'static str {
        "trail-lost"
    }

    fn text(&self) -> &'static str {
        include_str!("trail_lost.md")
    }

    fn judge(&self, trail: &Trail, _: &Symptom) -> Option<Finding> {
        let company = trail.company.as_deref().filter(|company| company.arrival == Arrival::Lost)?;
        let front = company.front.as_ref().map_or("the doctor in front", HopName::as_str);
        let own = &company.own;
        let is_listing = trail.edge == Product::CloudFront;
        let edge = Stop::new(Hop::Edge, Mark::Unknown).named("hops between");
        let edge = if trail.edge == Product::Unknown { edge } else { edge.named(trail.edge.name()) };
        let front_stop = company.front.clone().map(|name| Stop::new(Hop::Named(name), Mark::Unknown));
        let own_stop = Stop::new(Hop::Named(own.clone()), Mark::Bad).noted("no trail");
        let path =
            [Stop::new(Hop::Client, Mark::Unknown)].into_iter().chain(front_stop).chain([edge, own_stop]);
        let because = if is_listing { LISTING } else { UNKNOWN };
        let decision = Decision { command: r#"curl -i "$PUBLIC_URL""#.into(), reading: READING };
        Some(Finding {
            severity: if is_listing { Severity::Warning } else { Severity::Note },
            because: because.into(),
            path: path.collect(),
            aside: true,
            decide: Some(decision),
            ..Finding::of(
                self,
                Proof::Possible,
                trail.edge.name(),
                format!("the trail that {front} signs did not arrive at {own}"),
            )?
        })
    }
}

const LISTING: &str = "the request came by CloudFront, whose policies may leave out headers that they do not name; it may also stand in front of both";
const UNKNOWN: &str = "a hop that drops headers it does not know, one that changes Host, and a request that came around the \
                       doctor in front look the same";
const READING: &str = "if the log tells of it again, a hop drops the trail or changes Host; if not, the request came another way";
