//! How right the rules are on the whole corpus, as a table: `make accuracy` prints it.
//!
//! For each rule: *right*, the cases that should have it and do; *missed*, those that should and do not; *false*, those that
//! have it and should not. The last row is of the exchanges that nothing is wrong with.

use std::collections::BTreeMap;
use std::io::{Write as _, stdout};

use header_doctor::diagnosis::RULES;

use crate::corpus::{HEALTHY, cases, judge};

/// How often a rule was right, missed its case, and spoke without cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Score {
    right: usize,
    missed: usize,
    wrong: usize,
}

/// Fewer cases would show little.
const LEAST_CASES: usize = 250;
const LEAST_HEALTHY: usize = 80;

#[test]
fn every_rule_is_right_on_every_case_and_silent_on_what_is_healthy() {
    let cases = cases();
    let mut scores: BTreeMap<&str, Score> = RULES.iter().map(|rule| (rule.id(), Score::default())).collect();
    for (_, case) in &cases {
        let found: Vec<_> = judge(case).iter().map(|finding| finding.rule).collect();
        for (rule, score) in &mut scores {
            match (case.expects(rule), found.contains(rule)) {
                (true, true) => score.right += 1,
                (true, false) => score.missed += 1,
                (false, true) => score.wrong += 1,
                (false, false) => {}
            }
        }
    }
    let healthy: Vec<_> = cases.iter().filter(|(path, _)| path.starts_with(HEALTHY)).collect();
    let accused: Vec<_> = healthy.iter().filter(|(_, case)| !judge(case).is_empty()).collect();
    let table = table(&scores, cases.len(), healthy.len(), accused.len());
    stdout().write_all(table.as_bytes()).unwrap();
    let names: Vec<_> = accused.iter().map(|(path, _)| path).collect();
    assert!(accused.is_empty(), "nothing is wrong with {names:?}");
    assert!(scores.values().all(|score| score.missed + score.wrong == 0), "see the table");
    assert!(scores.values().all(|score| score.right > 0), "a rule was never put to the test");
    assert!(cases.len() >= LEAST_CASES && healthy.len() >= LEAST_HEALTHY);
}

fn table(scores: &BTreeMap<&str, Score>, cases: usize, healthy: usize, accused: usize) -> String {
    let line = |name: &str, right: usize, missed: usize, wrong: usize| {
        format!("{name:<42} {right:>6} {missed:>6} {wrong:>6}\n")
    };
    let rows =
        scores.iter().map(|(rule, Score { right, missed, wrong })| line(rule, *right, *missed, *wrong));
    let sum = |of: fn(&Score) -> usize| scores.values().map(of).sum();
    let [right, missed, wrong] = [|s: &Score| s.right, |s: &Score| s.missed, |s: &Score| s.wrong].map(sum);
    let all = line(&format!("all {} rules, {cases} cases", scores.len()), right, missed, wrong);
    let well = line(&format!("healthy exchanges: {healthy}"), healthy - accused, 0, accused);
    let head = format!("\n{:<42} {:>6} {:>6} {:>6}\n", "rule", "right", "missed", "false");
    [head].into_iter().chain(rows).chain([all, well]).collect()
}
