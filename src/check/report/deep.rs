//! What survives the way, as far as `--deep` could see, and how long a field may be.
//!
//! From outside little of it is seen. That WordPress read a header shows in its answer to `Authorization` alone; that
//! somebody minds a header shows when the request is refused; doctors on the way tell of the headers that they watch. All
//! else is called unknown.

use super::super::deep::{Beside, FILLER, INSTEAD, Size};
use super::super::judge::Judged;
use super::super::question::{Carries, Step};
use super::super::seen::{Done, Ended, Examination};
use crate::evidence::Watched;

/// What became of the headers that were tried.
#[derive(Debug)]
pub(super) struct Deep {
    pub(super) survivors: Vec<Survivor>,
    pub(super) limit: Limit,
    /// What kind of hop treats headers so, a sentence each.
    pub(super) class: Vec<String>,
}

/// A header, and what became of it.
#[derive(Debug)]
pub(super) struct Survivor {
    pub(super) header: &'static str,
    pub(super) fate: Fate,
    pub(super) how: String,
}

/// What became of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Somebody at the end of the way saw it.
    Arrives,
    /// It was missed there.
    Lost,
    /// The request was refused for it.
    Refused,
    /// Nothing tells.
    Unknown,
}

/// How long one field may be.
#[derive(Debug)]
pub(super) struct Limit {
    /// The longest that passed.
    pub(super) takes: Option<Size>,
    /// The shortest that did not.
    pub(super) refuses: Option<Size>,
    /// By what it was refused.
    pub(super) by: Option<String>,
    /// Whether the site answered well again afterwards.
    pub(super) is_sure: bool,
    /// Whether a token would be refused as well.
    is_fault: bool,
    needed: Size,
}

impl Fate {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Arrives => "arrives",
            Self::Lost => "lost",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

impl Survivor {
    pub(super) fn line(&self) -> String {
        let mark = match self.fate {
            Fate::Arrives => "✓",
            Fate::Lost | Fate::Refused => "!",
            Fate::Unknown => "·",
        };
        format!("{mark} {}: {}, {}", self.header, self.fate.word(), self.how)
    }
}

impl Limit {
    pub(super) const fn mark(&self) -> &'static str {
        if self.is_fault { "!" } else { "✓" }
    }

    /// As a fact: it is a fault where a token would not fit.
    pub(super) fn text(&self) -> String {
        let Some(refuses) = self.refuses else {
            let takes =
                self.takes.map(|takes| format!("the path takes {takes} of one field; more was not tried"));
            return takes.unwrap_or_else(|| "how long a field may be was not tried".to_owned());
        };
        let by = self.by.as_deref().unwrap_or("no reply");
        let takes = self.takes.map(|takes| format!("takes {takes} of one field and ")).unwrap_or_default();
        let mut text = format!("the path {takes}refuses {refuses}: {by}");
        let [below, above] = Size::AROUND_8K;
        if (self.takes, refuses) == (Some(below), above) {
            text.push_str("; nginx, Apache and Varnish come with this limit");
        }
        if self.is_fault {
            text.push_str(&format!("; a field of {} has to pass", self.needed));
        }
        if !self.is_sure {
            text.push_str(
                "; afterwards the site no longer answered as before, so it may have been for another reason",
            );
        }
        text
    }
}

impl Deep {
    /// Nothing where it was not tried.
    pub(super) fn of(seen: &Examination) -> Option<Self> {
        let control = find(seen, &Step::Control)?.judged()?;
        let mut survivors = vec![authorization(seen, control)];
        survivors.extend(instead(seen));
        survivors.extend(Beside::ALL.map(|beside| beside_it(seen, beside)));
        let limit = limit(seen);
        survivors.push(filler(&limit));
        let class = class(&survivors);
        Some(Self { survivors, limit, class })
    }
}

fn find<'s>(seen: &'s Examination, step: &Step) -> Option<&'s Done> {
    seen.steps.iter().find(|done| done.question.step == *step && done.direct.is_none())
}

/// `WordPress read it`, or what doctors saw.
fn authorization(seen: &Examination, control: &Judged) -> Survivor {
    let step = find(seen, &Step::Control);
    let is_sent = step.is_some_and(|done| done.question.carries == Carries::Probe);
    let told = step.and_then(|done| by_doctors(done, Watched::Authorization));
    let dialect = step.map(|done| done.question.dialect).unwrap_or_default();
    let (fate, how) = match told {
        _ if is_sent && dialect.arrived(&control.symptom) => (Fate::Arrives, "WordPress read it".to_owned()),
        Some((Fate::Lost, how)) => (Fate::Lost, how),
        _ if is_sent && dialect.missed(&control.symptom) => {
            (Fate::Lost, "WordPress says that it found none".to_owned())
        }
        Some(told) => told,
        None => (Fate::Unknown, "no plugin answers that would say so".to_owned()),
    };
    Survivor { header: "Authorization", fate, how }
}

/// Whether a token in another header counts as one. That it does not says nothing of whether the header arrives.
fn instead(seen: &Examination) -> Option<Survivor> {
    let done = find(seen, &Step::Instead)?;
    let judged = done.judged()?;
    let (fate, how) = if done.question.dialect.arrived(&judged.symptom) {
        (Fate::Arrives, "it is taken for Authorization: a hop or a plugin moves it".to_owned())
    } else {
        let code = judged.symptom.code();
        let code = if code.is_empty() { judged.symptom.status.to_string() } else { code.to_owned() };
        (Fate::Unknown, format!("it is not taken for Authorization ({code}); {BEHIND}"))
    };
    Some(Survivor { header: INSTEAD, fate, how })
}

