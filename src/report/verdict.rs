//! A verdict in text: six lines, always in this order: what, where, how sure, how widespread, what is innocent, and
//! the cure.

use std::fmt::Write as _;

use crate::diagnosis::{Finding, Mark, Proof, Severity, Stop};
use crate::event::{Event, Scope};

/// Whether to use colour. It marks what the eye should find; no meaning hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// No escape sequences.
    Plain,
    /// ANSI colours.
    Colour,
}

impl Paint {
    pub(super) fn red(self, text: &str) -> String {
        self.coloured("31", text)
    }

    fn green(self, text: &str) -> String {
        self.coloured("32", text)
    }

    fn yellow(self, text: &str) -> String {
        self.coloured("33", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.coloured("2", text)
    }

    fn coloured(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }

    /// The sign of a severity.
    pub(super) fn sign(self, severity: Severity) -> String {
        match severity {
            Severity::Error => self.red("✗"),
            Severity::Warning => self.yellow("!"),
            Severity::Note => self.dim("i"),
        }
    }
}

/// The six lines of a finding.
#[must_use]
pub fn verdict(finding: &Finding, scope: &Scope, event: &Event, paint: Paint) -> String {
    let mut out = String::with_capacity(640);
    headline(&mut out, finding, event, paint);
    line(&mut out, "where", &path(finding, paint), paint);
    line(&mut out, "sure", &sure(finding), paint);
    line(&mut out, "scope", &scope.to_string(), paint);
    line(&mut out, "cleared", &cleared(finding), paint);
    line(&mut out, "fix", &finding.cure, paint);
    out
}

/// `✗ 401 rest_not_logged_in: what happened`
pub(super) fn headline(out: &mut String, finding: &Finding, event: &Event, paint: Paint) {
    let mut words = vec![paint.sign(finding.severity)];
    words.extend(event.status.map(|status| status.to_string()));
    if let Some(error) = &event.wordpress {
        words.push(error.code.to_string());
        // Only within this code does the message say more than the code.
        let telling = error.message.filter(|_| error.code.as_str() == "jwt_auth_invalid_token");
        words.extend(telling.map(|message| format!("\"{message}\"")));
    }
    append(out, format_args!("{}: {}\n", words.join(" "), finding.summary));
}

fn line(out: &mut String, name: &str, text: &str, paint: Paint) {
    append(out, format_args!("  {} {text}\n", paint.dim(&format!("{name:<7}"))));
}

/// `client ✓  doctor ✓  ── LOST ──  nginx ·  PHP ✗`
fn path(finding: &Finding, paint: Paint) -> String {
    let mut stops = Vec::with_capacity(finding.path.len() + 1);
    for stop in &finding.path {
        stops.push(station(stop, paint));
        if finding.lost.is_some_and(|lost| lost.after == stop.hop) {
            stops.push(paint.red(if finding.proof == Proof::Possible {
                "── LOST? ──"
            } else {
                "── LOST ──"
            }));
        }
    }
    stops.join("  ")
}

fn station(stop: &Stop, paint: Paint) -> String {
    let mark = match stop.mark {
        Mark::Good => paint.green("✓"),
        Mark::Bad => paint.red("✗"),
        Mark::Unknown => paint.dim("·"),
    };
    match &stop.note {
        Some(note) => format!("{} {mark} {note}", stop.name),
        None => format!("{} {mark}", stop.name),
    }
}

fn sure(finding: &Finding) -> String {
    let Some(decision) = &finding.decide else {
        return format!("{}: {}", finding.proof, finding.because);
    };
    format!("{}: {}. To decide: {} ({})", finding.proof, finding.because, decision.command, decision.reading)
}

fn cleared(finding: &Finding) -> String {
    let things = if finding.cleared.is_empty() { "nothing".into() } else { finding.cleared.join(", ") };
    if finding.caution.is_empty() { things } else { format!("{things}. {}", finding.caution) }
}

/// Writing to a string cannot fail.
pub(super) fn append(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}
