//! The release of the doctor before real WordPress behind real web servers: right finding, right cure, or silence.
//!
//! `tests/stand/stand` brings the servers up; each door is one way to lose, or not to lose, `Authorization`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests"
)]

#[path = "../it/world/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    clippy::allow_attributes,
    reason = "the world serves another test program too"
)]
mod world;

mod check;
mod credentials;
mod direct;
mod doors;
mod doors_table;
mod judge;
mod logins;
mod pair;
mod php_hop;
mod stand;
mod token;
