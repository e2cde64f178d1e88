//! What stands in a body under its content coding.
//!
//! Only the beginning of an error body is kept, so every stream may end early: what came before the end counts. What
//! goes in and what comes out are bounded, so that a body made to explode costs no more than any other.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};

use crate::message::{Fields, Name};

/// How much is decoded, in bytes.
const MOST_IN: usize = 64 * 1024;
/// How much comes out, in bytes.
const MOST_OUT: u64 = 256 * 1024;

/// The codings of RFC 9110 §8.4.1 that are understood, and brotli (RFC 7932).
#[derive(Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// The body as it was before it was coded; nothing when the coding is unknown, is one of several, or does not fit.
pub(super) fn decode<'b>(fields: &Fields, body: &'b [u8]) -> Option<Cow<'b, [u8]>> {
    let mut codings = fields
        .all(Name::ContentEncoding)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"));
    let Some(coding) = codings.next() else { return Some(Cow::Borrowed(body)) };
    if codings.next().is_some() {
        return None;
    }
    let coding = Coding::of(coding)?;
    let decoded = coding.decode(body.get(..MOST_IN).unwrap_or(body));
    (body.is_empty() || !decoded.is_empty()).then_some(Cow::Owned(decoded))
}

impl Coding {
    fn of(name: &[u8]) -> Option<Self> {
        let known: [(&str, Self); 4] =
            [("gzip", Self::Gzip), ("x-gzip", Self::Gzip), ("deflate", Self::Deflate), ("br", Self::Brotli)];
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        known.into_iter().find(|(known, _)| is(known)).map(|(_, coding)| coding)
    }

    fn decode(self, body: &[u8]) -> Vec<u8> {
        const WINDOW: usize = 4096;
        match self {
            Self::Gzip => until_it_breaks(GzDecoder::new(body)),
            Self::Deflate if is_zlib(body) => until_it_breaks(ZlibDecoder::new(body)),
            Self::Deflate => until_it_breaks(DeflateDecoder::new(body)),
            Self::Brotli => until_it_breaks(brotli_decompressor::Decompressor::new(body, WINDOW)),
        }
    }
}

/// `deflate` means zlib (RFC 9110 §8.4.1.2), but some send it raw: a zlib header names its method and is a multiple
/// of 31 (RFC 1950 §2.2).
fn is_zlib(body: &[u8]) -> bool {
    let [method, flags, ..] = body else { return false };
    method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0
}

fn until_it_breaks(stream: impl Read) -> Vec<u8> {
    let mut out = Vec::new();
    // An error only says that the stream ended before its end; what was read stays.
    drop(stream.take(MOST_OUT).read_to_end(&mut out));
    out
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::{any, prop, proptest};

    use super::{MOST_OUT, decode};
    use crate::message::Fields;

    const TEXT: &[u8] = br#"{"code":"rest_forbidden","message":"Sorry, you are not allowed to do that.","data":{"status":401}}"#;

    /// `TEXT` as the encoder of brotli 1.1.0 (Node) writes it, in hexadecimal.
    const BROTLI: &str = "1b6100508cd462cd18ef04e5b654c7e505055b1744ac0fdf642c7558a69c72c01a70d89645257297bbc17920795a1cc8\
        3ada360b0a94b69f7ce634211fb0ec9ff158e0d921af0ee888b0832200bac6ec06";
    /// 32 MiB of zeroes, written alike.
    const BROTLI_BOMB: &str = "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f0088c30200ddfbbffcffffc33f011087\
        0500baf77f";

    fn brotli(digits: &str) -> Vec<u8> {
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(byte).collect()
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(coding: &str, body: &[u8]) -> Option<Vec<u8>> {
        decode(&Fields::from([("Content-Encoding", coding)]), body).map(std::borrow::Cow::into_owned)
    }

    #[test]
    fn each_coding_is_undone() {
        let table = [
            ("gzip", gzip(TEXT)),
            ("X-GZIP", gzip(TEXT)),
            ("deflate", zlib(TEXT)),
            ("deflate", raw(TEXT)),
            ("br", brotli(BROTLI)),
            ("identity", TEXT.to_vec()),
            ("identity, gzip", gzip(TEXT)),
            ("", TEXT.to_vec()),
        ];
        for (coding, body) in table {
            assert_eq!(decoded(coding, &body).as_deref(), Some(TEXT), "{coding}");
        }
        assert_eq!(decode(&Fields::new(), TEXT).as_deref(), Some(TEXT));
    }

    #[test]
    fn what_does_not_fit_stays_coded() {
        let table: [(&str, &[u8]); 6] = [
            ("gzip", TEXT),
            ("br", b"\xff\xff\xff\xff"),
            ("zstd", b"\x28\xb5\x2f\xfd"),
            ("gzip, br", &gzip(TEXT)),
            ("gzip, gzip", &gzip(&gzip(TEXT))),
            ("gzip", &gzip(TEXT)[..11]),
        ];
        for (coding, body) in table {
            assert_eq!(decoded(coding, body), None, "{coding}");
        }
        let twice = Fields::from([("Content-Encoding", "gzip"), ("Content-Encoding", "gzip")]);
        assert_eq!(decode(&twice, &gzip(TEXT)), None);
        assert_eq!(decoded("gzip", b"").as_deref(), Some(b"".as_slice()));
    }

    #[test]
    fn what_came_before_a_cut_counts() {
        for (coding, body) in
            [("gzip", gzip(TEXT)), ("deflate", zlib(TEXT)), ("deflate", raw(TEXT)), ("br", brotli(BROTLI))]
        {
            let mut longest = 0;
            for end in 0..body.len() {
                let out = decoded(coding, &body[..end]).unwrap_or_default();
                assert!(TEXT.starts_with(&out), "{coding} {end}");
                longest = longest.max(out.len());
            }
            assert!(longest > TEXT.len() / 2, "{coding}: {longest}");
        }
    }

    #[test]
    fn a_bomb_is_cut() {
        let zeroes = vec![0; 32 << 20];
        for (coding, body) in
            [("gzip", gzip(&zeroes)), ("deflate", zlib(&zeroes)), ("br", brotli(BROTLI_BOMB))]
        {
            assert_eq!(decoded(coding, &body).unwrap().len() as u64, MOST_OUT, "{coding}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_not(body in any::<Vec<u8>>(), coding in prop::sample::select(vec!["gzip", "deflate", "br"])) {
            assert!(decoded(coding, &body).unwrap_or_default().len() as u64 <= MOST_OUT);
        }

        #[test]
        fn a_damaged_stream_stays_bounded(at in 0usize..400, byte in any::<u8>(), coding in 0usize..3) {
            let (name, mut body) = vec![("gzip", gzip(TEXT)), ("deflate", raw(TEXT)), ("br", brotli(BROTLI))].swap_remove(coding);
            let at = at % body.len();
            body[at] = byte;
            assert!(decoded(name, &body).unwrap_or_default().len() as u64 <= MOST_OUT);
        }

        #[test]
        fn any_text_comes_back(text in prop::collection::vec(any::<u8>(), 1..2000)) {
            assert_eq!(decoded("gzip", &gzip(&text)), Some(text.clone()));
            assert_eq!(decoded("deflate", &zlib(&text)), Some(text));
        }
    }
}
