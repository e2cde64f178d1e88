//! What two logs say of one path: where no trail could travel, the records of two doctors are joined afterwards.
//!
//! Logs are not signed, and most of their records name no common exchange. So a request is joined to another only where
//! nothing else could be meant, what stays in doubt is counted and not judged, and nothing is ever called proved.

mod join;
mod judge;
mod log;
mod record;
mod words;

pub use join::{Joins, Pair, Sign, WINDOW, join};
pub use judge::{Judged, Verdicts, judge};
pub use log::{Log, MOST, Span, Told};
pub use record::{Line, Presence, Record, Request};
