//! What is asked with `--deep`, and how it is judged: against a control request, since nothing else tells a hop that minds a
//! field from a site that answers so anyway.

use super::super::deep::{Beside, Size};
use super::super::judge::Judged;
use super::super::plan::{control, deep};
use super::super::question::{Question, Step};
use super::Examiner;

impl Examiner<'_, '_> {
    /// Sends one field at a time, and then one that grows until it is refused.
    pub(super) async fn go_deep(&mut self) {
        let needed = self.wallet.token.as_ref().map(|token| Size::of_token(token.expose()));
        self.seen.needed = needed.into_iter().chain([Size::USUAL]).max();
        let place = self.seen.examined.place.clone();
        for question in deep(&self.root, self.dialect(), self.seen.needed) {
            if self.was_refused(&question.step) {
                continue;
            }
            self.ask(question, &place, None).await;
        }
        if self.was_refused(&Step::Long(Size::USUAL)) {
            let again = Question { step: Step::After, ..control(&self.root, self.dialect()) };
            self.ask(again, &place, None).await;
        }
    }

    /// Whether a field was too long already, so that no longer one need be sent.
    fn was_refused(&self, next: &Step) -> bool {
        let is_refused = |step: &Step| matches!(step, Step::Long(_));
        let mut long = self.seen.steps.iter().filter(|done| is_refused(&done.question.step));
        is_refused(next) && long.any(|done| !done.is_expected())
    }

    /// What a field beside did to an answer: as the control request was answered is how it should be.
    pub(super) fn weigh(&self, step: &Step, judged: &mut Judged) {
        if !step.is_weighed() {
            return;
        }
        let control = self.seen.steps.iter().find(|done| done.question.step == Step::Control);
        let control = control.and_then(|done| done.judged());
        judged.is_expected = control.is_some_and(|control| said(control) == said(judged));
        let matters = self.seen.is_needed(step) && !judged.is_expected;
        judged.findings.retain(|finding| matters && finding.rule == "header-too-large");
    }

    /// Why it is not tried what a field does.
    pub(super) fn is_without_control(&self, step: &Step) -> Option<&'static str> {
        let is_control = |done: &&super::Done| done.question.step == Step::Control && done.judged().is_some();
        let has_control = self.seen.steps.iter().find(is_control).is_some_and(|done| done.is_expected());
        let needs = step.is_weighed() || matches!(step, Step::Instead);
        (needs && !has_control).then_some("the control request got no good answer")
    }
}

fn said(judged: &Judged) -> (u16, &str) {
    (judged.symptom.status.code(), judged.symptom.code())
}

/// What an answer means that is another than that to the control request.
#[must_use]
pub(in super::super) fn unlike_control(step: &Step) -> Option<&'static str> {
    Some(match step {
        Step::Beside(Beside::Underscore | Beside::Dotted) => {
            "refused for the name of one field: write names with letters, digits and hyphens"
        }
        Step::Beside(Beside::Cookie) => "another answer than without a cookie",
        Step::Beside(Beside::Ordinary) => "another answer than without that field",
        Step::Long(_) => "refused for the length of one field",
        Step::After => {
            "another answer than before, so what was refused in between may have been for another reason"
        }
        Step::Control => "the site itself gives no good answer",
        Step::Instead => "another answer than to requests without a token",
        _ => return None,
    })
}
