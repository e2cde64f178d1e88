//! Sightings as bytes: a request's eight headers in some seventy bytes, because they travel in a header themselves.
//!
//! The first byte is the version of the layout. Another version is for another doctor: it is not guessed at.

use crate::evidence::credential::Scheme;
use crate::evidence::sighting::{Seen, Sighting, Sightings, Spelling, Watched};
use crate::secret::{Fingerprint, Starts};

/// How long sightings may be: every header once and of a length that takes all of a number's bytes, and all marks.
pub(super) const MOST: usize = 1 + Watched::COUNT * (1 + 10 + 8) + 1 + 2 * Starts::MOST;

const VERSION: u8 = 1;

/// The bit of the first byte that tells of a copy of `Authorization` under another name.
const COPY: u8 = 0b1000_0000;

/// The bits of [`Packed`]'s `how`.
const KIND: u8 = 0b0000_0011;
const SPELLING: u8 = 0b0000_1100;
const SCHEME: u8 = 0b0111_0000;

/// Sightings, packed.
///
/// ```text
/// ┌─────────┬──── for each of Watched::ALL ──────────────┬───────┬─ count times ─┐
/// │ version │ how │ absent, empty: nothing               │ count │ mark          │
/// │ 1 byte  │     │ once: length, 8 bytes of fingerprint │       │ 2 bytes       │
/// │ = 1     │     │ several: how often                   │       │               │
/// └─────────┴─────┴──────────────────────────────────────┴───────┴───────────────┘
/// how:  0 │ scheme (3 bits, 0 for none) │ spelling (2 bits) │ kind (2 bits)
/// ```
///
/// The upper bit of the version tells that the value of `Authorization` stood under another name as well. The marks are its
/// beginnings. Lengths and "how often" are in groups of 7 bits, the lowest first, as few as
/// will do, with the upper bit set on all but the last. Everything else has its highest byte first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    bytes: [u8; MOST],
    length: usize,
}

impl Packed {
    /// Packs `sightings`.
    pub(super) fn of(sightings: &Sightings) -> Self {
        let mut packed = Self { bytes: [0; MOST], length: 0 };
        packed.push(&[if sightings.has_copy() { VERSION | COPY } else { VERSION }]);
        for watched in Watched::ALL {
            packed.sighting(sightings.of(watched));
        }
        let marks = sightings.starts().marks();
        packed.push(&[u8::try_from(marks.len()).unwrap_or_default()]);
        for mark in marks {
            packed.push(&mark.to_be_bytes());
        }
        packed
    }

    /// The bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn sighting(&mut self, sighting: Sighting) {
        match sighting {
            Sighting::Absent => self.push(&[0]),
            Sighting::Empty => self.push(&[1]),
            Sighting::Once(seen) => {
                self.push(&[2 | spelling_bits(seen.spelling) | scheme_bits(seen.scheme)]);
                self.number(u64::try_from(seen.length).unwrap_or(u64::MAX));
                self.push(&seen.fingerprint.bits().to_be_bytes());
            }
            Sighting::Several(count) => {
                self.push(&[3]);
                self.number(count.into());
            }
        }
    }

    fn number(&mut self, number: u64) {
        let mut rest = number;
        while let Ok(low) = u8::try_from(rest & 0x7f) {
            rest >>= 7;
            if rest == 0 {
                return self.push(&[low]);
            }
            self.push(&[low | 0x80]);
        }
    }

    fn push<const N: usize>(&mut self, more: &[u8; N]) {
        if let Some(room) = self.bytes.get_mut(self.length..).and_then(<[u8]>::first_chunk_mut) {
            *room = *more;
        }
        self.length += N;
    }
}

