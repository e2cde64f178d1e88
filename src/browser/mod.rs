//! What a browser lets a page see of a reply: the CORS check of the Fetch standard, and the words each console shows.
//!
//! A server never learns that a browser withheld its reply; the page only hears "failed to fetch" and the console
//! alone says why. So the check is made here as well, by the standard (fetch.spec.whatwg.org, "CORS check" and
//! "CORS-preflight fetch") and in the order in which each browser makes it. The doctor's own replies and the origin's
//! are judged by the same code.

mod ask;
mod block;
mod judge;
mod list;
mod origin;
mod words;

pub use ask::{Ask, Credentials};
pub use block::{AllowList, Block, Blocked, Origins, Stage, When};
pub use judge::{judge_preflight, judge_reply, withheld};
pub use list::{Token, Tokens, Unreadable};
pub use origin::{NotAnOrigin, Origin};

/// A browser with a console of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Browser {
    /// Chromium and what is built on it.
    Chrome,
    /// Firefox (Gecko).
    Firefox,
    /// Safari and what else uses `WebKit`.
    Safari,
}

impl Browser {
    /// Every browser.
    pub const ALL: [Self; 3] = [Self::Chrome, Self::Firefox, Self::Safari];

    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chrome => "Chrome",
            Self::Firefox => "Firefox",
            Self::Safari => "Safari",
        }
    }
}
