//! A defect of the program itself is told in constant words: what a panic says may hold text of a site or of a file, a token
//! among it.

use std::io::{Write, stderr};
use std::panic;

/// From now on a panic is told so: that it was, and where in the source. The log of `run` has words of its own.
pub(super) fn hide_words_of_panics() {
    panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(|at| format!(" at {at}")).unwrap_or_default();
        // There is nobody left to tell when this fails.
        drop(writeln!(stderr().lock(), "header-doctor: the program failed{at}: a defect to report"));
    }));
}
