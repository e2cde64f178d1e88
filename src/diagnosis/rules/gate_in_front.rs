//! Another authentication stands in front of WordPress and wants the same header.
//!
//! WordPress core never sends `WWW-Authenticate`, so a 401 that carries it, and neither is a REST error nor has the `Link`
//! of WordPress, comes from somebody else: htpasswd on a staging site, an identity-aware proxy, an API gateway. One
//! `Authorization` cannot serve two. A caller without credentials who is asked for some is a browser at the door and no
//! fault, and neither is a 401 in the middle of the handshake of Digest, NTLM or Negotiate. Where the doctor asks PHP itself, the gate
//! is a script of the site: a plugin, or what `auto_prepend_file` names.

use super::super::answerer::product;
use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop, cure};
use super::untouched;
use crate::evidence::{AnsweredBy, Credential, Gate, Hop, RouteClass, Symptom, Trail};

pub(in super::super) struct GateInFront;

impl Rule for GateInFront {
    fn id(&self) -> &'static str {
        "gate-in-front"
    }

    fn text(&self) -> &'static str {
        include_str!("gate_in_front.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let AnsweredBy::Gate(gate) = symptom.answered_by else { return None };
        if symptom.from_cache {
            return None;
        }
        let wants = wants(gate);
        let [at, of_wordpress, before] = if trail.memory.direct {
            ["within PHP", "", ", before WordPress judged it"]
        } else {
            ["in front", " of WordPress", ", which never saw it"]
        };
        let (proof, summary) = match (trail.credential, gate) {
            (Credential::Absent | Credential::Empty | Credential::Several, _) => return None,
            // Another program below the same name, asked with the token that is meant for it.
            (_, Gate::Bearer | Gate::Other) if trail.route.class == RouteClass::NotRest => return None,
            // The handshakes of these go through 401s of their own.
            (Credential::OtherScheme, Gate::Digest | Gate::Negotiate | Gate::Other) => return None,
            // Somebody mistook himself at the door of a page.
            (Credential::Basic, Gate::Basic) if trail.route.class == RouteClass::NotRest => return None,
            (Credential::Basic, Gate::Basic) => {
                (Proof::Possible, format!("the login was refused by a gate {at}{of_wordpress}{before}"))
            }
            (
                Credential::Basic | Credential::Joined | Credential::OtherScheme | Credential::SchemeMissing,
                _,
            )
            | (_, Gate::Bearer | Gate::Other) => {
                (Proof::Likely, format!("a gate {at}{of_wordpress} refused the credential; it wants {wants}"))
            }
            _ => (
                Proof::Proved,
                format!("a gate {at} wants {wants} in Authorization, and the token stands there"),
            ),
        };
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Gate, Mark::Bad).noted(format!("wants {wants}")));
        path.push(Stop::new(Hop::Php, Mark::Unknown));
        let finding = Finding {
            severity: if proof == Proof::Possible { Severity::Warning } else { Severity::Error },
            because:
                "the reply is a 401 with WWW-Authenticate, which WordPress core never sends, and has none of its marks"
                    .into(),
            path,
            cleared: vec!["WordPress", "secret", "expiry", "plugin"],
            caution: "Token not judged by WordPress. Do not rotate secrets",
            ..Finding::of(self, proof, product(symptom), summary)?
        };
        Some(if trail.memory.direct { within_php(trail, finding, wants) } else { finding })
    }
}

/// The same of a script of the site.
fn within_php(trail: &Trail, finding: Finding, wants: &str) -> Finding {
    let mut path = untouched(trail);
    path.push(Stop::new(Hop::Php, Mark::Bad).noted(format!("wants {wants}")));
    Finding {
        place: Place::Plugin,
        desk: Desk::WordPress,
        path,
        cleared: vec!["proxies", "secret", "expiry"],
        cure: cure(GateInFront.text(), "PHP"),
        ..finding
    }
}

const fn wants(gate: Gate) -> &'static str {
    match gate {
        Gate::Basic => "Basic",
        Gate::Digest => "Digest",
        Gate::Bearer => "a Bearer token of its own",
        Gate::Negotiate => "Negotiate",
        Gate::Other => "another scheme",
    }
}
