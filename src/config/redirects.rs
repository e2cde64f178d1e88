//! Key `redirects` of a site: what is done about a redirect to another origin.

use super::values::words::words;
use crate::headers::redirects::Policy;

words! {
    /// What is done about a redirect that leaves the origin.
    pub(super) Redirects is "a way to treat redirects" {
        /// It goes on, and is explained where it costs a client its header.
        #[default]
        Report = "report",
        /// One to another name of the same site stays at the origin that was asked.
        Rewrite = "rewrite",
    }
}

impl From<Redirects> for Policy {
    fn from(word: Redirects) -> Self {
        match word {
            Redirects::Report => Self::Report,
            Redirects::Rewrite => Self::Rewrite,
        }
    }
}

impl From<Policy> for Redirects {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Report => Self::Report,
            Policy::Rewrite => Self::Rewrite,
        }
    }
}
