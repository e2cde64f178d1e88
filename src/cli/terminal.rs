//! The page that standard output is: with colour and as wide as the terminal, or plain when it is a pipe or a file.
//!
//! `NO_COLOR`, set to anything (<https://no-color.org>), and `TERM=dumb` ask a terminal to stay without colour.

use std::env::var_os;
use std::io::{self, IsTerminal, stdin, stdout};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use terminal_size::{Width, terminal_size_of};

use crate::report::{Page, Paint};

/// What standard output is now.
pub(super) fn page() -> Page {
    if !stdout().is_terminal() {
        return Page::PLAIN;
    }
    let asked_off = var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = var_os("TERM").is_some_and(|value| value == "dumb");
    Page {
        paint: if asked_off || is_dumb { Paint::Plain } else { Paint::Colour },
        width: terminal_size_of(stdout()).map(|(Width(columns), _)| columns).filter(|columns| *columns > 0),
    }
}

/// Does something while the terminal shows nothing of what is typed; a signal that ends the process leaves it so, as with
/// any program that asks for a password.
pub(super) fn without_echo<T>(read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let terminal = stdin();
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    let outcome = read();
    tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    outcome
}
