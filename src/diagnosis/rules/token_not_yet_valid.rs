//! By the clock of PHP's machine the token is good only later.
//!
//! The plugins put `time()` into `iat` and `nbf` and know no leeway, so of two machines that issue and examine tokens
//! one is ahead or the other behind. The reply's `Date`, our own clock and the token's two times say which, as far as
//! they go: if both clocks call the token good, the examining one is behind; if both call it early and `iat` is to
//! come, the issuing one is ahead; if `iat` has come and `nbf` has not, nobody's clock is to blame, the token was made
//! for later. How far off is said in words of size, for no time of a token is ever written to a log.
//!
//! php-jwt checks the signature first, so the secret fits; the issuer comes last, and if it is another site's, that
//! site's clock and nothing here is the matter.

use std::time::Duration;

use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::{agreed, decoding, is_of_another_site, sent_wrong, untouched};
use crate::evidence::{Hop, Message, Symptom, Times, Trail};
use crate::moment::Moment;

pub(in super::super) struct TokenNotYetValid;

impl Rule for TokenNotYetValid {
    fn id(&self) -> &'static str {
        "token-not-yet-valid"
    }

    fn text(&self) -> &'static str {
        include_str!("token_not_yet_valid.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if decoding(symptom)? != Message::PRIOR {
            return None;
        }
        if is_of_another_site(trail, symptom) {
            return self.other_site(trail, symptom);
        }
        match trail.times().and_then(|times| Reading::of(times, symptom)) {
            Some(Reading::MadeForLater) => self.made_for_later(trail, symptom),
            Some(Reading::IssuerAhead(by)) => {
                let because = if symptom.date.is_some() { AHEAD } else { AHEAD_OF_US };
                self.clock(trail, agreed(symptom), &ahead(by), because)
            }
            Some(Reading::ExaminerBehind(by)) => self.clock(trail, agreed(symptom), &behind(by), BEHIND),
            Some(Reading::BothGood) => self.clock(trail, Proof::Likely, ONE_BEHIND, BOTH_GOOD),
            Some(Reading::Unclear) => self.clock(trail, Proof::Likely, EITHER, UNCLEAR),
            None => self.clock(trail, Proof::Likely, EITHER, UNREAD),
        }
    }
}

/// Who is off, by what was measured.
enum Reading {
    /// `iat` has come by both clocks, `nbf` has not.
    MadeForLater,
    /// By both clocks the token is early, by so much at most.
    IssuerAhead(Duration),
    /// By our clock the token is good, by the reply's date it is not; the two differ by so much.
    ExaminerBehind(Duration),
    /// By both clocks it is good.
    BothGood,
    /// By the reply's date it is good, by our clock it is not.
    Unclear,
}

impl Reading {
    /// Nothing when the token states no beginning.
    fn of(times: Times, symptom: &Symptom) -> Option<Self> {
        let begins = times.not_before.max(times.issued)?;
        // `Date` has whole seconds, and web servers keep it for up to one.
        let date = symptom.date.map(|date| date.after(Duration::from_secs(1)));
        let ours = symptom.received;
        let issued =
            times.issued.is_some_and(|issued| issued <= ours && date.is_none_or(|date| issued <= date));
        Some(match (begins > ours, date.map(|date| begins > date)) {
            (true, Some(true) | None) if issued => Self::MadeForLater,
            (true, Some(true) | None) => Self::IssuerAhead(between(ours, begins)),
            (true, Some(false)) => Self::Unclear,
            (false, Some(true)) => Self::ExaminerBehind(between(symptom.now(), ours)),
            (false, _) => Self::BothGood,
        })
    }
}

impl TokenNotYetValid {
    fn clock(&self, trail: &Trail, proof: Proof, summary: &str, because: &str) -> Option<Finding> {
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("clocks"));
        Some(Finding {
            because: because.into(),
            path,
            cleared: vec!["client", "doctor", "secret", "permissions"],
            caution: CAUTION,
            ..Finding::of(self, proof, "clock", summary)?
        })
    }

    fn made_for_later(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let summary =
            "the token was made to be good only later: its nbf is to come, though it has been issued";
        let mut path = sent_wrong(trail, "not good yet".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            place: Place::Plugin,
            desk: Desk::WordPress,
            severity: Severity::Warning,
            because: "our reading of it and WordPress's words agree, and by both clocks it has been issued"
                .into(),
            path,
            cleared: vec!["proxies", "web server", "secret", "permissions"],
            caution: CAUTION,
            ..Finding::of(self, agreed(symptom), "plugin", summary)?
        })
    }

    fn other_site(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let summary = "the client sent a token of another site, which is not good yet by this site's clock";
        let mut path = sent_wrong(trail, "another site's".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            place: Place::Client,
            desk: Desk::Frontend,
            severity: Severity::Warning,
            because: "the issuer has another host than the site; once it is good it will be refused for that"
                .into(),
            path,
            cleared: vec!["proxies", "web server", "permissions"],
            caution: CAUTION,
            ..Finding::of(self, agreed(symptom).min(Proof::Likely), "client", summary)?
        })
    }
}

const CAUTION: &str = "The signature was accepted. Do not rotate secrets";

const ONE_BEHIND: &str =
    "WordPress calls the token early, though its time has come; the clock of PHP's machine is behind";
const EITHER: &str = "WordPress calls the token early: the clock of the machine that issued it is ahead, or that of \
                      the one that examined it is behind";

const AHEAD: &str = "by the reply's date and by our clock the token has not been issued yet";
const AHEAD_OF_US: &str =
    "by our clock the token has not been issued yet; the reply has no date to compare with";
const BEHIND: &str = "by our clock the token's time has come, by the reply's date it has not";
const BOTH_GOOD: &str = "by the reply's date, where it has one, and by our clock the token is good";
const UNCLEAR: &str = "by the reply's date the token is good, by our clock it is not: the clocks differ";
const UNREAD: &str = "WordPress says so; no beginning could be read in the token";

fn ahead(by: Duration) -> String {
    format!("the token comes from the future: the clock of the machine that issued it is {} ahead", size(by))
}

fn behind(by: Duration) -> String {
    format!("the clock of WordPress's machine is {} behind, so it calls a fresh token early", size(by))
}

fn between(earlier: Moment, later: Moment) -> Duration {
    Duration::from_millis(later.millis().saturating_sub(earlier.millis()).unsigned_abs())
}

/// A size and no number: from a number and the time of the log the token's own times could be had.
fn size(by: Duration) -> &'static str {
    match by.as_secs() {
        0..60 => "seconds",
        60..3600 => "minutes",
        3600..86_400 => "hours",
        _ => "days",
    }
}
