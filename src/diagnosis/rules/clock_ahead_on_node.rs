//! The clock of one machine is ahead: it calls tokens expired before their time, or issues them from the future.
//!
//! That a clock is off needs a third one. Where another upstream's clock agrees with ours, and by this one's `Date` the token is
//! over, it is this one that is ahead: proved. Where another upstream took the very same token after this one had called it expired, likely. A token that was from the
//! future when it was issued, measured then, and that another machine calls early now, accuses its issuer: two clocks against
//! one.
//!
//! With one upstream alone `token-expired` and `token-not-yet-valid` say what can be said. Where PHP reports its own clock, that is
//! more exact than `Date` and belongs in `Scene::offset`.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{decoding, taken_elsewhere, times_by, untouched};
use crate::evidence::{Credential, Hop, Message, Symptom, Token, Trail};

pub(in super::super) struct ClockAheadOnNode;

impl Rule for ClockAheadOnNode {
    fn id(&self) -> &'static str {
        "clock-ahead-on-node"
    }

    fn text(&self) -> &'static str {
        include_str!("clock_ahead_on_node.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if trail.credential != Credential::Bearer(Token::Jwt) {
            return None;
        }
        match decoding(symptom)? {
            Message::EXPIRED => self.expires_early(trail, symptom),
            Message::PRIOR => self.issued_early(trail, symptom),
            _ => None,
        }
    }

    fn explains(&self) -> &'static [&'static str] {
        &["token-expired", "token-not-yet-valid", "php-clock-off"]
    }
}

impl ClockAheadOnNode {
    fn expires_early(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let here = trail.past.here.as_deref()?;
        let (by_ours, by_theirs) = times_by(trail, symptom)?;
        // What this machine issued ahead of the others has lived its full time.
        let is_its_own = trail.past.issued_ahead.as_ref().is_some_and(|issuer| *issuer.upstream == *here);
        if by_ours.is_over || is_its_own {
            return None;
        }
        let third = trail.past.agreeing.as_deref().filter(|_| by_theirs.is_some_and(|theirs| theirs.is_over));
        let other = taken_elsewhere(trail).filter(|there| there.refused_before).map(|there| &there.upstream);
        let (proof, because) = match (third, other) {
            (Some(third), _) => (
                Proof::Proved,
                format!("by its own Date the token is over, by ours and that of {third} it is not"),
            ),
            (None, Some(other)) => (
                Proof::Likely,
                format!("by our clock the token is good, and {other} took it after it had been refused here"),
            ),
            (None, None) => return None,
        };
        self.of(trail, proof, here, because)
    }

    fn issued_early(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let here = trail.past.here.as_deref()?;
        let issuer = trail.past.issued_ahead.as_ref().filter(|issuer| *issuer.upstream != *here)?;
        let (by_ours, _) = times_by(trail, symptom)?;
        if !by_ours.is_to_come {
            return None;
        }
        let because = format!(
            "the token was from the future by our clock when it was issued there, and {here} calls it early"
        );
        self.of(trail, Proof::Proved, &issuer.upstream, because)
    }

    fn of(&self, trail: &Trail, proof: Proof, node: &str, because: String) -> Option<Finding> {
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("clocks"));
        Some(Finding {
            because,
            path,
            cleared: vec!["client", "doctor", "token", "secret", "permissions"],
            caution: "The signature was accepted. Do not rotate secrets",
            ..Finding::of(self, proof, "any", format!("the clock of {node} is ahead of the other machines'"))?
        })
    }
}
