//! The text of a list, and what gives way when there is more to tell than fits.
//!
//! It is written as RFC 9651 §4.1 serialises it, into one buffer, because it is signed in this form and a doctor writes one
//! for every request. The seal is the last parameter of the last member, so what is signed is all text before it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::packed::Packed;
use super::{Bound, Direction, MOST_BYTES, MOST_MEMBERS, Member, told};
use crate::evidence::change::Changed;
use crate::evidence::exchange_id::ExchangeId;
use crate::evidence::hop_name::{HopName, Instance};
use crate::evidence::sighting::Sightings;
use crate::moment::Moment;
use crate::secret::{KeyId, SEAL, TrailKey};

/// What the signature is of, so that it is of nothing else that the key may sign one day.
const LABEL: &[u8] = b"header-doctor list v1";

/// How long the seal is with what stands around it: `;m=:` … `:`.
const SEAL_TEXT: usize = 4 + SEAL.div_ceil(3) * 4 + 1;

/// The largest number that RFC 9651 §3.3.1 and §3.3.7 can write.
const LARGEST: i64 = 999_999_999_999_999;

/// Writes the list of `members`, the last of whom signs it with `key`, which is also the one of its fingerprints. Nothing is
/// written for nobody.
///
/// It has at most 1 KiB and 8 members. What is too much gives way from the oldest on: first sightings, then instances and
/// changes, then whole members; `d` marks a member of which something was left out, and the one before which members were.
/// The last member is always told whole: with the longest of everything it takes less than 900 bytes.
#[must_use]
pub fn write(
    members: &[Member],
    exchange: ExchangeId,
    at: Moment,
    key: &TrailKey,
    bound: &Bound<'_>,
) -> Vec<u8> {
    let Some(last) = members.len().checked_sub(1) else { return Vec::new() };
    let mut text = String::with_capacity(MOST_BYTES);
    let mut cut = Cut::to_most_members(members.len());
    loop {
        text.clear();
        for line in cut.lines(members, key.id()) {
            line.append(&mut text);
        }
        append_signed(&mut text, exchange, at);
        if text.len() + SEAL_TEXT <= MOST_BYTES || !cut.deepen(last) {
            break;
        }
    }
    let seal = key.seal(&signed(bound, &exchange.digits(), key.id(), &text));
    text.push_str(";m=:");
    STANDARD.encode_string(seal, &mut text);
    text.push(':');
    text.into_bytes()
}

/// All that a seal vouches for.
pub(super) fn signed<'a>(
    bound: &'a Bound<'_>,
    exchange: &'a [u8; 16],
    key: &'a KeyId,
    text: &'a str,
) -> [&'a [u8]; 7] {
    let direction: &[u8] = match bound.direction {
        Direction::There => b"there",
        Direction::Back => b"back",
    };
    [LABEL, direction, bound.method, &bound.authority, exchange, key.as_str().as_bytes(), text.as_bytes()]
}

/// The parameters of the one who signs, but for the seal.
pub(super) fn append_signed(text: &mut String, exchange: ExchangeId, at: Moment) {
    let seconds = at.seconds().clamp(-LARGEST, LARGEST);
    let written = write!(text, ";x=\"{exchange}\";t=@{seconds}");
    debug_assert!(written.is_ok(), "a String takes everything");
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

    /// Appends it to the members before it.
    pub(super) fn append(&self, text: &mut String) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(self.hop.as_str());
        if let Some(instance) = self.instance.filter(|instance| !instance.is_empty()) {
            parameter(text, ";i=\"", "\"", |text| text.push_str(instance.as_str()));
        }
        parameter(text, ";k=\"", "\"", |text| text.push_str(self.key.as_str()));
        if let Some(seen) = self.seen {
            parameter(text, ";s=:", ":", |text| STANDARD.encode_string(Packed::of(seen).as_bytes(), text));
        }
        if !self.changes.is_empty() {
            parameter(text, ";c=\"", "\"", |text| told::append(text, self.changes));
        }
        if self.is_cut {
            text.push_str(";d");
        }
    }
}

fn parameter(text: &mut String, open: &str, close: &str, value: impl FnOnce(&mut String)) {
    text.push_str(open);
    value(text);
    text.push_str(close);
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

    fn lines<'m>(&self, members: &'m [Member], signer: &'m KeyId) -> impl Iterator<Item = Line<'m>> {
        members.iter().enumerate().skip(self.members).map(move |(place, member)| {
            let mut line = Line::whole(member);
            if place + 1 == members.len() {
                line.key = signer;
            }
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
}