/// Reads what [`Packed`] writes; nothing when it is anything else.
pub(super) fn unpacked(bytes: &[u8]) -> Option<Sightings> {
    let mut rest = Rest(bytes);
    let first = rest.byte()?;
    if first & !COPY != VERSION {
        return None;
    }
    let mut each = [Sighting::Absent; Watched::COUNT];
    for sighting in &mut each {
        *sighting = rest.sighting()?;
    }
    let count = usize::from(rest.byte()?);
    let mut marks = [0; Starts::MOST];
    for mark in marks.get_mut(..count)? {
        *mark = u16::from_be_bytes(rest.take()?);
    }
    let starts = Starts::from_marks(marks.get(..count)?);
    rest.0.is_empty().then(|| Sightings::from_parts(each, starts).with_copy(first & COPY != 0))
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn sighting(&mut self) -> Option<Sighting> {
        let how = self.byte()?;
        let is_bare = how & !KIND == 0;
        match how & KIND {
            0 if is_bare => Some(Sighting::Absent),
            1 if is_bare => Some(Sighting::Empty),
            2 => self.seen(how).map(Sighting::Once),
            3 if is_bare => {
                let count = u16::try_from(self.number()?).ok()?;
                (count > 1).then_some(Sighting::Several(count))
            }
            _ => None,
        }
    }

    fn seen(&mut self, how: u8) -> Option<Seen> {
        if how & !(KIND | SPELLING | SCHEME) != 0 {
            return None;
        }
        Some(Seen {
            spelling: spelling(how)?,
            scheme: scheme(how)?,
            length: usize::try_from(self.number()?).ok()?,
            fingerprint: Fingerprint::from_bits(u64::from_be_bytes(self.take()?)),
        })
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            number |= bits << shift;
            let is_whole = bits << shift >> shift == bits;
            if byte & 0x80 == 0 {
                return (is_whole && (byte != 0 || shift == 0)).then_some(number);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

const fn spelling_bits(spelling: Spelling) -> u8 {
    match spelling {
        Spelling::Canonical => 0,
        Spelling::Lower => 1 << 2,
        Spelling::Other => 2 << 2,
    }
}

const fn spelling(how: u8) -> Option<Spelling> {
    match (how & SPELLING) >> 2 {
        0 => Some(Spelling::Canonical),
        1 => Some(Spelling::Lower),
        2 => Some(Spelling::Other),
        _ => None,
    }
}

const fn scheme_bits(scheme: Option<Scheme>) -> u8 {
    match scheme {
        None => 0,
        Some(Scheme::Bearer) => 1 << 4,
        Some(Scheme::BearerOtherCase) => 2 << 4,
        Some(Scheme::Basic) => 3 << 4,
        Some(Scheme::Other) => 4 << 4,
        Some(Scheme::Missing) => 5 << 4,
    }
}

/// The scheme, or that there is none; nothing for a code that nobody writes.
#[expect(clippy::option_option, reason = "no scheme and no known code are two things")]
const fn scheme(how: u8) -> Option<Option<Scheme>> {
    match (how & SCHEME) >> 4 {
        0 => Some(None),
        1 => Some(Some(Scheme::Bearer)),
        2 => Some(Some(Scheme::BearerOtherCase)),
        3 => Some(Some(Scheme::Basic)),
        4 => Some(Some(Scheme::Other)),
        5 => Some(Some(Scheme::Missing)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{MOST, Packed, unpacked};
    use crate::evidence::signed::arbitrary::sightings;
    use crate::evidence::{Scheme, Seen, Sighting, Sightings, Spelling, Watched};
    use crate::secret::{Fingerprint, Starts};

    /// Each kind of sighting once, and what stands for it.
    fn example() -> (Sightings, Vec<u8>) {
        let fingerprint = Fingerprint::from_bits(0x0102_0304_0506_0708);
        let (scheme, spelling) = (Some(Scheme::Bearer), Spelling::Lower);
        let mut each = [Sighting::Absent; Watched::COUNT];
        each[0] = Sighting::Once(Seen { length: 300, fingerprint, scheme, spelling });
        each[1] = Sighting::Empty;
        each[2] = Sighting::Several(3);
        let sightings = Sightings::from_parts(each, Starts::from_marks(&[0xabcd, 0xef01]));
        let bytes = [
            &[1][..],
            &[0b0001_0110, 0xac, 0x02, 1, 2, 3, 4, 5, 6, 7, 8],
            &[1],
            &[3, 3],
            &[0; 5],
            &[2, 0xab, 0xcd, 0xef, 0x01],
        ];
        (sightings, bytes.concat())
    }

    #[test]
    fn sightings_have_this_layout() {
        let (sightings, bytes) = example();
        assert_eq!(Packed::of(&sightings).as_bytes(), bytes);
        assert_eq!(unpacked(&bytes), Some(sightings));
    }

    #[test]
    fn what_is_not_packed_so_is_not_guessed_at() {
        let (_, bytes) = example();
        for length in 0..bytes.len() {
            assert_eq!(unpacked(&bytes[..length]), None, "{length} B");
        }
        assert_eq!(unpacked(&[&bytes[..], &[0]].concat()), None, "something behind it");
        let table = [
            (0, 0, "an older layout"),
            (0, 2, "a newer one"),
            (1, 0b1001_0110, "a bit nobody sets"),
            (1, 0b0110_0110, "an unknown scheme"),
            (1, 0b0001_1110, "an unknown spelling"),
            (12, 0b0000_0101, "an empty header that is spelled"),
            (14, 1, "several, that is one"),
            (14, 0x83, "a number without an end"),
            (15, 0b0001_0000, "an absent header with a scheme"),
            (20, 1, "fewer marks than there are"),
            (20, 3, "more marks than there are"),
            (20, 11, "more marks than there can be"),
        ];
        for (place, byte, what) in table {
            let mut other = bytes.clone();
            other[place] = byte;
            assert_eq!(unpacked(&other), None, "{what}");
        }
        let mut longer = bytes;
        longer.splice(14..15, [0x83, 0]);
        assert_eq!(unpacked(&longer), None, "a number longer than it need be");
        longer.splice(14..16, [0x80, 0x80, 0x04]);
        assert_eq!(unpacked(&longer), None, "65,536 times");
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(sightings in sightings()) {
            let packed = Packed::of(&sightings);
            prop_assert_eq!(unpacked(packed.as_bytes()), Some(sightings));
        }

        #[test]
        fn any_bytes_are_refused_or_have_one_form(mut bytes in vec(any::<u8>(), 0..=MOST + 1), is_ours in any::<bool>()) {
            if let Some(version) = bytes.first_mut().filter(|_| is_ours) {
                *version = 1;
            }
            if let Some(sightings) = unpacked(&bytes) {
                let packed = Packed::of(&sightings);
                prop_assert_eq!(packed.as_bytes(), bytes);
            }
        }
    }
}
