//! What one doctor writes another one reads, and nobody else can write.

use super::{Bound, Direction, Handed, Member, Unbelieved, read, write};
use crate::evidence::{
    Change, Changed, ExchangeId, HopName, Instance, OtherName, Scheme, Seen, Sighting, Sightings, Spelling,
    Watched, look,
};
use crate::message::{Fields, Method};
use crate::moment::Moment;
use crate::secret::{Fingerprint, KeyId, Keyring, Starts, TrailKey};

const EXCHANGE: ExchangeId = ExchangeId::new(0x0123_4567_89ab_cdef);
const AT: Moment = Moment::from_seconds(1_764_090_512);

fn key(id: &str, byte: u8) -> TrailKey {
    TrailKey::new(KeyId::new(id).unwrap(), &[byte; 32])
}

pub(super) fn ours() -> TrailKey {
    key("2026", 1)
}

pub(super) fn ring() -> Keyring {
    Keyring::of_one(ours())
}

pub(super) fn bound() -> Bound<'static> {
    Bound::new(Direction::There, Method::Post, b"POST", b"api.example.com")
}

pub(super) fn written(members: &[Member]) -> String {
    String::from_utf8(write(members, EXCHANGE, AT, &ours(), &bound())).unwrap()
}

pub(super) fn heard(lines: &[&str]) -> Result<Handed, Unbelieved> {
    read(lines.iter().map(|line| line.as_bytes()), &ring(), &bound())
}

fn handed(members: Vec<Member>) -> Handed {
    Handed { exchange: EXCHANGE, at: AT, members }
}

