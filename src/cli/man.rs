//! `header-doctor man`: the manual page, made from the same description as the help, so that neither can lag behind.
//!
//! It is one page for all commands. What several commands share is told once, at `run`, and named at the others.

use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::process::ExitCode;

use clap::{Arg, Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{NOTHING_WRONG, definition};

/// Print the manual page of all commands, as roff.
///
/// `make install` puts it where `man header-doctor` finds it.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Read it:
      header-doctor man | man -l -
  Install it:
      header-doctor man > /usr/local/share/man/man1/header-doctor.1")]
pub(super) struct Arguments {}

/// What is said of the whole, below its one sentence.
const DESCRIPTION: &str = "\
It stands between clients and WordPress, forwards Authorization byte for byte, answers the CORS preflights of browsers, and \
says where a header was lost, why WordPress answered 401 or 403, and which line of configuration cures it. It can be \
WordPress's own web server before PHP-FPM as well. No credential ever reaches its log.

Every option of `run` can be given as an environment variable. A flag beats its variable, and that beats the file.";

/// Variables that are no flag of `run`, and what reads them.
pub const VARIABLES: [(&str, &str); 5] = [
    ("HEADER_DOCTOR_PASSWORD", "The password with which check --user logs in."),
    ("HEADER_DOCTOR_APP_PASSWORD", "An application password for check --user."),
    ("HEADER_DOCTOR_TOKEN", "A token that check sends in the place of a login."),
    ("NO_COLOR", "Set to anything, keeps a terminal without colour."),
    ("TERM", "The word dumb keeps a terminal without colour."),
];

/// Files, by the names that the examples use; nothing is read that was not named.
const FILES: [(&str, &str); 3] = [
    ("/etc/header-doctor.yaml", "The configuration, where --config or HEADER_DOCTOR_CONFIG names it."),
    ("/etc/header-doctor/trail.keys", "The keys that doctors share, where --trail-key-file names it."),
    (
        "/usr/local/share/doc/header-doctor/",
        "Commented examples of configurations, where make install put them.",
    ),
];

/// The page is the same whenever it is made. A blank, for of nothing at all the writer of roff would make no argument.
const NO_DATE: &str = " ";

/// Prints it.
pub(super) fn man(_: &Arguments) -> anyhow::Result<ExitCode> {
    stdout().lock().write_all(page()?.as_bytes())?;
    Ok(ExitCode::from(NOTHING_WRONG))
}

fn page() -> anyhow::Result<String> {
    let whole = definition();
    let mut commands = Vec::new();
    leaves(&whole, &mut commands);
    let told = told(&whole);

    let mut out = Vec::new();
    let head = Man::new(whole.clone()).title(r"HEADER\-DOCTOR").date(NO_DATE).manual("User Commands");
    head.render_title(&mut out)?;
    head.render_name_section(&mut out)?;
    synopsis(&commands).to_writer(&mut out)?;
    section("DESCRIPTION", DESCRIPTION).to_writer(&mut out)?;
    head.render_options_section(&mut out)?;
    heading("COMMANDS").to_writer(&mut out)?;
    for command in &commands {
        described(command, &told, &mut out)?;
    }
    let (examples, codes) = after(&whole);
    verbatim(heading("EXIT STATUS"), &codes).to_writer(&mut out)?;
    environment(&whole).to_writer(&mut out)?;
    listed(heading("FILES"), FILES).to_writer(&mut out)?;
    verbatim(heading("EXAMPLES"), &examples).to_writer(&mut out)?;
    section("SEE ALSO", "curl(1), openssl(1), systemd.service(5)").to_writer(&mut out)?;
    Ok(readable(&String::from_utf8(out)?))
}

/// The commands that do something, in the order of the help: of `config` those below it.
fn leaves<'c>(command: &'c Command, out: &mut Vec<&'c Command>) {
    if !command.has_subcommands() {
        out.push(command);
    }
    for below in command.get_subcommands() {
        leaves(below, out);
    }
}

/// The options of `run`, by their names: where other commands have the same, it says so.
fn told(whole: &Command) -> BTreeMap<String, String> {
    let run = whole.find_subcommand("run").into_iter().flat_map(Command::get_arguments);
    run.filter(|argument| is_own(argument)).map(|argument| (name(argument), help(argument))).collect()
}

/// Whether it is more than the help that every command has.
fn is_own(argument: &Arg) -> bool {
    argument.get_id() != "help"
}

fn name(argument: &Arg) -> String {
    argument.get_long().map_or_else(String::new, |long| format!("--{long}"))
}

fn help(argument: &Arg) -> String {
    argument.get_help().map(ToString::to_string).unwrap_or_default()
}

