//! Any chunked body: cut anywhere, it means the same as whole.

#![no_main]

use header_doctor::http1::{BadChunk, Decoder, Progress};
use libfuzzer_sys::fuzz_target;

/// The data, and how much of the wire was used when the body was complete.
fn decode(wire: &[u8], step: usize) -> Result<(Vec<u8>, Option<usize>), BadChunk> {
    let (mut decoder, mut data) = (Decoder::default(), Vec::new());
    let (mut at, mut known) = (0, 0);
    loop {
        match decoder.advance(&wire[at..known])? {
            Progress::Framing(count) => at += count,
            Progress::Data(count) => {
                data.extend_from_slice(&wire[at..at + count]);
                decoder.took(count);
                at += count;
            }
            Progress::End(count) => return Ok((data, Some(at + count))),
            Progress::More if known == wire.len() => return Ok((data, None)),
            Progress::More => known = (known + step).min(wire.len()),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((step, wire)) = bytes.split_first() else { return };
    let (whole, cut) = (decode(wire, wire.len().max(1)), decode(wire, usize::from(*step).max(1)));
    if let (Ok(whole), Ok(cut)) = (&whole, &cut) {
        assert_eq!(whole, cut);
    }
    // A fault may be named differently when less of it is known, but it stays a fault.
    assert_eq!(whole.is_ok(), cut.is_ok());
});
