//! header-doctor: a reverse proxy for WordPress that says where `Authorization` was lost.
//!
//! The modules stand in the order in which a request meets them; ARCHITECTURE.md draws the line.

pub mod http1;
pub mod message;
