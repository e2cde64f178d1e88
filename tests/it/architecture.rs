//! Holds the code to ARCHITECTURE.md: who may import whom, what is pure, a text at the head of every file, no file
//! too long to read, and a rule's three parts together.
//!
//! The law is the table of that page, so the page cannot say one thing and the test hold another. Sources are read
//! as tokens, not compiled: a path counts wherever it stands, in a `use`, an expression, an attribute or a macro.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::corpus::HEALTHY;

/// Crates that one module alone may name.
const KEPT_IN: [(&str, &str); 2] = [("serde_yaml", "config"), ("anyhow", "cli")];

/// Crates that no pure module names.
const IO: [&str; 5] = ["tokio", "hyper", "hyper_util", "h2", "socket2"];

/// Words that may stand right before a path and are no part of it, as in `use ::tokio`.
const BEFORE_A_PATH: [&str; 13] =
    ["as", "break", "const", "dyn", "else", "for", "if", "impl", "in", "match", "mut", "return", "use"];

/// What tells the time.
const CLOCKS: [[&str; 2]; 2] = [["SystemTime", "now"], ["Instant", "now"]];

/// How many lines a file may have, its inline tests not counted.
const MOST_LINES: usize = 500;

// === The law ===

struct Row {
    module: String,
    pure: bool,
    may_import: Vec<String>,
}

impl Row {
    fn allows(&self, module: &str) -> bool {
        module == self.module || self.may_import.iter().any(|name| name == module || name == "all")
    }
}

/// The table below the line that begins with `| module |`.
fn law(page: &str) -> Vec<Row> {
    let rows = page.lines().skip_while(|line| !line.starts_with("| module |")).skip(2);
    rows.take_while(|line| line.starts_with('|')).map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    let names = cells[3].split(',').map(str::trim).filter(|name| !name.is_empty());
    Row {
        module: cells[1].to_owned(),
        pure: cells[2] == "pure",
        may_import: names.map(str::to_owned).collect(),
    }
}

/// Names in a row that do not stand above it. The last row may name all.
fn upward(law: &[Row]) -> Vec<String> {
    let is_above = |position: usize, name: &str| law[..position].iter().any(|row| row.module == name);
    let last = law.len() - 1;
    let named = law.iter().enumerate().flat_map(|(at, row)| row.may_import.iter().map(move |n| (at, n)));
    named
        .filter(|(at, name)| !(is_above(*at, name) || *at == last && *name == "all"))
        .map(|(at, name)| format!("{} names {name}, which does not stand above it", law[at].module))
        .collect()
}

// === Paths in a source ===

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    /// `::`
    Joint,
    Open,
    Close,
    Mark(char),
}

fn tokens(stream: TokenStream, out: &mut Vec<Token>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                let is_seen = group.delimiter() != Delimiter::None;
                out.extend(is_seen.then_some(Token::Open));
                tokens(group.stream(), out);
                out.extend(is_seen.then_some(Token::Close));
            }
            TokenTree::Ident(word) => out.push(Token::Word(word.to_string())),
            TokenTree::Punct(mark) if mark.as_char() == ':' && out.last() == Some(&Token::Mark(':')) => {
                out.pop();
                out.push(Token::Joint);
            }
            TokenTree::Punct(mark) => out.push(Token::Mark(mark.as_char())),
            TokenTree::Literal(_) => {}
        }
    }
}

/// A path as written, the module it stands in, and whether it is imported.
struct Found {
    path: Vec<String>,
    module: Vec<String>,
    imported: bool,
}

/// Every path of a file, `use` trees spread out.
fn paths(tokens: &[Token], module: &[String]) -> Vec<Found> {
    let (mut found, mut at) = (Vec::new(), 0);
    let mut inside = module.to_vec();
    // How deep the braces were when each inline module began.
    let (mut depth, mut began) = (0, Vec::new());
    while let Some(token) = tokens.get(at) {
        let mut next = at + 1;
        match token {
            Token::Open => depth += 1,
            Token::Close => {
                depth -= 1;
                if began.last() == Some(&depth) {
                    began.pop();
                    inside.pop();
                }
            }
            Token::Word(word) if word == "mod" => {
                if let [Token::Word(name), Token::Open, ..] = &tokens[next..] {
                    began.push(depth);
                    inside.push(name.clone());
                    next += 1;
                }
            }
            Token::Word(word) if BEFORE_A_PATH.contains(&word.as_str()) => {}
            Token::Word(_) => {
                let imported = is_imported(&tokens[..at]);
                let mut spread = Vec::new();
                next = spread_out(tokens, at, &[], &mut spread);
                found.extend(spread.into_iter().map(|path| Found { path, module: inside.clone(), imported }));
            }
            Token::Joint | Token::Mark(_) => {}
        }
        at = next;
    }
    found
}

