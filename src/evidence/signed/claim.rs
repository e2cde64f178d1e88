//! What a list says of itself before anybody believes it.
//!
//! A list that tells of nothing unusual need not be believed while nothing is to be told: only its seal costs much to check. So the
//! few words that decide this are looked up in the text, which must be exactly as a doctor writes it; any other is read in full.
//! Whoever forges such a list can bring about silence and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{MOST_BYTES, packed};
use crate::evidence::exchange_id::ExchangeId;
use crate::evidence::sighting::Sightings;
use crate::secret::KeyId;

/// What the last member of a list says, whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The exchange that it tells of.
    pub exchange: ExchangeId,
    /// What its writer saw.
    pub seen: Sightings,
}

/// The claim of the list on `line`, where its writer names this `key` and what it saw, and has judged nothing to be changed.
#[must_use]
pub fn claim(line: &[u8], key: &KeyId) -> Option<Claim> {
    let (exchange, seen) = words(line, key)?;
    let mut bytes = [0; packed::MOST + 2];
    let length = STANDARD.decode_slice(seen, &mut bytes).ok()?;
    Some(Claim { exchange, seen: packed::unpacked(bytes.get(..length)?)? })
}

/// The exchange alone, of a list that says as much as [`claim`] wants.
#[must_use]
pub fn claimed_exchange(line: &[u8], key: &KeyId) -> Option<ExchangeId> {
    words(line, key).map(|(exchange, _)| exchange)
}

/// The exchange, and the text of what was seen.
fn words<'l>(line: &'l [u8], key: &KeyId) -> Option<(ExchangeId, &'l [u8])> {
    if line.len() > MOST_BYTES {
        return None;
    }
    let last = memchr::memrchr(b',', line).and_then(|comma| line.get(comma + 1..)).unwrap_or(line);
    let mut rest = last;
    let (mut is_ours, mut seen, mut exchange) = (false, None, None);
    while let Some(end) = memchr::memchr(b';', rest) {
        let (_, begun) = rest.split_at_checked(end + 1)?;
        let value = &|open: &[u8], close| begun.strip_prefix(open).and_then(|value| until(value, close));
        match begun.first()? {
            b'k' => is_ours = value(b"k=\"", b'"')? == key.as_str().as_bytes(),
            b's' => seen = Some(value(b"s=:", b':')?),
            b'x' => exchange = ExchangeId::from_digits(std::str::from_utf8(value(b"x=\"", b'"')?).ok()?),
            b'i' | b't' | b'm' => {}
            _ => return None,
        }
        rest = begun;
    }
    Some((exchange?, seen.filter(|_| is_ours)?))
}

fn until(text: &[u8], close: u8) -> Option<&[u8]> {
    memchr::memchr(close, text).and_then(|end| text.get(..end))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::super::arbitrary::sightings;
    use super::super::{Member, write};
    use super::{Claim, claim};
    use crate::evidence::{Change, Changed, ExchangeId, HopName, Instance, Sightings, Watched};
    use crate::message::Method;
    use crate::moment::Moment;
    use crate::secret::{KeyId, TrailKey};

    fn member(hop: &str, seen: Sightings) -> Member {
        Member {
            hop: HopName::new(hop).unwrap(),
            instance: Instance::new("k:1").unwrap(),
            key: KeyId::new("2026").unwrap(),
            seen: Some(seen),
            changes: Vec::new(),
        }
    }

    fn written(members: &[Member], exchange: u64) -> Vec<u8> {
        let key = TrailKey::new(KeyId::new("2026").unwrap(), &[1; 32]);
        let bound = super::super::Bound::new(super::super::Direction::There, Method::Get, b"GET", b"a");
        write(members, ExchangeId::new(exchange), Moment::from_seconds(1_764_090_512), &key, &bound)
    }

    proptest! {
        #[test]
        fn a_list_claims_what_its_writer_saw(one in sightings(), other in sightings(), number in any::<u64>()) {
            let (ours, others) = (KeyId::new("2026").unwrap(), KeyId::new("2027").unwrap());
            let mut members = [member("edge", other), member("shield", one)];
            let text = written(&members, number);
            let expected = Claim { exchange: ExchangeId::new(number), seen: one };
            prop_assert_eq!(claim(&text, &ours), Some(expected));
            prop_assert_eq!(claim(&text, &others), None);
            members[1].changes = vec![Changed { header: Watched::Cookie, change: Change::Added, to: None }];
            prop_assert_eq!(claim(&written(&members, number), &ours), None, "what was judged is read in full");
            members[1].seen = None;
            prop_assert_eq!(claim(&written(&members, number), &ours), None);
        }

        #[test]
        fn any_line_claims_nothing(line in vec(any::<u8>(), 0..1100)) {
            prop_assert_eq!(claim(&line, &KeyId::new("2026").unwrap()), None);
        }
    }

    #[test]
    fn what_is_not_as_a_doctor_writes_it_claims_nothing() {
        let bytes = "AQAAAAAAAAAAAA==";
        let text = format!("edge;k=\"2026\";s=:{bytes}:;x=\"0123456789abcdef\";t=@1;m=:AA:");
        let key = KeyId::new("2026").unwrap();
        assert!(claim(text.as_bytes(), &key).is_some());
        let others = [
            text.replace("k=", "K="),
            text.replace(";k=\"2026\"", ""),
            text.replace(bytes, "AQAAAAAAAAAAAA"),
            text.replace(bytes, "AQAAAAAAAAAA"),
            text.replace("0123456789abcdef", "0123456789ABCDEF"),
            text.replace(";x=\"0123456789abcdef\"", ""),
            text.replace(";t=", "; t="),
            text.replace(";t=", ";d;t="),
            text.replace(";t=", ";c=\"origin=missing\";t="),
            format!("{}{text}", " ".repeat(1025 - text.len())),
        ];
        for text in others {
            assert_eq!(claim(text.as_bytes(), &key), None, "{text}");
        }
    }
}
