//! What those who run the doctor ask the doctor itself, over HTTP of its own.
//!
//! Two listeners. The one for *health* says nothing of any request, so anybody may ask. The other, *admin*, tells of
//! exchanges and findings, and looks at who asks first (`guard`). No request of a client comes to either, so the usual
//! libraries serve: hyper, and tower around one service that answers (`api`).

mod api;
mod body;
mod guard;
mod health;
mod listener;
mod query;
mod question;
mod reply;
mod rim;
mod ring;
mod stream;

pub use api::{Described, DescribedSite, Desk, Reload, Sources};
pub use guard::Access;
pub use health::{Health, Metrics, State, serve};
pub use listener::{Listener, Socket};
pub use question::{Unwell, ask};
pub use ring::{Bounds, Exchanges, Keeper, exchanges};
