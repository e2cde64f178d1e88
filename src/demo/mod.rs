//! The product shown to somebody who has none of it: WordPress, the places that lose headers, and the doctor, in one
//! process over real loopback sockets.
//!
//! WordPress and the careless places are imitations; the doctor is the real one, and so is every verdict. A [`Stage`]
//! is all of them running; a [`Story`] is one request with what must come of it.

mod client;
mod doors;
mod edge;
mod page;
mod stage;
mod stories;
mod texts;
mod told;
mod web_server;
mod wordpress;

use std::io;
use std::time::Duration;

pub use stage::{Curtain, Place, Stage};
pub use stories::{STORIES, Story};
pub use told::Told;

use crate::listen::BindError;

/// How long a reply or an event may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why the demo cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else listens where the doctor was to listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system has no randomness to give.
    #[error("the system has no random numbers")]
    Random(#[from] getrandom::Error),
    /// The system has no socket or thread to give.
    #[error("the demo cannot start")]
    Start(#[source] io::Error),
    /// No reply came from our own doctor.
    #[error("no reply from the demo's own doctor")]
    NoReply(#[source] io::Error),
    /// The doctor told nothing of a request.
    #[error("the demo's own doctor told nothing of a request")]
    NoEvent,
    /// The thread that serves everything broke off.
    #[error("the demo broke off")]
    BrokeOff,
}
