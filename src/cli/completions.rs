//! `header-doctor completions`: what a shell needs to complete the commands, made from the same description as their help.

use std::io::{Write, stdout};
use std::process::ExitCode;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::generate;

use super::{Arguments as Whole, NOTHING_WRONG};

/// Print what a shell needs to complete commands and flags.
///
/// `make install` puts it where bash, zsh and fish look for it.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  In this bash:
      source <(header-doctor completions bash)
  In every fish:
      header-doctor completions fish > ~/.config/fish/completions/header-doctor.fish
  In every zsh, where the folder stands in fpath:
      header-doctor completions zsh > ~/.zfunc/_header-doctor")]
pub(super) struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// A shell that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// Bash 4 or later.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
}

impl From<Shell> for clap_complete::Shell {
    fn from(shell: Shell) -> Self {
        match shell {
            Shell::Bash => Self::Bash,
            Shell::Zsh => Self::Zsh,
            Shell::Fish => Self::Fish,
        }
    }
}

/// Prints them.
pub(super) fn completions(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut whole = Whole::command();
    let name = whole.get_name().to_owned();
    // Into memory first: what writes them would panic at a reader that has gone.
    let mut text = Vec::new();
    generate(clap_complete::Shell::from(arguments.shell), &mut whole, &name, &mut text);
    let text = spelt_alike(&String::from_utf8(text)?, &name);
    stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::from(NOTHING_WRONG))
}

/// With the hyphen of the program's name written in one way. For bash, clap_complete writes it in two, and the flags of no
/// command are found (<https://github.com/clap-rs/clap/issues/6421>); nothing is changed once that is mended.
fn spelt_alike(text: &str, name: &str) -> String {
    text.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__"))
}
