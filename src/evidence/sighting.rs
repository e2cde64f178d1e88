//! How the watched headers looked at one hop.
//!
//! Two steps, for speed. [`look`] runs on every request: one pass over the fields that notes, per watched header,
//! how often it stands there and where its first value lies; a fixed array, nothing hashed, nothing allocated. The
//! text of a head is only ever appended to, so the notes stay good while fields are changed. [`Look::sightings`]
//! is asked for sick exchanges alone.

use std::fmt;

use super::credential::{self, Scheme};
use crate::message::{Fields, Name, Span};
use crate::secret::{Fingerprint, Key, Starts};

/// A header worth watching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Watched {
    /// What the product is about.
    Authorization,
    /// A login cookie overrides an application password (`wp-includes/default-filters.php`, both at priority 20).
    Cookie,
    /// Without it a login cookie counts for nothing (`rest_cookie_check_errors` in `wp-includes/rest-api.php`).
    WpNonce,
    /// A browser's script asked; without it WordPress sends no `Access-Control-Allow-Origin`.
    Origin,
    /// A token request without it is refused as if the password were wrong.
    ContentType,
    /// Nearly every client sends it: the control that tells "one header lost" from "all replaced" (CloudFront
    /// puts its own name here).
    UserAgent,
    /// The site a token was issued for is compared with it, by way of `home_url()`.
    Host,
    /// Tells WordPress's configuration whether the client used TLS; application passwords depend on that.
    ForwardedProto,
}

impl Watched {
    /// How many there are.
    pub const COUNT: usize = 8;

    /// Every watched header, in the order of [`Sightings`].
    pub const ALL: [Self; Self::COUNT] = [
        Self::Authorization,
        Self::Cookie,
        Self::WpNonce,
        Self::Origin,
        Self::ContentType,
        Self::UserAgent,
        Self::Host,
        Self::ForwardedProto,
    ];

    /// The header's name.
    #[must_use]
    pub const fn name(self) -> Name {
        match self {
            Self::Authorization => Name::Authorization,
            Self::Cookie => Name::Cookie,
            Self::WpNonce => Name::XWpNonce,
            Self::Origin => Name::Origin,
            Self::ContentType => Name::ContentType,
            Self::UserAgent => Name::UserAgent,
            Self::Host => Name::Host,
            Self::ForwardedProto => Name::XForwardedProto,
        }
    }

    pub(super) const fn of(name: Name) -> Option<Self> {
        match name {
            Name::Authorization => Some(Self::Authorization),
            Name::Cookie => Some(Self::Cookie),
            Name::XWpNonce => Some(Self::WpNonce),
            Name::Origin => Some(Self::Origin),
            Name::ContentType => Some(Self::ContentType),
            Name::UserAgent => Some(Self::UserAgent),
            Name::Host => Some(Self::Host),
            Name::XForwardedProto => Some(Self::ForwardedProto),
            _ => None,
        }
    }
}

/// Where the watched headers lie in a head, and how often.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    marks: [Mark; Watched::COUNT],
    has_notes: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    count: u16,
    name: Span,
    value: Span,
}

/// Notes where the watched headers lie. This runs on every request.
#[must_use]
pub fn look(fields: &Fields) -> Look {
    let mut look = Look::default();
    for entry in fields.entries() {
        let Some(watched) = Watched::of(entry.id) else {
            look.has_notes |= is_note(entry.id);
            continue;
        };
        let Some(mark) = look.marks.get_mut(watched as usize) else { continue };
        if mark.count == 0 {
            mark.name = entry.name;
            mark.value = entry.value;
        }
        mark.count = mark.count.saturating_add(1);
    }
    look
}

/// Whether it is a field that only doctors write, and what answers them in PHP.
#[must_use]
pub const fn is_note(id: Name) -> bool {
    matches!(
        id,
        Name::HeaderDoctorTrail | Name::HeaderDoctorReport | Name::HeaderDoctorAsk | Name::HeaderDoctorAnswer
    )
}

impl Look {
    /// How often the header stands there.
    #[must_use]
    pub fn count(&self, watched: Watched) -> u16 {
        self.mark(watched).count
    }

    /// Whether the header stands there with a value.
    #[must_use]
    pub fn has(&self, watched: Watched) -> bool {
        !self.mark(watched).value.is_empty()
    }

    /// Whether there is a field that only doctors write.
    #[must_use]
    pub const fn has_notes(&self) -> bool {
        self.has_notes
    }

