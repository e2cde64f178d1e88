//! `header-doctor config`: what a configuration means, before it is put in force.

use super::NOTHING_WRONG;
use super::flags::Flags;
use crate::config::{Plan, schema};
use crate::listen::Sessions;
use anyhow::{Context, bail};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Subcommand};
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

/// Check a configuration, or show what is in force.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say whether a file is right, and if not, where it is wrong.
    ///
    /// Exits with 0 for a file that `run` would accept, and with 2 for another. Flags and HEADER_DOCTOR_* variables
    /// count as they do for `run`.
    #[command(after_long_help = "\
Examples:
  header-doctor config validate header-doctor.yaml
      header-doctor.yaml: valid; 1 listener, 2 sites
  header-doctor config validate header-doctor.yaml
      header-doctor: header-doctor.yaml:7:14: sites[0].upstreams[0].url: \"htp://x\" is not an upstream; …")]
    Validate {
        /// The file; the same as --config FILE.
        file: Option<PathBuf>,
        #[command(flatten)]
        flags: Flags,
    },
    /// Print the configuration in force as YAML, with every default, variable and flag resolved.
    ///
    /// What is printed is itself a configuration that means the same.
    #[command(after_long_help = "\
Examples:
  All defaults:
      header-doctor config show --upstream 127.0.0.1:8081
  What a file and the environment make together:
      header-doctor config show --config header-doctor.yaml")]
    Show {
        #[command(flatten)]
        flags: Flags,
    },
    /// Print a JSON Schema of the file, for editors and CI.
    #[command(after_long_help = "\
Example:
  header-doctor config schema > header-doctor.schema.json
  and as the first line of the file, for editors with the YAML language server:
      # yaml-language-server: $schema=header-doctor.schema.json")]
    Schema,
}

/// Does what was asked; `matches` tell how the flags came.
pub(super) fn config(arguments: Arguments, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let text = match arguments.command {
        Command::Validate { file, flags } => validate(file.as_ref(), &flags, matches)?,
        Command::Show { flags } => flags.plan(matches)?.to_yaml()?,
        Command::Schema => format!("{:#}\n", schema()),
    };
    stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::from(NOTHING_WRONG))
}

fn validate(file: Option<&PathBuf>, flags: &Flags, matches: &ArgMatches) -> anyhow::Result<String> {
    if file.is_some() && matches.value_source("config") == Some(ValueSource::CommandLine) {
        bail!("two files to validate; name one, as FILE or as --config FILE");
    }
    let Some(file) = file.or(flags.file()) else {
        bail!("no file to validate; type `header-doctor config validate FILE`");
    };
    let sessions = Sessions::new().context("the system has no random numbers")?;
    let prepared = flags.prepared_over(Some(file), matches, &sessions)?;
    let plan = &prepared.plan;
    let unverified =
        plan.unverified().map(|upstream| format!("{upstream} is not verified (tls.verify: false)"));
    let warnings = prepared.warnings();
    let warnings = warnings
        .iter()
        .map(ToString::to_string)
        .chain(unverified)
        .chain(plan.unsafe_log().map(str::to_owned));
    let warnings: String = warnings.map(|warning| format!("warning: {warning}\n")).collect();
    Ok(format!("{}: valid; {}\n{warnings}", file.display(), summary(plan)))
}

fn summary(plan: &Plan) -> String {
    let count = |number: usize, what| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    format!("{}, {}", count(plan.listeners.len(), "listener"), count(plan.sites.len(), "site"))
}
