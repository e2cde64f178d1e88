//! `header-doctor explain`: what is known about a rule, a WordPress code, or a word that somebody came across.
//!
//! What is said of rules is read from their own Markdown, which findings quote as well; of codes, from the tables that the rules
//! read, too; of words, from the glossary. Both lead on to the rules.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{NOTHING_WRONG, terminal};
use crate::diagnosis::codes::{self, Family, Known};
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
  header-doctor explain jwt_auth_no_auth_header           # a code in WordPress's reply, by all plugins that send it
  header-doctor explain 48                                # one of Simple JWT Login
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
#[derive(Default)]
struct Answer {
    codes: Vec<&'static Known>,
    family: Option<(String, &'static Family)>,
    terms: Vec<Term>,
    rules: Vec<&'static dyn Rule>,
}

/// Explains.
pub(super) fn explain(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let what = arguments.what.join(" ");
    let is_asked = !arguments.what.is_empty();
    let answer = if is_asked { about(&what)? } else { Answer { rules: RULES.to_vec(), ..Answer::default() } };
    let text = match arguments.output {
        Output::Json => format!("{:#}\n", answer.json()?),
        Output::Text if !is_asked => list(&answer.rules)?,
        Output::Text => report::fill(&answer.markdown()?, terminal::page()),
        Output::Markdown => answer.markdown()?,
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::from(NOTHING_WRONG))
}

/// The rule of that name, else the code and its rules, else the word and its rules, else the rules whose text speaks of it, else
/// what is known of the code's family.
fn about(what: &str) -> anyhow::Result<Answer> {
    if let Some(rule) = rule(what.trim()) {
        return Ok(Answer { rules: vec![rule], ..Answer::default() });
    }
    let terms = glossary::about(what);
    let codes = if terms.is_empty() { codes::about(what) } else { Vec::new() };
    let named = terms.iter().map(|term| term.rules).chain(codes.iter().map(|known| known.rules));
    let rules = rules_of(named.flatten());
    if !terms.is_empty() || !codes.is_empty() {
        return Ok(Answer { codes, terms, rules, ..Answer::default() });
    }
    let asked = flat(what);
    let family = codes::family(what).filter(|_| !looks_secret(what.as_bytes()));
    let speaks = |rule: &&dyn Rule| {
        let text = flat(rule.text());
        !asked.is_empty() && if family.is_some() { has_word(&text, &asked) } else { text.contains(&asked) }
    };
    let rules: Vec<_> = RULES.iter().copied().filter(speaks).collect();
    if !rules.is_empty() {
        return Ok(Answer { rules, ..Answer::default() });
    }
    let Some(family) = family else {
        bail!(unknown(what));
    };
    let rules = rules_of(family.rules.iter());
    Ok(Answer { family: Some((what.trim().to_owned(), family)), rules, ..Answer::default() })
}

/// The rules of these names, each once.
fn rules_of<'n>(names: impl Iterator<Item = &'n &'static str>) -> Vec<&'static dyn Rule> {
    let mut rules: Vec<&'static dyn Rule> = Vec::new();
    for one in names.filter_map(|id| rule(id)) {
        if !rules.iter().any(|other| other.id() == one.id()) {
            rules.push(one);
        }
    }
    rules
}

/// Whether a text has it as a whole word: the beginning of a longer code is another code.
fn has_word(text: &str, word: &str) -> bool {
    let goes_on = |sign: Option<char>| sign.is_some_and(|sign| sign.is_alphanumeric() || sign == '_');
    text.match_indices(word).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        let after = rest.strip_prefix(word).unwrap_or_default();
        !goes_on(before.chars().next_back()) && !goes_on(after.chars().next())
    })
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
    if what.trim().starts_with("header_doctor_") {
        return "this is a code of the doctor's own reply, whose `message` says what is wrong and what would be right; the \
                page docs/errors.md lists these codes"
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
    // A number is like any other.
    let is_word = |code: &&str| !code.bytes().all(|byte| byte.is_ascii_digit());
    let codes = codes::all().flat_map(|known| known.codes).copied().filter(is_word);
    let known = RULES.iter().map(|rule| rule.id()).chain(terms.copied()).chain(codes);
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(&asked, &known.to_lowercase());
    let mut near: Vec<_> =
        known.map(|known| (likeness(known), known)).filter(|(like, _)| *like >= LEAST).collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    near.dedup_by(|(_, one), (_, other)| one == other);
    near.into_iter().take(3).map(|(_, known)| known).collect()
}

