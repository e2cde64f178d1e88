//! `header-doctor explain`: what is known about a rule, a WordPress code, or a word that somebody came across.
//!
//! What is said of rules is read from their own Markdown, which findings quote as well; of words, from the glossary, which
//! leads on to the rules.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{NOTHING_WRONG, terminal};
use crate::diagnosis::glossary::{self, Term};
use crate::diagnosis::{RULES, Rule, Text, rule};
use crate::report;
use crate::secret::looks_secret;

/// Explain a finding, or a word met in a reply, a console, a log or a configuration.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  header-doctor explain                                   # every rule in a line
  header-doctor explain authorization-lost-before-php     # a finding
  header-doctor explain jwt_auth_no_auth_header           # the rules that a code in WordPress's reply leads to
  header-doctor explain \"Wrong number of segments\"        # a message in it, or in a browser's console
  header-doctor explain \"Primary script unknown\"          # or what PHP-FPM says in its log
  header-doctor explain JWT_AUTH_CORS_ENABLE              # a constant, a filter, a directive: CGIPassAuth
  header-doctor explain REDIRECT_HTTP_AUTHORIZATION       # a variable of the server
  header-doctor explain X-Authorization                   # a header
  header-doctor explain 401                               # a status
  header-doctor explain CloudFront                        # a product on the path")]
pub(super) struct Arguments {
    /// A rule, a WordPress code, a message, a setting, a variable, a header, a status or a product; without it, a list of the rules.
    #[arg(value_name = "WHAT")]
    pub(super) what: Vec<String>,

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

/// What there is to say.
struct Answer {
    terms: Vec<Term>,
    rules: Vec<&'static dyn Rule>,
}

/// Explains.
pub(super) fn explain(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let what = arguments.what.join(" ");
    let is_asked = !arguments.what.is_empty();
    let answer = if is_asked { about(&what)? } else { Answer { terms: Vec::new(), rules: RULES.to_vec() } };
    let text = match arguments.output {
        Output::Json => format!("{:#}\n", answer.json()?),
        Output::Text if !is_asked => list(&answer.rules)?,
        Output::Text => report::fill(&answer.markdown()?, terminal::page()),
        Output::Markdown => answer.markdown()?,
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::from(NOTHING_WRONG))
}

/// The rule of that name, else the word and its rules, else the rules whose text speaks of it.
fn about(what: &str) -> anyhow::Result<Answer> {
    if let Some(rule) = rule(what.trim()) {
        return Ok(Answer { terms: Vec::new(), rules: vec![rule] });
    }
    let terms = glossary::about(what);
    if !terms.is_empty() {
        let rules = terms.iter().flat_map(|term| term.rules).filter_map(|id| rule(id)).collect();
        return Ok(Answer { terms, rules });
    }
    let asked = flat(what);
    let speaks = |rule: &&dyn Rule| !asked.is_empty() && flat(rule.text()).contains(&asked);
    let rules: Vec<_> = RULES.iter().copied().filter(speaks).collect();
    if rules.is_empty() {
        bail!(unknown(what));
    }
    Ok(Answer { terms, rules })
}

/// In small letters and one line, for a message may be broken in a rule's text.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// What is said of what nobody knows. A token that was given by mistake is not repeated.
fn unknown(what: &str) -> String {
    const LONGEST: usize = 80;
    if looks_secret(what.as_bytes()) {
        return "this looks like a token or a key, which is not for the command line; `header-doctor token` reads one from \
                standard input and says what is wrong with it"
            .to_owned();
    }
    let is_plain = what.len() <= LONGEST && !what.chars().any(char::is_control);
    let shown = if is_plain { what.trim() } else { "…" };
    let near = nearest(what);
    let meant = if near.is_empty() { String::new() } else { format!("did you mean {}? ", near.join(", ")) };
    format!("nothing is known about \"{shown}\"; {meant}`header-doctor explain` lists the rules")
}

/// The known words most like it, at most three.
fn nearest(what: &str) -> Vec<&'static str> {
    const LEAST: f64 = 0.6;
    let asked = what.trim().to_lowercase();
    let terms = glossary::terms().into_iter().flat_map(|term| term.names);
    let known = RULES.iter().map(|rule| rule.id()).chain(terms.copied());
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(&asked, &known.to_lowercase());
    let mut near: Vec<_> =
        known.map(|known| (likeness(known), known)).filter(|(like, _)| *like >= LEAST).collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    near.into_iter().take(3).map(|(_, known)| known).collect()
}

impl Answer {
    /// Of a word: what it can mean, and its rules by their first sentence, or all of its only one. Of rules alone: all
    /// that is known.
    fn markdown(&self) -> anyhow::Result<String> {
        if self.terms.is_empty() {
            return Ok(texts(&self.rules));
        }
        let told = self.terms.iter().map(described_term).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(told.join("\n"))
    }

    fn json(&self) -> anyhow::Result<Value> {
        let term = |term: &Term| {
            json!({
                "kind": term.kind.word(), "name": term.name(), "names": term.names, "meaning": term.meaning,
                "rules": term.rules, "source": term.source,
            })
        };
        let terms: Vec<_> = self.terms.iter().map(term).collect();
        Ok(json!({ "schema": 1, "terms": terms, "rules": described(&self.rules)? }))
    }
}

fn described_term(term: &Term) -> anyhow::Result<String> {
    let Term { kind, names, meaning, rules, source } = term;
    let mut out = format!("# {} ({})\n\n", term.name(), kind.word());
    if names.len() > 1 {
        let others: Vec<_> = names.iter().skip(1).map(|name| format!("`{name}`")).collect();
        out.push_str(&format!("Likewise: {}\n\n", others.join(" · ")));
    }
    out.push_str(&format!("{meaning}\n\nsource: {source}\n"));
    if rules.is_empty() {
        return Ok(out + "\nNo rule concerns it.\n");
    }
    if let [only] = **rules {
        return Ok(out + "\n" + &texts(&[known(only)?]));
    }
    out.push_str("\n## Rules that may concern it\n\n");
    for id in *rules {
        out.push_str(&format!("- `{id}`: {}\n", first_sentence(known(id)?)?));
    }
    Ok(out + "\n`header-doctor explain RULE` tells how each is recognised and cured.\n")
}

fn texts(rules: &[&dyn Rule]) -> String {
    rules.iter().map(|rule| rule.text().trim_end()).collect::<Vec<_>>().join("\n\n") + "\n"
}

fn known(id: &str) -> anyhow::Result<&'static dyn Rule> {
    rule(id).ok_or_else(|| anyhow!("the rule {id} is missing"))
}

fn list(rules: &[&dyn Rule]) -> anyhow::Result<String> {
    let line = |rule: &&dyn Rule| Ok(format!("{}\n    {}\n", rule.id(), first_sentence(*rule)?));
    rules.iter().map(line).collect()
}

fn first_sentence(rule: &dyn Rule) -> anyhow::Result<String> {
    let meaning = Text::parse(rule.text())?.meaning.replace('\n', " ");
    Ok(meaning.split_inclusive(". ").next().unwrap_or_default().trim().to_owned())
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
