//! The signed list in which doctors hand on what they saw: `Header-Doctor-Trail` on the way there, `Header-Doctor-Report` on
//! the way back.
//!
//! Both are lists of RFC 9651 with a member per doctor; whoever appends one signs the whole list, having believed what it
//! appended to. A list is believed by its seal alone, wherever it came from.

mod bound;
mod claim;
mod packed;
mod read;
mod told;
mod write;

pub use bound::{Bound, Direction};
pub use claim::{Claim, claim, claimed_exchange};
pub use read::read;
pub use write::{Own, Written, sign, write};

use super::change::Changed;
use super::exchange_id::ExchangeId;
use super::hop_name::{HopName, Instance};
use super::sighting::Sightings;
use crate::moment::Moment;
use crate::secret::KeyId;

/// How many bytes a list may have. There are hops that take 8 KiB of fields and no more: the list must not be what breaks them.
const MOST_BYTES: usize = 1024;

/// How many members a list may have.
const MOST_MEMBERS: usize = 8;

/// What one doctor tells of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What the doctor is called.
    pub hop: HopName,
    /// Which of several it is.
    pub instance: Instance,
    /// The key that it made its fingerprints with.
    pub key: KeyId,
    /// What it saw: in a trail as it sent the request on, in a report as the request arrived there. Nothing where it was left out
    /// for the sake of size.
    pub seen: Option<Sightings>,
    /// What had happened to the request on its way from the doctor before, as this one judged.
    pub changes: Vec<Changed>,
}

/// A list that is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// The exchange that it tells of.
    pub exchange: ExchangeId,
    /// When it was signed, in whole seconds.
    pub at: Moment,
    /// The doctors; the last one signed. In a trail that is the one in front of the reader, in a report the one behind it.
    pub members: Vec<Member>,
}

/// Why a list counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbelieved {
    /// It is longer than it may be.
    #[error("it has more than 1 KiB or more than 8 members")]
    TooLong,
    /// It is no such list.
    #[error("it is not of the form that doctors write")]
    Malformed,
    /// It names a key that is not in the key file.
    #[error("it is signed with a key that is not in the key file")]
    UnknownKey,
    /// Its seal is not of this list, this direction, this method and this host.
    #[error("its signature is not of this request")]
    Forged,
}

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod tests;
