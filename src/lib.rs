//! header-doctor: a reverse proxy for WordPress that says where `Authorization` was lost.
//!
//! The modules stand in the order in which a request meets them; ARCHITECTURE.md draws the line.

pub mod headers;
pub mod http1;
pub mod listen;
pub mod message;
pub mod upstream;
pub mod wire;
