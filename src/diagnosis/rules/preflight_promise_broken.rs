//! A browser's preflight announced `Authorization`, was answered well, and the request came without it.
//!
//! What asks beforehand is the browser; what then leaves the header out is in the browser, too, or between it and the doctor: a service
//! worker that makes the request anew (a preflight never passes one), a redirect to another origin, an edge that answers preflights and drops the
//! header. A page may also ask for one URL both with and without it, so it is a hint and no more, and told only where WordPress says that it
//! knows nobody.

use super::super::{Decision, Desk, Finding, Lost, Mark, Place, Proof, Rule, Stop};
use super::misses_identity;
use crate::evidence::{Change, Credential, Hop, Product, Session, Symptom, Trail, Watched};
use crate::message::Method;

pub(in super::super) struct PreflightPromiseBroken;

impl Rule for PreflightPromiseBroken {
    fn id(&self) -> &'static str {
        "preflight-promise-broken"
    }

    fn text(&self) -> &'static str {
        include_str!("preflight_promise_broken.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let without = matches!(trail.credential, Credential::Absent | Credential::Empty);
        let is_told = trail.memory.promised && trail.elsewhere.is_none();
        // A preflight itself never has one.
        let is_preflight = trail.method == Method::Options;
        if is_preflight
            || !without
            || !is_told
            || trail.session == Session::WithNonce
            || !misses_identity(symptom)
        {
            return None;
        }
        let is_edges = trail.edge != Product::Unknown;
        let (place, desk) =
            if is_edges { (Place::Edge, Desk::Edge) } else { (Place::Browser, Desk::Frontend) };
        let edge = Stop::new(Hop::Edge, Mark::Unknown);
        let edge = if is_edges { edge.named(trail.edge.name()) } else { edge };
        Some(Finding {
            place,
            desk,
            because: "the preflight named authorization; the page may also ask for the same URL without it"
                .into(),
            path: vec![
                Stop::new(Hop::Client, Mark::Unknown).named("browser"),
                edge,
                Stop::new(Hop::Doctor, Mark::Bad).noted("absent"),
            ],
            lost: Some(Lost {
                header: Watched::Authorization,
                change: Change::Missing,
                after: Hop::Client,
                before: Hop::Doctor,
            }),
            cleared: vec!["doctor", "web server", "WordPress", "secret", "expiry"],
            caution: "Token not judged. Do not rotate secrets before this is decided",
            decide: Some(Decision { command: ASK.into(), reading: READING }),
            ..Finding::of(self, Proof::Possible, trail.edge.name(), SUMMARY)?
        })
    }
}

const SUMMARY: &str = "the browser announced Authorization for this URL, but the request came without it";
const ASK: &str = "curl -i \"$PUBLIC_URL\" -H \"Authorization: Bearer header-doctor\"";
const READING: &str = "the doctor's log shows whether it arrives: if not, it is the edge; if it does, look at the request's headers in \
                       the browser and switch off service workers and extensions";
