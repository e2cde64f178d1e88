//! A verdict in text: six lines, always in this order: what, where, how sure, how widespread, what is innocent, and
//! the cure.

use std::fmt::Write as _;

use textwrap::core::Word;

use super::page::{COLUMN, Page, words};
use crate::diagnosis::{Finding, Mark, Proof, Severity, Stop};
use crate::event::{Event, Scope};
use crate::evidence::Change;

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

    /// The sign of a mark.
    #[must_use]
    pub fn mark(self, mark: Mark) -> String {
        match mark {
            Mark::Good => self.green("✓"),
            Mark::Bad => self.red("✗"),
            Mark::Unknown => self.dim("·"),
        }
    }

    /// The sign of a severity.
    #[must_use]
    pub fn sign(self, severity: Severity) -> String {
        match severity {
            Severity::Error => self.red("✗"),
            Severity::Warning => self.yellow("!"),
            Severity::Note => self.dim("i"),
        }
    }
}

/// The six lines of a finding.
#[must_use]
pub fn verdict(finding: &Finding, scope: &Scope, event: &Event, page: Page) -> String {
    let mut out = String::with_capacity(640);
    headline(&mut out, finding, event, page);
    stops(&mut out, finding, page);
    sure(&mut out, finding, page);
    line(&mut out, "scope", &words(&scope.to_string()), page);
    line(&mut out, "cleared", &words(&cleared(finding)), page);
    line(&mut out, "fix", &words(&finding.cure), page);
    out
}

/// `✗ 401 rest_not_logged_in: what happened`; where the doctor refused by itself, its own code.
fn headline(out: &mut String, finding: &Finding, event: &Event, page: Page) {
    let mut head = vec![page.paint.sign(finding.severity)];
    head.extend(event.status.map(|status| status.to_string()));
    if let Some(error) = &event.wordpress {
        head.push(error.code.to_string());
        // Only within this code does the message say more than the code.
        let telling = error.message.filter(|_| error.code.as_str() == "jwt_auth_invalid_token");
        head.extend(telling.map(|message| format!("\"{message}\"")));
    }
    head.extend(event.refusal.as_ref().map(|refusal| refusal.code.to_owned()));
    page.lay(out, &words(&format!("{}: {}", head.join(" "), finding.summary)), 0, COLUMN);
}

/// `  also    ! likely: what else there is (the-rule)`: a finding that is not the root cause, and whose rule
/// `explain` tells more of.
pub(super) fn also(out: &mut String, finding: &Finding, page: Page) {
    let Finding { rule, severity, proof, summary, .. } = finding;
    let text = format!("{} {proof}: {summary} ({rule})", page.paint.sign(*severity));
    line(out, "also", &words(&text), page);
}

/// A line with a name before it, in the form of a verdict's.
#[must_use]
pub fn named(name: &str, text: &str, page: Page) -> String {
    let mut out = String::with_capacity(text.len() + COLUMN + 1);
    line(&mut out, name, &words(text), page);
    out
}

fn line(out: &mut String, name: &str, text: &[Word<'_>], page: Page) {
    append(out, format_args!("  {} ", page.paint.dim(&format!("{name:<7}"))));
    page.lay(out, text, COLUMN, COLUMN);
}

/// `client ✓  doctor ✓  ── LOST ──  nginx ·  PHP ✗`, which breaks between its stops only.
fn stops(out: &mut String, finding: &Finding, page: Page) {
    let stops: Vec<_> = path(finding, page.paint).into_iter().map(|stop| format!("{stop}  ")).collect();
    let stops: Vec<_> = stops.iter().map(|stop| Word::from(stop)).collect();
    line(out, "where", &stops, page);
}

fn path(finding: &Finding, paint: Paint) -> Vec<String> {
    let mut stops = Vec::with_capacity(finding.path.len() + 1);
    let mut lost = finding.lost.as_ref();
    for stop in &finding.path {
        stops.push(station(stop, paint));
        // Once: two doctors may have been given one name.
        if let Some(lost) = lost.take_if(|lost| lost.after == stop.hop) {
            stops.push(paint.red(happened(lost.change, finding.proof)));
        }
    }
    stops
}

const fn happened(change: Change, proof: Proof) -> &'static str {
    match (change, proof) {
        (Change::Added, _) => "── ADDED ──",
        (Change::Respelled, _) => "── RE-SPELLED ──",
        (_, Proof::Possible) => "── LOST? ──",
        _ => "── LOST ──",
    }
}

fn station(stop: &Stop, paint: Paint) -> String {
    let mark = paint.mark(stop.mark);
    match &stop.note {
        Some(note) => format!("{} {mark} {note}", stop.name),
        None => format!("{} {mark}", stop.name),
    }
}

/// The proof with its reason, and what would decide it; that command is one word.
fn sure(out: &mut String, finding: &Finding, page: Page) {
    let reason = format!("{}: {}", finding.proof, finding.because);
    let Some(decision) = &finding.decide else {
        return line(out, "sure", &words(&reason), page);
    };
    let (reason, command) = (format!("{reason}. To decide: "), format!("{} ", decision.command));
    let reading = format!("({})", decision.reading);
    let mut text = words(&reason);
    text.push(Word::from(&command));
    text.extend(words(&reading));
    line(out, "sure", &text, page);
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
