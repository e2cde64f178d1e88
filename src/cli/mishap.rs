//! A defect of the program itself is told in constant words: what a panic says may hold text of a request or of a file, a
//! token among it.

use std::panic;

/// From now on a panic is told so: that it was, and where in the source.
pub(super) fn tell_by(tell: impl Fn(&str) + Send + Sync + 'static) {
    panic::set_hook(Box::new(move |panic| {
        let at = panic.location().map(|at| format!(" at {at}")).unwrap_or_default();
        tell(&format!("the program failed{at}: a defect to report"));
    }));
}
