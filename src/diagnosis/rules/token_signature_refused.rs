//! The token is not signed with the secret of the machine that examined it.
//!
//! `Signature verification failed` is what php-jwt says of a token from before the secret was changed, of another
//! node's, another site's, another plugin's, of a forged and of a damaged one. What the token says of itself tells some of
//! them apart, and they are other rules': `token-cut-short`, `token-of-another-site`, `bearer-of-another-plugin`.
//! If it says that it is this site's, the secret has changed, or is not the same on every machine, or the token is
//! forged or damaged: that is only possible. If the same upstream accepted a token just before, this token is the likelier
//! of them. If it was this very token, the token is good and the secret is the matter: likely.
//!
//! The signature comes before time and issuer, so neither was judged. Silent for a token in quotes and its like
//! (`token-wrapped`), whose signature cannot fit. Where another machine of the site takes the very same token, it is proved that
//! their secrets differ.

use super::super::{Decision, Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::{ago, ask_validate, decoding, is_token_intact, sent_wrong, untouched};
use crate::evidence::{Hop, Message, Symptom, TakenHere, Trail};

pub(in super::super) struct TokenSignatureRefused;

impl Rule for TokenSignatureRefused {
    fn id(&self) -> &'static str {
        "token-signature-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("token_signature_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if decoding(symptom)? != Message::SIGNATURE || !is_token_intact(trail) {
            return None;
        }
        if trail.is_cut {
            return None;
        }
        if trail.memory.other_way.is_some() {
            return self.differs_between_machines(trail);
        }
        if let Some(taken) = trail.past.taken_here {
            return self.was_good(trail, taken);
        }
        if trail.memory.accepted { self.alone(trail) } else { self.secret_differs(trail) }
    }
}

impl TokenSignatureRefused {
    /// A token was accepted just before, so this one is the likelier of the two.
    fn alone(&self, trail: &Trail) -> Option<Finding> {
        let summary = "the client sent a token that is not signed with this site's secret: from before a change, damaged or \
                       made up";
        let mut path = sent_wrong(trail, "not this site's".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            place: Place::Client,
            desk: Desk::Frontend,
            because: "WordPress says so, and shortly before a token was accepted at the same upstream; if several machines \
                      stand behind it, the secret of one may differ"
                .into(),
            path,
            cleared: vec!["doctor", "web server", "permissions"],
            caution: "Do not rotate secrets: every other token would be refused, too",
            decide: Some(ask_for_another(trail)),
            ..Finding::of(self, Proof::Possible, "client", summary)?
        })
    }

    /// The very same token was good here: it is neither made up nor damaged nor old.
    fn was_good(&self, trail: &Trail, taken: TakenHere) -> Option<Finding> {
        let did = if taken.issued { "issued" } else { "taken" };
        let summary = format!(
            "the very same token was {did} here, and its signature is refused now: the secret was changed since, or differs between \
             the machines or plugins behind this address"
        );
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("another secret"));
        Some(Finding {
            severity: if trail.memory.probe { Severity::Error } else { Severity::Warning },
            because: format!("it was {did} {} by the same upstream", ago(taken.ago)),
            path,
            cleared: vec!["client", "doctor", "token", "web server", "permissions"],
            caution: "Do not rotate secrets: give every machine the same one",
            decide: Some(ask_for_another(trail)),
            ..Finding::of(self, Proof::Likely, "wp-config.php", summary)?
        })
    }

    /// Another machine of the site took the very same token.
    fn differs_between_machines(&self, trail: &Trail) -> Option<Finding> {
        let summary =
            "the secret differs between the machines of this site: another one accepts this very token";
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("another secret"));
        Some(Finding {
            severity: Severity::Error,
            because:
                "the very same token was accepted by the other way to this site, and refused by this one"
                    .into(),
            path,
            cleared: vec!["client", "token", "expiry", "permissions"],
            caution: "Do not rotate secrets: give every machine the same one",
            ..Finding::of(self, Proof::Proved, "wp-config.php", summary)?
        })
    }

    fn secret_differs(&self, trail: &Trail) -> Option<Finding> {
        let summary = "the token is not signed with the secret of the machine that examined it: the secret was changed, \
                       or differs between machines or plugins";
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("another secret"));
        Some(Finding {
            because: "WordPress says so; a token that was damaged or made up would look the same".into(),
            path,
            cleared: vec!["doctor", "web server", "permissions"],
            caution: "Do not rotate secrets before this is decided: it would invalidate every token",
            decide: Some(ask_for_another(trail)),
            ..Finding::of(self, Proof::Possible, "wp-config.php", summary)?
        })
    }
}

/// A fresh token of the same site tells an old token from a site whose machines disagree.
fn ask_for_another(trail: &Trail) -> Decision {
    Decision {
        reading: "with a token just issued, asked several times: \"Signature verification failed\" now and then or \
                  always: the machines' or plugins' secrets differ; never: the old token alone is the matter",
        ..ask_validate(trail, "$FRESH_TOKEN", "")
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Place, Proof, Rule as _};
    use super::TokenSignatureRefused;
    use crate::evidence::{Memory, Symptom, Trail, look};
    use crate::message::{Fields, ReplyHead, RequestHead, Status};
    use crate::moment::Moment;
    use crate::secret::Key;

    #[test]
    fn an_upstream_that_accepted_a_token_makes_this_one_the_likelier_cause() {
        let request =
            RequestHead::build("GET", "/wp-json/", Fields::from([("Authorization", "Bearer a.b.c")]));
        let seen = look(&request.fields);
        let mut trail = Trail::read(&request, &seen, &seen, &Key::from_bytes(&[3; 32]));
        let link = [("Link", "<https://a.test/wp-json/>; rel=\"https://api.w.org/\"")];
        let reply = ReplyHead::build(Status::new(403).unwrap(), Fields::from(link));
        let body =
            br#"{"code":"jwt_auth_invalid_token","message":"Signature verification failed","data":{}}"#;
        let symptom = Symptom::read(&request, &reply, body, Moment::default());
        let judged = |trail: &Trail| {
            let finding = TokenSignatureRefused.judge(trail, &symptom).unwrap();
            (finding.place, finding.proof, finding.decide.is_some(), finding.cleared.contains(&"secret"))
        };
        assert_eq!(judged(&trail), (Place::Plugin, Proof::Possible, true, false));
        trail.memory = Memory { accepted: true, ..Memory::default() };
        assert_eq!(judged(&trail), (Place::Client, Proof::Possible, true, false));
    }
}
