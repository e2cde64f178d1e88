//! Any text that PHP says under a good seal, and any line without one: never a panic; what is read is short and may be printed.

#![no_main]

use header_doctor::evidence::php_hop::answered;
use header_doctor::evidence::signed::{Bound, Direction};
use header_doctor::evidence::{Arrived, ExchangeId, PhpSaw, look};
use header_doctor::message::{Fields, Method};
use header_doctor::moment::Moment;
use header_doctor::secret::{KeyId, Keyring, TrailKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let key = TrailKey::new(KeyId::new("k1").expect("a name"), &[7; 32]);
    let bound = Bound::new(Direction::Back, Method::Get, b"GET", b"a.test");
    let ring = Keyring::of_one(key.clone());
    assert!(answered([bytes], &ring, ExchangeId::new(1), &bound).is_none());
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let saw = PhpSaw::read(Moment::default(), text);
    let words = [&saw.sapi, &saw.auth_type, &saw.home, &saw.environment, &saw.route, &saw.handler, &saw.refusal];
    assert!(words.into_iter().flatten().all(|word| (1..=120).contains(&word.as_str().len())));
    assert!(saw.others.len() <= 3 && saw.plugins.len() <= 2);
    let fields = Fields::from([("Authorization", "Bearer a.b.c"), ("Cookie", "a=b")]);
    let look = look(&fields);
    let sent = look.sightings(&fields, key.fingerprints());
    let arrived = Arrived::judge(saw, &look, &fields, &sent, &key);
    assert!(arrived.reached.is_some());
});
