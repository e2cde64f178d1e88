//! The text of a list, and what gives way when there is more to tell than fits.
//!
//! It is written as RFC 9651 §4.1 serialises it, into one buffer, because it is signed in this form and a doctor writes one
//! for every request. The seal is the last parameter of the last member, so what is signed is all text before it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::packed::Packed;
use super::{Bound, Direction, MOST_BYTES, MOST_MEMBERS, Member, told};
use crate::evidence::change::Changed;
use crate::evidence::exchange_id::ExchangeId;
use crate::evidence::hop_name::{HopName, Instance};
use crate::evidence::sighting::Sightings;
use crate::moment::Moment;
use crate::secret::{KeyId, Parts, SEAL, TrailKey};

/// What the signature is of, so that it is of nothing else that the key may sign one day.
const LABEL: &[u8] = b"header-doctor list v1";

/// How long the seal is with what stands around it: `;m=:` … `:`.
const SEAL_TEXT: usize = 4 + SEAL.div_ceil(3) * 4 + 1;

/// The largest number that RFC 9651 §3.3.1 and §3.3.7 can write.
const LARGEST: i64 = 999_999_999_999_999;

/// Room for a list of one member and what stands before it; more is made where it is needed.
const USUAL: usize = 640;

/// What the one who signs tells of itself.
#[derive(Clone, Copy, Debug)]
pub struct Own<'m> {
    /// What it is called.
    pub hop: &'m HopName,
    /// Which of several it is.
    pub instance: &'m Instance,
    /// What it saw.
    pub seen: Option<&'m Sightings>,
    /// What had happened on the way to it.
    pub changes: &'m [Changed],
}

/// A list that is written and signed.
#[derive(Clone, Debug, Default)]
pub struct Written {
    bytes: Vec<u8>,
    start: usize,
}

impl Written {
    /// Its text, for one field.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

/// Writes the list of `members`, the last of whom signs it with `key`, which is also the one of its fingerprints. Nothing is
/// written for nobody. See [`sign`].
#[must_use]
pub fn write(
    members: &[Member],
    exchange: ExchangeId,
    at: Moment,
    key: &TrailKey,
    bound: &Bound<'_>,
) -> Vec<u8> {
    let Some((last, before)) = members.split_last() else { return Vec::new() };
    let own =
        Own { hop: &last.hop, instance: &last.instance, seen: last.seen.as_ref(), changes: &last.changes };
    sign(before, &own, exchange, at, key, bound).text().to_vec()
}

/// Writes the list of the members `before` and of its `own`er, who signs it with `key`, which is also the one of its fingerprints.
///
/// It has at most 1 KiB and 8 members. What is too much gives way from the oldest on: first sightings, then instances and
/// changes, then whole members; `d` marks a member of which something was left out, and the one before which members were.
/// The last member is always told whole: with the longest of everything it takes less than 900 bytes.
#[must_use]
pub fn sign(
    before: &[Member],
    own: &Own<'_>,
    exchange: ExchangeId,
    at: Moment,
    key: &TrailKey,
    bound: &Bound<'_>,
) -> Written {
    let mut start = 0;
    let parts = signed(bound, exchange, key.id(), |text| {
        start = text.len();
        let mut cut = Cut::to_most_members(before.len() + 1);
        loop {
            text.truncate(start);
            for line in cut.lines(before) {
                line.append(text, start);
            }
            cut.own_line(before, own, key.id()).append(text, start);
            append_signed(text, exchange, at);
            if text.len() - start + SEAL_TEXT <= MOST_BYTES || !cut.deepen(before.len()) {
                break;
            }
        }
    });
    let seal = key.seal(&parts);
    let mut bytes = parts.into_bytes();
    bytes.extend_from_slice(b";m=:");
    append_base64(&mut bytes, &seal);
    bytes.push(b':');
    Written { bytes, start }
}

/// All that a seal vouches for; `write` writes the text.
pub(super) fn signed(
    bound: &Bound<'_>,
    exchange: ExchangeId,
    key: &KeyId,
    write: impl FnOnce(&mut Vec<u8>),
) -> Parts {
    let direction: &[u8] = match bound.direction {
        Direction::There => b"there",
        Direction::Back => b"back",
    };
    let mut parts = Parts::with_room(USUAL);
    for part in
        [LABEL, direction, bound.method, &bound.authority, &exchange.digits(), key.as_str().as_bytes()]
    {
        parts.push(part);
    }
    parts.push_with(write);
    parts
}

/// The parameters of the one who signs, but for the seal.
pub(super) fn append_signed(text: &mut Vec<u8>, exchange: ExchangeId, at: Moment) {
    text.extend_from_slice(b";x=\"");
    text.extend_from_slice(&exchange.digits());
    text.extend_from_slice(b"\";t=@");
    append_number(text, at.seconds().clamp(-LARGEST, LARGEST));
}

fn append_number(text: &mut Vec<u8>, number: i64) {
    if number < 0 {
        text.push(b'-');
    }
    let (start, mut rest) = (text.len(), number.unsigned_abs());
    while let Ok(digit) = u8::try_from(rest % 10) {
        text.push(b'0' + digit);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = text.get_mut(start..) {
        digits.reverse();
    }
}

fn append_base64(text: &mut Vec<u8>, bytes: &[u8]) {
    let start = text.len();
    text.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = text.get_mut(start..).map(|room| STANDARD.encode_slice(bytes, room));
    debug_assert!(matches!(written, Some(Ok(_))), "it has room");
}

/// What is told of one member.
pub(super) struct Line<'m> {
    pub(super) hop: &'m HopName,
    pub(super) instance: Option<&'m Instance>,
    pub(super) key: &'m KeyId,
    pub(super) seen: Option<&'m Sightings>,
    pub(super) changes: &'m [Changed],
    /// Whether something of it was left out, or members before it.
    pub(super) is_cut: bool,
}

impl<'m> Line<'m> {
    /// All of it.
    pub(super) fn whole(member: &'m Member) -> Self {
        Self {
            hop: &member.hop,
            instance: Some(&member.instance),
            key: &member.key,
            seen: member.seen.as_ref(),
            changes: &member.changes,
            is_cut: member.seen.is_none(),
        }
    }

