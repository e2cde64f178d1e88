//! What a check says: one record, and four ways to write it.
//!
//! It is made from what was judged, and holds no value that was sent or received but codes, addresses and paths in the forms
//! that events show.

mod checklist;
mod deep;
mod facts;
mod json;
mod junit;
mod markdown;
mod plan;
mod steps;
mod text;

pub use plan::dry_run;

use super::dialect::Dialect;
use super::question::Step;
use super::seen::{Ended, Examination};
use crate::diagnosis::{Finding, Proof, Severity};
use crate::event::{Event, ExchangeId, Population, Scope, redact_target};
use crate::moment::Moment;
use crate::report::Page;
use checklist::Item;
use deep::Deep;
use facts::{Fact, Hop, Led};
use steps::Row;

/// What a check says.
#[derive(Debug)]
pub struct Report {
    /// The site as it was named.
    site: String,
    /// Where it was examined.
    examined: String,
    /// When it began.
    began: Moment,
    /// The ways to authenticate.
    methods: Vec<String>,
    /// The verdicts, the gravest first.
    verdicts: Vec<Verdict>,
    /// How each header looked at each hop.
    hops: Vec<Hop>,
    /// What is worth knowing beside.
    facts: Vec<Fact>,
    /// Where redirects led, and who loses the header there.
    redirects: Vec<Led>,
    /// The steps in order.
    steps: Vec<Row>,
    /// What survives the way, where that was tried.
    deep: Option<Deep>,
    /// The article's checklist.
    checklist: Vec<Item>,
    /// What could not be seen.
    unseen: Vec<&'static str>,
    /// Why it ended early.
    stopped: Option<String>,
    /// What was asked for and could not be done.
    undone: Option<&'static str>,
    /// How many requests were sent.
    requests: usize,
    /// The variables that name a proxy and were not heeded.
    proxies: Vec<&'static str>,
}

/// A cause, and what it was seen in.
#[derive(Debug)]
struct Verdict {
    finding: Finding,
    scope: Scope,
    event: Event,
    /// The numbers of the steps, from one.
    steps: Vec<usize>,
    /// The path that was asked first.
    target: String,
}

impl Report {
    /// The report of an examination.
    #[must_use]
    pub fn of(seen: &Examination) -> Self {
        Self {
            site: seen.site.to_string(),
            examined: seen.examined.to_string(),
            began: seen.began,
            methods: seen.index.as_ref().map(|index| index.methods(&seen.jwt_plugin)).unwrap_or_default(),
            verdicts: verdicts(seen),
            hops: facts::hops(seen),
            facts: facts::facts(seen),
            redirects: facts::redirects(seen),
            steps: steps::rows(seen),
            deep: Deep::of(seen),
            checklist: checklist::items(seen),
            unseen: facts::unseen(seen),
            stopped: seen.stopped.clone(),
            undone: undone(seen),
            requests: seen.asked,
            proxies: seen.proxies.clone(),
        }
    }

    /// The exit code: 0, 1 or 3 of the program's.
    #[must_use]
    pub fn code(&self) -> u8 {
        let is_error = |verdict: &Verdict| verdict.finding.severity == Severity::Error;
        if self.verdicts.iter().any(is_error) {
            return 1;
        }
        if self.stopped.is_some() || self.undone.is_some() {
            return 3;
        }
        u8::from(self.steps.iter().any(Row::is_unexplained))
    }

    /// The failures that no verdict stands for: what failed, and how.
    fn headlines(&self) -> impl Iterator<Item = (String, String)> {
        self.steps.iter().filter_map(|row| row.headline(self.stopped.as_deref()))
    }

    /// Whether anything of the site was seen.
    fn has_answers(&self) -> bool {
        !self.methods.is_empty() || !self.verdicts.is_empty()
    }

    /// `11 requests`.
    fn count(&self) -> String {
        let word = if self.requests == 1 { "request" } else { "requests" };
        format!("{} {word}", self.requests)
    }

    /// For eyes.
    #[must_use]
    pub fn text(&self, page: Page) -> String {
        text::write(self, page)
    }

    /// For machines: `"schema": 1`, see docs/check.md.
    #[must_use]
    pub fn json(&self) -> String {
        json::write(self)
    }

    /// For a ticket.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown::write(self)
    }

    /// For a pipeline.
    #[must_use]
    pub fn junit(&self) -> String {
        junit::write(self)
    }
}

/// The causes that were found, each once, the surest and gravest first.
fn verdicts(seen: &Examination) -> Vec<Verdict> {
    let mut all: Vec<Verdict> = Vec::new();
    let asked = u64::try_from(seen.asked).unwrap_or(u64::MAX);
    for (number, done) in (1..).zip(&seen.steps) {
        let Ended::Answered(answer, judged) = &done.ended else { continue };
        let Some(finding) = judged.findings.first() else { continue };
        let is_same = |verdict: &&mut Verdict| {
            verdict.finding.rule == finding.rule && verdict.finding.place == finding.place
        };
        if let Some(before) = all.iter_mut().find(is_same) {
            before.scope.count += 1;
            before.steps.push(number);
            if finding.proof > before.finding.proof {
                before.finding = finding.clone();
            }
            continue;
        }
        let id = ExchangeId::new(u64::try_from(number).unwrap_or_default());
        let mut event = Event::of(&answer.head, id, answer.received, "check".into());
        event.diagnosed(&judged.trail, &judged.symptom, Vec::new());
        let scope = Scope { count: 1, of: asked, population: Population::All, since: seen.began, only: None };
        let target = redact_target(answer.head.target()).to_string();
        all.push(Verdict { finding: finding.clone(), scope, event, steps: vec![number], target });
    }
    let rank = |verdict: &Verdict| (verdict.finding.severity, verdict.finding.proof);
    all.sort_by_key(|verdict| std::cmp::Reverse(rank(verdict)));
    settled(all)
}

/// A cause that was only possible has no ground once a sure one of the same header was found.
fn settled(mut all: Vec<Verdict>) -> Vec<Verdict> {
    let lost = |verdict: &Verdict| verdict.finding.lost.as_ref().map(|lost| lost.header);
    let is_possible = |verdict: &Verdict| verdict.finding.proof == Proof::Possible;
    let sure: Vec<_> = all.iter().filter(|verdict| !is_possible(verdict)).filter_map(lost).collect();
    all.retain(|verdict| !(is_possible(verdict) && lost(verdict).is_some_and(|lost| sure.contains(&lost))));
    all
}

/// What somebody asked for with a credential and could not be done.
fn undone(seen: &Examination) -> Option<&'static str> {
    let step = |step: &Step| seen.steps.iter().find(|done| done.question.step == *step);
    let login = step(&Step::Token)?;
    // Where the check ended before, why it did is all there is to say.
    let has_ended = seen.stopped.is_some() && matches!(login.ended, Ended::Skipped(_));
    if login.is_expected() || has_ended {
        return None;
    }
    let has_plugin = matches!(login.ended, Ended::Answered(..)) || Dialect::of(seen.index.as_ref()).is_some();
    Some(if has_plugin {
        "no token was issued, so nothing behind the login could be examined"
    } else {
        "this site has no JWT plugin whose login is known here; install one, or use HEADER_DOCTOR_APP_PASSWORD or \
         HEADER_DOCTOR_TOKEN"
    })
}
