//! The nine items of the checklist for production teams, each done, failed or not possible, and why.

use super::super::judge::unready;
use super::super::question::Step;
use super::super::seen::{Done, Examination};

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It was done, and nothing is wrong with it.
    Done,
    /// It was done, and something is.
    Failed,
    /// It could not be done.
    NotPossible,
}

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::NotPossible => "not possible",
        }
    }
}

/// An item.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) title: &'static str,
    pub(super) state: State,
    pub(super) why: String,
}

const NO_LOGIN: &str = "needs --user and HEADER_DOCTOR_PASSWORD";
const REFUSED: &str = "needs a login that succeeds";

pub(super) fn items(seen: &Examination) -> Vec<Item> {
    let of = |wanted: fn(&Step) -> bool| seen.steps.iter().filter(move |done| wanted(&done.question.step));
    let public = |wanted| of(wanted).filter(|done| done.direct.is_none()).collect::<Vec<_>>();
    let item = |title, (state, why): (State, String)| Item { title, state, why };
    let login = missing_login(seen);
    vec![
        item("Reproduce outside the browser first", reproduced(seen)),
        item("Issue a fresh token", told(&public(|step| *step == Step::Token), NO_LOGIN)),
        item(
            "Validate the fresh token immediately",
            told_fresh(seen, told(&public(|step| *step == Step::Validate), login)),
        ),
        item("Inspect the exact error code and message", codes(seen)),
        item("Check whether the header reached PHP", reached(seen)),
        item("Compare origin against public URL", compared(seen)),
        item("Check JWT_AUTH_SECRET_KEY and environment parity", secret(seen)),
        item(
            "Verify custom route permissions separately",
            told(
                &public(|step| matches!(step, Step::Endpoint(_) | Step::AppEndpoint(_))),
                "needs --endpoint and a login",
            ),
        ),
        item("Reset stale client auth state", (State::NotPossible, stale(seen).to_owned())),
    ]
}

/// What is missing where there was no token to examine: the login, or its success.
fn missing_login(seen: &Examination) -> &'static str {
    if was_login_tried(seen) { REFUSED } else { NO_LOGIN }
}

fn was_login_tried(seen: &Examination) -> bool {
    seen.steps.iter().any(|done| done.question.step == Step::Token && done.judged().is_some())
}

/// A token that was given may be of yesterday: that it is taken says nothing about a fresh one.
fn told_fresh(seen: &Examination, (state, why): (State, String)) -> (State, String) {
    if state == State::Done && !was_login_tried(seen) {
        return (
            State::NotPossible,
            format!("the token that was given is valid, {why}; whether it is fresh is not known"),
        );
    }
    (state, why)
}

fn stale(seen: &Examination) -> &'static str {
    if !seen.has_token {
        return "only the client can; no token was used here";
    }
    if seen.has_token && !was_login_tried(seen) {
        return "only the client can; the token used here was given, and may be stale itself";
    }
    "only the client can; every token used here was fresh"
}

/// Whether what the rules find about an answer says that the secret is innocent.
fn clears_secret(done: &Done) -> bool {
    let finding = done.judged().and_then(|judged| judged.findings.first());
    finding.is_some_and(|finding| finding.cleared.contains(&"secret"))
}

fn answer(done: &Done) -> String {
    let symptom = done.judged().map(|judged| &judged.symptom);
    symptom
        .map(|symptom| format!("{} {}", symptom.status, symptom.code()).trim_end().to_owned())
        .unwrap_or_default()
}

/// Steps of one kind: failed when one failed.
fn told(steps: &[&Done], needs: &str) -> (State, String) {
    let answered: Vec<_> = steps.iter().filter(|done| done.judged().is_some()).collect();
    let Some(first) = answered.first() else { return (State::NotPossible, needs.to_owned()) };
    match answered.iter().find(|done| !done.is_expected()) {
        Some(failed) => (State::Failed, answer(failed)),
        None => (State::Done, answer(first)),
    }
}

/// Whether the plugin says that no token came.
fn is_missed(done: &Done) -> bool {
    done.judged().is_some_and(|judged| done.question.dialect.missed(&judged.symptom))
}

