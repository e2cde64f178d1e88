//! `header-doctor explain`: what is known about a rule or a WordPress code.
//!
//! Everything said here is read from the rules' own Markdown, which findings quote as well.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{NOTHING_WRONG, terminal};
use crate::diagnosis::{RULES, Rule, Text};
use crate::report;

/// Explain a finding, or the WordPress error codes and messages it is recognised by.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  header-doctor explain                                   # every rule in a line
  header-doctor explain authorization-lost-before-php     # a finding
  header-doctor explain jwt_auth_no_auth_header           # the rules that a code in WordPress's reply leads to
  header-doctor explain \"Wrong number of segments\"        # or a message in it
  header-doctor explain \"Primary script unknown\"          # or what PHP-FPM says in its log")]
pub(super) struct Arguments {
    /// A rule, a WordPress code, a message, a constant or a header; without it, a list of the rules.
    pub(super) what: Option<String>,

    /// The form of the answer.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For eyes.
    Text,
    /// For machines; versioned.
    Json,
    /// For an issue or a chat.
    Markdown,
}

/// Explains.
pub(super) fn explain(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let rules = match &arguments.what {
        None => RULES.to_vec(),
        Some(what) => about(what),
    };
    if rules.is_empty() {
        let what = arguments.what.as_deref().unwrap_or_default();
        bail!("nothing is known about \"{what}\"; `header-doctor explain` lists the rules");
    }
    let answer = match (arguments.output, &arguments.what) {
        (Output::Json, _) => format!("{:#}\n", json!({ "schema": 1, "rules": described(&rules)? })),
        (Output::Text, None) => list(&rules)?,
        (Output::Text, Some(_)) => report::fill(&texts(&rules), terminal::page()),
        (Output::Markdown, _) => texts(&rules),
    };
    io::stdout().lock().write_all(answer.as_bytes())?;
    Ok(ExitCode::from(NOTHING_WRONG))
}

/// The rule of that name, else those whose text speaks of it.
fn about(what: &str) -> Vec<&'static dyn Rule> {
    if let Some(rule) = crate::diagnosis::rule(what) {
        return vec![rule];
    }
    let what = flat(what);
    let speaks = |rule: &&dyn Rule| !what.is_empty() && flat(rule.text()).contains(&what);
    RULES.iter().copied().filter(speaks).collect()
}

/// In small letters and one line, for a message may be broken in a rule's text.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn texts(rules: &[&dyn Rule]) -> String {
    rules.iter().map(|rule| rule.text().trim_end()).collect::<Vec<_>>().join("\n\n") + "\n"
}

fn list(rules: &[&dyn Rule]) -> anyhow::Result<String> {
    let mut out = String::new();
    for rule in rules {
        let text = Text::parse(rule.text())?;
        let meaning = text.meaning.replace('\n', " ");
        let first = meaning.split_inclusive(". ").next().unwrap_or_default().trim();
        out.push_str(&format!("{}\n    {first}\n", text.id));
    }
    Ok(out)
}

fn described(rules: &[&dyn Rule]) -> anyhow::Result<Vec<Value>> {
    let describe = |rule: &&dyn Rule| {
        let text = Text::parse(rule.text())?;
        let cures: Vec<_> =
            text.cures.iter().map(|cure| json!({ "product": cure.product, "line": cure.line })).collect();
        Ok(json!({ "rule": text.id, "meaning": text.meaning, "cures": cures, "text": rule.text() }))
    };
    rules.iter().map(describe).collect()
}
