//! The marks: one for each kind of secret and each place where one stands, and the search for any of them in any spelling.
//!
//! A mark is found by any eight characters of it, so a piece that was cut out, a `…` in its middle and a truncated line hide
//! nothing. Case does not count; Base64 of either alphabet at each of its three offsets, hexadecimal digits, percent
//! signs, the escapes of JSON and Rust, and line breaks within are seen through.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// So many characters of a mark are a leak.
const PIECE: usize = 8;

/// Passwords as people choose them: words with a digit, which look like nothing in particular.
pub(super) const PASSWORD: &str = "tulip4Garden";
pub(super) const OTHER_PASSWORD: &str = "walrus9Bicycle";
pub(super) const LOGIN: &str = "gwendolyn.quartz";
pub(super) const APP_PASSWORD: &str = "Zx8q Wv5r Ty2n Jk7m Gh4b Dc9s";
/// Opaque secrets as machines make them.
pub(super) const OPAQUE: &str = "sKq7RvT2mXw9ZbL4nYh6";
pub(super) const API_KEY: &str = "ck_5Fq8Vw1Nz3Jb6Xr9Tm2Lp4Hs7";
pub(super) const REFRESH: &str = "rFh3Nq8Wz5Kc1Vb7Xm4Tj9Gp2";
pub(super) const RESET_KEY: &str = "Uw6Ej3Rz8Qb1Mk5Xv9Ty";
pub(super) const COOKIE: &str = "Jd8vQz3Wn6Lf1Rk9Xb4Tg7Mp2Hc5Ys0";
pub(super) const SESSION: &str = "q8w1e7r2t6y3u5i4o9p0a7s2d6";
pub(super) const NONCE: &str = "b7d3f9a1c5";
pub(super) const SIGNATURE: &str = "Vn4Xk9Qz2Wb7Lr5Tm1Yj8Gc3Hf6Pd0Sa4Je9Ui2";
/// What stands inside the parts of the token.
pub(super) const KEY_ID: &str = "kidOfPelican83Mv";
pub(super) const TOKEN_ID: &str = "jtiOfMarmoset57Zx";
pub(super) const EMAIL: &str = "ottilie.zephyr@quux.zq";
/// The secrets of those who run things.
pub(super) const SITE_SECRET: &str = "Bq5Xn8Rw2Lz7Kv4Tj1Mf9Hd3Gs6Pc0Ya";
pub(super) const PHP_PASSWORD: &str = "orchid7Submarine";
pub(super) const GATE: &str = "gateOfHeron26Qp";
pub(super) const ADMIN_TOKEN: &str = "aDm8Kz3Qv6Wn1Xr9Lb4Tj7Yc2";

/// The token that all of it is about: signed by nobody, of a user of the site.
pub(super) static TOKEN: LazyLock<String> = LazyLock::new(|| token("a.test", 4_102_444_800));
/// One that has expired.
pub(super) static EXPIRED: LazyLock<String> = LazyLock::new(|| token("a.test", 1_500_000_000));
/// One of another site.
pub(super) static FOREIGN: LazyLock<String> = LazyLock::new(|| token("b.test", 4_102_444_800));

/// What stands behind `Basic`.
pub(super) static BASIC: LazyLock<String> = LazyLock::new(|| STANDARD.encode(format!("{LOGIN}:{PASSWORD}")));

