//! Which plugin issues and examines tokens here, and what of it can be asked.
//!
//! A password goes to a login whose form is known, and to no other: what is not known is told as not possible.

use super::super::answer::Answer;
use super::super::dialect::Dialect;
use super::super::jwt_plugin::{Kind, version};
use super::super::question::{Question, Step};
use super::super::seen::Done;
use super::Examiner;
use crate::evidence::Plugin;

impl Examiner<'_, '_> {
    /// The manner of the plugin that examines tokens. miniOrange closes the index, too, and is known by its words.
    pub(super) fn dialect(&self) -> Option<Dialect> {
        let is_orange = |done: &Done| {
            done.judged().is_some_and(|judged| judged.symptom.plugin == Some(Plugin::MiniOrange))
        };
        if self.seen.index.is_none() && self.seen.steps.iter().any(is_orange) {
            return Some(Dialect::MiniOrange);
        }
        Dialect::of(self.seen.index.as_ref())
    }

    /// Why no token is asked for, or examined, where the form of it is not known.
    pub(super) fn has_no_form(&self, question: &Question) -> Option<&'static str> {
        let is_token = matches!(question.step, Step::Token | Step::Validate);
        if !is_token || question.dialect == Dialect::JwtAuth && self.dialect().is_some() {
            return None;
        }
        let is_known =
            self.seen.steps.iter().any(|done| done.question.step == Step::Without && done.is_expected());
        match self.dialect() {
            Some(Dialect::MiniOrange) if !is_known => {
                Some("not possible: what answers at api/v1 did not show that it is miniOrange's plugin")
            }
            Some(_) => None,
            None if self.seen.index.as_ref().is_some_and(|index| index.has("cocart/jwt")) => Some(
                "not possible: CoCart JWT issues its tokens with a login to the cart, which is not known here",
            ),
            None => Some("not possible: the index names no plugin that issues or examines tokens"),
        }
    }

    /// What the routes and the manual of the JWT plugin tell of it.
    pub(super) fn hear_of_plugin(&mut self, step: &Step, answer: &Answer) {
        let is_there = answer.reply.status.is_success();
        let plugin = &mut self.seen.jwt_plugin;
        match step {
            Step::Routes if is_there => plugin.kind = Kind::of_routes(&answer.body),
            Step::Manual if is_there => plugin.version = version(&answer.body),
            _ => {}
        }
    }
}
