//! Tests of the program as its users meet it: over sockets and on the command line.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests"
)]

mod cli;
mod replies;
mod requests;
mod world;
