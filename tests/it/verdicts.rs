//! What people and machines read of each rule, in full, under `tests/verdicts`: a change of any word is reviewed
//! there.
//!
//! A rule's file is made from the cases of `tests/corpus/<rule>` that yield findings, so a new rule needs no line
//! here. `make verdicts` writes the files anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use header_doctor::diagnosis::{Finding, RULES, diagnose};
use header_doctor::event::{Event, ExchangeId, Scoped, Tally};
use header_doctor::report::log::{Format, render};
use header_doctor::report::{Page, Paint};

use crate::corpus::{Case, Exchange, cases, exchange};

/// The variable that has the files written instead of compared.
const WRITE: &str = "WRITE_VERDICTS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verdicts")
}

#[test]
fn every_verdict_reads_as_it_was_reviewed() {
    let cases = cases();
    let mut changed = Vec::new();
    for rule in RULES {
        let path = folder().join(format!("{}.txt", rule.id()));
        let text = told(rule.id(), &cases);
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(&path, text).unwrap();
            continue;
        }
        let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
        changed.extend(difference(&reviewed, &text).map(|line| format!("{}:{line}", path.display())));
    }
    assert!(
        changed.is_empty(),
        "{}\nIf it should read so, write the files with `make verdicts` and review what git shows.",
        changed.join("\n")
    );
}

#[test]
fn every_file_is_a_rules() {
    for file in std::fs::read_dir(folder()).unwrap() {
        let name = file.unwrap().file_name().to_string_lossy().into_owned();
        let is_rules = RULES.iter().any(|rule| format!("{}.txt", rule.id()) == name);
        assert!(is_rules, "tests/verdicts/{name} belongs to no rule; remove it");
    }
}

#[test]
fn a_difference_is_told_by_its_first_line() {
    assert_eq!(difference("a\nb\n", "a\nb\n"), None);
    assert_eq!(difference("a\nb\n", "a\nc\n").as_deref(), Some("2:\n  was  b\n  is   c"));
    assert_eq!(difference("a\n", "a\nb\n").as_deref(), Some("2:\n  was  (the end)\n  is   b"));
}

/// The first line that differs, with its number.
pub(crate) fn difference(was: &str, is: &str) -> Option<String> {
    let ends = ["(the end)"];
    let (mut old, mut new) = (was.lines().chain(ends), is.lines().chain(ends));
    let (line, was, is) =
        (1..).map_while(|line| Some((line, old.next()?, new.next()?))).find(|(_, a, b)| a != b)?;
    Some(format!("{line}:\n  was  {was}\n  is   {is}"))
}

/// The verdicts of a rule's cases, each in all its forms; one that reads like an earlier one is only named.
fn told(rule: &str, cases: &[(String, Case)]) -> String {
    let mut out = format!("# What {rule} says. Written by `make verdicts`.\n");
    let mut shown: Vec<(String, &str)> = Vec::new();
    for (path, case) in cases.iter().filter(|(path, _)| path.starts_with(&format!("{rule}/"))) {
        let event = event(case);
        if event.findings.iter().all(|scoped| scoped.finding.rule != rule) {
            continue;
        }
        write!(out, "\n=== {path}: {} ===\n\n", case.why).unwrap();
        let verdict = verdict(&event);
        if let Some((_, like)) = shown.iter().find(|(text, _)| *text == verdict) {
            writeln!(out, "as {like}").unwrap();
            continue;
        }
        out.push_str(&forms(&event));
        shown.push((verdict, path));
    }
    out
}

/// The text without its first line, which tells of the exchange.
fn verdict(event: &Event) -> String {
    let text = render(event, Format::Pretty(Page::PLAIN));
    text.split_once('\n').map(|(_, verdict)| verdict.to_owned()).unwrap()
}

/// As a pipe gets it, as terminals do where that differs, and as JSON.
fn forms(event: &Event) -> String {
    let plain = render(event, Format::Pretty(Page::PLAIN));
    let mut out = plain.clone();
    for width in [120, 80] {
        let text = render(event, Format::Pretty(Page { paint: Paint::Plain, width: Some(width) }));
        if text != plain {
            write!(out, "\n--- {width} columns ---\n\n{text}").unwrap();
        }
    }
    write!(out, "\n--- JSON ---\n\n{}", render(event, Format::Json)).unwrap();
    out
}

/// The case as an event: the third of its kind among 17.
fn event(case: &Case) -> Event {
    let Exchange { php, has_failed, request, has_credential, trail, symptom } = exchange(case);
    let tally = Tally::new(symptom.received.before(Duration::from_secs(3600)));
    (0..17).for_each(|_| tally.count(has_credential));
    let took = Duration::from_millis(12);
    let mut event = Event::of(&request, ExchangeId::new(255), symptom.received.before(took), "doctor".into());
    event.duration = took;
    let url =
        if trail.memory.direct { "fastcgi+unix:/run/php/php8.2-fpm.sock" } else { "http://10.0.0.7:8080" };
    event.upstream = Some(url.into());
    event.php = php.filter(|said| !said.is_empty());
    let scoped = |finding: Finding| {
        let [.., scope] = [0; 3].map(|_| tally.find(finding.rule, has_credential));
        Scoped { finding, scope }
    };
    event.diagnosed(&trail, &symptom, diagnose(&trail, &symptom).into_iter().map(scoped).collect());
    event.wordpress = event.wordpress.filter(|_| !has_failed);
    event
}
