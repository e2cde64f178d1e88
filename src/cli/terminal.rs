//! The page that standard output is: with colour and as wide as the terminal, or plain when it is a pipe or a file.
//!
//! `NO_COLOR`, set to anything (<https://no-color.org>), and `TERM=dumb` ask a terminal to stay without colour.

use std::env::var_os;
use std::io::{IsTerminal, stdout};

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