/// Whether a path after these tokens is imported: `use a`, `use ::a`, `extern crate a`.
fn is_imported(before: &[Token]) -> bool {
    let before = before.strip_suffix(&[Token::Joint]).unwrap_or(before);
    match before {
        [.., Token::Word(one), Token::Word(two)] if one == "extern" => two == "crate",
        [.., Token::Word(word)] => word == "use",
        _ => false,
    }
}

/// Reads the path, or the tree of paths, that begins at `at`; gives where it ends.
fn spread_out(tokens: &[Token], at: usize, before: &[String], out: &mut Vec<Vec<String>>) -> usize {
    let with = |last: &str| before.iter().cloned().chain([last.to_owned()]).collect::<Vec<_>>();
    match &tokens[at..] {
        [Token::Word(word), Token::Joint, Token::Word(_) | Token::Open | Token::Mark('*'), ..] => {
            spread_out(tokens, at + 2, &with(word), out)
        }
        [Token::Word(word), ..] => {
            out.push(with(word));
            at + 1
        }
        [Token::Open, ..] => {
            let mut at = at + 1;
            while at < tokens.len() && tokens[at] != Token::Close {
                at = spread_out(tokens, at, before, out);
                let is_renamed = tokens.get(at) == Some(&Token::Word("as".to_owned()));
                at += if is_renamed { 2 } else { 0 };
            }
            at + 1
        }
        [Token::Mark('*'), ..] => {
            out.push(with("*"));
            at + 1
        }
        _ => at + 1,
    }
}

impl Found {
    /// The top module it leads to: `*` for all of them, nothing when it leads out of this crate.
    fn leads_to(&self) -> Option<&str> {
        let (steps, rest): (Vec<_>, Vec<_>) =
            self.path.iter().map(String::as_str).partition(|word| ["crate", "self", "super"].contains(word));
        let first = *steps.first()?;
        let climbed = steps.iter().filter(|word| **word == "super").count();
        let base = if first == "crate" { &[] } else { self.module.get(..self.module.len() - climbed)? };
        match (base, &rest[..]) {
            // Of visibilities such as `pub(crate)`, nothing is imported.
            (_, []) if !self.imported => None,
            ([], []) => Some("*"),
            ([], [top, ..]) => Some(top),
            ([own, ..], _) => Some(own),
        }
    }

    fn names_crate(&self, name: &str) -> bool {
        self.path[0] == name && (self.imported || self.path.len() > 1)
    }
}

// === What is wrong ===

/// Everything wrong with the file at `place`, relative to `src`.
fn breaches(law: &[Row], place: &Path, source: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if !source.starts_with("//! ") {
        wrong.push("does not say at its head why it exists (`//!`)".to_owned());
    }
    let lines = lines_without_tests(source);
    if lines > MOST_LINES {
        wrong.push(format!("has {lines} lines without its tests; which two ideas are in it?"));
    }
    let module = module_of(place);
    let mut all = Vec::new();
    tokens(source.parse().expect("a Rust source"), &mut all);
    let found = paths(&all, &module);
    wrong.extend(outsiders(module.first(), &found));
    let Some(top) = module.first() else {
        return wrong;
    };
    match law.iter().find(|row| row.module == *top) {
        Some(row) => wrong.extend(found.iter().filter_map(|found| breach(row, found))),
        None => wrong.push(format!("belongs to {top}, which has no row in ARCHITECTURE.md")),
    }
    wrong
}

