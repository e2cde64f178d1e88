//! Reads YAML into a shape, and knows at every moment where it is.
//!
//! Serde's derived code asks for values one by one; [`Reader`] stands between it and the YAML crate. On the way it
//! replaces variables, refuses unknown and repeated keys where they stand, keeps the path, and bounds the work (an
//! alias can stand for a thousand values, and a thousand aliases for a million). The YAML crate knows line and
//! column only of an error, so the position of a value found wrong later is had by reading once more and failing
//! there on purpose ([`locate`]): a file is small, and nothing else has to remember positions.

mod keys;
mod nearest;
mod path;
mod reader;
mod scalar;
mod variables;

pub(super) use nearest::nearest;
pub(super) use path::{Path, Step};
pub(super) use scalar::{Leaf, Scalar};
pub use variables::Lookup;
pub(super) use variables::replace;

use super::contents::Sort;
use super::error::Problem;
use reader::Reader;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_yaml::Deserializer;
use std::cell::{Cell, RefCell};

/// A configuration; a real one has a few thousand bytes.
pub(super) const FILE: Sort = Sort { name: "configuration", most: 256 << 10 };

/// The most `[` and `{` in a file: the YAML crate's time grows with the square of how deep they stand.
const MOST_BRACKETS: usize = 5000;

/// The most values a file may hold, those behind aliases counted each time they are used.
const MOST_VALUES: usize = 100_000;

/// What one reading knows beside the text.
pub(super) struct Reading<'l> {
    pub(super) lookup: &'l Lookup<'l>,
    /// Where to fail on purpose.
    stop: Option<Path>,
    path: RefCell<Path>,
    problem: RefCell<Option<Problem>>,
    values: Cell<usize>,
}

impl Reading<'_> {
    /// Keeps the first mistake: it is noticed at the innermost value, whose path is the most exact.
    pub(super) fn note(&self, message: impl FnOnce() -> String) {
        let path = self.path.borrow().clone();
        self.problem.borrow_mut().get_or_insert_with(|| Problem { path, message: message() });
    }

    /// Does something one step further down.
    pub(super) fn within<T>(&self, step: impl Into<Step>, below: impl FnOnce(&Self) -> T) -> T {
        self.path.borrow_mut().push(step.into());
        let done = below(self);
        self.path.borrow_mut().pop();
        done
    }

    /// Counts one more value; false when there are too many.
    pub(super) fn may_go_on(&self) -> bool {
        self.values.set(self.values.get() + 1);
        self.values.get() <= MOST_VALUES
    }

    /// Whether this is the value to fail at.
    pub(super) fn stops_here(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| *stop == *self.path.borrow())
    }
}

/// A mistake and where it stands: line and column, both counted from one.
pub(super) type Found = (Problem, Option<(usize, usize)>);

/// Reads the whole text as a `T`.
pub(super) fn read<T: for<'de> Deserialize<'de>>(text: &str, lookup: &Lookup<'_>) -> Result<T, Found> {
    if text.len() as u64 > FILE.most {
        return Err((
            Problem::here("is larger than 256KiB, which no configuration is; is it the right file?"),
            None,
        ));
    }
    if text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > MOST_BRACKETS {
        return Err((
            Problem::here("has more than 5000 brackets; write lists as lines that begin with `- `"),
            None,
        ));
    }
    check_syntax(text)?;
    read_until(text, lookup, None)
}

/// Line and column of the value at `path`, or of the nearest value around it when the file has none there.
pub(super) fn locate<T: for<'de> Deserialize<'de>>(
    text: &str,
    lookup: &Lookup<'_>,
    mut path: Path,
) -> Option<(usize, usize)> {
    loop {
        if let Err((_, position)) = read_until::<T>(text, lookup, Some(path.clone())) {
            return position;
        }
        if !path.pop() {
            return None;
        }
    }
}

fn read_until<T: for<'de> Deserialize<'de>>(
    text: &str,
    lookup: &Lookup<'_>,
    stop: Option<Path>,
) -> Result<T, Found> {
    let reading =
        Reading { lookup, stop, path: RefCell::default(), problem: RefCell::default(), values: Cell::new(0) };
    T::deserialize(Reader { inner: Deserializer::from_str(text), reading: &reading }).map_err(|error| {
        let position = position(&error);
        // Without a position the YAML crate refused for a limit of its own, whatever was being read.
        let noted = reading.problem.take().filter(|_| position.is_some());
        (noted.unwrap_or_else(|| Problem::here(error.to_string())), position)
    })
}

/// Finds what is not YAML at all first, so that every later error is about what the file says.
fn check_syntax(text: &str) -> Result<(), Found> {
    let mut documents = Deserializer::from_str(text);
    if let Some(first) = documents.next() {
        IgnoredAny::deserialize(first)
            .map_err(|error| (Problem::here(not_yaml(text, &error)), position(&error)))?;
    }
    let Some(second) = documents.next() else {
        return Ok(());
    };
    let position = Nothing::deserialize(second).err().as_ref().and_then(position);
    Err((Problem::here("a second document begins here; keep one, without a second `---`"), position))
}

/// What no document is: reading one as this gives its position.
#[derive(Deserialize)]
enum Nothing {}

fn not_yaml(text: &str, error: &serde_yaml::Error) -> String {
    let line = error.location().and_then(|location| text.lines().nth(location.line().saturating_sub(1)));
    let mut message = format!("is not YAML: {error}");
    if let Some((line, column)) = position(error) {
        message = message.replacen(&format!(" at line {line} column {column}"), "", 1);
    }
    if line.is_some_and(|line| line.contains("${") && line.contains(['{', '['])) {
        message.push_str("; inside { } or [ ] put quotation marks around a value with ${…}");
    }
    message
}

fn position(error: &serde_yaml::Error) -> Option<(usize, usize)> {
    error.location().map(|location| (location.line(), location.column()))
}
