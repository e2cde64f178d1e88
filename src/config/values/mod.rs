//! The kinds of value that stand in the file, each with its parser, its spelling and its schema.
//!
//! They know nothing of sections; the same parsers serve the command line.

mod address;
mod duration;
mod host;
mod parsed;
mod size;
mod switch;
pub(super) mod words;

pub use address::Address;
pub(super) use duration::{Span, Timeout};
pub(super) use host::Host;
pub(crate) use parsed::Parsed;
pub(super) use size::{Bound, Size};
pub(super) use switch::Switch;