fn token(site: &str, expires: u64) -> String {
    let header = format!(r#"{{"typ":"JWT","alg":"HS256","kid":"{KEY_ID}"}}"#);
    let claims = format!(
        r#"{{"iss":"http://{site}","iat":1400000000,"nbf":1400000000,"exp":{expires},"jti":"{TOKEN_ID}","email":"{EMAIL}","data":{{"user":{{"id":"7"}}}}}}"#
    );
    format!("{}.{}.{SIGNATURE}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// Each mark, and what it is called when it is found.
fn marks() -> Vec<(&'static str, String)> {
    let mut marks: Vec<_> = [
        ("a password", PASSWORD),
        ("another password", OTHER_PASSWORD),
        ("a login", LOGIN),
        ("an application password", APP_PASSWORD),
        ("an opaque token", OPAQUE),
        ("an API key", API_KEY),
        ("a refresh token", REFRESH),
        ("a reset key", RESET_KEY),
        ("a cookie", COOKIE),
        ("a session", SESSION),
        ("a nonce", NONCE),
        ("a token's signature", SIGNATURE),
        ("a token's key id", KEY_ID),
        ("a token's id", TOKEN_ID),
        ("a token's e-mail address", EMAIL),
        ("the site's secret", SITE_SECRET),
        ("a password in PHP's log", PHP_PASSWORD),
        ("the credential of a gate", GATE),
        ("the token of the admin listener", ADMIN_TOKEN),
    ]
    .map(|(name, mark)| (name, mark.to_owned()))
    .into();
    marks.push(("an application password", APP_PASSWORD.replace(' ', "")));
    marks.push(("what stands behind Basic", BASIC.clone()));
    for token in [&*TOKEN, &*EXPIRED, &*FOREIGN] {
        let parts: Vec<_> = token.split('.').collect();
        // The first bytes of a header are those of any token.
        marks.push(("a token's header", parts[0][parts[0].len() - 20..].to_owned()));
        marks.push(("a token's claims", parts[1].to_owned()));
    }
    marks
}

/// All pieces by which a mark is known, in small letters.
struct Needles {
    pieces: HashMap<[u8; PIECE], &'static str>,
    digits: HashMap<[u8; 2 * PIECE], &'static str>,
    /// Which four bytes begin any piece, as [`roll`] numbers them: most text is passed over by it.
    begins: Vec<bool>,
}

/// The number of the last four bytes, case aside, where this one comes after those of that number.
fn roll(number: usize, byte: u8) -> usize {
    (number << 5 | usize::from(byte & 0x1f)) & 0xf_ffff
}

static NEEDLES: LazyLock<Needles> = LazyLock::new(Needles::of_all_marks);

impl Needles {
    fn of_all_marks() -> Self {
        let mut needles =
            Self { pieces: HashMap::new(), digits: HashMap::new(), begins: vec![false; 1 << 20] };
        for (name, mark) in marks() {
            needles.take(name, mark.as_bytes());
            for padding in 0..3 {
                let bytes = [&b"\0\0\0"[..padding], mark.as_bytes()].concat();
                // What depends on the neighbours of the mark is no part of it.
                let from = padding.div_ceil(3) * 4;
                for text in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
                    let inner = &text[from..bytes.len() / 3 * 4];
                    needles.take(name, inner.as_bytes());
                }
            }
            let digits = hex(mark.as_bytes());
            needles.digits.extend(windows(digits.as_bytes()).map(|digits| (digits, name)));
        }
        let firsts = needles.pieces.keys().map(|piece| &piece[..4]);
        let firsts = firsts.chain(needles.digits.keys().map(|digits| &digits[..4]));
        let numbers = firsts.map(|first| first.iter().fold(0, |number, byte| roll(number, *byte)));
        for number in numbers.collect::<Vec<_>>() {
            needles.begins[number] = true;
        }
        needles
    }

    fn take(&mut self, name: &'static str, text: &[u8]) {
        self.pieces.extend(windows(&text.to_ascii_lowercase()).map(|piece| (piece, name)));
    }

    /// The mark that a piece at the beginning of this text belongs to.
    fn at(&self, text: &[u8]) -> Option<&'static str> {
        let piece = text.first_chunk().and_then(|piece: &[u8; PIECE]| self.pieces.get(&piece.map(small)));
        let digits =
            || text.first_chunk().and_then(|digits: &[u8; 2 * PIECE]| self.digits.get(&digits.map(small)));
        piece.or_else(digits).copied()
    }

    /// The places where a piece of a mark begins.
    fn places<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, &'static str)> + 't {
        let mut number = 0;
        let mut may_begin = move |byte: &u8| {
            number = roll(number, *byte);
            self.begins[number]
        };
        let places = text.iter().enumerate().filter(move |(at, byte)| may_begin(byte) && *at >= 3);
        places.filter_map(|(at, _)| Some((at - 3, self.at(&text[at - 3..])?)))
    }
}

const fn small(byte: u8) -> u8 {
    byte.to_ascii_lowercase()
}

fn windows<const N: usize>(text: &[u8]) -> impl Iterator<Item = [u8; N]> {
    text.windows(N).map(|window| *window.first_chunk().unwrap())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    bytes.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
    text
}

/// Where marks stand in this text: what each is, and the text around it.
pub(super) fn found(text: &[u8]) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    for spelling in [text, &unescaped(text)] {
        for (at, name) in NEEDLES.places(spelling) {
            if found.iter().all(|(known, _)| *known != name) {
                let around = &spelling[at.saturating_sub(120)..(at + 60).min(spelling.len())];
                found.push((name, String::from_utf8_lossy(around).into_owned()));
            }
        }
    }
    found
}

/// The text without white space, percent signs and the escapes of JSON and Rust.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escape: Option<(u8, usize)> = match (first, after.first()) {
            (b'%', _) => byte(after.get(..2)).map(|byte| (byte, 2)),
            (b'\\', Some(b'x')) => byte(after.get(1..3)).map(|byte| (byte, 3)),
            (b'\\', Some(b'u')) if after.get(1..3) == Some(b"00") => {
                byte(after.get(3..5)).map(|byte| (byte, 5))
            }
            (b'\\', Some(sign)) => Some((*sign, 1)),
            _ => None,
        };
        let (byte, length) = escape.unwrap_or((*first, 0));
        if !byte.is_ascii_whitespace() {
            plain.push(byte);
        }
        rest = &after[length..];
    }
    plain
}

fn byte(digits: Option<&[u8]>) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits?).ok()?, 16).ok()
}

#[test]
fn a_mark_is_found_in_every_spelling() {
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let json = |text: &str| text.bytes().map(|byte| format!("\\u00{byte:02x}")).collect::<String>();
    for mark in [PASSWORD, OPAQUE, APP_PASSWORD, &TOKEN, SIGNATURE, &BASIC] {
        for spelling in [
            mark.to_owned(),
            mark.to_uppercase(),
            mark.to_lowercase(),
            format!("…{}…", &mark[mark.len() - 9..]),
            format!("{}\n      {}", &mark[..6], &mark[6..]),
            STANDARD.encode(mark),
            STANDARD.encode(format!("x:{mark}")),
            URL_SAFE_NO_PAD.encode(format!("?>{mark}?>")),
            STANDARD.encode(STANDARD.encode(mark)).replace('=', ""),
            hex(mark.as_bytes()),
            hex(mark.as_bytes()).to_uppercase(),
            percent(mark),
            json(mark),
        ] {
            let is_twice = spelling == STANDARD.encode(STANDARD.encode(mark)).replace('=', "");
            let text = format!("2026-01-01T00:00:00Z WARN \"{spelling}\" and more");
            assert_eq!(found(text.as_bytes()).is_empty(), is_twice, "{text}");
        }
    }
    assert_eq!(found(b"a tulip in the garden, 2f9c1b3a, eyJhbGciOiJIUzI1NiJ9"), []);
}
