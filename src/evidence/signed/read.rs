//! Reads a list and decides whether it is believed.
//!
//! What a proxy may do to any list (RFC 9110 §5.3, RFC 9651 §4.2) costs no trust: lines joined or parted, white space, the order
//! of parameters. So the seal is checked against what was read, written anew, and not against the bytes that came.

use std::borrow::Cow;

use sfv::visitor::{EntryVisitor, InnerListVisitor, ItemVisitor, ListVisitor, Never, ParameterVisitor};
use sfv::{BareItemFromInput, GenericBareItem, KeyRef};

use super::write::{Line, append_signed, signed};
use super::{Bound, Handed, MOST_BYTES, MOST_MEMBERS, Member, Unbelieved, packed, told};
use crate::evidence::change::Changed;
use crate::evidence::exchange_id::ExchangeId;
use crate::evidence::hop_name::{HopName, Instance};
use crate::evidence::sighting::Sightings;
use crate::moment::Moment;
use crate::secret::{KeyId, Keyring, SEAL};

/// Reads the list that stands in `lines`, all fields of one name in order, and believes it if one of `keys` sealed it for what
/// it is `bound` to. Whether it is of this time and seen for the first time is for the caller to say.
///
/// # Errors
/// Why it is not believed.
pub fn read<'t>(
    lines: impl IntoIterator<Item = &'t [u8]>,
    keys: &Keyring,
    bound: &Bound<'_>,
) -> Result<Handed, Unbelieved> {
    let text = joined(lines.into_iter())?;
    let mut list = List::default();
    let is_parsed = sfv::Parser::new(&text).parse_list_with_visitor(&mut list).is_ok();
    if list.is_too_long {
        return Err(Unbelieved::TooLong);
    }
    let sealed = list.sealed.take().filter(|_| is_parsed).ok_or(Unbelieved::Malformed)?;
    let signer = list.members.last().ok_or(Unbelieved::Malformed)?;
    let key = keys.named(signer.member.key.as_str()).ok_or(Unbelieved::UnknownKey)?;
    let canonical = signed(bound, sealed.exchange, key.id(), |text| list.append(text, &sealed));
    if !key.has_sealed(&canonical, &sealed.seal) {
        return Err(Unbelieved::Forged);
    }
    let members = list.members.into_iter().map(|read| read.member).collect();
    Ok(Handed { exchange: sealed.exchange, at: sealed.at, members })
}

/// The lines as one (RFC 9651 §4.2).
fn joined<'t>(mut lines: impl Iterator<Item = &'t [u8]>) -> Result<Cow<'t, [u8]>, Unbelieved> {
    let mut text = Cow::Borrowed(lines.next().unwrap_or_default());
    let fits = |length: usize| if length > MOST_BYTES { Err(Unbelieved::TooLong) } else { Ok(()) };
    fits(text.len())?;
    for line in lines {
        fits(text.len() + 2 + line.len())?;
        let whole = text.to_mut();
        whole.extend_from_slice(b", ");
        whole.extend_from_slice(line);
    }
    Ok(text)
}

/// A list as far as it was read.
#[derive(Default)]
struct List {
    members: Vec<Read>,
    sealed: Option<Sealed>,
    is_too_long: bool,
}

struct Read {
    member: Member,
    is_cut: bool,
}

/// What stands on the last member alone.
struct Sealed {
    exchange: ExchangeId,
    at: Moment,
    seal: [u8; SEAL],
}

impl List {
    /// Appends what was signed.
    fn append(&self, text: &mut Vec<u8>, sealed: &Sealed) {
        let start = text.len();
        for Read { member, is_cut } in &self.members {
            Line { is_cut: *is_cut, ..Line::whole(member) }.append(text, start);
        }
        append_signed(text, sealed.exchange, sealed.at);
    }
}

impl<'t> ListVisitor<'t> for &mut List {
    type Out = ();
    type Error = Unbelieved;