/// A request as most are: a token of 300 bytes, and what a browser's script sends along.
fn usual_request() -> Fields {
    let token = format!("Bearer {}", "x".repeat(300));
    Fields::from([
        ("Host", "api.example.com"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"),
        ("Authorization", token.as_str()),
        ("Content-Type", "application/json"),
        ("Origin", "https://app.example.com"),
        ("X-Forwarded-Proto", "https"),
    ])
}

fn usual(hop: &str) -> Member {
    let fields = usual_request();
    Member {
        hop: HopName::new(hop).unwrap(),
        instance: Instance::new("web-1").unwrap(),
        key: KeyId::new("2026").unwrap(),
        seen: Some(look(&fields).sightings(&fields, ours().fingerprints())),
        changes: Vec::new(),
    }
}

fn bare(hop: &str) -> Member {
    Member { instance: Instance::new("").unwrap(), seen: None, ..usual(hop) }
}

/// The longest member there can be.
fn longest() -> Member {
    let to = OtherName::new(&b"a-header-with-a-name-of-forty-characters"[..]);
    assert_eq!(to.as_ref().unwrap().as_str().len(), 40);
    let seen = Seen {
        length: usize::MAX,
        fingerprint: Fingerprint::from_bits(u64::MAX),
        scheme: Some(Scheme::BearerOtherCase),
        spelling: Spelling::Other,
    };
    let changed = |header| Changed { header, change: Change::Moved, to: to.clone() };
    Member {
        hop: HopName::new(&"h".repeat(32)).unwrap(),
        instance: Instance::new(&"I".repeat(63)).unwrap(),
        key: KeyId::new(&"k".repeat(16)).unwrap(),
        seen: Some(Sightings::from_parts(
            [Sighting::Once(seen); Watched::COUNT],
            Starts::from_marks(&[u16::MAX; Starts::MOST]),
        )),
        changes: Watched::ALL.map(changed).to_vec(),
    }
}

// === The text ===

#[test]
fn a_list_is_text_that_people_can_read() {
    let mut edge = usual("edge");
    edge.seen = None;
    let mut sidecar = bare("sidecar");
    let to = OtherName::new(b"X-Legacy-Auth");
    sidecar.changes = vec![
        Changed { header: Watched::Authorization, change: Change::Moved, to },
        Changed { header: Watched::Origin, change: Change::Missing, to: None },
    ];
    let text = written(&[edge, sidecar]);
    let (signed, seal) = text.rsplit_once(";m=").unwrap();
    assert_eq!(
        signed,
        "edge;i=\"web-1\";k=\"2026\";d, \
         sidecar;k=\"2026\";c=\"authorization=moved:x-legacy-auth,origin=missing\";d;x=\"0123456789abcdef\";\
         t=@1764090512"
    );
    assert_eq!(seal.len(), 26);
}

#[test]
fn another_version_of_the_doctor_still_reads_it() {
    // The seal was computed with Python: HKDF and HMAC-SHA256 over the lengths and parts.
    let text = include_str!("../../../fuzz/seeds/signed_list/trail");
    let mut sidecar = usual("sidecar");
    let to = OtherName::new(b"x-auth");
    sidecar.changes = vec![Changed { header: Watched::Authorization, change: Change::Moved, to }];
    let members = vec![usual("edge"), sidecar];
    assert_eq!(written(&members), text);
    assert_eq!(heard(&[text]), Ok(handed(members)));
}

#[test]
fn what_the_request_carried_is_not_in_it() {
    let text = written(&[usual("edge")]);
    for value in ["Bearer", "xxxx", "example", "Firefox"] {
        assert!(!text.contains(value), "{value}");
    }
}

#[test]
fn the_usual_member_is_short_and_eight_of_them_fit() {
    let one = written(&[usual("edge")]);
    assert!(one.len() < 260, "{} B: {one}", one.len());
    let members: Vec<_> = (1..=8).map(|hop| usual(&format!("hop-{hop}"))).collect();
    let text = written(&members);
    assert!(text.len() <= 1024, "{} B", text.len());
    let read = heard(&[&text]).unwrap().members;
    let names = |members: &[Member]| members.iter().map(|member| member.hop.clone()).collect::<Vec<_>>();
    assert_eq!(names(&read), names(&members));
    let seen = read.iter().filter(|member| member.seen.is_some()).count();
    assert!(seen >= 6, "{seen} of 8 with sightings");
}

#[test]
fn the_longest_member_fits_alone() {
    let key = key(&"k".repeat(16), 1);
    let earliest = Moment::from_millis(i64::MIN);
    let text = write(&[longest()], EXCHANGE, earliest, &key, &bound());
    assert!(text.len() < 900, "{} B", text.len());
    let read = read([&text[..]], &Keyring::of_one(key), &bound()).unwrap();
    assert_eq!(read.members, [longest()]);
}

#[test]
fn nobody_writes_nothing() {
    assert_eq!(written(&[]), "");
}

// === What gives way ===

#[test]
fn the_oldest_sightings_give_way_first() {
    let mut members: Vec<_> = (1..=8).map(|hop| usual(&format!("hop-{hop}"))).collect();
    for member in &mut members {
        member.instance = Instance::new("web-0123456789abcdef").unwrap();
    }
    let text = written(&members);
    let read = heard(&[&text]).unwrap().members;
    let blind = read.iter().position(|member| member.seen.is_some()).unwrap();
    assert!((1..=6).contains(&blind), "{blind}");
    for member in &mut members[..blind] {
        member.seen = None;
    }
    assert_eq!(read, members);
    assert_eq!(text.matches(";d").count(), blind);
}

#[test]
fn then_words_and_then_members_give_way_and_the_signer_never() {
    let mut last = longest();
    last.key = ours().id().clone();
    let members = [longest(), longest(), longest(), last];
    let text = written(&members);
    let read = heard(&[&text]).unwrap().members;
    assert_eq!(read.len(), 3, "{text}");
    for member in &read[..2] {
        assert!(member.seen.is_none() && member.changes.is_empty() && member.instance.is_empty());
    }
    assert_eq!(read.last(), members.last());
    assert_eq!(text.matches(";d").count(), 2);
}

#[test]
fn of_nine_the_oldest_is_left_out() {
    let members: Vec<_> = (1..=9).map(|hop| bare(&format!("hop-{hop}"))).collect();
    let read = heard(&[&written(&members)]).unwrap();
    assert_eq!(read.members, members[1..]);
}

#[test]
fn a_mark_says_that_members_are_missing() {
    let mut members: Vec<_> = (1..=9).map(|hop| bare(&format!("hop-{hop}"))).collect();
    let nothing = Sightings::from_parts([Sighting::Absent; Watched::COUNT], Starts::default());
    for member in &mut members {
        member.seen = Some(nothing);
    }
    let text = written(&members);
    let marked: Vec<_> = text.split(", ").filter(|member| member.contains(";d")).collect();
    assert!(marked.len() == 1 && marked[0].starts_with("hop-2;"), "{text}");
    assert_eq!(heard(&[&text]).unwrap().members, members[1..]);
}

// === Who is believed ===

#[test]
fn a_list_that_grows_keeps_what_stood_in_it() {
    let (edge, mut sidecar) = (usual("edge"), usual("sidecar"));
    let mut members = heard(&[&written(std::slice::from_ref(&edge))]).unwrap().members;
    sidecar.changes = vec![Changed { header: Watched::Cookie, change: Change::Added, to: None }];
    members.push(sidecar.clone());
    assert_eq!(heard(&[&written(&members)]), Ok(handed(vec![edge, sidecar])));
}

#[test]
fn a_list_is_of_one_request_and_one_direction() {
    let text = written(&[usual("edge")]);
    let believed = |direction, method, spelled: &'static [u8], authority: &'static [u8]| {
        read([text.as_bytes()], &ring(), &Bound::new(direction, method, spelled, authority)).map(|_| ())
    };
    let forged = Err(Unbelieved::Forged);
    assert_eq!(believed(Direction::There, Method::Post, b"POST", b"API.example.com:443"), Ok(()));
    assert_eq!(believed(Direction::Back, Method::Post, b"POST", b"api.example.com"), forged);
    assert_eq!(believed(Direction::There, Method::Put, b"PUT", b"api.example.com"), forged);
    assert_eq!(believed(Direction::There, Method::Post, b"POST", b"example.com"), forged);
    for (was, is) in [("89abcdef", "89abcdee"), ("@1764090512", "@1764090513")] {
        assert_eq!(heard(&[&text.replace(was, is)]), Err(Unbelieved::Forged), "{is}");
    }
}

#[test]
fn a_key_is_known_by_its_name_and_proved_by_its_bytes() {
    let text = written(&[usual("edge")]);
    let heard = |ring: &Keyring| read([text.as_bytes()], ring, &bound());
    assert_eq!(heard(&Keyring::of_one(key("2027", 1))), Err(Unbelieved::UnknownKey));
    assert_eq!(heard(&Keyring::of_one(key("2026", 2))), Err(Unbelieved::Forged));
    let old = "2026:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let new = "2027:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    let rotated: Keyring = format!("{new}\n{old}").parse().unwrap();
    assert_eq!(rotated.signing().id().as_str(), "2027");
    assert_eq!(heard(&rotated), Ok(handed(vec![usual("edge")])));
}

#[test]
fn members_keep_their_order_and_none_is_taken_out() {
    let text = written(&[usual("edge"), usual("shield"), usual("sidecar")]);
    let parts: Vec<_> = text.split(", ").collect();
    let [edge, shield, sidecar] = parts[..] else { panic!("{text}") };
    assert_eq!(heard(&[shield, edge, sidecar]), Err(Unbelieved::Forged));
    assert_eq!(heard(&[edge, sidecar]), Err(Unbelieved::Forged));
    assert_eq!(heard(&[edge, edge, shield, sidecar]), Err(Unbelieved::Forged));
    assert_eq!(heard(&[edge, sidecar, shield]), Err(Unbelieved::Malformed));
    assert_eq!(heard(&[edge, shield]), Err(Unbelieved::Malformed));
}

#[test]
fn what_is_too_long_is_not_read() {
    let text = written(&[usual("edge")]);
    let padded = format!("{}{text}", " ".repeat(1025 - text.len()));
    assert_eq!(heard(&[&padded]), Err(Unbelieved::TooLong));
    assert_eq!(heard(&[&padded[1..]]), Ok(handed(vec![usual("edge")])));
    let half = "a;k=\"k\"".to_owned() + &" ".repeat(504);
    assert_eq!(heard(&[&half, &half]), Err(Unbelieved::Malformed), "1024 B");
    assert_eq!(heard(&[&half, &half, ""]), Err(Unbelieved::TooLong), "1026 B");
    let nine = ["a;k=\"k\""; 9].join(", ");
    assert_eq!(heard(&[&nine]), Err(Unbelieved::TooLong));
    assert_eq!(heard(&["a;k=\"k\""; 9]), Err(Unbelieved::TooLong));
}

/// Whoever holds the key writes no such thing, so it need not even be forged.
#[test]
fn what_no_doctor_writes_is_malformed() {
    let text = written(&[usual("edge")]);
    let (member, signed) = text.split_once(";x=").unwrap();
    let signed = format!(";x={signed}");
    let table = [
        String::new(),
        " ".to_owned(),
        ",".to_owned(),
        format!("{text},"),
        member.to_owned(),
        format!("({text})"),
        text.replacen("edge", "\"edge\"", 1),
        text.replacen("edge", "Edge", 1),
        text.replacen("edge", "ed*ge", 1),
        text.replacen("edge", "1", 1),
        format!("{text};y"),
        format!("{text};k=\"2026\""),
        text.replacen(";k=\"2026\"", "", 1),
        text.replacen("k=\"2026\"", "k=2026", 1),
        text.replacen("\"web-1\"", "\"web 1\"", 1),
        text.replacen("\"web-1\"", "web-1", 1),
        text.replacen("@1764090512", "1764090512", 1),
        text.replacen("@1764090512", "@1764090512.5", 1),
        text.replacen("0123456789abcdef", "0123456789ABCDEF", 1),
        text.replacen(";s=:", ";s=:AA", 1),
        text.replacen(";m=:", ";m=:AAAA", 1),
        format!("{member};d=?0{signed}"),
        format!("{member};d=1{signed}"),
        format!("{member};c=\"\"{signed}"),
        format!("{member};c=\"cookie=lost\"{signed}"),
        format!("{text}, {member}"),
        format!("{text}, {text}"),
        format!("{member};t=@1764090512"),
        text.replacen(";t=@1764090512", "", 1),
    ];
    for text in table {
        assert_eq!(heard(&[&text]), Err(Unbelieved::Malformed), "{text}");
    }
    assert_eq!(heard(&[]), Err(Unbelieved::Malformed));
}

#[test]
fn one_bit_changed_is_seen_or_means_the_same() {
    let members = vec![usual("edge"), longest_that_fits_behind()];
    let text = written(&members);
    let expected = handed(members);
    assert_eq!(heard(&[&text]), Ok(expected.clone()));
    let mut bytes = text.into_bytes();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            bytes[place] ^= 1 << bit;
            let read = read([&bytes[..]], &ring(), &bound());
            assert!(read.is_err() || read.as_ref() == Ok(&expected), "{place}, {bit}");
            bytes[place] ^= 1 << bit;
        }
    }
}

fn longest_that_fits_behind() -> Member {
    let mut member = usual("sidecar");
    member.changes = longest().changes[..2].to_vec();
    member
}

// === What proxies do to any list ===

#[test]
fn lines_joined_or_parted_and_white_space_do_no_harm() {
    let mut changed = usual("shield");
    changed.changes = longest().changes[..2].to_vec();
    let members = vec![usual("edge"), changed, usual("sidecar")];
    let text = written(&members);
    let parts: Vec<_> = text.split(", ").collect();
    let [edge, shield, sidecar] = parts[..] else { panic!("{text}") };
    let expected = Ok(handed(members));
    assert_eq!(heard(&[edge, shield, sidecar]), expected);
    assert_eq!(heard(&[&format!("{edge},{shield}"), sidecar]), expected);
    assert_eq!(heard(&[edge, &format!(" {shield} \t,\t {sidecar} ")]), expected);
    assert_eq!(heard(&[&text.replace(";", "; ")]), expected, "RFC 9651 §4.2.3.2 allows it");
    let (rest, instance) = (edge.replacen(";i=\"web-1\"", "", 1), ";i=\"web-1\"");
    assert_eq!(heard(&[&format!("{rest}{instance}"), shield, sidecar]), expected, "another order");
}