fn breach(row: &Row, found: &Found) -> Option<String> {
    let (module, path) = (&row.module, found.path.join("::"));
    if found.leads_to().is_some_and(|top| !row.allows(top)) {
        return Some(format!("{module} may not import {path}"));
    }
    let does_io = IO.iter().any(|name| found.names_crate(name));
    let tells_time = found.path.windows(2).any(|pair| CLOCKS.iter().any(|clock| pair == clock));
    (row.pure && (does_io || tells_time)).then(|| format!("{module} is pure and may not use {path}"))
}

fn outsiders(module: Option<&String>, found: &[Found]) -> Vec<String> {
    let kept = |found: &Found| {
        let (name, home) = KEPT_IN.into_iter().find(|(name, _)| found.names_crate(name))?;
        (module.map(String::as_str) != Some(home)).then(|| format!("{name} is for {home} alone"))
    };
    found.iter().filter_map(kept).collect()
}

fn lines_without_tests(source: &str) -> usize {
    source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count()
}

/// `a/b.rs` and `a/b/mod.rs` are the module `a::b`; `lib.rs` and `main.rs` are the root.
fn module_of(place: &Path) -> Vec<String> {
    let mut names: Vec<_> = place.with_extension("").iter().map(|name| name.display().to_string()).collect();
    names.pop_if(|name| ["mod", "lib", "main"].contains(&name.as_str()));
    names
}

// === The tests ===

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn the_law() -> Vec<Row> {
    law(&fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap())
}

/// The files below a folder; none when there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_file_keeps_the_law() {
    let (law, src) = (the_law(), root().join("src"));
    let sources = files(&src).into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let report = |path: PathBuf| {
        let place = path.strip_prefix(&src).unwrap().to_owned();
        let wrong = breaches(&law, &place, &fs::read_to_string(path).unwrap());
        wrong.into_iter().map(|wrong| format!("src/{}: {wrong}", place.display())).collect::<Vec<_>>()
    };
    let wrong: Vec<String> = sources.flat_map(report).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_law_does_not_go_in_circles() {
    assert_eq!(upward(&the_law()), [""; 0]);
}

#[test]
fn a_rule_has_its_code_its_text_and_its_cases() {
    let rules = root().join("src/diagnosis/rules");
    let ending = |end: &str| {
        let of_end = files(&rules).into_iter().filter(|path| path.extension().is_some_and(|has| has == end));
        of_end.map(|path| slug(&path)).filter(|name| name != "mod").collect::<BTreeSet<_>>()
    };
    let corpus = fs::read_dir(root().join("tests/corpus")).into_iter().flatten();
    let folders = corpus.map(|entry| slug(&entry.unwrap().path()));
    let cases: BTreeSet<_> = folders.filter(|folder| folder != HEALTHY).collect();
    assert_eq!(ending("rs"), ending("md"), "code and text of the rules differ");
    assert_eq!(ending("rs"), cases, "code and cases of the rules differ");
}

/// `src/diagnosis/rules/token_expired.rs` and `tests/corpus/token-expired/` are the same rule.
fn slug(path: &Path) -> String {
    path.file_stem().unwrap().display().to_string().replace('_', "-")
}

#[test]
fn the_page_can_be_read_in_one_sitting() {
    let lines = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap().lines().count();
    assert!(lines <= 120, "ARCHITECTURE.md has {lines} lines");
}

/// A law of three rows for the cases below.
const SMALL: &str = "
| module | kind | may import | so that |
|---|---|---|---|
| low | pure | | |
| high | | low | |
| top | | all | |
";

fn wrong_with(place: &str, code: &str) -> Vec<String> {
    breaches(&law(SMALL), Path::new(place), &format!("//! Why.\n{code}"))
}

