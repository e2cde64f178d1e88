//! How the bytes of the HTTP/1.1 codec travel: reading and writing with back-pressure, deadlines, pooled buffers.
//!
//! The same [`Reader`] and [`Writer`] serve both sides of the doctor. A worker is one thread, so buffers and timers
//! are pooled per thread and nothing here takes a lock. An idle connection holds no buffer.

mod buffer;
mod framed;
mod raw;
mod reader;
mod stream;
mod timer;
mod writer;

pub use framed::{Framed, Pace};
pub use raw::Raw;
pub use reader::{HeadError, Reader};
pub use stream::{ReadHalf, Stream, WriteHalf};
pub use timer::{Timer, now, run as run_timers, wake_all};
pub use writer::{Out, SendError, Writer};
