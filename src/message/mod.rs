//! A message as received: head and body, the one pair of types that goes through the whole line.
//!
//! Nothing here knows how bytes travel. The HTTP/1.1 codec fills these types from the wire and writes them back;
//! everything between looks at them and changes them.

mod authority;
mod body;
mod fields;
mod head;
mod name;
mod spelling;
mod tunnel;

pub use authority::host_of;
pub use body::{Body, Broken, Fill, Source};
pub use fields::{Entry, Field, Fields, Span};
pub use head::{Method, ReplyHead, RequestHead, Status, Version};
pub use name::Name;
pub use spelling::spell;
pub use tunnel::Tunnel;

/// A request on its way through the doctor.
#[derive(Debug)]
pub struct Request<'c> {
    /// Start line and fields.
    pub head: RequestHead,
    /// The body, still to be read.
    pub body: Body<'c>,
}

/// A reply on its way back.
#[derive(Debug)]
pub struct Reply<'c> {
    /// Start line and fields.
    pub head: ReplyHead,
    /// The body, still to be read.
    pub body: Body<'c>,
    /// Whether the client's connection must end after this reply.
    pub close: bool,
}