/// What cannot be seen from outside.
const BEHIND: &str = "whether it arrives is unknown without a doctor behind";

fn beside_it(seen: &Examination, beside: Beside) -> Survivor {
    let (header, _) = beside.field();
    let done = find(seen, &Step::Beside(beside));
    let told = done.filter(|_| beside == Beside::Cookie).and_then(|done| by_doctors(done, Watched::Cookie));
    let (fate, how) = match (done.map(|done| &done.ended), told) {
        (Some(Ended::Answered(_, judged)), _) if !judged.is_expected && is_refusal(judged) => {
            (Fate::Refused, format!("the request got {}", by(judged)))
        }
        (Some(Ended::Answered(..)), Some(told)) => told,
        (Some(Ended::Answered(_, judged)), None) if !judged.is_expected => {
            (Fate::Unknown, format!("the request got another answer, {}", by(judged)))
        }
        (Some(Ended::Answered(..)), None) => (Fate::Unknown, format!("nobody minds it; {BEHIND}")),
        (Some(Ended::Failed(trouble)), _) => (Fate::Refused, format!("the site {trouble}")),
        _ => (Fate::Unknown, "it was not tried".to_owned()),
    };
    Survivor { header, fate, how }
}

fn filler(limit: &Limit) -> Survivor {
    let how = match limit.takes {
        Some(takes) => format!("nobody minds it up to {takes}; {BEHIND}"),
        None => "it was not tried, or not taken".to_owned(),
    };
    Survivor { header: FILLER, fate: Fate::Unknown, how }
}

/// With which statuses a hop refuses a head that it does not like.
fn is_refusal(judged: &Judged) -> bool {
    matches!(judged.symptom.status.code(), 400 | 413 | 414 | 431 | 494 | 500..=599)
}

/// `400, nginx page`.
fn by(judged: &Judged) -> String {
    let status = judged.symptom.status;
    match judged.symptom.page {
        Some(page) => format!("{status}, {} page", page.name()),
        None => format!("{status} {}", judged.symptom.code()).trim_end().to_owned(),
    }
}

/// What the doctors on the way saw of a header; nothing where none tells.
fn by_doctors(done: &Done, header: Watched) -> Option<(Fate, String)> {
    let Ended::Answered(answer, _) = &done.ended else { return None };
    let company = answer.company.as_ref()?;
    if let Some(crossing) = company.crossings().find(|crossing| crossing.spoils(header)) {
        let (after, before) = (crossing.after.as_str(), crossing.before.as_str());
        return Some((Fate::Lost, format!("between {after} and {before}, as they tell")));
    }
    let last = company.crossings().last()?;
    Some((Fate::Arrives, format!("{} saw it; what is behind is unknown", last.before.as_str())))
}

fn limit(seen: &Examination) -> Limit {
    let mut limit = Limit {
        takes: None,
        refuses: None,
        by: None,
        is_sure: true,
        is_fault: false,
        needed: seen.needed.unwrap_or(Size::USUAL),
    };
    for done in &seen.steps {
        let Step::Long(size) = done.question.step else { continue };
        let by = match &done.ended {
            Ended::Answered(_, judged) if judged.is_expected => {
                limit.takes = Some(size);
                continue;
            }
            Ended::Answered(_, judged) => by(judged),
            Ended::Failed(trouble) => format!("the site {trouble}"),
            Ended::Skipped(_) => continue,
        };
        limit.refuses = Some(size);
        limit.by = Some(by);
        limit.is_fault = seen.is_needed(&done.question.step);
    }
    limit.is_sure = limit.refuses.is_none() || find(seen, &Step::After).is_some_and(Done::is_expected);
    limit
}

/// What kind of hop treats headers so. It is a kind and no name: others may do the same.
fn class(survivors: &[Survivor]) -> Vec<String> {
    let fate = |header: &str| survivors.iter().find(|one| one.header == header).map(|one| one.fate);
    let of = |beside: Beside| fate(beside.field().0);
    let mut out = Vec::new();
    let is_lost = fate("Authorization") == Some(Fate::Lost);
    if is_lost && of(Beside::Cookie) == Some(Fate::Lost) {
        out.push(
            "Authorization and Cookie are lost: so does a CDN that passes only the headers of a list"
                .to_owned(),
        );
    }
    if is_lost && of(Beside::Cookie) != Some(Fate::Lost) {
        let others = match of(Beside::Cookie) {
            Some(Fate::Arrives) => "and Cookie arrives",
            _ => "and of other headers nothing tells",
        };
        out.push(format!(
            "Authorization is lost {others}: interfaces like CGI (Apache's proxy_fcgi, HAProxy's fcgi-app), Squid and \
             CloudFront withhold it if not told otherwise"
        ));
    }
    let odd = [of(Beside::Underscore), of(Beside::Dotted)];
    if of(Beside::Underscore) == Some(Fate::Refused) && of(Beside::Ordinary) != Some(Fate::Refused) {
        out.push("a name with an underscore is refused: Envoy and Traefik do so when told to".to_owned());
    }
    if odd == [Some(Fate::Unknown); 2] {
        out.push(
            "names with an underscore or a point may be dropped in silence: nginx does so if not told otherwise, and so do \
             others"
                .to_owned(),
        );
    }
    out
}
