//! `docs/reference/rules.md`: every rule, and every error code that the doctor knows.

use std::fmt::Write as _;

use header_doctor::diagnosis::codes::{self, Emitter, Known};
use header_doctor::diagnosis::{Desk, Place, Proof, RULES, Severity, Text};

use super::{MADE, cell, hold};

#[test]
fn the_page_tells_of_every_rule_and_code() {
    hold("rules", &page());
}

fn page() -> String {
    let mut out = format!(
        "# Rules and codes\n\n{MADE}\n\n\
         What the doctor can recognise: {} causes, by what is to blame, and {} error codes of WordPress and its plugins. \
         `header-doctor explain NAME` tells all that is known of one, with what proves it, what is innocent, and the cure for each product.\n\n\
         - *Severity* is that of its gravest findings: {}. `error`: the path or the site is broken for correct clients. `warning`: this \
         client's request cannot succeed, or a fault of the site is only possible. `note`: WordPress or the policy worked as told.\n\
         - *Desk* is who can cure it: {}.\n\
         - Each finding says how sure it is: {}.\n",
        RULES.len(),
        codes::all().map(|known| known.codes.len()).sum::<usize>(),
        words(Severity::WORDS),
        words(Desk::WORDS),
        words(Proof::WORDS),
    );
    out.push_str("\n## Rules\n");
    Place::WORDS.iter().for_each(|place| rules(place, &mut out));
    out.push_str("\n## Codes\n");
    let mut emitters: Vec<Emitter> = Vec::new();
    for known in codes::all() {
        if !emitters.contains(&known.emitter) {
            emitters.push(known.emitter);
        }
    }
    emitters.into_iter().for_each(|emitter| sent_by(emitter, &mut out));
    out
}

fn words(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The rules that blame this place.
fn rules(place: &str, out: &mut String) {
    let texts = RULES.iter().map(|rule| (rule.id(), Text::parse(rule.text()).unwrap()));
    let rows: Vec<_> = texts.filter(|(_, text)| text.place.word() == place).collect();
    if rows.is_empty() {
        return;
    }
    write!(out, "\n### place: {place}\n\n| rule | severity | desk | what it means |\n|---|---|---|---|\n")
        .unwrap();
    for (id, text) in rows {
        let meaning = cell(text.meaning);
        writeln!(out, "| `{id}` | {} | {} | {meaning} |", text.severity, text.desk).unwrap();
    }
}

/// The codes that this plugin sends.
fn sent_by(emitter: Emitter, out: &mut String) {
    write!(out, "\n### {}\n\n", emitter.name()).unwrap();
    writeln!(out, "Its errors: `{}`.\n", emitter.shape()).unwrap();
    out.push_str("| code | status | what it means | rules |\n|---|---|---|---|\n");
    for known in codes::all().filter(|known| known.emitter == emitter) {
        out.push_str(&row(known));
    }
}

fn row(known: &Known) -> String {
    let statuses: Vec<_> = known.statuses.iter().map(ToString::to_string).collect();
    let rules = if known.rules.is_empty() { String::new() } else { words(known.rules) };
    format!(
        "| {} | {} | {} | {rules} |\n",
        cell(&words(known.codes)),
        statuses.join(", "),
        cell(known.meaning)
    )
}