    /// The header's first value, read from the fields that were looked at.
    #[must_use]
    pub fn value<'f>(&self, watched: Watched, fields: &'f Fields) -> Option<&'f [u8]> {
        let mark = self.mark(watched);
        (mark.count > 0).then(|| fields.text(mark.value))
    }

    /// What the watched headers looked like. `fields` are those that were looked at, whatever was done to them
    /// since.
    #[must_use]
    pub fn sightings(&self, fields: &Fields, key: &Key) -> Sightings {
        let authorization = self.value(Watched::Authorization, fields).unwrap_or_default();
        let (fingerprint, starts) = key.fingerprint_and_starts(authorization);
        let each = Watched::ALL.map(|watched| match watched {
            Watched::Authorization => self.mark(watched).sighting(watched, fields, |_| fingerprint),
            _ => self.sighting(watched, fields, key),
        });
        Sightings { each, starts, has_copy: self.has_copy(fields) }
    }

    /// What one of them looked like.
    #[must_use]
    pub fn sighting(&self, watched: Watched, fields: &Fields, key: &Key) -> Sighting {
        self.mark(watched).sighting(watched, fields, |value| key.fingerprint(value))
    }

    /// The same after a change, where the sightings `before` it are `known` under this key: what stands where it stood is not
    /// looked at again.
    #[must_use]
    pub fn sightings_since(&self, before: &Self, known: &Sightings, fields: &Fields, key: &Key) -> Sightings {
        let stayed = |watched| self.mark(watched) == before.mark(watched);
        let each = Watched::ALL.map(|watched| {
            if stayed(watched) {
                return known.of(watched);
            }
            self.sighting(watched, fields, key)
        });
        let authorization = || self.value(Watched::Authorization, fields).unwrap_or_default();
        let starts = if stayed(Watched::Authorization) { known.starts } else { key.starts(authorization()) };
        Sightings { each, starts, has_copy: self.has_copy(fields) }
    }

    /// Whether the value of `Authorization` stands under another name as well.
    fn has_copy(&self, fields: &Fields) -> bool {
        let value = self.value(Watched::Authorization, fields).filter(|value| !value.is_empty());
        let is_copy =
            |value: &[u8]| fields.iter().any(|field| field.id != Name::Authorization && field.value == value);
        value.is_some_and(is_copy)
    }

    fn mark(&self, watched: Watched) -> Mark {
        self.marks.get(watched as usize).copied().unwrap_or_default()
    }
}

impl Mark {
    fn sighting(
        self,
        watched: Watched,
        fields: &Fields,
        fingerprint: impl FnOnce(&[u8]) -> Fingerprint,
    ) -> Sighting {
        if self.count > 1 {
            return Sighting::Several(self.count);
        }
        if self.count == 0 {
            return Sighting::Absent;
        }
        let value = fields.text(self.value);
        if value.is_empty() {
            return Sighting::Empty;
        }
        Sighting::Once(Seen {
            length: value.len(),
            fingerprint: fingerprint(value),
            scheme: (watched == Watched::Authorization).then(|| credential::scheme(value)),
            spelling: Spelling::of(fields.text(self.name), watched),
        })
    }
}

/// What the watched headers looked like at one hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sightings {
    each: [Sighting; Watched::COUNT],
    starts: Starts,
    has_copy: bool,
}

impl Sightings {
    /// What another doctor saw: a sighting for each header of [`Watched::ALL`], and the beginnings of its `Authorization`.
    #[must_use]
    pub const fn from_parts(each: [Sighting; Watched::COUNT], starts: Starts) -> Self {
        Self { each, starts, has_copy: false }
    }

    /// The same where one header looked otherwise.
    #[must_use]
    pub fn with(mut self, watched: Watched, sighting: Sighting) -> Self {
        if let Some(place) = self.each.get_mut(watched as usize) {
            *place = sighting;
        }
        self
    }

    /// The same where the value of `Authorization` stood under another name as well, or did not.
    #[must_use]
    pub const fn with_copy(self, has_copy: bool) -> Self {
        Self { has_copy, ..self }
    }

    /// Whether the value of `Authorization` stood under another name as well: a client or a doctor that mirrors sent two.
    #[must_use]
    pub const fn has_copy(&self) -> bool {
        self.has_copy
    }

    /// What one header looked like.
    #[must_use]
    pub fn of(&self, watched: Watched) -> Sighting {
        self.each.get(watched as usize).copied().unwrap_or(Sighting::Absent)
    }

    /// What stands for the beginnings of `Authorization`.
    #[must_use]
    pub const fn starts(&self) -> &Starts {
        &self.starts
    }
}

/// What one header looked like at one hop. `Display` is what a finding quotes: `Bearer, 312 B`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// It was not there.
    Absent,
    /// It was there without a value, which PHP takes for set: `isset()` is true.
    Empty,
    /// It was there once, with a value.
    Once(Seen),
    /// It was there this many times; `Authorization` must not be (RFC 9110 §5.3 and §11.6.2).
    Several(u16),
}

/// A header that stood there once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How long the value is, in bytes.
    pub length: usize,
    /// What stands for the value.
    pub fingerprint: Fingerprint,
    /// The scheme, of `Authorization` alone.
    pub scheme: Option<Scheme>,
    /// How the name was spelled.
    pub spelling: Spelling,
}

impl Sighting {
    /// The header when it stood there once with a value.
    #[must_use]
    pub const fn once(self) -> Option<Seen> {
        match self {
            Self::Once(seen) => Some(seen),
            _ => None,
        }
    }

