//! A newer token was handed out, and the client goes on with the old one.
//!
//! The refresh token tells which token the new one replaces, wherever the doctor saw it handed out; a login or refresh of the
//! same user by the same program at the same address is a weaker sign, for there may be two of them. A client with
//! requests under way, or in two windows, sends the old token once more and stops: so the old one must have been refused
//! for a while, all of it after the new one was there.

use std::time::Duration;

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{ago, decoding, is_anonymous, sent_wrong};
use crate::evidence::{By, Credential, Hop, Message, RouteClass, Symptom, Token, Trail};

pub(in super::super) struct StaleTokenAfterRefresh;

impl Rule for StaleTokenAfterRefresh {
    fn id(&self) -> &'static str {
        "stale-token-after-refresh"
    }

    fn text(&self) -> &'static str {
        include_str!("stale_token_after_refresh.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let newer = trail.past.newer.filter(|newer| newer.refused_for.is_some_and(|time| time >= GOES_ON))?;
        let is_for_tokens = matches!(trail.route.class, RouteClass::Token | RouteClass::Refresh);
        if trail.credential != Credential::Bearer(Token::Jwt) || is_for_tokens {
            return None;
        }
        let proof = match (newer.by, is_refused(trail, symptom)?) {
            (By::ItsRefreshToken, true) => Proof::Proved,
            (By::ItsRefreshToken, false) => Proof::Likely,
            (By::TheSameUser, _) => Proof::Possible,
        };
        // A secret that was changed in between, or another machine's, refuses the old token alone.
        let is_of_secret = decoding(symptom) == Some(Message::SIGNATURE);
        let mut path = sent_wrong(trail, "the old token".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let summary = "the client goes on with its old token, though it was given a new one";
        let because = match newer.by {
            By::ItsRefreshToken => "the refresh token of this very token fetched a new one",
            By::TheSameUser => "the same user fetched a new one by the same program at the same address",
        };
        Some(Finding {
            because: format!("{because} {}, and the old one has been refused ever since", ago(newer.ago)),
            path,
            cleared: if is_of_secret {
                vec!["proxies", "web server", "permissions", "CORS"]
            } else {
                vec!["proxies", "web server", "secret", "permissions", "CORS"]
            },
            caution: if is_of_secret { "" } else { "Do not rotate secrets" },
            ..Finding::of(self, proof, "client", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["token-expired", "token-signature-refused", "bearer-of-another-plugin", "token-of-another-site"]
    }
}

/// For how long the old token must have been refused: two requests of one moment are no habit.
const GOES_ON: Duration = Duration::from_secs(5);

/// Whether the reply refuses the token in words; JWT Auth takes the caller of an expired one for anonymous.
fn is_refused(trail: &Trail, symptom: &Symptom) -> Option<bool> {
    if decoding(symptom) == Some(Message::PRIOR) {
        return None;
    }
    if symptom.refused_with("jwt_auth_invalid_token") || symptom.refused_with("jwt_auth_obsolete_token") {
        return Some(true);
    }
    let is_over =
        trail.times().is_some_and(|times| times.over(symptom.now()) && times.over(symptom.received));
    (is_anonymous(symptom) && is_over).then_some(false)
}
