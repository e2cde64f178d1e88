//! PHP's clock is off, by its own word: it answered before it was asked, or after its reply had come.
//!
//! The plugins put `time()` into a token and know no leeway. What is measured is the least that the clocks differ; which of the two is
//! right is not known, though a doctor's is most often kept by NTP. It is the cause where the token's time is judged otherwise by
//! the two clocks, and else told where it is a minute or more. A token that PHP calls early has another clock for an issuer, which is
//! a third witness; one that PHP calls expired may have been issued by that same clock, and has lived as long as it should.

use std::time::Duration;

use super::super::company::path;
use super::super::{Finding, Mark, Proof, Rule, Severity, Stop};
use super::decoding;
use crate::evidence::{Hop, Message, Skew, Symptom, Trail, Watched};
use crate::moment::Moment;

pub(in super::super) struct PhpClockOff;

const MEASURED: &str =
    "PHP signed the time of its answer, and the doctor knows when it asked and when the reply came";
const DOUBT: &str =
    "if that very clock issued the token, it is over all the same, and the client needs a new one";

/// From when on it is told though it explains nothing.
const WORTH_TELLING: Duration = Duration::from_secs(60);

impl Rule for PhpClockOff {
    fn id(&self) -> &'static str {
        "php-clock-off"
    }

    fn text(&self) -> &'static str {
        include_str!("php_clock_off.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let php = trail.php.as_deref()?;
        let skew = php.skew()?;
        let (by, way) = match skew {
            Skew::Theirs(by) => (by, "ahead of"),
            Skew::Ours(by) => (by, "behind"),
        };
        let is_cause = is_cause(trail, symptom, skew, php.saw.clock);
        if !is_cause && by < WORTH_TELLING {
            return None;
        }
        let company = trail.company.as_deref()?;
        let crossing = company.php.as_ref()?;
        let effect = match (is_cause, skew) {
            (false, _) => "",
            (true, Skew::Theirs(_)) => ", by which the token is not over yet",
            (true, Skew::Ours(_)) => ", so tokens are taken for not yet good that are",
        };
        let own = &company.own;
        let is_doubtful = is_cause && matches!(skew, Skew::Theirs(_));
        let mut stops = path(trail, symptom, company, crossing, Watched::Authorization);
        if let Some(php) = stops.last_mut() {
            *php = Stop::new(Hop::Php, Mark::Bad).noted("its clock");
        }
        let summary = format!("the clock of PHP's machine is {} {way} that of {own}{effect}", words(by));
        Some(Finding {
            severity: if is_cause { Severity::Error } else { Severity::Note },
            because: if is_doubtful { format!("{MEASURED}; {DOUBT}") } else { MEASURED.to_owned() },
            path: stops,
            cleared: match (is_cause, is_doubtful) {
                (true, true) => vec!["doctor", "secret"],
                (true, false) => vec!["client", "doctor", "token", "secret"],
                (false, _) => Vec::new(),
            },
            caution: if is_cause { "The signature was accepted. Do not rotate secrets" } else { "" },
            aside: !is_cause,
            ..Finding::of(self, if is_doubtful { Proof::Likely } else { Proof::Proved }, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["token-expired", "token-not-yet-valid"]
    }
}

/// Whether the token was refused for its time, which is right by the doctor's clock and wrong by PHP's.
fn is_cause(trail: &Trail, symptom: &Symptom, skew: Skew, clock: Moment) -> bool {
    let fits = match skew {
        Skew::Theirs(_) => decoding(symptom) == Some(Message::EXPIRED),
        Skew::Ours(_) => decoding(symptom) == Some(Message::PRIOR),
    };
    // What this machine issued ahead of the others has lived its full time.
    let past = &trail.past;
    let is_its_own =
        past.issued_ahead.as_ref().is_some_and(|issuer| past.here.as_ref() == Some(&issuer.upstream));
    let fits = fits && !(is_its_own && matches!(skew, Skew::Theirs(_)));
    fits && trail.times().is_some_and(|times| times.good(symptom.received) && !times.good(clock))
}

/// `1 min 40 s`, or less exactly of little.
fn words(by: Duration) -> String {
    match (by.as_secs() / 60, by.as_secs() % 60) {
        (0, 0) => "less than a second".to_owned(),
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}
