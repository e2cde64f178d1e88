//! What is judged again at the end: what came later is evidence for what came before.

use super::Examiner;
use crate::check::conversation::Direct;
use crate::check::judge::{Evidence, judge};
use crate::check::question::Step;
use crate::check::seen::{Done, Ended};
use crate::evidence::{Memory, OtherWay};

impl Examiner<'_, '_> {
    /// Judges again what failed by one way and did well by another, or as Basic: that is evidence of its own.
    pub(super) fn compare(&mut self) {
        let did_well: Vec<_> = self.seen.steps.iter().filter(|done| done.is_expected()).cloned().collect();
        for done in &mut self.seen.steps {
            let other_way = other_way(done, &did_well, &self.seen.origins);
            let is_basic = |other: &Done| other.direct == done.direct && other.question.step == Step::AppMe;
            let has_basic = did_well.iter().any(is_basic);
            let Ended::Answered(answer, judged) = &mut done.ended else { continue };
            // A page in the place of WordPress's refusal, where WordPress answered what is good.
            let is_page = judged.symptom.html_for_rest && self.is_clear.contains(&done.direct);
            let is_evidence = other_way.is_some() || has_basic || is_page;
            if judged.is_expected || done.question.step.is_weighed() || !is_evidence {
                continue;
            }
            let memory = judged.trail.memory;
            let memory = Memory { other_way, accepted: memory.accepted || is_page, ..memory };
            let is_fresh = judged.trail.past.taken_here.is_some();
            **judged = judge(&done.question, answer, Evidence { memory, has_basic, is_fresh }, self.key);
            if judged.findings.is_empty() && other_way.is_some() {
                done.reading =
                    Some("by the other way it does well, so this way or this machine is the matter");
            }
        }
    }
}

/// By which other way the very same question was answered as a healthy site answers it.
fn other_way(done: &Done, did_well: &[Done], origins: &[Direct]) -> Option<OtherWay> {
    let question = |done: &Done| (done.question.step.clone(), done.question.target.clone());
    let is_other = |other: &&Done| other.direct != done.direct && question(other) == question(done);
    let is_behind = |other: &Done| {
        let way = other.direct.and_then(|place| origins.get(place));
        done.direct.is_none() && way.is_some_and(|way| !way.is_of_name)
    };
    let mut others = did_well.iter().filter(is_other).peekable();
    others.peek()?;
    Some(if others.any(is_behind) { OtherWay::Behind } else { OtherWay::Beside })
}
