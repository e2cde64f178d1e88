//! What is shown. It reads events and never steers: nothing here can change an exchange.

mod held;
mod json;
pub mod log;
mod markdown;
pub mod metrics;
mod page;
mod renewals;
mod repeats;
mod verdict;

pub use json::{found, lost, schemas};
pub use markdown::fill;
pub use page::Page;
pub(crate) use page::words;
pub use repeats::{Every, Repeats, Summary};
pub use verdict::{Paint, named, verdict};