    /// One word for the log: `absent`, `empty`, `once` or `several`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Empty => "empty",
            Self::Once(_) => "once",
            Self::Several(_) => "several",
        }
    }
}

impl fmt::Display for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent | Self::Empty => f.write_str(self.word()),
            Self::Several(count) => write!(f, "{count} times"),
            Self::Once(seen) => match seen.scheme {
                Some(scheme) => write!(f, "{scheme}, {} B", seen.length),
                None => write!(f, "{} B", seen.length),
            },
        }
    }
}

/// How a name was spelled. Names are case-insensitive (RFC 9110 §5.1), but mod_php's `getallheaders()` keeps the
/// letters, and code that asks it for `Authorization` misses `authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As the standard writes it.
    Canonical,
    /// All letters small, as HTTP/2 and HAProxy send it.
    Lower,
    /// Any other way.
    Other,
}

impl Spelling {
    fn of(name: &[u8], watched: Watched) -> Self {
        if name == watched.name().canonical().as_bytes() {
            return Self::Canonical;
        }
        if name.iter().any(u8::is_ascii_uppercase) {
            return Self::Other;
        }
        Self::Lower
    }
}

#[cfg(test)]
mod tests {
    use super::{Scheme, Sighting, Spelling, Watched, look};
    use crate::message::{Fields, Name};
    use crate::secret::Key;

    fn key() -> Key {
        Key::from_bytes(&[7; 32])
    }

    #[test]
    fn every_header_stands_in_its_own_place() {
        for (place, watched) in Watched::ALL.into_iter().enumerate() {
            assert_eq!(watched as usize, place);
            assert_eq!(Watched::of(watched.name()), Some(watched));
        }
    }

    #[test]
    fn a_header_is_absent_empty_once_or_several() {
        let fields = Fields::from([
            ("authorization", "Bearer a.b.c"),
            ("Cookie", ""),
            ("X-Other", "1"),
            ("Origin", "https://a"),
            ("origin", "https://b"),
        ]);
        let sightings = look(&fields).sightings(&fields, &key());
        let seen = sightings.of(Watched::Authorization).once().unwrap();
        assert_eq!((seen.length, seen.scheme, seen.spelling), (12, Some(Scheme::Bearer), Spelling::Lower));
        assert_eq!(sightings.of(Watched::Cookie), Sighting::Empty);
        assert_eq!(sightings.of(Watched::Origin), Sighting::Several(2));
        assert_eq!(sightings.of(Watched::WpNonce), Sighting::Absent);
    }

    #[test]
    fn a_look_stays_good_while_fields_are_changed() {
        let mut fields = Fields::from([("Authorization", "Bearer a.b.c"), ("Host", "a")]);
        let arrived = look(&fields);
        fields.set(Name::Authorization, b"Bearer other");
        fields.remove(Name::Host);
        let sent = look(&fields);
        assert_eq!(arrived.value(Watched::Authorization, &fields), Some(&b"Bearer a.b.c"[..]));
        assert_eq!(arrived.value(Watched::Host, &fields), Some(&b"a"[..]));
        assert_eq!(sent.value(Watched::Host, &fields), None);
        let since = sent.sightings_since(&arrived, &arrived.sightings(&fields, &key()), &fields, &key());
        let (arrived, sent) = (arrived.sightings(&fields, &key()), sent.sightings(&fields, &key()));
        assert_eq!(since, sent, "what is known need not be looked at");
        assert_ne!(arrived.of(Watched::Authorization), sent.of(Watched::Authorization));
    }

    #[test]
    fn a_copy_under_another_name_is_seen_as_long_as_it_is_there() {
        let mut fields = Fields::from([("Authorization", "Bearer a.b.c")]);
        let alone = look(&fields);
        let known = alone.sightings(&fields, &key());
        assert!(!known.has_copy());
        fields.append(b"X-Authorization", b"Bearer a.b.c");
        let twice = look(&fields);
        assert!(twice.sightings(&fields, &key()).has_copy());
        assert!(twice.sightings_since(&alone, &known, &fields, &key()).has_copy());
        let none = Fields::from([("Authorization", ""), ("X-Authorization", "")]);
        assert!(!look(&none).sightings(&none, &key()).has_copy(), "nothing is no copy of nothing");
    }

    #[test]
    fn a_sighting_is_quoted_without_the_value() {
        let fields = Fields::from([("Authorization", "Bearer a.b.c"), ("Host", "example.com")]);
        let sightings = look(&fields).sightings(&fields, &key());
        assert_eq!(sightings.of(Watched::Authorization).to_string(), "Bearer, 12 B");
        assert_eq!(sightings.of(Watched::Host).to_string(), "11 B");
        assert_eq!(sightings.of(Watched::Cookie).to_string(), "absent");
        assert!(!format!("{sightings:?}").contains("a.b.c"));
    }
}