impl Answer {
    /// Of a code or a word: what it can mean, and its rules by their first sentence, or all of its only one. Of rules alone: all
    /// that is known.
    fn markdown(&self) -> anyhow::Result<String> {
        if !self.codes.is_empty() {
            return described_codes(&self.codes, &self.rules);
        }
        if let Some((code, family)) = &self.family {
            return described_family(code, family, &self.rules);
        }
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
        let codes: Vec<_> = self.codes.iter().map(|known| code_json(known)).collect();
        let family = self.family.as_ref().map(|(code, family)| {
            json!({
                "code": code, "prefix": family.prefix, "meaning": family.meaning, "rules": family.rules,
                "source": family.source,
            })
        });
        let rules = described(&self.rules)?;
        Ok(json!({ "schema": 1, "codes": codes, "family": family, "terms": terms, "rules": rules }))
    }
}

fn code_json(known: &Known) -> Value {
    json!({
        "codes": known.codes, "emitter": known.emitter.name(), "statuses": known.statuses,
        "shape": known.emitter.shape(), "messages": known.messages, "meaning": known.meaning,
        "place": known.place.word(), "desk": known.desk.word(), "severity": known.severity.word(),
        "do": known.cure, "rules": known.rules, "source": known.source,
    })
}

/// Each emitter with what the code means there, and the rules of all.
fn described_codes(codes: &[&Known], rules: &[&dyn Rule]) -> anyhow::Result<String> {
    let names: Vec<_> = codes.iter().flat_map(|known| known.codes).copied().collect();
    let first = names.first().copied().unwrap_or_default();
    let is_one = codes.iter().all(|known| known.is(first));
    let title = if is_one { first.to_owned() } else { "Codes with this message".to_owned() };
    let told: String = codes.iter().map(|known| described_code(known)).collect();
    Ok(format!("# {title} (code)\n\n{told}{}", described_rules(rules)?))
}

fn described_code(known: &Known) -> String {
    let Known { emitter, place, desk, severity, meaning, cure, source, .. } = known;
    let quoted =
        |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" · ");
    let mut out = format!("## {}\n\n", emitter.name());
    if known.codes.len() > 1 {
        out.push_str(&format!("codes: {}\n\n", quoted(known.codes)));
    }
    let statuses: Vec<_> = known.statuses.iter().map(u16::to_string).collect();
    let statuses = if statuses.is_empty() { "not known".to_owned() } else { statuses.join(", ") };
    out.push_str(&format!("status: {statuses} · place: {place} · desk: {desk} · severity: {severity}\n\n"));
    if !known.messages.is_empty() {
        out.push_str(&format!("message: {}\n\n", quoted(known.messages)));
    }
    out + &format!("{meaning}\n\nWhat to do: {cure}\n\nbody: `{}`\n\nsource: {source}\n\n", emitter.shape())
}

/// What is known of its family alone, which the words say.
fn described_family(code: &str, family: &Family, rules: &[&dyn Rule]) -> anyhow::Result<String> {
    let Family { prefix, meaning, source, .. } = family;
    let near = nearest(code);
    let meant = if near.is_empty() { String::new() } else { format!(" Did you mean {}?", near.join(", ")) };
    Ok(format!(
        "# {code} (code)\n\nThis code stands in no table.{meant} What follows is known of its family, `{}…`, alone, and may not \
         hold for it.\n\n{meaning}\n\nA code of your own plugin can be explained under `diagnosis.codes` of the configuration.\n\n\
         source: {source}\n\n{}",
        prefix.trim_end(),
        described_rules(rules)?
    ))
}

fn described_rules(rules: &[&dyn Rule]) -> anyhow::Result<String> {
    if rules.is_empty() {
        return Ok("No rule concerns it.\n".to_owned());
    }
    let mut out = "## Rules that may concern it\n\n".to_owned();
    for rule in rules {
        out.push_str(&format!("- `{}`: {}\n", rule.id(), first_sentence(*rule)?));
    }
    Ok(out + "\n`header-doctor explain RULE` tells how each is recognised and cured.\n")
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
