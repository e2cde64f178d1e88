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
/// comes in small letters is what HAProxy and HTTP/2 do to every one, and as the standard has it what programs in Go do.
#[must_use]
pub fn are_telling(changes: &[Changed], arrived: Option<&Sightings>) -> bool {
    let is_usual = |header| {
        let seen = arrived.and_then(|arrived| arrived.of(header).once());
        seen.is_some_and(|seen| seen.spelling != Spelling::Other)
    };
    changes.iter().any(|changed| match (changed.header, changed.change) {
        (Watched::Authorization, Change::Respelled) => !is_usual(Watched::Authorization),
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

impl Changed {
    /// Whether nothing of its value stands under its name any more.
    #[must_use]
    pub const fn is_loss(&self) -> bool {
        matches!(self.change, Change::Missing | Change::Emptied | Change::Moved)
    }
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

/// Whether [`changes`] would find nothing [telling](are_telling), nor anything that is gone: no more is compared than that needs. A
/// request of which this is true may be looked at closely when something is to be told of it, whatever was done to its fields since.
#[must_use]
pub fn came_whole(sent: &Sightings, look: &Look, fields: &Fields, key: &Key) -> bool {
    use Sighting::{Absent, Empty, Once, Several};
    let is_there = |header| match sent.of(header) {
        Absent | Empty => true,
        Once(_) | Several(_) => look.has(header),
    };
    let is_same = match (sent.of(Watched::Authorization), look.sighting(Watched::Authorization, fields, key))
    {
        (Absent | Empty, Absent) | (Empty, Empty) | (Several(_), Several(_)) => true,
        (Once(was), Once(is)) => {
            was.fingerprint == is.fingerprint
                && (was.spelling == is.spelling || is.spelling == Spelling::Lower)
        }
        _ => false,
    };
    is_same && Watched::ALL.into_iter().all(is_there)
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
        let is_new = |name| Watched::of(name).is_none_or(|other| !self.was_sent_in(other, was));
        let moved = self
            .fields
            .iter()
            .find(|field| field.id != self.header.name() && is_new(field.id) && self.is_it(field.value, was));
        let moved = moved.filter(|_| self.has_value_of_its_own());
        moved.map_or((otherwise, None), |field| (Change::Moved, OtherName::new(field.name)))
    }

    /// Whether nobody else carries its value by nature. `Accept` may name the type of the body too, `X-Forwarded-Scheme` the
    /// protocol, `X-Forwarded-Host` the host: with one of them there, nothing was moved. Nor was `Authorization` where it was
    /// sent under two names, as some clients do, and a doctor that mirrors.
    fn has_value_of_its_own(&self) -> bool {
        match self.header {
            Watched::Authorization => !self.sent.has_copy(),
            Watched::Cookie | Watched::WpNonce | Watched::UserAgent => true,
            Watched::Origin | Watched::ContentType | Watched::Host | Watched::ForwardedProto => false,
        }
    }

    fn was_sent_in(&self, other: Watched, value: Seen) -> bool {
        self.sent.of(other).once().is_some_and(|seen| seen.fingerprint == value.fingerprint)
    }

    fn is_it(&self, value: &[u8], was: Seen) -> bool {
        value.len() == was.length && self.key.fingerprint(value) == was.fingerprint
    }

    fn altered(&self, was: Seen, is: Seen) -> Option<Change> {
        if was.fingerprint == is.fingerprint {
            return (was.spelling != is.spelling).then_some(Change::Respelled);
        }
        let value = self.look.value(self.header, self.fields).unwrap_or_default();
        if self.is_among(value, was) {
            return Some(Change::Folded);
        }
        let is_cut = self.header == Watched::Authorization
            && is.length < was.length
            && self.sent.starts().begin_with(value, self.key);
        Some(if is_cut { Change::Truncated } else { Change::Replaced })
    }

    /// Whether it is one of the parts of `value`, which commas part (RFC 9110 §5.3). The first and the last may hold commas
    /// themselves.
    fn is_among(&self, value: &[u8], was: Seen) -> bool {
        let begins = value
            .split_at_checked(was.length)
            .is_some_and(|(part, rest)| rest.trim_ascii_start().starts_with(b",") && self.is_it(part, was));
        let before = value.len().checked_sub(was.length).and_then(|at| value.split_at_checked(at));
        let ends =
            before.is_some_and(|(rest, part)| rest.trim_ascii_end().ends_with(b",") && self.is_it(part, was));
        begins || ends || value.split(|byte| *byte == b',').any(|part| self.is_it(part.trim_ascii(), was))
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, OtherName, are_telling, came_whole, changes};
    use crate::evidence::{Watched, look};
    use crate::message::{Fields, Version};
    use crate::secret::Key;

    const TOKEN: &str = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJodHRwczovL2EifQ.c2lnbmF0dXJl";

    type Lines<'a> = &'a [(&'a str, &'a str)];

    fn fields(lines: Lines<'_>) -> Fields {
        let mut fields = Fields::new();
        lines.iter().for_each(|(name, value)| fields.append(name.as_bytes(), value.as_bytes()));
        fields
    }

    fn judged(
        sent: Lines<'_>,
        arrived: Lines<'_>,
        version: Version,
    ) -> Vec<(Watched, Change, Option<String>)> {
        let key = Key::from_bytes(&[7; 32]);
        let (sent, arrived) = (fields(sent), fields(arrived));
        let sent = look(&sent).sightings(&sent, &key);
        let seen = look(&arrived);
        let judged = changes(&sent, &seen.sightings(&arrived, &key), &seen, &arrived, version, &key);
        let shown = |to: Option<OtherName>| to.map(|name| name.to_string());
        judged.into_iter().map(|changed| (changed.header, changed.change, shown(changed.to))).collect()
    }

    /// Every pair of the tables below is judged alike at a first look and at a close one.
    fn first_look(sent: Lines<'_>, arrived: Lines<'_>, version: Version) -> bool {
        let key = Key::from_bytes(&[7; 32]);
        let (sent, arrived) = (fields(sent), fields(arrived));
        let (sent, seen) = (look(&sent).sightings(&sent, &key), look(&arrived));
        let sightings = seen.sightings(&arrived, &key);
        let judged = changes(&sent, &sightings, &seen, &arrived, version, &key);
        let is_gone = |changed: &super::Changed| {
            matches!(changed.change, Change::Missing | Change::Emptied | Change::Moved)
        };
        let whole = came_whole(&sent, &seen, &arrived, &key);
        let close = !are_telling(&judged, Some(&sightings)) && !judged.iter().any(is_gone);
        assert_eq!(whole, close, "{judged:?}");
        whole
    }

    #[test]
    fn a_first_look_finds_what_is_telling_or_gone() {
        let usual: Lines<'_> = &[("Host", "a"), ("Authorization", TOKEN), ("Cookie", "a=1")];
        let table: [(Lines<'_>, Lines<'_>, bool); 12] = [
            (&[], &[], true),
            (usual, usual, true),
            (usual, &[("host", "a"), ("authorization", TOKEN), ("cookie", "a=1")], true),
            (usual, &[("host", "a"), ("AUTHORIZATION", TOKEN), ("cookie", "a=1")], false),
            (usual, &[("Host", "b"), ("Authorization", TOKEN), ("Cookie", "a=1"), ("Origin", "x")], true),
            (usual, &[("Host", "a"), ("Authorization", TOKEN)], false),
            (usual, &[("Host", "a"), ("Authorization", TOKEN), ("Cookie", "")], false),
            (usual, &[("Host", "a"), ("Authorization", "Bearer x"), ("Cookie", "a=1")], false),
            (usual, &[("Host", "a"), ("Cookie", "a=1"), ("X-Auth", TOKEN)], false),
            (&[], &[("Authorization", TOKEN)], false),
            (&[("Origin", "x")], &[("Origin", "x"), ("Authorization", "")], false),
            (&[("Origin", "x"), ("Authorization", "")], &[("Origin", "y")], true),
        ];
        for (sent, arrived, is_whole) in table {
            assert_eq!(first_look(sent, arrived, Version::Http11), is_whole, "{arrived:?}");
        }
    }

    #[test]
    fn each_change_is_told_by_its_name() {
        let sent: Lines<'_> = &[("Authorization", TOKEN)];
        let folded = format!("Basic dTpw, {TOKEN}");
        let twice = format!("{TOKEN},{TOKEN}");
        let table: [(Lines<'_>, Lines<'_>, Change); 16] = [
            (sent, &[], Change::Missing),
            (sent, &[("Authorization", "")], Change::Emptied),
            (sent, &[("X-Legacy-Auth", TOKEN)], Change::Moved),
            (sent, &[("Authorization", ""), ("X-Legacy-Auth", TOKEN)], Change::Moved),
            (sent, &[("authorization", TOKEN)], Change::Respelled),
            (sent, &[("Authorization", "Bearer another")], Change::Replaced),
            (sent, &[("Authorization", "Bearer eyJhbGc")], Change::Replaced),
            (sent, &[("Authorization", TOKEN), ("Authorization", "Basic dTpw")], Change::Duplicated),
            (sent, &[("Authorization", &folded)], Change::Folded),
            (sent, &[("Authorization", &twice)], Change::Folded),
            (&[("Authorization", "a"), ("Authorization", "b")], &[("Authorization", "a, b")], Change::Folded),
            (sent, &[("Authorization", &TOKEN[..TOKEN.len() - 1])], Change::Truncated),
            (sent, &[("Authorization", &TOKEN[..16])], Change::Truncated),
            (&[], sent, Change::Added),
            (&[], &[("Authorization", "")], Change::Added),
            (&[("Authorization", "a"), ("Authorization", "b")], &[], Change::Missing),
        ];
        for (sent, arrived, expected) in table {
            let judged = judged(sent, arrived, Version::Http11);
            let told: Vec<_> = judged.iter().map(|(header, change, _)| (*header, *change)).collect();
            assert_eq!(told, [(Watched::Authorization, expected)], "{arrived:?}");
        }
    }

    #[test]
    fn every_word_is_of_one_change() {
        for change in Change::ALL {
            assert_eq!(Change::of(change.word()), Some(change));
            assert_eq!(change.to_string(), change.word());
        }
        assert_eq!(Change::of("lost"), None);
    }

    #[test]
    fn what_changes_nothing_is_silent() {
        let usual: Lines<'_> =
            &[("Host", "a"), ("Authorization", TOKEN), ("Cookie", "a=1; b=2"), ("User-Agent", "x")];
        let reordered: Lines<'_> = &[
            ("Cookie", "a=1; b=2"),
            ("User-Agent", "x"),
            ("Via", "1.1 p"),
            ("Authorization", TOKEN),
            ("Host", "a"),
        ];
        let table: [(Lines<'_>, Lines<'_>, &str); 7] = [
            (&[], &[], "nothing at all"),
            (usual, usual, "nothing changed"),
            (usual, reordered, "another order, and what nobody watches"),
            (&[("Origin", "")], &[], "an empty header left out"),
            (&[("Cookie", "a=1"), ("Cookie", "b=2")], &[("Cookie", "a=1; b=2")], "lines of a cookie joined"),
            (&[("Cookie", "a=1; b=2")], &[("Cookie", "a=1"), ("Cookie", "b=2")], "and parted"),
            (
                &[("Origin", "a"), ("Origin", "b")],
                &[("Origin", "a"), ("Origin", "b")],
                "several that stay so",
            ),
        ];
        for (sent, arrived, what) in table {
            assert_eq!(judged(sent, arrived, Version::Http11), [], "{what}");
        }
    }

    #[test]
    fn http_2_leaves_no_spelling() {
        let (sent, arrived): (Lines<'_>, Lines<'_>) =
            (&[("Origin", "https://a")], &[("origin", "https://a")]);
        assert_eq!(judged(sent, arrived, Version::Http2), []);
        assert_eq!(judged(sent, arrived, Version::Http11), [(Watched::Origin, Change::Respelled, None)]);
        assert_eq!(
            judged(sent, &[("origin", "b")], Version::Http2),
            [(Watched::Origin, Change::Replaced, None)]
        );
    }

    #[test]
    fn a_usual_spelling_is_not_worth_telling() {
        let key = Key::from_bytes(&[7; 32]);
        let is_told = |sent: &str, arrived: &str| {
            let (sent, arrived) = (fields(&[(sent, TOKEN)]), fields(&[(arrived, TOKEN)]));
            let (seen, sent) = (look(&arrived), look(&sent).sightings(&sent, &key));
            let arrives = seen.sightings(&arrived, &key);
            let changes = changes(&sent, &arrives, &seen, &arrived, Version::Http11, &key);
            assert_eq!(changes.len(), 1);
            are_telling(&changes, Some(&arrives))
        };
        assert!(!is_told("Authorization", "authorization"));
        assert!(!is_told("authorization", "Authorization"));
        assert!(is_told("Authorization", "AUTHORIZATION"));
    }

    #[test]
    fn all_headers_are_judged_in_their_order() {
        let sent: Lines<'_> = &[("User-Agent", "x"), ("X-WP-Nonce", "0123456789"), ("Host", "a")];
        let arrived: Lines<'_> = &[("User-Agent", "y"), ("Host", "a"), ("X-Forwarded-Proto", "https")];
        let expected = [
            (Watched::WpNonce, Change::Missing, None),
            (Watched::UserAgent, Change::Replaced, None),
            (Watched::ForwardedProto, Change::Added, None),
        ];
        assert_eq!(judged(sent, arrived, Version::Http11), expected);
    }

    #[test]
    fn a_value_is_found_among_others_though_it_has_commas() {
        let agent = "Tool/1 (KHTML, like Gecko)";
        let (before, behind) = (format!("{agent}, Via/2"), format!("Via/2 , {agent}"));
        for arrived in [&before, &behind] {
            let judged = judged(&[("User-Agent", agent)], &[("User-Agent", arrived)], Version::Http11);
            assert_eq!(judged, [(Watched::UserAgent, Change::Folded, None)], "{arrived}");
        }
        let longer = judged(&[("User-Agent", "a")], &[("User-Agent", "ab, c")], Version::Http11);
        assert_eq!(longer, [(Watched::UserAgent, Change::Replaced, None)]);
    }

    #[test]
    fn a_value_that_stood_elsewhere_already_was_not_moved() {
        let sent: Lines<'_> = &[("Authorization", TOKEN), ("X-WP-Nonce", TOKEN)];
        let judged_of = |sent, arrived| judged(sent, arrived, Version::Http11);
        let missing = [(Watched::Authorization, Change::Missing, None)];
        assert_eq!(judged_of(sent, &[("X-WP-Nonce", TOKEN)]), missing);
        let to_nonce = judged_of(&sent[..1], &[("X-WP-Nonce", TOKEN)]);
        let moved = (Watched::Authorization, Change::Moved, Some("x-wp-nonce".to_owned()));
        assert_eq!(to_nonce, [moved, (Watched::WpNonce, Change::Added, None)]);
        let table: [(Watched, Lines<'_>, Lines<'_>); 3] = [
            (
                Watched::ContentType,
                &[("Content-Type", "application/json")],
                &[("Accept", "application/json")],
            ),
            (Watched::ForwardedProto, &[("X-Forwarded-Proto", "https")], &[("X-Forwarded-Scheme", "https")]),
            (Watched::Host, &[("Host", "a.test")], &[("X-Forwarded-Host", "a.test")]),
        ];
        for (header, sent, arrived) in table {
            assert_eq!(judged_of(sent, arrived), [(header, Change::Missing, None)]);
        }
    }

    #[test]
    fn the_name_that_a_value_moved_to_is_shown_only_if_it_is_no_secret() {
        let table = [
            ("X-Legacy-Auth", Some("x-legacy-auth")),
            ("x_auth", Some("x_auth")),
            (TOKEN, None),
            ("0a1b2c3d4e5f60718293a4b5c6d7e8f9", None),
            ("X.Auth", None),
            ("", None),
            ("a-header-with-a-name-of-forty-characters", Some("a-header-with-a-name-of-forty-characters")),
            ("a-header-with-a-name-of-forty-characters-1", None),
        ];
        for (name, shown) in table {
            assert_eq!(OtherName::new(name.as_bytes()).as_ref().map(OtherName::as_str), shown, "{name}");
        }
        assert_eq!(OtherName::new(b"x-\xff"), None);
        let hidden: Lines<'_> = &[("0a1b2c3d4e5f60718293a4b5c6d7e8f9", TOKEN)];
        let judged = judged(&[("Authorization", TOKEN)], hidden, Version::Http11);
        assert_eq!(judged, [(Watched::Authorization, Change::Moved, None)]);
    }

    #[test]
    fn names_that_look_like_credentials_are_not_shown() {
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
