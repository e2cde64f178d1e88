//! The report that came back is signed by a doctor behind, and tells of another exchange: a stored reply was given out.
//!
//! A report names the exchange that it answers, and replies that bear one forbid every cache to store them. So something between
//! the doctors stores replies all the same, or mixes them up, and gave this caller what another one had asked for. With a
//! credential on the request that may be somebody else's data. An error that anybody would get is harmless, and some caches
//! give those out for a while whatever they say.

use super::super::company::proof;
use super::super::{Finding, Mark, Rule, Severity, Stop};
use crate::evidence::{Hop, Return, Session, Sighting, Symptom, Trail, Watched};

pub(in super::super) struct ReportOfAnotherExchange;

impl Rule for ReportOfAnotherExchange {
    fn id(&self) -> &'static str {
        "report-of-another-exchange"
    }

    fn text(&self) -> &'static str {
        include_str!("report_of_another_exchange.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let company = trail.company.as_deref().filter(|company| company.report == Return::Another)?;
        let own = &company.own;
        let sent = |header: Watched| {
            let sent = trail.sighting(&Hop::Doctor, header);
            matches!(sent, Some(Sighting::Once(_) | Sighting::Several(_)))
        };
        let is_private = sent(Watched::Authorization) || trail.session != Session::None;
        let summary = if is_private {
            "the reply belongs to another exchange, and was given to a caller with a credential"
        } else {
            "the reply belongs to another exchange"
        };
        Some(Finding {
            severity: match (is_private, symptom.status.is_error()) {
                (true, _) => Severity::Error,
                (false, true) => Severity::Note,
                (false, false) => Severity::Warning,
            },
            because: format!(
                "the report that {own} got back bears the seal of a doctor behind, and names another exchange; its reply \
                 forbade storing"
            ),
            path: vec![
                Stop::new(Hop::Client, Mark::Good),
                Stop::new(Hop::Named(own.clone()), Mark::Good),
                Stop::new(Hop::Edge, Mark::Bad).named("cache").noted("another's reply"),
                Stop::new(Hop::Php, Mark::Unknown),
            ],
            cleared: vec!["client", "doctors", "token", "secret", "expiry"],
            caution: "What the reply says is about another request. Do not rotate secrets",
            ..Finding::of(self, proof(company), "any", summary)?
        })
    }
}
