//! Any records of a FastCGI application: cut anywhere, they mean the same as whole.

#![no_main]

use header_doctor::upstream::fastcgi::record::{BadRecord, Decoder, End, Progress};
use libfuzzer_sys::fuzz_target;

/// The reply, the complaints, and the end where there is one.
fn decode(wire: &[u8], step: usize) -> Result<(Vec<u8>, Vec<u8>, Option<End>), BadRecord> {
    let (mut decoder, mut out, mut err) = (Decoder::default(), Vec::new(), Vec::new());
    let (mut at, mut known) = (0, 0);
    loop {
        let data = &wire[at..known];
        match decoder.advance(data)? {
            Progress::More if known == wire.len() => return Ok((out, err, None)),
            Progress::More => known = (known + step).min(wire.len()),
            Progress::Framing(count) => at += count,
            Progress::Stdout(count) => {
                out.extend_from_slice(&data[..count]);
                decoder.took(count);
                at += count;
            }
            Progress::Stderr(count) => {
                err.extend_from_slice(&data[..count]);
                decoder.took(count);
                at += count;
            }
            Progress::End(count, end) => {
                assert!(count <= data.len());
                return Ok((out, err, Some(end)));
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((step, wire)) = bytes.split_first() else { return };
    let (whole, cut) = (decode(wire, wire.len().max(1)), decode(wire, usize::from(*step).max(1)));
    if let (Ok(whole), Ok(cut)) = (&whole, &cut) {
        assert_eq!(whole, cut);
    }
    assert_eq!(whole.is_ok(), cut.is_ok());
});