// === Sections ===

fn heading(text: &str) -> Roff {
    let mut out = Roff::new();
    out.control("SH", [text]);
    out
}

fn section(title: &str, text: &str) -> Roff {
    paragraphs(heading(title), text)
}

fn paragraphs(mut out: Roff, text: &str) -> Roff {
    for line in text.lines() {
        if line.trim().is_empty() {
            out.control("PP", []);
        } else {
            out.text([roman(line)]);
        }
    }
    out
}

/// Lines that stay as they are: commands are copied from a manual page.
fn verbatim(mut out: Roff, text: &str) -> Roff {
    out.control("nf", []);
    for line in text.lines() {
        out.text([roman(line)]);
    }
    out.control("fi", []);
    out
}

fn listed<'t>(mut out: Roff, entries: impl IntoIterator<Item = (&'t str, &'t str)>) -> Roff {
    for (entry, meaning) in entries {
        out.control("TP", []).text([bold(entry)]).text([roman(meaning)]);
    }
    out
}

fn synopsis(commands: &[&Command]) -> Roff {
    let mut out = heading("SYNOPSIS");
    for command in commands {
        let usage = (*command).clone().render_usage().to_string();
        out.text([roman(usage.trim_start_matches("Usage: "))]).control("br", []);
    }
    out
}

fn environment(whole: &Command) -> Roff {
    let run = whole.find_subcommand("run").into_iter().flat_map(Command::get_arguments);
    let flags: Vec<_> = run
        .filter_map(|argument| {
            let variable = argument.get_env()?.to_string_lossy().into_owned();
            Some((variable, format!("As {} of run.", name(argument))))
        })
        .collect();
    let flags = flags.iter().map(|(variable, meaning)| (variable.as_str(), meaning.as_str()));
    listed(heading("ENVIRONMENT"), flags.chain(VARIABLES))
}

/// One command: what it does, its options, examples and exit codes.
fn described(command: &Command, told: &BTreeMap<String, String>, out: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut head = Roff::new();
    // What is no text is written as it is, and a bare hyphen would not be found by who searches for the command.
    let title = command.get_bin_name().unwrap_or_else(|| command.get_name()).replace('-', r"\-");
    head.control("SS", [title.as_str()]);
    let about = command.get_long_about().or_else(|| command.get_about());
    paragraphs(head, &about.map(ToString::to_string).unwrap_or_default()).to_writer(out)?;

    let is_told = |argument: &Arg| {
        command.get_name() != "run" && told.get(&name(argument)).is_some_and(|told| *told == help(argument))
    };
    let own = command.get_arguments().filter(|argument| is_own(argument));
    let (shared, own): (Vec<_>, Vec<_>) = own.partition(|argument| is_told(argument));
    options(&own, out)?;
    if !shared.is_empty() {
        let names: Vec<_> = shared.into_iter().map(name).collect();
        let mut also = Roff::new();
        also.control("PP", []).text([roman(format!("As for run: {}.", names.join(", ")))]);
        also.to_writer(out)?;
    }
    if let Some(after) = command.get_after_long_help() {
        let mut begin = Roff::new();
        begin.control("PP", []);
        verbatim(begin, &after.to_string()).to_writer(out)?;
    }
    Ok(())
}

/// A list of options without a section of its own, which it is given by what writes it.
fn options(arguments: &[&Arg], out: &mut Vec<u8>) -> anyhow::Result<()> {
    let alone = Command::new("options").disable_help_flag(true);
    let alone = alone.args(arguments.iter().map(|argument| (*argument).clone()));
    let mut section = Vec::new();
    Man::new(alone).render_options_section(&mut section)?;
    let section = String::from_utf8(section)?;
    out.extend_from_slice(section.replacen(".SH OPTIONS\n", "", 1).as_bytes());
    Ok(())
}

/// The examples and the exit codes of the whole, which have sections of their own.
fn after(whole: &Command) -> (String, String) {
    let text = whole.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let (examples, codes) = text.split_once("\n\nExit codes:\n").unwrap_or((&text, ""));
    (examples.trim_start_matches("Examples:\n").to_owned(), codes.to_owned())
}

/// With every character written so that it comes out as itself: roff takes some of ASCII for typography, and knows no
/// encoding of the rest.
fn readable(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    for character in page.chars() {
        match character {
            '`' => out.push_str(r"\(ga"),
            '~' => out.push_str(r"\(ti"),
            '^' => out.push_str(r"\(ha"),
            ascii if ascii.is_ascii() => out.push(ascii),
            other => out.push_str(&format!(r"\[u{:04X}]", u32::from(other))),
        }
    }
    out
}
