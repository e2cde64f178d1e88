//! What those who run the doctor ask the doctor itself, over HTTP of its own.
//!
//! No request of a client comes here and nothing here tells of one, so the usual library serves: hyper.

mod health;
mod question;

pub use health::{Health, Metrics, State, serve};
pub use question::{Unwell, ask};
