//! What was seen: every step that was done, or was not, in order.

use super::answer::Answer;
use super::conversation::Direct;
use super::deep::Size;
use super::discover::Index;
use super::judge::Judged;
use super::jwt_plugin::JwtPlugin;
use super::question::{Question, Step};
use super::site::{Place, Site};
use super::trouble::Trouble;
use crate::moment::Moment;

/// How a step ended.
#[derive(Clone, Debug)]
pub(super) enum Ended {
    /// There was a reply.
    Answered(Box<Answer>, Box<Judged>),
    /// There was none.
    Failed(Trouble),
    /// It was not asked, and why.
    Skipped(&'static str),
}

/// A step that was done, or was not.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// What was asked.
    pub(super) question: Question,
    /// The place.
    pub(super) place: Place,
    /// Which of the origins was asked, counted from zero; nothing for the public way.
    pub(super) direct: Option<usize>,
    /// How it ended.
    pub(super) ended: Ended,
    /// What no rule explains, in words.
    pub(super) reading: Option<&'static str>,
}

impl Done {
    /// The answer as it was judged.
    #[must_use]
    pub(super) fn judged(&self) -> Option<&Judged> {
        match &self.ended {
            Ended::Answered(_, judged) => Some(judged),
            _ => None,
        }
    }

    /// Whether it came out as a healthy site's does.
    #[must_use]
    pub(super) fn is_expected(&self) -> bool {
        self.judged().is_some_and(|judged| judged.is_expected)
    }
}

/// All that was seen.
#[derive(Clone, Debug)]
pub struct Examination {
    /// When it began.
    pub(super) began: Moment,
    /// The site as it was named.
    pub(super) site: Site,
    /// Where it led to and was examined.
    pub(super) examined: Site,
    /// The index, when there is one.
    pub(super) index: Option<Index>,
    /// The place that WordPress calls its own.
    pub(super) own: Option<Place>,
    /// The steps in order.
    pub(super) steps: Vec<Done>,
    /// The addresses asked directly.
    pub(super) origins: Vec<Direct>,
    /// What was found of the addresses of its name, where they were wanted.
    pub(super) addresses: Option<String>,
    /// Why it ended early.
    pub(super) stopped: Option<String>,
    /// How many requests were sent.
    pub(super) asked: usize,
    /// The variables that name a proxy and were not heeded.
    pub(super) proxies: Vec<&'static str>,
    /// Whether a token came out of a login or was given.
    pub(super) has_token: bool,
    /// Whether the check shares a key with doctors on the way.
    pub(super) has_key: bool,
    /// Whether `--deep` was given.
    pub(super) is_deep: bool,
    /// How long a field has to pass; nothing before it is known.
    pub(super) needed: Option<Size>,
    /// The plugin that answers `jwt-auth/v1`, as far as it tells.
    pub(super) jwt_plugin: JwtPlugin,
}

impl Examination {
    /// Whether it is a fault when the field of this step is refused.
    pub(super) fn is_needed(&self, step: &Step) -> bool {
        matches!(step, Step::Long(size) if Some(*size) <= self.needed)
    }

    /// Whether the step was asked of one of the addresses of the name.
    pub(super) fn is_of_name(&self, done: &Done) -> bool {
        done.direct.and_then(|place| self.origins.get(place)).is_some_and(|way| way.is_of_name)
    }
}