fn reproduced(seen: &Examination) -> (State, String) {
    if seen.index.is_some() {
        return (State::Done, format!("{} requests by this program, no browser", seen.asked));
    }
    (State::NotPossible, seen.stopped.clone().unwrap_or_else(|| "the REST server does not answer".to_owned()))
}

fn codes(seen: &Examination) -> (State, String) {
    let counts = |step: &Step| !step.is_deep() && !matches!(step, Step::Routes | Step::Manual);
    let failed = seen.steps.iter().filter(|done| counts(&done.question.step));
    let failed = failed.filter(|done| done.judged().is_some_and(|judged| !judged.is_expected));
    let told =
        |answer: String| if answer.contains(' ') { answer } else { format!("{answer} without a code") };
    let mut codes: Vec<String> = Vec::new();
    for code in failed.map(answer).map(told) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    if codes.is_empty() {
        return (State::Done, "no error that was not expected".to_owned());
    }
    (State::Failed, codes.join(", "))
}

fn reached(seen: &Examination) -> (State, String) {
    let shows = |done: &&Done| {
        matches!(done.question.step, Step::With | Step::Validate | Step::Me | Step::AppMe)
            && done.direct.is_none()
    };
    let steps: Vec<_> = seen.steps.iter().filter(shows).filter(|done| done.judged().is_some()).collect();
    if let Some(clear) = steps.iter().find(|done| done.is_expected()) {
        return (State::Done, format!("it arrives: {}", answer(clear)));
    }
    let is_unready = |done: &Done| done.judged().is_some_and(|judged| unready(&judged.symptom).is_some());
    match steps.first() {
        Some(failed) if is_unready(failed) => {
            (State::NotPossible, format!("nobody came to look at it: {}", answer(failed)))
        }
        Some(failed) => (State::Failed, answer(failed)),
        None => (State::NotPossible, "needs a JWT plugin, or a credential".to_owned()),
    }
}

fn compared(seen: &Examination) -> (State, String) {
    if seen.origins.is_empty() {
        let needs = || "needs --origin ADDRESS, or --all-addresses".to_owned();
        return (State::NotPossible, seen.addresses.clone().unwrap_or_else(needs));
    }
    let differs = |done: &&Done| {
        let is_same = |other: &&Done| other.direct.is_none() && other.question.step == done.question.step;
        let public = seen.steps.iter().find(is_same).filter(|public| public.judged().is_some());
        let is_both = done.direct.is_some() && done.judged().is_some();
        is_both && public.is_some_and(|public| public.is_expected() != done.is_expected())
    };
    match seen.steps.iter().find(differs) {
        Some(done) => (State::Failed, format!("they differ: {}", done.question.step.title())),
        None => (State::Done, "public and direct answers agree".to_owned()),
    }
}

fn secret(seen: &Examination) -> (State, String) {
    let of = |step: Step| {
        seen.steps.iter().filter(move |done| done.question.step == step && done.judged().is_some())
    };
    let all: Vec<_> = of(Step::Validate).collect();
    let (lost, all): (Vec<_>, Vec<_>) = all.into_iter().partition(|done| is_missed(done));
    if all.is_empty() && !lost.is_empty() {
        return (State::NotPossible, "the token did not arrive, so it was not judged".to_owned());
    }
    let refused = || all.iter().filter(|done| !done.is_expected());
    if let Some(failed) = refused().find(|done| !clears_secret(done)) {
        return (State::Failed, answer(failed));
    }
    if let Some(other) = refused().next() {
        return (State::NotPossible, format!("the token was refused for another reason: {}", answer(other)));
    }
    if of(Step::With)
        .any(|done| done.judged().is_some_and(|judged| judged.symptom.code() == "jwt_auth_bad_config"))
    {
        return (State::Failed, "jwt_auth_bad_config: no secret is set".to_owned());
    }
    match all.len() {
        0 => (State::NotPossible, missing_login(seen).to_owned()),
        1 => (State::Done, "issued and validated by the same secret; other nodes were not asked".to_owned()),
        _ => (State::Done, format!("issued and validated by the same secret on {} ways", all.len())),
    }
}