    fn entry(&mut self) -> Result<impl EntryVisitor<'t>, Unbelieved> {
        if self.members.len() == MOST_MEMBERS {
            self.is_too_long = true;
            return Err(Unbelieved::TooLong);
        }
        // Nobody comes after the one who signs.
        if self.sealed.is_some() {
            return Err(Unbelieved::Malformed);
        }
        Ok(Entry(self))
    }

    fn finish(self) -> Result<(), Unbelieved> {
        Ok(())
    }
}

struct Entry<'l>(&'l mut List);

impl<'t> EntryVisitor<'t> for Entry<'_> {
    type Error = Unbelieved;

    fn item(self) -> Result<impl ItemVisitor<'t>, Unbelieved> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'t>, Unbelieved> {
        Err::<Never, _>(Unbelieved::Malformed)
    }
}

impl<'t> ItemVisitor<'t> for Entry<'_> {
    type Out = ();
    type Error = Unbelieved;

    fn bare_item(
        self,
        item: BareItemFromInput<'t>,
    ) -> Result<impl ParameterVisitor<'t, Out = ()>, Unbelieved> {
        let BareItemFromInput::Token(token) = item else { return Err(Unbelieved::Malformed) };
        let hop = HopName::new(token.as_str()).ok_or(Unbelieved::Malformed)?;
        Ok(Parameters { list: self.0, hop, given: Given::default() })
    }
}

struct Parameters<'l> {
    list: &'l mut List,
    hop: HopName,
    given: Given,
}

/// The parameters of a member as far as they were read.
#[derive(Default)]
struct Given {
    instance: Option<Instance>,
    key: Option<KeyId>,
    seen: Option<Sightings>,
    changes: Option<Vec<Changed>>,
    cut: Option<()>,
    exchange: Option<ExchangeId>,
    at: Option<Moment>,
    seal: Option<[u8; SEAL]>,
}

impl<'t> ParameterVisitor<'t> for Parameters<'_> {
    type Out = ();
    type Error = Unbelieved;

    fn parameter(&mut self, name: &'t KeyRef, value: BareItemFromInput<'t>) -> Result<(), Unbelieved> {
        use GenericBareItem::{Boolean, ByteSequence, Date, String};
        let given = &mut self.given;
        match (name.as_str(), value) {
            ("i", String(text)) => once(&mut given.instance, Instance::new(text.as_str())),
            ("k", String(text)) => once(&mut given.key, KeyId::new(text.as_str())),
            ("s", ByteSequence(bytes)) => once(&mut given.seen, packed::unpacked(&bytes)),
            ("c", String(text)) => once(&mut given.changes, told::read(text.as_str())),
            ("d", Boolean(true)) => once(&mut given.cut, Some(())),
            ("x", String(text)) => once(&mut given.exchange, ExchangeId::from_digits(text.as_str())),
            ("t", Date(date)) => once(&mut given.at, Some(Moment::from_seconds(date.unix_seconds().into()))),
            ("m", ByteSequence(bytes)) => once(&mut given.seal, bytes.try_into().ok()),
            _ => Err(Unbelieved::Malformed),
        }
    }

    fn finish(self) -> Result<(), Unbelieved> {
        let Given { instance, key, seen, changes, cut, exchange, at, seal } = self.given;
        self.list.sealed = match (exchange, at, seal) {
            (Some(exchange), Some(at), Some(seal)) => Some(Sealed { exchange, at, seal }),
            (None, None, None) => None,
            _ => return Err(Unbelieved::Malformed),
        };
        let instance = instance.or_else(|| Instance::new("")).ok_or(Unbelieved::Malformed)?;
        let key = key.ok_or(Unbelieved::Malformed)?;
        let changes = changes.unwrap_or_default();
        let member = Member { hop: self.hop, instance, key, seen, changes };
        self.list.members.push(Read { member, is_cut: cut.is_some() });
        Ok(())
    }
}

/// Takes a parameter that stands there once. RFC 9651 §4.2.3.2 lets the last of several win, but no doctor writes two.
fn once<T>(slot: &mut Option<T>, value: Option<T>) -> Result<(), Unbelieved> {
    if slot.is_some() || value.is_none() {
        return Err(Unbelieved::Malformed);
    }
    *slot = value;
    Ok(())
}
