//! The clock of one machine is behind: it calls tokens early whose time has come.
//!
//! As with a clock that is ahead, a third one decides: another upstream's that agrees with ours, or another upstream that took
//! the very same token. With one upstream alone `token-not-yet-valid` says what can be said.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{decoding, taken_elsewhere, times_by, untouched};
use crate::evidence::{Credential, Hop, Message, Symptom, Token, Trail};

pub(in super::super) struct ClockBehindOnNode;

impl Rule for ClockBehindOnNode {
    fn id(&self) -> &'static str {
        "clock-behind-on-node"
    }

    fn text(&self) -> &'static str {
        include_str!("clock_behind_on_node.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_token = trail.credential == Credential::Bearer(Token::Jwt);
        let here = trail.past.here.as_deref()?;
        if !is_token || decoding(symptom)? != Message::PRIOR {
            return None;
        }
        let (by_ours, by_theirs) = times_by(trail, symptom)?;
        if by_ours.is_to_come {
            return None;
        }
        let third =
            trail.past.agreeing.as_deref().filter(|_| by_theirs.is_some_and(|theirs| theirs.is_to_come));
        let (proof, because) = match (third, taken_elsewhere(trail).map(|there| &there.upstream)) {
            (Some(third), _) => (
                Proof::Proved,
                format!("by its own Date the token is early, by ours and that of {third} it is not"),
            ),
            (None, Some(other)) => {
                (Proof::Likely, format!("by our clock the token's time has come, and {other} took it before"))
            }
            (None, None) => return None,
        };
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("its clock"));
        Some(Finding {
            because,
            path,
            cleared: vec!["client", "doctor", "token", "secret", "permissions"],
            caution: "The signature was accepted. Do not rotate secrets",
            ..Finding::of(self, proof, "any", format!("the clock of {here} is behind the other machines'"))?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["token-not-yet-valid", "php-clock-off"]
    }
}
