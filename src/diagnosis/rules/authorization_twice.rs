//! More than one credential in one request.
//!
//! `Authorization` is no list (RFC 9110 §5.3, §11.6.2). nginx answers 400 to two lines, Apache joins them, PHP behind
//! FastCGI keeps the last, so nobody can say which one counts; the doctor refuses them itself. Two that a hop has
//! already joined, `Basic …, Bearer …`, arrive as one line, of which WordPress can use neither.

use super::super::{Finding, Lost, Mark, Place, Proof, Rule, Stop};
use super::{is_anonymous, sent_wrong};
use crate::evidence::{AnsweredBy, Change, Credential, Hop, Sighting, Symptom, Trail, Watched};

pub(in super::super) struct AuthorizationTwice;

impl Rule for AuthorizationTwice {
    fn id(&self) -> &'static str {
        "authorization-twice"
    }

    fn text(&self) -> &'static str {
        include_str!("authorization_twice.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        match trail.credential {
            Credential::Several => self.several(trail, symptom),
            Credential::Joined if is_unheard(symptom) => self.joined(trail),
            _ => None,
        }
    }
}

impl AuthorizationTwice {
    fn several(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let Some(Sighting::Several(count)) = trail.sighting(&Hop::Client, Watched::Authorization) else {
            return None;
        };
        let refused = refusal(symptom)?;
        let unjudged = refused != Refusal::Later;
        Some(Finding {
            because: format!("{count} Authorization lines were seen on arrival, {}", refused.words()),
            path: sent_wrong(trail, format!("{count} lines")),
            cleared: cleared(unjudged),
            caution: if unjudged { "Neither credential was judged" } else { "" },
            ..Finding::of(
                self,
                Proof::Proved,
                "client",
                "the request carries more than one Authorization line",
            )?
        })
    }

    fn joined(&self, trail: &Trail) -> Option<Finding> {
        let summary = "two credentials stand in one Authorization line, and WordPress can use neither";
        Some(Finding {
            place: Place::Edge,
            desk: super::super::Desk::Edge,
            because:
                "the joined value was seen on arrival; a hop that joins two lines makes it, clients hardly do"
                    .into(),
            path: vec![
                Stop::new(Hop::Client, Mark::Unknown),
                Stop::new(Hop::Edge, Mark::Bad).noted("joined"),
                Stop::new(Hop::Doctor, Mark::Good).noted(if trail.is_unchanged() {
                    "unchanged"
                } else {
                    "changed"
                }),
            ],
            lost: Some(Lost {
                header: Watched::Authorization,
                change: Change::Folded,
                after: Hop::Client,
                before: Hop::Doctor,
            }),
            cleared: vec!["doctor", "web server", "secret", "expiry"],
            ..Finding::of(self, Proof::Likely, "edge", summary)?
        })
    }
}

/// Who refused a request with several lines, as far as they can be the reason.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// The doctor, for that very reason.
    Doctor,
    /// A server, before it asked PHP: nginx by 400.
    Server,
    /// Somebody who may have judged one of the two.
    Later,
}

impl Refusal {
    const fn words(self) -> &'static str {
        match self {
            Self::Doctor => "refused by the doctor",
            Self::Server | Self::Later => "passed on by a doctor that only observes",
        }
    }
}

/// Nothing where WordPress knows the user, and where the reply is about something else: a 404, an upstream that is away.
fn refusal(symptom: &Symptom) -> Option<Refusal> {
    match (symptom.status.code(), symptom.answered_by) {
        (_, AnsweredBy::Doctor) => {
            (symptom.code() == "header_doctor_authorization_twice").then_some(Refusal::Doctor)
        }
        (400, AnsweredBy::WordPressRest | AnsweredBy::RestLike) => None,
        (400, _) => Some(Refusal::Server),
        (401 | 403, _) => {
            let is_known = symptom.knows_user || symptom.is_permission(403);
            (!is_known && !symptom.from_cache).then_some(Refusal::Later)
        }
        _ => None,
    }
}

fn cleared(unjudged: bool) -> Vec<&'static str> {
    if unjudged { vec!["doctor", "web server", "WordPress", "secret", "expiry"] } else { vec!["doctor"] }
}

/// Whether WordPress says that it found nothing it could use.
fn is_unheard(symptom: &Symptom) -> bool {
    is_anonymous(symptom) || symptom.refused_with("jwt_auth_bad_auth_header")
}
