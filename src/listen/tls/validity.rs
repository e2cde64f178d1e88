//! From when until when a certificate is valid (RFC 5280 §4.1.2.5), for a warning before its end is noticed by clients.
//!
//! The library that checks certificates tells nobody these times, and they are the fifth thing in a list, so the way
//! there is walked here. What cannot be read says nothing: the certificate itself is judged elsewhere.

use crate::moment::Moment;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, which holds the version.
const VERSION: u8 = 0xA0;

/// The first and the last moment of a certificate, in DER.
pub(super) fn validity(certificate: &[u8]) -> Option<(Moment, Moment)> {
    let (certificate, _) = value(certificate, SEQUENCE)?;
    let (fields, _) = value(certificate, SEQUENCE)?;
    let fields = value(fields, VERSION).map_or(fields, |(_, rest)| rest);
    let (_serial, rest) = value(fields, INTEGER)?;
    let (_signature, rest) = value(rest, SEQUENCE)?;
    let (_issuer, rest) = value(rest, SEQUENCE)?;
    let (validity, _) = value(rest, SEQUENCE)?;
    let (from, rest) = moment(validity)?;
    let (until, _) = moment(rest)?;
    Some((from, until))
}

/// The contents of the value that `bytes` begin with, which must have this tag, and what follows it.
fn value(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, first, rest @ ..] = bytes else { return None };
    if *found != tag {
        return None;
    }
    if *first < 0x80 {
        return rest.split_at_checked(usize::from(*first));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(*first & 0x7F))?;
    if digits.len() > 4 {
        return None;
    }
    let length = digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit));
    rest.split_at_checked(length)
}

/// `YYMMDDHHMMSSZ`, where YY from 50 on is of the last century, or `YYYYMMDDHHMMSSZ`.
fn moment(bytes: &[u8]) -> Option<(Moment, &[u8])> {
    if let Some((text, rest)) = value(bytes, GENERALIZED_TIME) {
        let (year, text) = text.split_at_checked(4)?;
        return Some((time(b"", year, text)?, rest));
    }
    let (text, rest) = value(bytes, UTC_TIME)?;
    let (year, text) = text.split_at_checked(2)?;
    let century = if year < &b"50"[..] { b"20" } else { b"19" };
    Some((time(century, year, text)?, rest))
}

fn time(century: &[u8], year: &[u8], text: &[u8]) -> Option<Moment> {
    let [m1, m2, d1, d2, h1, h2, min1, min2, s1, s2, b'Z'] = *text else { return None };
    let rest = [b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', min1, min2, b':', s1, s2, b'Z'];
    Moment::from_iso8601(&[century, year, &rest].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::{Moment, moment, validity};

    fn certificate(from: (i32, u8, u8), until: (i32, u8, u8)) -> Vec<u8> {
        let mut params = CertificateParams::new(["a.test".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn days(count: i64) -> Moment {
        Moment::from_seconds(count * 86_400)
    }

    #[test]
    fn the_times_are_read_as_they_were_written() {
        for (from, until, first, last) in [
            ((1970, 1, 2), (2000, 3, 1), 1, 11_017),
            ((2024, 2, 29), (2049, 12, 31), 19_782, 29_219),
            ((2026, 11, 25), (2100, 3, 1), 20_782, 47_541),
        ] {
            assert_eq!(validity(&certificate(from, until)), Some((days(first), days(last))));
        }
    }

    #[test]
    fn hours_minutes_and_seconds_count() {
        let (read, rest) = moment(b"\x17\x0D700101010203Zrest").unwrap();
        assert_eq!((read, rest), (Moment::from_seconds(3723), &b"rest"[..]));
        assert!(moment(b"\x17\x0D701301010203Z").is_none(), "there is no thirteenth month");
        assert!(moment(b"\x17\x0C70010101020Z").is_none());
    }

    proptest! {
        #[test]
        fn any_damage_is_survived(at in 0_usize..200, bytes in prop::collection::vec(any::<u8>(), 1..8)) {
            let mut der = certificate((2026, 1, 1), (2027, 1, 1));
            der.splice(at..at + bytes.len(), bytes);
            let _any = (validity(&der), validity(&der[..at]));
        }
    }
}
