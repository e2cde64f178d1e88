//! Marked secrets through all that the program does: no byte that leaves it, but towards the upstream, may hold a piece of one.
//!
//! The real binary runs, with everything that it writes kept; clients send secrets in every place where one can stand, an
//! origin quotes them, and what has left is searched in the end. What an origin says passes through to the client, and is
//! its own.

mod asking;
mod commands;
mod limits;
mod marks;
mod origin;
mod panics;
mod requests;
mod rules;
mod running;
mod serving;
mod static_files;
mod taking_over;
mod upstreams;
