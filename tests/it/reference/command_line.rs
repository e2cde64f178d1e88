//! `docs/reference/command-line.md`: every command, flag, variable and exit code, from the definition that reads them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::{Arg, Command};
use header_doctor::cli::{VARIABLES, definition};

use super::{MADE, cell, hold};

#[test]
fn the_page_tells_of_every_command_and_flag() {
    hold("command-line", &page());
}

fn page() -> String {
    let whole = definition();
    let mut commands = Vec::new();
    leaves(&whole, &mut commands);
    let after = whole.get_after_long_help().unwrap().to_string();
    let (examples, codes) = after.split_once("\n\nExit codes:\n").unwrap();

    let mut out = format!("# The command line\n\n{MADE}\n\n{}.\n\n", whole.get_about().unwrap());
    out.push_str("| command | |\n|---|---|\n");
    for command in &commands {
        let (name, about) = (name(command), cell(&command.get_about().unwrap().to_string()));
        writeln!(out, "| [`{name}`](#{}) | {about} |", name.replace(' ', "-")).unwrap();
    }
    write!(out, "\n{}", block(examples.trim_start_matches("Examples:\n"))).unwrap();
    exit_codes(codes, &mut out);
    variables(&whole, &mut out);
    let shared = shared(&whole);
    commands.iter().for_each(|command| described(command, &shared, &mut out));
    out
}

/// The commands that do something, in the order of the help: of `config` those below it.
fn leaves<'c>(command: &'c Command, out: &mut Vec<&'c Command>) {
    if !command.has_subcommands() {
        out.push(command);
    }
    command.get_subcommands().for_each(|below| leaves(below, out));
}

fn name(command: &Command) -> String {
    command.get_bin_name().unwrap().to_owned()
}

fn exit_codes(codes: &str, out: &mut String) {
    out.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for line in codes.lines() {
        let (code, meaning) = line.trim().split_once("  ").unwrap();
        writeln!(out, "| {code} | {} |", cell(meaning)).unwrap();
    }
}

fn variables(whole: &Command, out: &mut String) {
    out.push_str(
        "\n## Environment\n\nEvery flag of `run` has a variable. A flag beats its variable, and that beats the file; an empty variable \
         counts as unset.\n\n| variable | meaning |\n|---|---|\n",
    );
    for argument in whole.find_subcommand("run").unwrap().get_arguments() {
        let Some(variable) = argument.get_env() else { continue };
        writeln!(out, "| `{}` | `--{}` of `run` |", variable.display(), argument.get_long().unwrap())
            .unwrap();
    }
    for (variable, meaning) in VARIABLES {
        writeln!(out, "| `{variable}` | {} |", cell(meaning)).unwrap();
    }
}

/// The flags of `run`, by their names: where other commands have the same, the page says so.
fn shared(whole: &Command) -> BTreeMap<String, String> {
    own(whole.find_subcommand("run").unwrap()).map(|flag| (flag.get_id().to_string(), help(flag))).collect()
}

/// What is more than the help that every command has.
fn own(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|argument| argument.get_id() != "help" && !argument.is_hide_set())
}

fn help(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    help.map(ToString::to_string).unwrap_or_default()
}

fn described(command: &Command, shared: &BTreeMap<String, String>, out: &mut String) {
    let usage = command.clone().render_usage().to_string();
    let about = command.get_long_about().or_else(|| command.get_about()).unwrap().to_string();
    write!(out, "\n## {}\n\n{}\n\n", name(command), ended(&about)).unwrap();
    write!(out, "```usage\n{}\n```\n", usage.trim_start_matches("Usage: ").trim_end()).unwrap();
    let is_shared =
        |flag: &&Arg| command.get_name() != "run" && shared.get(flag.get_id().as_str()) == Some(&help(flag));
    let (as_run, own): (Vec<_>, Vec<_>) = own(command).partition(is_shared);
    if !own.is_empty() {
        out.push('\n');
    }
    let own: Vec<_> = own.into_iter().map(one).collect();
    out.push_str(&own.join("\n"));
    if !as_run.is_empty() {
        let names: Vec<_> = as_run.iter().map(|flag| format!("`--{}`", flag.get_long().unwrap())).collect();
        write!(out, "\nAs for [run](#header-doctor-run): {}.\n", names.join(", ")).unwrap();
    }
    if let Some(after) = command.get_after_long_help() {
        write!(out, "\n{}", block(&after.to_string())).unwrap();
    }
}

/// One flag or argument: how it is written, its variable, its help, its values.
fn one(argument: &Arg) -> String {
    let spelling = argument.to_string();
    let spelling = spelling.trim_end_matches("...");
    let several = if spelling.len() == argument.to_string().len() { "" } else { ", may be repeated" };
    let variable =
        argument.get_env().map(|variable| format!(", `{}`", variable.display())).unwrap_or_default();
    let mut out = format!("- `{spelling}`{variable}{several}\n");
    let help = help(argument);
    let mut paragraphs = help.split("\n\n").peekable();
    while let Some(paragraph) = paragraphs.next() {
        let text = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        let leads_on = paragraphs.peek().is_some_and(|next| is_command(next));
        let text = if leads_on { format!("{text}:") } else { ended(&text) };
        let text = if is_command(paragraph) { format!("```\n  {paragraph}\n  ```") } else { text };
        write!(out, "\n  {text}\n").unwrap();
    }
    let is_choice = argument.get_action().takes_values();
    for value in argument.get_possible_values().iter().filter(|_| is_choice) {
        let meaning = value.get_help().map(|help| format!(": {help}")).unwrap_or_default();
        writeln!(out, "  - `{}`{}", value.get_name(), ended(&meaning)).unwrap();
    }
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|value| value.display().to_string()).collect();
    if is_choice && !defaults.is_empty() {
        write!(out, "\n  Default: `{}`.\n", defaults.join(",")).unwrap();
    }
    out
}

/// Whether a paragraph of the help is a command to type.
fn is_command(paragraph: &str) -> bool {
    paragraph.starts_with('(')
}

/// With the full stop that the help leaves out.
fn ended(text: &str) -> String {
    let is_open = text.ends_with(|last: char| last.is_alphanumeric() || last == ')' || last == '`');
    if is_open { format!("{text}.") } else { text.to_owned() }
}

fn block(text: &str) -> String {
    format!("```\n{}\n```\n", text.trim_end())
}
