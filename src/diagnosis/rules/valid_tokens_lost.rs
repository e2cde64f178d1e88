//! Only good tokens are lost: something on the way examines them and keeps those that it accepts.
//!
//! Envoy's `jwt_authn` removes the token it has verified, unless told to forward it; a bad one it refuses itself, or lets pass
//! where it is told to. So a path that let a bad token through to WordPress lately, and loses a good one now, does not lose
//! headers: it consumes tokens.

use super::super::{Finding, Lost, Mark, Proof, Rule, Stop};
use super::{ago, last_doctor, untouched};
use crate::evidence::{Change, Credential, Hop, Symptom, Token, Trail, Watched};

pub(in super::super) struct ValidTokensLost;

impl Rule for ValidTokensLost {
    fn id(&self) -> &'static str {
        "valid-tokens-lost"
    }

    fn text(&self) -> &'static str {
        include_str!("valid_tokens_lost.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let bad = trail.past.read_a_bad_one?;
        let memory = trail.memory;
        if trail.credential != Credential::Bearer(Token::Jwt) || memory.direct || memory.accepted {
            return None;
        }
        let is_good =
            trail.times().is_some_and(|times| times.good(symptom.now()) && times.good(symptom.received));
        if !is_good || !symptom.refused_with("jwt_auth_no_auth_header") {
            return None;
        }
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Gate, Mark::Bad).noted("keeps good tokens"));
        path.push(Stop::new(Hop::Php, Mark::Bad));
        let last = last_doctor(trail);
        let summary = format!(
            "only good tokens are lost between {last} and PHP: something there examines and keeps them"
        );
        Some(Finding {
            because: format!(
                "WordPress read a bad token that came the same way {}, and says of this good one that there is none",
                ago(bad)
            ),
            path,
            lost: Some(Lost {
                header: Watched::Authorization,
                change: Change::Missing,
                after: Hop::Doctor,
                before: Hop::Php,
            }),
            cleared: vec!["client", "secret", "expiry"],
            caution: "Token not judged by WordPress. Do not rotate secrets",
            ..Finding::of(self, Proof::Likely, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["authorization-lost-before-php"]
    }
}
