//! A row for each step: what was asked, what was expected and what came.

use super::super::dialect::Dialect;
use super::super::judge::{Judged, is_locked};
use super::super::question::{Carries, Question, Step};
use super::super::seen::{Done, Ended, Examination};
use super::super::trouble::Trouble;
use std::io::ErrorKind;

use crate::browser::When;
use crate::event::redact_target;

/// How a step came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As expected.
    Done,
    /// Otherwise.
    Failed,
    /// Nothing hangs on it.
    Noted,
    /// It was not asked.
    Skipped,
}

impl Outcome {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Noted => "noted",
            Self::Skipped => "skipped",
        }
    }
}

/// A step in the report.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) step: &'static str,
    pub(super) title: String,
    pub(super) method: &'static str,
    pub(super) target: String,
    /// `public`, or the number of the origin.
    pub(super) way: String,
    pub(super) carries: Carries,
    pub(super) outcome: Outcome,
    pub(super) expected: &'static str,
    pub(super) got: String,
    /// What it proves; what is to be made of it; why it was not asked.
    pub(super) meaning: String,
    /// The rule that explains it.
    pub(super) rule: Option<&'static str>,
    pub(super) millis: Option<u64>,
}

impl Row {
    /// Whether it failed and nobody knows why.
    pub(super) fn is_unexplained(&self) -> bool {
        self.outcome == Outcome::Failed && self.rule.is_none()
    }

    /// What belongs above everything else, where no verdict stands for it. Why the check itself ended is told beside.
    pub(super) fn headline(&self, stopped: Option<&str>) -> Option<(String, String)> {
        let is_told = stopped.is_some_and(|why| why == self.meaning);
        if !self.is_unexplained() || is_told {
            return None;
        }
        let way = if self.way == "public" { String::new() } else { format!(" ({})", self.way) };
        let got = if self.millis.is_some() { format!("{}: ", self.got) } else { String::new() };
        Some((format!("{}{way}", self.title), format!("{got}{}", self.meaning)))
    }
}

pub(super) fn rows(seen: &Examination) -> Vec<Row> {
    seen.steps.iter().map(|done| row(done, seen)).collect()
}

fn row(done: &Done, seen: &Examination) -> Row {
    let question = &done.question;
    let (got, meaning) = told(done, seen);
    Row {
        step: question.step.word(),
        title: title(&question.step),
        method: question.method,
        target: redact_target(question.target.as_bytes()).to_string(),
        way: way(done, seen),
        carries: question.carries,
        outcome: outcome(done, seen),
        expected: question.step.expects(question.dialect),
        got,
        meaning,
        rule: done.judged().and_then(|judged| judged.findings.first()).map(|finding| finding.rule),
        millis: match &done.ended {
            Ended::Answered(answer, _) => Some(u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX)),
            _ => None,
        },
    }
}

fn title(step: &Step) -> String {
    match step {
        Step::Long(size) => format!("the same with a field of {size}"),
        _ => step.title().to_owned(),
    }
}

/// The way by which it was asked.
pub(super) fn way(done: &Done, seen: &Examination) -> String {
    let direct = done.direct.and_then(|place| seen.origins.get(place));
    match direct {
        None => "public".to_owned(),
        Some(direct) if direct.is_of_name => format!("address {direct}"),
        Some(direct) => format!("origin {direct}"),
    }
}

fn outcome(done: &Done, seen: &Examination) -> Outcome {
    match &done.ended {
        Ended::Skipped(_) => Outcome::Skipped,
        Ended::Answered(_, judged) if judged.is_expected => Outcome::Done,
        Ended::Answered(_, judged) if is_note(&done.question, judged) => Outcome::Noted,
        Ended::Answered(..) | Ended::Failed(_) if is_tried(&done.question.step, seen) => Outcome::Noted,
        Ended::Failed(trouble) if is_ours(done, trouble, seen) => Outcome::Noted,
        Ended::Answered(..) | Ended::Failed(_) => Outcome::Failed,
    }
}

/// What `--deep` tries may be refused, unless a token would be, too; and plugins need not tell of themselves.
fn is_tried(step: &Step, seen: &Examination) -> bool {
    let is_minor = step.is_weighed() || matches!(step, Step::Instead | Step::Routes | Step::Manual);
    is_minor && !seen.is_needed(step)
}

/// A machine without IPv6 finds no way to addresses of that kind; nothing is wrong with the site then.
fn is_ours(done: &Done, trouble: &Trouble, seen: &Examination) -> bool {
    let no_way =
        matches!(trouble, Trouble::Unreachable(ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable));
    no_way && seen.is_of_name(done)
}

/// The page itself need not be there: a site may be an API alone. Where to look for the index is tried; and that strangers hear
/// nothing is what a plugin that locks the API is for. That pages may not write hurts
/// those alone that want to.
fn is_note(question: &Question, judged: &Judged) -> bool {
    let step = &question.step;
    // Other plugins may be set to answer otherwise, and be well.
    if question.dialect != Dialect::JwtAuth && matches!(step, Step::Without | Step::With) {
        return judged.findings.is_empty();
    }
    if matches!(step, Step::Announced(..)) {
        return true;
    }
    if is_locked(&judged.symptom) && matches!(step, Step::Index | Step::Without | Step::With) {
        return true;
    }
    let is_missing = matches!(judged.symptom.status.code(), 300..=399 | 404) || judged.symptom.html_for_rest;
    matches!(step, Step::Page) || matches!(step, Step::Index) && is_missing
}

fn told(done: &Done, seen: &Examination) -> (String, String) {
    let step = &done.question.step;
    match &done.ended {
        Ended::Skipped(why) => (String::new(), (*why).to_owned()),
        // Who was asked is who is at fault: an origin, and not the site whose name it was asked by.
        Ended::Failed(trouble) => {
            let whom = if done.direct.is_some() { way(done, seen) } else { done.place.to_string() };
            (trouble.word().to_owned(), format!("{whom} {trouble}"))
        }
        Ended::Answered(_, judged) if judged.is_expected => (got(judged), step.proves().to_owned()),
        Ended::Answered(_, judged) => {
            let found = judged.findings.first().map(|finding| finding.summary.clone());
            (got(judged), found.or(done.reading.map(str::to_owned)).unwrap_or_default())
        }
    }
}

/// `403 jwt_auth_invalid_token "Expired token"`.
fn got(judged: &Judged) -> String {
    let symptom = &judged.symptom;
    let mut text = symptom.status.to_string();
    if let Some(error) = &symptom.error {
        text.push(' ');
        text.push_str(error.code.as_str());
    }
    if let Some(message) = symptom.message() {
        text.push_str(&format!(" \"{message}\""));
    }
    if let Some(blocked) = &symptom.blocked {
        let when = if blocked.when == When::Always { "" } else { "only if the page sends cookies along: " };
        text.push_str(&format!("; {when}{}", blocked.reason()));
    }
    text
}