#[test]
fn every_way_to_import_upward_is_seen() {
    let cases = [
        ("low/a.rs", "use crate::high::X;"),
        ("low/a.rs", "use crate::{low::Y, high::X};"),
        ("low/a.rs", "use crate::{low::{Y, Z}, high};"),
        ("low/a.rs", "pub use crate::high as low;"),
        ("low/a.rs", "use crate::*;"),
        ("low/a.rs", "use crate as all;"),
        ("low/a.rs", "use crate::{self as all};"),
        ("low/a.rs", "fn f() -> crate::high::X { todo!() }"),
        ("low/a.rs", "fn f() -> usize { 1 as crate::high::Size }"),
        ("low/a.rs", "fn f() { g::<crate::high::X>() }"),
        ("low/a.rs", "fn f() { assert!(crate::high::holds()) }"),
        ("low/a.rs", "macro_rules! m { () => { $crate::high::f() } }"),
        ("low/a.rs", "use super::super::high::X;"),
        ("low/a.rs", "use super::super as all;"),
        ("low/mod.rs", "use super::high::X;"),
        ("low.rs", "fn f() { super::high::f() }"),
        ("low/a.rs", "mod tests { use super::super::super::high::X; }"),
        ("low/a.rs", "mod one {} mod two { mod three { use super::super::super::super::high::X; } }"),
        ("high/a.rs", "use crate::top::X;"),
    ];
    for (place, code) in cases {
        assert_eq!(wrong_with(place, code).len(), 1, "{code}");
    }
}

#[test]
fn what_is_allowed_stays_silent() {
    let cases = [
        ("low/a.rs", "pub(crate) fn f() {} pub(super) fn g() {} pub(in crate::low) fn h() {}"),
        ("low/a.rs", "use super::b::X; use super::{c, d::Y}; use self::e::Z;"),
        ("low/a.rs", "mod tests { use super::X; use super::super::Y; use crate::low::Z; }"),
        (
            "low/a.rs",
            "// crate::high::X\nconst TEXT: &str = \"crate::high::X\"; /// crate::high::X\nfn f() {}",
        ),
        ("low/a.rs", "use std::time::Instant; fn f(now: Instant) -> Instant { now }"),
        ("high/a.rs", "use crate::low::{X, y::Z}; use tokio::io::AsyncRead; fn f() { Instant::now(); }"),
        ("top/a.rs", "use crate::{high::X, low};"),
        ("lib.rs", "pub mod low; use crate::high::X;"),
    ];
    for (place, code) in cases {
        assert_eq!(wrong_with(place, code), [""; 0], "{code}");
    }
}

#[test]
fn a_pure_module_does_no_io_and_asks_for_no_time() {
    let cases = [
        "use tokio::io::AsyncRead;",
        "use ::tokio as t;",
        "extern crate tokio;",
        "#[tokio::test] async fn f() {}",
        "fn f() { std::time::SystemTime::now(); }",
        "fn f() { Instant::now(); }",
    ];
    for code in cases {
        assert_eq!(wrong_with("low/a.rs", code).len(), 1, "{code}");
    }
}

#[test]
fn some_crates_have_one_home() {
    assert_eq!(wrong_with("high/a.rs", "use anyhow::Context;"), ["anyhow is for cli alone"]);
    assert_eq!(wrong_with("main.rs", "fn main() -> anyhow::Result<()> {}"), ["anyhow is for cli alone"]);
    assert_eq!(
        wrong_with("top.rs", "fn f() { serde_yaml::from_str(x) }"),
        ["serde_yaml is for config alone"]
    );
}

#[test]
fn a_file_says_why_it_exists_and_is_short() {
    let small = law(SMALL);
    let long = format!("//! Why.\n{}", "fn f() {}\n".repeat(MOST_LINES));
    let tests = format!("//! Why.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(MOST_LINES));
    assert_eq!(breaches(&small, Path::new("low.rs"), "// Why.\nfn f() {}").len(), 1);
    assert_eq!(breaches(&small, Path::new("low.rs"), &long).len(), 1);
    assert_eq!(breaches(&small, Path::new("low.rs"), &tests), [""; 0]);
}

#[test]
fn a_module_without_a_row_is_seen() {
    assert_eq!(wrong_with("other.rs", ""), ["belongs to other, which has no row in ARCHITECTURE.md"]);
}

#[test]
fn a_loosened_law_is_seen() {
    let loosened = SMALL.replace("| low | pure | |", "| low | pure | high |");
    assert_eq!(upward(&law(&loosened)), ["low names high, which does not stand above it"]);
    let everything = SMALL.replace("| high | | low |", "| high | | all |");
    assert_eq!(upward(&law(&everything)), ["high names all, which does not stand above it"]);
}
