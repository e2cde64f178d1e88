//! What a page quotes the program with, it says: codes, and the messages in tables that are headed "it says".

use std::path::{Path, PathBuf};

use super::{Page, top};

#[test]
fn every_code_that_a_page_names_is_in_the_source() {
    let source = source();
    let mut wrong = Vec::new();
    for page in Page::all() {
        for code in codes(&page.text).into_iter().filter(|code| !source.contains(code)) {
            wrong.push(format!("{}: nothing is called {code}", page.name.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_message_that_a_page_quotes_is_in_the_source() {
    let source = source();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for page in Page::all() {
        for words in quoted(&page.text) {
            count += 1;
            if !source.contains(words) {
                wrong.push(format!("{}: nothing says \"{words}\"", page.name.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 20, "{count}");
}

#[test]
fn codes_and_messages_are_found() {
    assert_eq!(
        codes("`header_doctor_a_b` header_doctor_… `header_doctor_c`, header_doctor/1"),
        ["header_doctor_a_b", "header_doctor_c"]
    );
    let table =
        "`x y`\n| it says | do |\n|---|---|\n| `a b … c d` (502), or `e f` | `g h` |\n\n| what | `i j` |\n";
    assert_eq!(quoted(table), ["a b", "c d", "e f"]);
}

/// The names of codes and metrics in a text.
fn codes(text: &str) -> Vec<&str> {
    let is_of_name = |sign: char| sign.is_ascii_lowercase() || sign == '_';
    let starts = text.match_indices("header_doctor_").map(|(at, _)| &text[at..]);
    let names = starts.map(|rest| rest.split(|sign| !is_of_name(sign)).next().unwrap_or_default());
    names.filter(|name| !name.ends_with('_')).collect()
}

/// The parts of messages in the first column of tables that are headed "it says"; `…` stands for anything.
fn quoted(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut is_table = false;
    for line in text.lines() {
        is_table = line.starts_with("| it says |") || (is_table && line.starts_with('|'));
        let first = line.split('|').nth(1).filter(|_| is_table).unwrap_or_default();
        let code = first.split('`').skip(1).step_by(2);
        out.extend(code.flat_map(|code| code.split('…')).map(str::trim).filter(|part| !part.is_empty()));
    }
    out
}

/// The text of all sources, with what is broken over lines in one.
fn source() -> String {
    let mut files = Vec::new();
    find(&top().join("src"), &mut files);
    let texts = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    let mut all = String::new();
    for text in texts {
        let joined = text.replace("\\\n", "\n");
        all.push_str(&joined.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    // As a reader sees it.
    all.replace("\\\"", "\"")
}

fn find(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { find(&path, out) } else { out.push(path) }
    }
}
