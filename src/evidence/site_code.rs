//! An error code that a site explains itself: what its operators wrote about a plugin that no table knows.

use super::wordpress::Code;

/// What the configuration says of a code. Place and desk are words that `diagnosis` knows, checked when they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteCode {
    /// The code.
    pub code: Code,
    /// The status that it must come with; nothing for any.
    pub status: Option<u16>,
    /// What it means, in a line.
    pub means: Box<str>,
    /// What is to blame.
    pub place: &'static str,
    /// Who can cure it.
    pub desk: &'static str,
    /// What to do, in a line; empty where nothing was said.
    pub cure: Box<str>,
}

impl SiteCode {
    /// Whether it is about such a reply.
    #[must_use]
    pub fn is(&self, code: &str, status: u16) -> bool {
        self.code.as_str() == code && self.status.is_none_or(|own| own == status)
    }
}
