//! What the doctor may change in a message, and what it never does. Pure: fields in, fields and a report out.

pub mod authorization;
pub mod cors;
pub mod hop_by_hop;
