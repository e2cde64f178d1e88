//! What a wrong command line is told. What was typed may stand in the wrong place, a password or a token, so it is not repeated.

use std::process::ExitCode;

use anyhow::bail;
use clap::error::{ContextKind, ContextValue};

use super::{NOTHING_WRONG, USAGE};
use crate::secret::looks_secret;

/// Help, version, and what clap finds wrong; clap knows which of them goes to which stream.
pub(super) fn show(mut error: clap::Error) -> anyhow::Result<ExitCode> {
    if let Some(words) = wrong_choice(&error) {
        bail!("{words}");
    }
    hide_what_was_typed(&mut error);
    error.print()?;
    Ok(if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::from(NOTHING_WRONG) })
}

/// What is right in place of a value that is none of a flag's. What was typed is not repeated: it may stand in the wrong place.
fn wrong_choice(error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let Some(ContextValue::Strings(choices)) = error.get(ContextKind::ValidValue) else { return None };
    let flag = text(ContextKind::InvalidArg)?.split(' ').next()?;
    let given =
        text(ContextKind::InvalidValue).filter(|_| error.kind() == clap::error::ErrorKind::InvalidValue)?;
    if choices.is_empty() {
        return None;
    }
    let letters = |word: &str| {
        let mut letters = word.to_ascii_lowercase().into_bytes();
        letters.sort_unstable();
        letters
    };
    let is_meant = |choice: &&String| letters(choice) == letters(given);
    let choices_in_words = choices.join(", ");
    Some(match choices.iter().find(is_meant) {
        Some(meant) => format!("{flag}: is none of {choices_in_words}; write {flag} {meant}"),
        None => format!("{flag}: is none of {choices_in_words}; write one of them"),
    })
}

/// Leaves of the words that were not understood what is the name of a flag or of a command.
fn hide_what_was_typed(error: &mut clap::Error) {
    for kind in [ContextKind::InvalidArg, ContextKind::InvalidSubcommand, ContextKind::InvalidValue] {
        let Some(ContextValue::String(typed)) = error.get(kind) else { continue };
        if kind != ContextKind::InvalidValue && is_name(typed) {
            continue;
        }
        error.insert(kind, ContextValue::String("…".to_owned()));
        // What clap proposes repeats it.
        error.remove(ContextKind::Suggested);
    }
}

/// Whether it can be the name of a flag or a command, as clap writes them: `--config <FILE>`, `<URL>`, `expalin`.
fn is_name(typed: &str) -> bool {
    const LONGEST: usize = 16;
    let is_of_letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if let Some(flag) = typed.strip_prefix('-') {
        return is_of_letters(flag.split(' ').next().unwrap_or_default()) && !looks_secret(typed.as_bytes());
    }
    typed.starts_with(['<', '[']) || typed.len() <= LONGEST && is_of_letters(typed)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::Arguments;
    use super::hide_what_was_typed;

    #[test]
    fn names_are_repeated_and_nothing_else() {
        for (typed, shown) in [
            (&["run", "tulip4Garden"][..], "unexpected argument '…' found"),
            (&["run", "http://jo:tulip4Garden@h"], "unexpected argument '…' found"),
            (&["run", "--upstreem", "tulip4Garden"], "unexpected argument '--upstreem' found"),
            (&["run", "--upstreem=tulip4Garden"], "unexpected argument '--upstreem' found"),
            (&["run", "--tulip4Garden"], "unexpected argument '…' found"),
            (&["run", "-tulip4Garden"], "unexpected argument '-t' found"),
            (&["run", "--observe=tulip4Garden"], "unexpected value '…' for '--observe' found"),
            (&["check"], "<URL>"),
            (&["check", "--user"], "'--user <NAME>'"),
            (&["tulip4Garden"], "unrecognized subcommand '…'"),
            (&["chekc"], "unrecognized subcommand 'chekc'"),
            (&["config", "tulip4Garden"], "unrecognized subcommand '…'"),
            (
                &["token", "--secret-env", "a", "--secret-file", "b"],
                "'--secret-env <VAR>' cannot be used with",
            ),
        ] {
            let arguments = [&["header-doctor"], typed].concat();
            let mut error = Arguments::command().try_get_matches_from(arguments).unwrap_err();
            hide_what_was_typed(&mut error);
            let text = error.to_string();
            assert!(text.contains(shown) && !text.to_lowercase().contains("tulip4"), "{typed:?}: {text}");
        }
    }
}
