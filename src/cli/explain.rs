//! `header-doctor explain`: what is known about a rule, a WordPress code, a message, a constant or a header.

use anyhow::bail;
use clap::{Args, ValueEnum};
use std::process::ExitCode;

/// Explain a finding, a WordPress error code or message, a constant or a header.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  header-doctor explain                                   # everything there is to explain
  header-doctor explain authorization-lost-before-php     # a finding
  header-doctor explain jwt_auth_invalid_token            # a code in WordPress's reply
  header-doctor explain \"Wrong number of segments\"        # a message in it")]
pub(super) struct Arguments {
    /// A rule, a WordPress code, a message, a constant or a header; without it, a list of all.
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
    let what = arguments.what.as_deref().unwrap_or("a list");
    bail!("{what}: this build has no explanations")
}
