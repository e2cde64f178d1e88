//! Any lines of a signed list: never a panic, nobody is believed who has no key, and what is written is short and read back.

#![no_main]

use header_doctor::evidence::signed::{Bound, Direction, Handed, Member, claim, read, write};
use header_doctor::evidence::{Change, Changed, ExchangeId, HopName, Instance, OtherName, Watched, look};
use header_doctor::message::{Fields, Method};
use header_doctor::moment::Moment;
use header_doctor::secret::{KeyId, Keyring, TrailKey};
use libfuzzer_sys::fuzz_target;

const AT: Moment = Moment::from_seconds(1_764_090_512);

fuzz_target!(|bytes: &[u8]| {
    let key = TrailKey::new(KeyId::new("2026").expect("a name"), &[1; 32]);
    let lines = || bytes.split(|byte| *byte == b'\n');

    // As it came: the seeds are signed with this very key.
    let claimed = claim(bytes, key.id());
    if let Ok(handed) = heard(lines(), &key) {
        let seen = handed.members.last().and_then(|last| last.seen);
        assert!(claimed.is_none_or(|claim| (claim.exchange, Some(claim.seen)) == (handed.exchange, seen)));
        again(&handed, &key);
    }
    // As a doctor would tell of it: a member in each line, its name, its instance and a value.
    let members: Vec<_> = lines().take(12).filter_map(|line| member(line, &key)).collect();
    if !members.is_empty() {
        again(&Handed { exchange: ExchangeId::new(bytes.len() as u64), at: AT, members }, &key);
    }
});

fn bound() -> Bound<'static> {
    Bound::new(Direction::There, Method::Post, b"POST", b"api.example.com")
}

fn heard<'t>(lines: impl Iterator<Item = &'t [u8]>, key: &TrailKey) -> Result<Handed, impl Sized> {
    read(lines, &Keyring::of_one(key.clone()), &bound())
}

fn again(handed: &Handed, key: &TrailKey) {
    let text = write(&handed.members, handed.exchange, handed.at, key, &bound());
    assert!(text.len() <= 1024);
    let Ok(read) = heard([&text[..]].into_iter(), key) else { panic!("its own text is not believed") };
    assert_eq!((read.exchange, read.at), (handed.exchange, handed.at));
    assert_eq!(read.members.last(), handed.members.last());
    assert!(read.members.len() <= handed.members.len().min(8));
}

fn member(line: &[u8], key: &TrailKey) -> Option<Member> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let mut word = || std::str::from_utf8(parts.next().unwrap_or_default()).ok();
    let (hop, instance, value) = (HopName::new(word()?)?, Instance::new(word()?)?, word()?.as_bytes());
    let mut fields = Fields::new();
    for header in Watched::ALL.into_iter().skip(value.len() % 8) {
        fields.append(header.name().canonical().as_bytes(), value);
    }
    let changed = |header| Changed { header, change: Change::Moved, to: OtherName::new(value) };
    let changes = Watched::ALL.into_iter().take(value.len() % 9).map(changed).collect();
    let seen = look(&fields).sightings(&fields, key.fingerprints());
    Some(Member { hop, instance, key: key.id().clone(), seen: Some(seen), changes })
}
