//! What is shown. It reads events and never steers: nothing here can change an exchange.

mod json;
pub mod log;
mod verdict;

pub use verdict::{Paint, verdict};
