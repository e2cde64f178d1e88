//! What the doctor may change in a message, and what it never does. Pure: fields in, fields and a report out.
//!
//! In the order in which a request is treated: [`hop_by_hop`] first, so that nobody can nominate what is set
//! afterwards; then [`authorization`], then [`forwarded`]. With `mode: observe` only the first of them is called.

pub mod authorization;
pub mod cors;
mod field_name;
pub mod forwarded;
pub mod hop_by_hop;
mod peer;
pub mod redirects;
mod trusted;
pub mod unstored;
pub mod upgrade;

pub use cors::Wrong;
pub use field_name::{FieldName, Unfit};
pub use peer::{Peer, Scheme};
pub use trusted::{Range, Trusted};