    /// Appends it to the members before it, of which the first one begins at `start`.
    pub(super) fn append(&self, text: &mut Vec<u8>, start: usize) {
        if text.len() > start {
            text.extend_from_slice(b", ");
        }
        text.extend_from_slice(self.hop.as_str().as_bytes());
        if let Some(instance) = self.instance.filter(|instance| !instance.is_empty()) {
            parameter(text, b";i=\"", b'"', |text| text.extend_from_slice(instance.as_str().as_bytes()));
        }
        parameter(text, b";k=\"", b'"', |text| text.extend_from_slice(self.key.as_str().as_bytes()));
        if let Some(seen) = self.seen {
            parameter(text, b";s=:", b':', |text| append_base64(text, Packed::of(seen).as_bytes()));
        }
        if !self.changes.is_empty() {
            parameter(text, b";c=\"", b'"', |text| told::append(text, self.changes));
        }
        if self.is_cut {
            text.extend_from_slice(b";d");
        }
    }
}

fn parameter(text: &mut Vec<u8>, open: &[u8; 4], close: u8, value: impl FnOnce(&mut Vec<u8>)) {
    text.extend_from_slice(open);
    value(text);
    text.push(close);
}

/// What gives way, each as the number of members from the oldest on. The one who signs is never among them.
struct Cut {
    members: usize,
    words: usize,
    sightings: usize,
}

impl Cut {
    const fn to_most_members(count: usize) -> Self {
        let members = count.saturating_sub(MOST_MEMBERS);
        Self { members, words: members, sightings: members }
    }

    /// Leaves one thing more out, and says whether there was one.
    fn deepen(&mut self, last: usize) -> bool {
        let steps = [&mut self.sightings, &mut self.words, &mut self.members];
        let Some(step) = steps.into_iter().find(|step| **step < last) else { return false };
        *step += 1;
        true
    }

    fn lines<'m>(&self, before: &'m [Member]) -> impl Iterator<Item = Line<'m>> {
        before.iter().enumerate().skip(self.members).map(move |(place, member)| {
            let mut line = Line::whole(member);
            if place < self.sightings {
                line.seen = None;
            }
            if place < self.words {
                (line.instance, line.changes) = (None, &[]);
            }
            let is_first = place == self.members && place > 0;
            line.is_cut |= is_first || place < self.sightings;
            line
        })
    }

    /// The line of the one who signs.
    fn own_line<'m>(&self, before: &[Member], own: &Own<'m>, key: &'m KeyId) -> Line<'m> {
        let Own { hop, instance, seen, changes } = *own;
        let is_first = self.members == before.len() && self.members > 0;
        Line { hop, instance: Some(instance), key, seen, changes, is_cut: seen.is_none() || is_first }
    }
}
