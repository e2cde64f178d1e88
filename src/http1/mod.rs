//! The HTTP/1.1 codec: bytes ↔ heads and body frames, without any I/O (RFC 9112).
//!
//! It is our own because the wire is the evidence: spelling, order, duplicates and odd bytes must be seen as they
//! came, a malformed head must be answered with its reason, and nothing that two parsers could read differently
//! may be forwarded. `docs/decisions/001` tells what hyper hides. `httparse` finds the pieces of a head; what is
//! allowed, how a body is framed and what is written are decided here.
//!
//! ```text
//! bytes ─ scan ─▸ head complete? ─ request │ reply ─▸ head ─ framing ─▸ how the body ends ─ chunked ─▸ bytes
//! head ─ write ─▸ bytes
//! ```

mod chunked;
mod framing;
mod malformed;
mod reply;
mod request;
mod scan;
mod write;

pub use chunked::{Decoder, LAST_CHUNK, Progress, chunk_start};
pub use framing::{Framing, of_reply, of_request};
pub use malformed::{BadChunk, BadReply, BadRequest};
pub use reply::parse as parse_reply;
pub use request::{check as check_request, parse as parse_request};
pub use scan::{Scan, head_end, refuse_first_bytes};
pub use write::{Persistence, fields, reply_head, request_head};

/// The most fields a head may have. Heads with more are refused, never cut.
pub const MAX_FIELDS: usize = 256;
