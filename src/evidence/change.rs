//! What happened to a header between two doctors.
//!
//! The doctor that receives a request judges: it has the values, and the sightings that the one before signed. What it
//! finds it hands on and back, so that all doctors of a path say the same.

use std::fmt;
use std::sync::Arc;

use super::sighting::{Look, Seen, Sighting, Sightings, Spelling, Watched};
use crate::message::{Fields, Version};
use crate::secret::{Key, looks_secret};

/// What happened to a header between two hops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// It was there, and then it was not.
    Missing,
    /// Its name is there, without a value.
    Emptied,
    /// Its value stands under another name.
    Moved,
    /// Its name is spelled otherwise.
    Respelled,
    /// It has another value.
    Replaced,
    /// One line of it became several.
    Duplicated,
    /// Several lines of it, or it and something else, became one.
    Folded,
    /// Its end is missing.
    Truncated,
    /// It was not there, and then it was.
    Added,
}

impl Change {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Missing,
        Self::Emptied,
        Self::Moved,
        Self::Respelled,
        Self::Replaced,
        Self::Duplicated,
        Self::Folded,
        Self::Truncated,
        Self::Added,
    ];

    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Emptied => "emptied",
            Self::Moved => "moved",
            Self::Respelled => "re-spelled",
            Self::Replaced => "replaced",
            Self::Duplicated => "duplicated",
            Self::Folded => "folded",
            Self::Truncated => "truncated",
            Self::Added => "added",
        }
    }

    /// The change with this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.word() == word)
    }
}

