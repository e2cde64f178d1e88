//! What an operator types: the commands, their help, and what the process exits with.
//!
//! Each command has a file with its arguments and its function. A command returns an exit code when it did its work
//! ([`NOTHING_WRONG`] and its neighbours), and an error when it could not begin; the error's whole chain is then
//! printed on one line and the process exits with [`USAGE`].

mod check;
mod compare;
mod completions;
mod config;
mod demo;
mod descriptors;
mod explain;
mod flags;
mod health;
mod man;
mod mishap;
mod mistyped;
mod php_hop;
mod run;
mod serve;
mod terminal;
mod token;

pub use man::VARIABLES;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Nothing is wrong in what could be seen.
pub const NOTHING_WRONG: u8 = 0;
/// There are findings of severity error.
pub const FINDINGS: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// The target could not be examined.
pub const NOT_EXAMINED: u8 = 3;

/// A reverse proxy for WordPress that forwards Authorization and says where it was lost.
#[derive(Debug, Parser)]
#[command(
    name = "header-doctor",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    after_long_help = "\
Examples:
  See what it does, with nothing installed:
      header-doctor demo
  Examine a site from outside, before anything is deployed:
      header-doctor check https://example.com
  Look at a WordPress that answers 401, without changing anything on the way:
      header-doctor run --observe --upstream 10.0.0.5:8080
  Check a configuration before it goes into production:
      header-doctor config validate /etc/header-doctor.yaml

Exit codes:
  0  nothing wrong in what could be seen
  1  findings of severity error
  2  the command line or the configuration is wrong
  3  the target could not be examined"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    Check(check::Arguments),
    Config(config::Arguments),
    Explain(explain::Arguments),
    Compare(compare::Arguments),
    Token(token::Arguments),
    PhpHop(php_hop::Arguments),
    Demo(demo::Arguments),
    Health(health::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// All commands and flags, as the help, the manual page and the reference tell of them.
#[must_use]
pub fn definition() -> clap::Command {
    let mut whole = Arguments::command().disable_help_subcommand(true);
    whole.build();
    whole
}

/// Does what the arguments say, the program's own name among them.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    mishap::hide_words_of_panics();
    match command(arguments) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::from(NOTHING_WRONG),
        Err(error) => complain(&error),
    }
}

fn command(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<ExitCode> {
    let parsed = Arguments::command().try_get_matches_from(arguments);
    let parsed = parsed.and_then(|matches| Ok((Arguments::from_arg_matches(&matches)?, matches)));
    let (arguments, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return mistyped::show(error),
    };
    let matches = innermost(&matches);
    match arguments.command {
        Command::Run(arguments) => run::run(arguments, matches),
        Command::Check(arguments) => check::check(&arguments, matches),
        Command::Config(arguments) => config::config(arguments, matches),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Token(arguments) => token::token(&arguments),
        Command::PhpHop(arguments) => php_hop::php_hop(&arguments, matches),
        Command::Demo(arguments) => demo::demo(&arguments, matches),
        Command::Health(arguments) => health::health(&arguments, matches),
        Command::Completions(arguments) => completions::completions(&arguments),
        Command::Man(arguments) => man::man(&arguments),
    }
}

/// What was given to the command that was named last, as in `config show`.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, matches)| innermost(matches))
}

fn complain(error: &anyhow::Error) -> ExitCode {
    // There is nobody left to tell when this fails.
    drop(writeln!(io::stderr().lock(), "header-doctor: {error:#}"));
    ExitCode::from(USAGE)
}

/// Whether the reader of our output has seen enough, as in `header-doctor config show | head -1`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::{Arguments, CommandFactory};

    #[test]
    fn every_flag_of_run_has_a_variable_of_its_name() {
        let command = Arguments::command();
        let run = command.find_subcommand("run").unwrap();
        let flags = run.get_arguments().filter(|argument| argument.get_id() != "help");
        let mut count = 0;
        for flag in flags {
            let id = flag.get_id().as_str();
            let variable = format!("HEADER_DOCTOR_{}", id.to_uppercase());
            assert_eq!(flag.get_long(), Some(&*id.replace('_', "-")), "{id}");
            assert_eq!(flag.get_env().and_then(|name| name.to_str()), Some(&*variable), "{id}");
            assert!(flag.is_hide_env_values_set(), "{id}: help must not show what stands in the environment");
            count += 1;
        }
        assert!(count >= 10, "{count}");
    }
}
