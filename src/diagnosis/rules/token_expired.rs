//! The token's time is over.
//!
//! WordPress says so in php-jwt's words. With our own reading of `exp` against our clock, that is proved. If by both
//! clocks the token is still good, the client is not to blame: the clock of PHP's machine is ahead, for php-jwt knows
//! no leeway here; it is then WordPress's machine that is named, and only as likely. So it is when by our clock alone
//! the token is good, but then ours may be behind, and nobody but the secret is acquitted.
//!
//! A plugin that swallows bad tokens (usefulteam/jwt-auth 3) answers 401 `rest_*` instead, and one that closes the REST API
//! refuses before the JWT plugin can. With an expired token that reply cannot tell expiry from a lost header. The client needs a new token in either case, so this rule
//! speaks, as `possible`, and says how to tell; `authorization-lost-before-php` waits for a token in its time.

use std::time::Duration;

use super::super::text::cure;
use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::{ask_validate, is_passed_over, sent_wrong, untouched};
use crate::evidence::{AnsweredBy, Credential, Hop, Message, Symptom, Token, Trail};

pub(in super::super) struct TokenExpired;

impl Rule for TokenExpired {
    fn id(&self) -> &'static str {
        "token-expired"
    }

    fn text(&self) -> &'static str {
        include_str!("token_expired.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if symptom.from_cache {
            return None;
        }
        let over = trail.times().filter(|times| times.expires.is_some()).map(|times| {
            // `Date` has whole seconds, and web servers keep it for up to one.
            times.over(symptom.now().after(Duration::from_secs(1))) || times.over(symptom.received)
        });
        match (says_expired(symptom), over) {
            (true, Some(false)) => {
                // Whoever brings a good token is refused, unless it is our own clock that is behind.
                let is_sites = symptom.date.is_some();
                let severity = if is_sites { Severity::Error } else { Severity::Warning };
                Some(Finding { severity, ..self.clock_ahead(trail, GOOD_BY_BOTH)? })
            }
            (true, Some(true)) if is_good_by_ours(trail, symptom) => {
                Some(Finding { cleared: vec!["secret"], ..self.clock_ahead(trail, GOOD_BY_OURS)? })
            }
            (true, Some(true)) => {
                self.expired(trail, Proof::Proved, "our reading of it and WordPress's words agree")
            }
            (true, None) => {
                self.expired(trail, Proof::Likely, "WordPress says so; no expiry could be read here")
            }
            (false, Some(true)) if is_swallowed(trail, symptom) => self.swallowed(trail),
            _ => None,
        }
    }
}

impl TokenExpired {
    fn expired(&self, trail: &Trail, proof: Proof, because: &str) -> Option<Finding> {
        let mut path = sent_wrong(trail, "expired".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            because: because.into(),
            path,
            cleared: vec!["proxies", "web server", "secret", "permissions"],
            ..Finding::of(self, proof, "client", "the client sent a token whose time is over")?
        })
    }

    fn swallowed(&self, trail: &Trail) -> Option<Finding> {
        let expired = self.expired(trail, Proof::Possible, "")?;
        let mut path = expired.path;
        path.pop();
        path.push(Stop::new(Hop::Php, Mark::Unknown));
        Some(Finding {
            summary: "the token's time is over, and WordPress took the caller for anonymous".into(),
            because: "our reading of the token; WordPress does not say why, and a lost header looks the same"
                .into(),
            path,
            cleared: vec!["doctor"],
            decide: Some(ask_validate(trail, "$TOKEN", READING)),
            ..expired
        })
    }

    fn clock_ahead(&self, trail: &Trail, because: &str) -> Option<Finding> {
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("its clock"));
        Some(Finding {
            place: Place::WordPress,
            desk: Desk::Platform,
            summary: "WordPress calls the token expired before its time; the clock of PHP's machine is ahead"
                .into(),
            because: because.into(),
            path,
            cleared: vec!["client", "doctor", "secret"],
            caution: "",
            cure: cure(self.text(), "clock"),
            ..self.expired(trail, Proof::Likely, "")?
        })
    }
}

const READING: &str = "\"Expired token\" confirms it; jwt_auth_no_auth_header: the header is lost, too";

const GOOD_BY_BOTH: &str = "by the reply's date, where it has one, and by our clock the token is still good";
const GOOD_BY_OURS: &str = "by our clock the token is still good, by the reply's date it is not; if our own clock is behind, the client is to blame";

/// By more than the few seconds that clocks differ by in any case.
fn is_good_by_ours(trail: &Trail, symptom: &Symptom) -> bool {
    let ours = symptom.received.after(Duration::from_secs(5));
    trail.times().is_some_and(|times| !times.over(ours))
}

fn says_expired(symptom: &Symptom) -> bool {
    let by_rest = matches!(symptom.answered_by, AnsweredBy::WordPressRest | AnsweredBy::RestLike);
    by_rest
        && symptom.is_refusal()
        && symptom.code() == "jwt_auth_invalid_token"
        && symptom.error.as_ref().is_some_and(|error| error.message == Some(Message::EXPIRED))
}

fn is_swallowed(trail: &Trail, symptom: &Symptom) -> bool {
    trail.credential == Credential::Bearer(Token::Jwt) && is_passed_over(trail, symptom)
}