/// Whether one of these is worth telling though the reply be good: `Authorization` or `Origin` did not come through. That a name
/// comes in small letters is what HAProxy and HTTP/2 do to every one.
#[must_use]
pub fn are_telling(changes: &[Changed], arrived: Option<&Sightings>) -> bool {
    let is_small = |header| {
        let seen = arrived.and_then(|arrived| arrived.of(header).once());
        seen.is_some_and(|seen| seen.spelling == Spelling::Lower)
    };
    changes.iter().any(|changed| match (changed.header, changed.change) {
        (Watched::Authorization, Change::Respelled) => !is_small(Watched::Authorization),
        (Watched::Authorization, _) | (Watched::Origin, Change::Missing | Change::Emptied) => true,
        _ => false,
    })
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The name of a header that nobody watches, in a form that may be printed: up to 40 of small letters, digits, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OtherName(Arc<str>);

impl OtherName {
    /// The name in small letters, when it can be shown. One that looks like a credential cannot; that each word of it begins
    /// with a capital does not count.
    #[must_use]
    pub fn new(name: &[u8]) -> Option<Self> {
        let is_plain = name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte));
        let is_short = (1..=40).contains(&name.len());
        let text = std::str::from_utf8(name)
            .ok()
            .filter(|_| is_plain && is_short && !looks_secret(&uncapitalised(name)))?;
        Some(Self(text.to_ascii_lowercase().into()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `X-Forwarded-Authorization` as `x-forwarded-authorization`; capitals within a word stay.
fn uncapitalised(name: &[u8]) -> Vec<u8> {
    let begins = |place: usize| {
        place.checked_sub(1).and_then(|before| name.get(before)).is_none_or(|byte| *byte == b'-')
    };
    let letter = |(place, byte): (usize, &u8)| if begins(place) { byte.to_ascii_lowercase() } else { *byte };
    name.iter().enumerate().map(letter).collect()
}

impl fmt::Display for OtherName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A header that is no longer what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The header.
    pub header: Watched,
    /// What happened to it.
    pub change: Change,
    /// Where its value stands now, of one that was moved, as far as the name can be shown.
    pub to: Option<OtherName>,
}

/// Compares what the doctor before sent with what `arrived` here, in `fields` as `look` found them. `key` is the one that all
/// sightings were made with. `version` is the one the request arrived in: HTTP/2 leaves no spelling.
#[must_use]
pub fn changes(
    sent: &Sightings,
    arrived: &Sightings,
    look: &Look,
    fields: &Fields,
    version: Version,
    key: &Key,
) -> Vec<Changed> {
    let one = |header: Watched| {
        let judged = Judged { header, sent, look, fields, key };
        let (change, to) = judged.change(sent.of(header), arrived.of(header))?;
        let is_told = change != Change::Respelled || version != Version::Http2;
        is_told.then_some(Changed { header, change, to })
    };
    Watched::ALL.into_iter().filter_map(one).collect()
}

struct Judged<'a> {
    header: Watched,
    sent: &'a Sightings,
    look: &'a Look,
    fields: &'a Fields,
    key: &'a Key,
}

impl Judged<'_> {
    fn change(&self, sent: Sighting, arrived: Sighting) -> Option<(Change, Option<OtherName>)> {
        use Sighting::{Absent, Empty, Once, Several};
        match (sent, arrived) {
            // That a proxy leaves out what is empty changes nothing.
            (Absent | Empty, Absent) | (Empty, Empty) | (Several(_), Several(_)) => None,
            (Absent, Empty) | (Absent | Empty, Once(_) | Several(_)) => Some((Change::Added, None)),
            (Once(was), Absent) => Some(self.gone(was, Change::Missing)),
            (Once(was), Empty) => Some(self.gone(was, Change::Emptied)),
            (Several(_), Absent) => Some((Change::Missing, None)),
            (Several(_), Empty) => Some((Change::Emptied, None)),
            // HTTP/2 parts and joins the lines of a cookie as it likes (RFC 9113 §8.2.3).
            (Several(_), Once(_)) | (Once(_), Several(_)) if self.header == Watched::Cookie => None,
            (Several(_), Once(_)) => Some((Change::Folded, None)),
            (Once(_), Several(_)) => Some((Change::Duplicated, None)),
            (Once(was), Once(is)) => self.altered(was, is).map(|change| (change, None)),
        }
    }

    /// The header is not here any more, or has no value: it may stand under another name.
    fn gone(&self, was: Seen, otherwise: Change) -> (Change, Option<OtherName>) {
        let is_it =
            |value: &[u8]| value.len() == was.length && self.key.fingerprint(value) == was.fingerprint;
        let moved = self.fields.iter().find(|field| field.id != self.header.name() && is_it(field.value));
        moved.map_or((otherwise, None), |field| (Change::Moved, OtherName::new(field.name)))
    }

    fn altered(&self, was: Seen, is: Seen) -> Option<Change> {
        if was.fingerprint == is.fingerprint {
            return (was.spelling != is.spelling).then_some(Change::Respelled);
        }
        let value = self.look.value(self.header, self.fields).unwrap_or_default();
        let is_it = |part: &[u8]| self.key.fingerprint(part.trim_ascii()) == was.fingerprint;
        if value.contains(&b',') && value.split(|byte| *byte == b',').any(is_it) {
            return Some(Change::Folded);
        }
        let is_cut = self.header == Watched::Authorization
            && is.length < was.length
            && self.sent.starts().begin_with(value, self.key);
        Some(if is_cut { Change::Truncated } else { Change::Replaced })
    }
}

#[cfg(test)]
mod tests {
    use super::OtherName;

    #[test]
    fn names_are_shown_unless_they_look_like_credentials() {
        let shown = |name: &str| OtherName::new(name.as_bytes()).map(|name| name.to_string());
        assert_eq!(shown("X-Forwarded-Authorization").as_deref(), Some("x-forwarded-authorization"));
        assert_eq!(shown("x-amzn-Remapped-Authorization").as_deref(), Some("x-amzn-remapped-authorization"));
        for name in [
            "",
            "a b",
            "eyJhbGciOiJIUzI1NiJ9",
            "EyJhbGciOiJIUzI1NiJ9",
            "aGVsbG8gd29ybGQgMTIz",
            &"a".repeat(41),
        ] {
            assert_eq!(shown(name), None, "{name}");
        }
    }
}
