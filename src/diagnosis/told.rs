//! The finding that a row of the code tables makes, for the rules that read a plugin's own words.

use super::codes::Known;
use super::readings::untouched;
use super::{Desk, Finding, Lost, Mark, Place, Proof, Rule, Severity, Stop};
use crate::evidence::{Change, Credential, Hop, Symptom, Trail, Watched};

/// Place, desk, severity and cure are the row's; the plugin's word alone makes it likely.
pub(super) fn told(rule: &dyn Rule, trail: &Trail, symptom: &Symptom, known: &Known) -> Option<Finding> {
    let name = known.emitter.name();
    let is_clients = known.place == Place::Client;
    let mut path = untouched(trail);
    if let Some(client) = path.first_mut().filter(|_| is_clients) {
        *client = Stop::new(Hop::Client, Mark::Bad);
    }
    let mark = if is_clients { Mark::Good } else { Mark::Bad };
    path.push(Stop::new(Hop::Php, mark).noted(symptom.code().to_owned()));
    Some(Finding {
        place: known.place,
        desk: known.desk,
        severity: known.severity,
        because: format!("{name} says so by its own code, and nothing else was measured"),
        path,
        cleared: if is_of_address(known) { vec!["doctor"] } else { vec!["proxies", "web server"] },
        cure: known.cure.to_owned(),
        ..Finding::of(rule, Proof::Likely, "any", format!("{name} refused the request: {}", known.clause()))?
    })
}

/// The same, where the plugin says that it found no `Authorization`, and one was sent on: it is lost in between. Nothing where PHP was
/// asked directly.
pub(super) fn never_saw(who: &str, trail: &Trail, symptom: &Symptom, finding: Finding) -> Option<Finding> {
    if trail.memory.direct {
        return None;
    }
    let mut path = untouched(trail);
    path.push(Stop::new(Hop::WebServer, Mark::Unknown).named(symptom.software.name()));
    path.push(Stop::new(Hop::Php, Mark::Bad));
    Some(Finding {
        place: Place::WebServer,
        desk: Desk::Platform,
        severity: Severity::Error,
        summary: format!("{who} never saw Authorization, which was sent; it is lost before PHP"),
        because: "Authorization was sent on, and the plugin says that it found none".into(),
        path,
        lost: Some(Lost {
            header: Watched::Authorization,
            change: Change::Missing,
            after: Hop::Doctor,
            before: Hop::Php,
        }),
        cleared: vec!["client", "doctor", "secret", "expiry"],
        caution: "Token not judged. Do not rotate secrets",
        ..finding
    })
}

/// Whether it is about the site's address, which a hop may have changed.
const fn is_of_address(known: &Known) -> bool {
    matches!((known.place, known.desk), (Place::WordPress, Desk::WordPress))
}

/// Whether no credential came that a plugin could have judged.
pub(super) const fn is_bare(trail: &Trail) -> bool {
    matches!(trail.credential, Credential::Absent | Credential::Empty)
}

/// Whether a program means the request, and not somebody who looks what is there: a page of another site asks, or a
/// credential came along.
pub(super) const fn is_meant(trail: &Trail) -> bool {
    trail.has_origin || !is_bare(trail)
}
