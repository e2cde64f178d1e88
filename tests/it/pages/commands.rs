//! Every `header-doctor …` that a page has one type is taken apart by the definition that reads the real command line.
//!
//! Nothing of that is executed, but `explain`, which must know what it is asked for, and in the place of a `run` without a file
//! `config show`, which tells whether the values of its flags are right.

use std::process::Command;

use clap::error::ErrorKind;
use header_doctor::cli::definition;

use super::Page;

#[test]
fn every_command_line_is_understood() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for page in Page::all() {
        let blocks: Vec<_> = page.blocks().into_iter().filter(|block| block.info != "usage").collect();
        let in_blocks = blocks.iter().flat_map(|block| commands(&block.text));
        let in_sentences = spoken(&page.text).into_iter().filter(|command| !is_only_named(command));
        for command in in_blocks.chain(in_sentences) {
            count += 1;
            let why = refused(&command);
            wrong.extend(why.map(|why| format!("{}: {}\n{why}", page.name.display(), command.join(" "))));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 40, "{count}");
}

#[test]
fn command_lines_are_found_wherever_they_stand() {
    let cases = [
        ("header-doctor run --listen :80", vec!["run --listen :80"]),
        ("A=/etc/header-doctor header-doctor man", vec!["man"]),
        ("$ A='b c' header-doctor token < a.txt   # a remark", vec!["token"]),
        ("sudo ./header-doctor man | man -l -", vec!["man"]),
        ("cat a | header-doctor compare - b.jsonl > c && echo done", vec!["compare - b.jsonl"]),
        ("header-doctor check \\\n    'https://a b' --deep", vec!["check https://a b --deep"]),
        ("kubectl exec pod -c doctor -- header-doctor health; header-doctor demo", vec!["health", "demo"]),
        ("cargo run --release -- demo --once", vec!["demo --once"]),
        (
            "install header-doctor /usr/local/bin\nheader-doctor: a.yaml:1:1: wrong\ntail -f header-doctor",
            vec![],
        ),
    ];
    for (text, expected) in cases {
        let found: Vec<_> = commands(text).iter().map(|command| command[1..].join(" ")).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_wrong_flag_and_a_wrong_value_are_seen() {
    for wrong in [
        "run --upstrem a:1",
        "explain 401 --output xml",
        "run --upstream htp://x",
        "explain no-such-rule",
        "serve",
    ] {
        let command = commands(&format!("header-doctor {wrong}")).remove(0);
        assert!(refused(&command).is_some(), "{wrong}");
    }
    for right in ["run --upstream a:1 --observe", "run --config is-not-there.yaml", "check --help"] {
        let command = commands(&format!("header-doctor {right}")).remove(0);
        assert_eq!(refused(&command), None, "{right}");
    }
}

/// Why a command would be refused for how it is written.
fn refused(command: &[String]) -> Option<String> {
    if let Err(error) = definition().try_get_matches_from(command) {
        return error.use_stderr().then(|| error.to_string());
    }
    if command.get(1).is_some_and(|name| name == "explain") {
        return complaint(&command[1..]);
    }
    let is_run = command.get(1).is_some_and(|name| name == "run");
    let has_file = command.iter().any(|word| word.starts_with("--config"));
    let has_upstream = command.iter().any(|word| word.starts_with("--upstream"));
    let flags = command[2..].iter().filter(|flag| *flag != "--upgrade").cloned();
    let shown: Vec<_> = ["config".to_owned(), "show".to_owned()].into_iter().chain(flags).collect();
    (is_run && has_upstream && !has_file).then(|| complaint(&shown))?
}

/// What the program has against these arguments.
fn complaint(arguments: &[String]) -> Option<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    let output = command.args(arguments).env_clear().output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What stands for something else in a command within a sentence.
const PLACEHOLDERS: [&str; 5] = ["CODE", "NAME", "RULE", "SHELL", "…"];

/// The commands within sentences, as far as they are whole: `header-doctor demo`.
fn spoken(text: &str) -> Vec<Vec<String>> {
    let code = text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("header-doctor "));
    let is_whole = |code: &&str| !code.contains('|') && !PLACEHOLDERS.iter().any(|word| code.contains(word));
    code.filter(is_whole).flat_map(|code| commands(&code.replace('\n', " "))).collect()
}

/// Whether a sentence names a command without all that it needs.
fn is_only_named(command: &[String]) -> bool {
    let kind = definition().try_get_matches_from(command).err().map(|error| error.kind());
    let needs_more =
        [ErrorKind::MissingRequiredArgument, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand];
    kind.is_some_and(|kind| needs_more.contains(&kind))
}

/// The commands of this program in the text of a shell, each from its name on.
fn commands(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("\\\n", " ");
    text.lines().flat_map(simple_commands).filter_map(|words| ours(&words)).collect()
}

/// From the name of the program on, where that is what would be started.
fn ours(words: &[String]) -> Option<Vec<String>> {
    let is_ours = |word: &String| word == "header-doctor" || word.ends_with("/header-doctor");
    let is_before = |word: &String| {
        let name = word.split('=').next().unwrap_or_default();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_variable = word.contains('=') && name.chars().all(is_name);
        is_variable || ["$", "sudo", "exec", "nohup", "env", "time"].contains(&word.as_str())
    };
    let cargo = ["cargo", "run", "--release", "--"];
    if words.len() > cargo.len() && words[..cargo.len()] == cargo {
        let arguments = words[cargo.len()..].iter().cloned();
        return Some(["header-doctor".to_owned()].into_iter().chain(arguments).collect());
    }
    let at = words.iter().position(|word| is_ours(word) && !is_before(word))?;
    let before = &words[..at];
    let is_started = before.iter().all(is_before) || before.last().is_some_and(|word| word == "--");
    is_started.then(|| words[at..].to_vec())
}

/// The commands of one line as lists of words, without what leads their output elsewhere.
fn simple_commands(line: &str) -> Vec<Vec<String>> {
    let mut out = vec![Vec::new()];
    let (mut word, mut quote, mut is_redirected) = (None::<String>, None, false);
    let end = |word: &mut Option<String>, is_redirected: &mut bool, out: &mut Vec<Vec<String>>| {
        if let Some(word) = word.take() {
            let is_file = std::mem::take(is_redirected);
            let last = out.last_mut().unwrap();
            (!is_file).then(|| last.push(word));
        }
    };
    for sign in line.chars() {
        match (quote, sign) {
            (Some(mark), _) if mark == sign => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(sign),
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, '|' | ';' | '&' | '(' | ')') => {
                end(&mut word, &mut is_redirected, &mut out);
                out.push(Vec::new());
            }
            (None, '<' | '>') => {
                // `2>` is one word with its number.
                word = word.filter(|word| word.parse::<u8>().is_err());
                end(&mut word, &mut is_redirected, &mut out);
                is_redirected = true;
            }
            (None, ' ' | '\t') => end(&mut word, &mut is_redirected, &mut out),
            (None, _) => word.get_or_insert_default().push(sign),
        }
    }
    end(&mut word, &mut is_redirected, &mut out);
    out
}
