//! `Authorization` did not even reach the doctor, though something shows that it was sent.
//!
//! A request without credentials is the most ordinary thing there is, so absence proves nothing. One sign does: the
//! credential stands under another name, where an edge moved it or the client misspelt it. That a preflight announced it is a
//! weaker one, of another rule.

use super::super::{Desk, Finding, Lost, Mark, Place, Proof, Rule, Severity, Stop};
use super::{misses_identity, sent_wrong};
use crate::evidence::{Change, Credential, Hop, Product, Session, Symptom, Trail, Watched};

pub(in super::super) struct AuthorizationLostBeforeDoctor;

impl Rule for AuthorizationLostBeforeDoctor {
    fn id(&self) -> &'static str {
        "authorization-lost-before-doctor"
    }

    fn text(&self) -> &'static str {
        include_str!("authorization_lost_before_doctor.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let without = matches!(trail.credential, Credential::Absent | Credential::Empty);
        if !without || trail.session == Session::WithNonce || !misses_identity(symptom) {
            return None;
        }
        self.elsewhere(trail.elsewhere?, trail)
    }
}

impl AuthorizationLostBeforeDoctor {
    fn elsewhere(&self, name: &'static str, trail: &Trail) -> Option<Finding> {
        let (whose, product) = blame(name, trail);
        let (proof, because) = match whose {
            Whose::Gateway => (Proof::Proved, SEEN),
            Whose::Plugin => (Proof::Possible, SEEN_FOR_A_PLUGIN),
            Whose::Workaround => (Proof::Likely, SEEN_OF_A_WORKAROUND),
            Whose::Client | Whose::Edge => (Proof::Likely, SEEN),
        };
        let by_client = !matches!(whose, Whose::Gateway | Whose::Edge);
        let summary = format!("the credential came as {name}, where WordPress does not look for it");
        Some(Finding {
            place: if by_client { Place::Client } else { Place::Edge },
            desk: if by_client { Desk::Frontend } else { Desk::Edge },
            severity: if by_client { Severity::Warning } else { Severity::Error },
            because: because.into(),
            path: path(trail, name.into(), by_client),
            lost: (!by_client).then(|| lost(Change::Moved)),
            cleared: if whose == Whose::Plugin {
                vec!["doctor"]
            } else {
                vec!["doctor", "web server", "secret", "expiry"]
            },
            caution: if whose == Whose::Plugin { "" } else { "Token not judged. Do not rotate secrets" },
            ..Finding::of(self, proof, product, summary)?
        })
    }
}

const SEEN: &str = "a credential was seen on arrival under this name and none in Authorization, and WordPress says that it \
                    knows nobody";
const SEEN_FOR_A_PLUGIN: &str = "a credential was seen on arrival under this name and none in Authorization, and WordPress \
                                 says that it knows nobody; the plugin Advanced Access Manager takes this name, and \
                                 may have refused it";

const SEEN_OF_A_WORKAROUND: &str = "a credential was seen on arrival under this name and none in Authorization, and WordPress \
                                    says that it knows nobody; clients choose this name, and a hop in front that renames \
                                    the header would look the same";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// A product that is known to move the header there.
    Gateway,
    Client,
    /// The client, by a name that is chosen to get past a proxy.
    Workaround,
    /// The client, but there is a plugin that reads this name.
    Plugin,
    Edge,
}

/// Whose doing it is that the credential stands under this name, and whose cure to quote. A preflight that announced the right
/// name, and what is left of it without a value, show that it was changed on the way.
fn blame(name: &str, trail: &Trail) -> (Whose, &'static str) {
    let is_moved = trail.memory.promised || trail.credential == Credential::Empty;
    match name.as_bytes() {
        b"x-amzn-remapped-authorization" => (Whose::Gateway, "API Gateway"),
        b"authorisation" => (Whose::Client, "client"),
        b"authentication" => (Whose::Plugin, "client"),
        b"x-authorization" if is_moved => (Whose::Edge, "X-Authorization"),
        b"x-authorization" => (Whose::Workaround, "X-Authorization"),
        _ => (Whose::Edge, trail.edge.name()),
    }
}

fn path(trail: &Trail, note: String, by_client: bool) -> Vec<Stop> {
    if by_client {
        return sent_wrong(trail, note);
    }
    let edge = Stop::new(Hop::Edge, Mark::Unknown);
    let edge = if trail.edge == Product::Unknown { edge } else { edge.named(trail.edge.name()) };
    vec![Stop::new(Hop::Client, Mark::Unknown), edge, Stop::new(Hop::Doctor, Mark::Bad).noted(note)]
}

const fn lost(change: Change) -> Lost {
    Lost { header: Watched::Authorization, change, after: Hop::Client, before: Hop::Doctor }
}
