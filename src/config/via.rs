//! Key `via` of a site: whether the upstream is told that a request passed here.

use super::values::words::words;
use crate::headers::forwarded;

words! {
    /// Whether the upstream is told in `Via` that a request passed here.
    pub(super) Via is "a way to send Via" {
        /// Where somebody in front told of himself; nginx, as it comes, compresses no reply to a request with it.
        #[default]
        Extend = "extend",
        /// Always, as RFC 9110 section 7.6.3 wants it of a gateway.
        Send = "send",
    }
}

impl From<Via> for forwarded::Via {
    fn from(word: Via) -> Self {
        match word {
            Via::Extend => Self::Extend,
            Via::Send => Self::Send,
        }
    }
}

impl From<forwarded::Via> for Via {
    fn from(policy: forwarded::Via) -> Self {
        match policy {
            forwarded::Via::Extend => Self::Extend,
            forwarded::Via::Send => Self::Send,
        }
    }
}
