//! A site examined from outside: the article's three steps, the way of a header, and the browser's view, in half a minute
//! and without harm.
//!
//! ```text
//! question ▸ conversation ▸ answer ▸ judge ▸ done        examine: which question comes next
//!                                       └─ all of it ▸ report
//! ```
//!
//! `conversation` alone does I/O. Each answer goes through the same look ▸ Trail ▸ Symptom ▸ diagnose as the traffic of `run`,
//! so the same rules judge.

mod answer;
mod conversation;
mod deep;
mod dialect;
mod discover;
mod examine;
mod judge;
mod jwt_plugin;
mod notes;
mod plan;
mod question;
mod report;
mod seen;
mod site;
mod trouble;

pub use conversation::{Conversation, Direct, MOST, MOST_DEEP, Manners};
pub use deep::{Beside, Size};
pub use dialect::Dialect;
pub use examine::{Task, examine};
pub use notes::Notes;
pub use plan::foreseen;
pub use question::{Carries, Question, Step, USER_AGENT, Wallet, Writing};
pub use report::{Report, dry_run};
pub use seen::Examination;
pub use site::{BadSite, Place, Site};
pub use trouble::Trouble;
