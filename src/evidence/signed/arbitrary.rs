//! Whatever members there are, and whatever comes: properties of the signed list.

use std::convert::Infallible;

use proptest::array::uniform8;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{
    BoxedStrategy, Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use sfv::visitor::ParameterVisitor;
use sfv::{BareItemFromInput, ItemSerializer, KeyRef, ParameterSerializer};

use super::tests::{bound, heard, ours, ring, written};
use super::{Member, Unbelieved, read, write};
use crate::evidence::{
    Change, Changed, ExchangeId, HopName, Instance, OtherName, Scheme, Seen, Sighting, Sightings, Spelling,
    Watched,
};
use crate::moment::Moment;
use crate::secret::{Fingerprint, KeyId, Starts};

// The strategies are boxed: their types in one another take more stack than a test's thread has.

fn sighting() -> BoxedStrategy<Sighting> {
    let spelling = prop_oneof![Just(Spelling::Canonical), Just(Spelling::Lower), Just(Spelling::Other)];
    let scheme = prop_oneof![
        Just(Scheme::Bearer),
        Just(Scheme::BearerOtherCase),
        Just(Scheme::Basic),
        Just(Scheme::Other),
        Just(Scheme::Missing)
    ];
    let seen = (prop_oneof![0..10_000usize, any::<usize>()], any::<u64>(), option::of(scheme), spelling);
    prop_oneof![
        Just(Sighting::Absent),
        Just(Sighting::Empty),
        (2..=u16::MAX).prop_map(Sighting::Several),
        seen.prop_map(|(length, bits, scheme, spelling)| {
            Sighting::Once(Seen { length, fingerprint: Fingerprint::from_bits(bits), scheme, spelling })
        }),
    ]
    .boxed()
}

pub(super) fn sightings() -> BoxedStrategy<Sightings> {
    (uniform8(sighting()), vec(any::<u16>(), 0..=Starts::MOST), any::<bool>())
        .prop_map(|(each, marks, has_copy)| {
            Sightings::from_parts(each, Starts::from_marks(&marks)).with_copy(has_copy)
        })
        .boxed()
}

pub(super) fn changes() -> BoxedStrategy<Vec<Changed>> {
    let to = "[a-z0-9_-]{1,40}".prop_map(|name| OtherName::new(name.as_bytes()));
    let one = (0..Change::ALL.len(), option::of(to));
    uniform8(option::weighted(0.3, one))
        .prop_map(|each| {
            let headers = Watched::ALL.into_iter().zip(each);
            let changed = headers.filter_map(|(header, one)| {
                let (change, to) = one?;
                let change = Change::ALL[change];
                let to = to.flatten().filter(|_| change == Change::Moved);
                Some(Changed { header, change, to })
            });
            changed.collect()
        })
        .boxed()
}

fn member() -> BoxedStrategy<Member> {
    let names = ("[a-z][a-z0-9._-]{0,31}", "[A-Za-z0-9._:-]{0,63}", "[A-Za-z0-9._-]{1,16}");
    (names, option::weighted(0.9, sightings()), changes())
        .prop_map(|((hop, instance, key), seen, changes)| Member {
            hop: HopName::new(&hop).unwrap(),
            instance: Instance::new(&instance).unwrap(),
            key: KeyId::new(&key).unwrap(),
            seen,
            changes,
        })
        .boxed()
}

/// Whether `read` is what was told of `member`, as far as it was told.
fn is_told_of(read: &Member, member: &Member) -> bool {
    let has_words = read.instance == member.instance && read.changes == member.changes;
    let has_none = read.instance.is_empty() && read.changes.is_empty() && read.seen.is_none();
    read.hop == member.hop
        && read.key == member.key
        && (read.seen.is_none() || read.seen == member.seen)
        && (has_words || has_none)
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        mut members in vec(member(), 1..=10), number in any::<u64>(), second in -10_000_000_000i64..100_000_000_000,
    ) {
        let (exchange, at) = (ExchangeId::new(number), Moment::from_seconds(second));
        members.last_mut().unwrap().key = ours().id().clone();
        let text = write(&members, exchange, at, &ours(), &bound());
        prop_assert!(text.len() <= 1024);
        let read = read([&text[..]], &ring(), &bound()).unwrap();
        prop_assert_eq!((read.exchange, read.at), (exchange, at));
        let kept = &members[members.len() - read.members.len()..];
        prop_assert!(read.members.iter().zip(kept).all(|(read, member)| is_told_of(read, member)));
        prop_assert_eq!(read.members.last(), members.last());
        if memchr::memmem::find(&text, b";d").is_none() {
            prop_assert_eq!(read.members, members);
        }
    }

    #[test]
    fn a_list_is_parted_anywhere_between_its_members(
        members in vec(member(), 1..=4), cuts in vec(any::<bool>(), 8), space in "[ \t]{0,2}",
    ) {
        let text = written(&members);
        let mut lines = vec![String::new()];
        for (part, is_cut) in text.split(", ").zip(cuts) {
            let line = lines.last_mut().unwrap();
            if line.is_empty() {
                line.push_str(part);
            } else if is_cut {
                lines.push(part.to_owned());
            } else {
                line.push_str(&format!("{space},{space}{part}"));
            }
        }
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let read = heard(&lines);
        prop_assert!(read == heard(&[&text]) || read == Err(Unbelieved::TooLong));
    }

    #[test]
    fn it_is_written_as_the_standard_serialises_it(members in vec(member(), 1..=8)) {
        let text = written(&members);
        prop_assert_eq!(serialised(&text), text);
    }

    #[test]
    fn any_bytes_are_refused(lines in vec(vec(any::<u8>(), 0..600), 0..4)) {
        prop_assert!(read(lines.iter().map(Vec::as_slice), &ring(), &bound()).is_err());
    }

    #[test]
    fn any_damage_is_refused_or_harmless(
        members in vec(member(), 1..=3), place in any::<proptest::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = written(&members).into_bytes();
        let whole = read([&bytes[..]], &ring(), &bound());
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let damaged = read([&bytes[..]], &ring(), &bound());
        prop_assert!(damaged.is_err() || damaged == whole);
    }
}

/// The list as `sfv` itself serialises it, member by member.
fn serialised(text: &str) -> String {
    let again = |member: &str| {
        let visitor = |item: BareItemFromInput<'_>| -> Result<_, Infallible> {
            Ok(Again(Some(ItemSerializer::new().bare_item(&item))))
        };
        sfv::Parser::new(member).parse_item_with_visitor(visitor).unwrap()
    };
    text.split(", ").map(again).collect::<Vec<_>>().join(", ")
}

struct Again(Option<ParameterSerializer<String>>);

impl<'t> ParameterVisitor<'t> for Again {
    type Out = String;
    type Error = Infallible;

    fn parameter(&mut self, name: &'t KeyRef, value: BareItemFromInput<'t>) -> Result<(), Infallible> {
        self.0 = self.0.take().map(|so_far| so_far.parameter(name, &value));
        Ok(())
    }

    fn finish(self) -> Result<String, Infallible> {
        Ok(self.0.unwrap().finish())
    }
}
