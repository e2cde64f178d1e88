//! A trail that was signed with a shared key, at another time than ours: one of the two clocks is wrong.
//!
//! The seal is good, so the time in it is that doctor's own. Such a trail is not believed for verdicts, since an old one could be
//! sent again. Tokens are judged by WordPress's clock, which is most often one of the two.

use std::time::Duration;

use super::super::company::proof;
use super::super::{Finding, Mark, Rule, Stop};
use crate::evidence::{Arrival, Hop, HopName, Skew, Symptom, Trail};

pub(in super::super) struct DoctorClocksDiffer;

impl Rule for DoctorClocksDiffer {
    fn id(&self) -> &'static str {
        "doctor-clocks-differ"
    }

    fn text(&self) -> &'static str {
        include_str!("doctor_clocks_differ.md")
    }

    fn judge(&self, trail: &Trail, _: &Symptom) -> Option<Finding> {
        let company = trail.company.as_deref()?;
        let Arrival::Skewed(skew) = company.arrival else { return None };
        let front = company.front.as_ref().map_or("the doctor in front", HopName::as_str);
        let own = company.own.as_str();
        let (ahead, behind, by) = match skew {
            Skew::Theirs(by) => (front, own, by),
            Skew::Ours(by) => (own, front, by),
        };
        let by = words(by);
        let stop = |hop: Hop, name: &str| {
            let note = if name == ahead { format!("{by} ahead") } else { "behind".to_owned() };
            Stop::new(hop, Mark::Unknown).named(name.to_owned()).noted(note)
        };
        let hop = company.front.clone().map_or(Hop::Edge, Hop::Named);
        Some(Finding {
            because: "the seal is good, and the time in it is not ours; which of the two is right is not known, and until \
                      they agree the trail counts for nothing"
                .into(),
            path: vec![
                Stop::new(Hop::Client, Mark::Unknown),
                stop(hop, front),
                stop(Hop::Named(company.own.clone()), own),
            ],
            aside: true,
            ..Finding::of(
                self,
                proof(company),
                "any",
                format!("the clock of {ahead} is {by} ahead of that of {behind}"),
            )?
        })
    }
}

/// `6 min 40 s`.
fn words(by: Duration) -> String {
    let seconds = by.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
