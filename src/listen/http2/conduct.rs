//! What a client of HTTP/2 does beside asking. The library answers every PING and every SETTINGS, and lets requests be
//! taken back as fast as they are made; here both are bounded for each connection.
//!
//! Only the nine bytes before each frame are looked at (RFC 9113 §4.1). The library bounds the rest: streams at a
//! time, heads and their continuations, small and empty DATA frames, and streams that break the protocol.

use std::time::Duration;

use tokio::time::Instant;

use super::PREFACE;

/// Counts begin anew after this time.
const PERIOD: Duration = Duration::from_secs(10);

/// How many frames that neither ask nor carry a body a client may send in a period for nothing.
const FREE_FRAMES: u64 = 1000;

/// How many more of them each request allows.
const FRAMES_PER_REQUEST: u64 = 4;

/// One more is allowed for so many bytes sent to the client: it must grant them.
const BYTES_PER_FRAME: u64 = 512;

/// How many requests a client may take back in a period; beyond that it must be less than half of them, or no more
/// than were answered: an upload that is answered early is taken back by right.
const FREE_RESETS: u64 = 200;

/// The bytes before each frame.
const HEADER: usize = 9;

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Abuse {
    /// Frames that ask for nothing: PING, SETTINGS, PRIORITY, WINDOW_UPDATE and unknown ones.
    #[error("a flood of frames that ask for nothing")]
    Control,
    /// CVE-2023-44487.
    #[error("most requests are taken back at once")]
    Resets,
}

/// Counts frames and judges them.
pub(super) struct Conduct {
    frames: Frames,
    since: Instant,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    requests: u64,
    answered: u64,
    resets: u64,
    others: u64,
    sent: u64,
}

impl Conduct {
    /// A client of whom nothing was read.
    pub(super) const fn new(now: Instant) -> Self {
        let counts = Counts { requests: 0, answered: 0, resets: 0, others: 0, sent: 0 };
        Self { frames: Frames { skip: PREFACE.len(), header: [0; HEADER], known: 0 }, since: now, counts }
    }

    /// Takes note of what was read.
    pub(super) fn read(&mut self, bytes: &[u8], now: Instant) -> Result<(), Abuse> {
        if now.saturating_duration_since(self.since) >= PERIOD {
            self.since = now;
            self.counts = Counts::default();
        }
        let counts = &mut self.counts;
        self.frames.see(bytes, |kind| match kind {
            DATA | CONTINUATION => {}
            HEADERS => counts.requests += 1,
            RST_STREAM => counts.resets += 1,
            _ => counts.others += 1,
        });
        self.counts.judge()
    }

    /// Takes note that a request was answered whole.
    pub(super) const fn answered(&mut self) {
        self.counts.answered += 1;
    }

    /// Takes note of what was sent.
    pub(super) const fn sent(&mut self, bytes: usize) {
        self.counts.sent += bytes as u64;
    }
}

impl Counts {
    const fn judge(&self) -> Result<(), Abuse> {
        let earned = self.requests * FRAMES_PER_REQUEST + self.sent / BYTES_PER_FRAME;
        if self.others > FREE_FRAMES + earned {
            return Err(Abuse::Control);
        }
        if self.resets > FREE_RESETS + self.answered && self.resets * 2 > self.requests {
            return Err(Abuse::Resets);
        }
        Ok(())
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const CONTINUATION: u8 = 9;

/// Finds the headers of frames in bytes that come in pieces.
struct Frames {
    skip: usize,
    header: [u8; HEADER],
    known: usize,
}

impl Frames {
    fn see(&mut self, mut bytes: &[u8], mut kind: impl FnMut(u8)) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let room = self.header.get_mut(self.known..).unwrap_or_default();
            let taken = room.len().min(bytes.len());
            room.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
            bytes = bytes.get(taken..).unwrap_or_default();
            self.known += taken;
            if self.known == HEADER {
                let [high, middle, low, found, ..] = self.header;
                self.skip = u32::from_be_bytes([0, high, middle, low]) as usize;
                self.known = 0;
                kind(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};
    use tokio::time::Instant;

    use super::{Abuse, Conduct, FREE_FRAMES, Frames, HEADER, PERIOD};

    const PING: u8 = 6;

    fn frame(kind: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, 0, 0, 0, 0, 1];
        frame.resize(HEADER + usize::from(length), 0xff);
        frame
    }

    fn conduct(now: Instant) -> Conduct {
        let mut conduct = Conduct::new(now);
        conduct.read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", now).unwrap();
        conduct
    }

    #[test]
    fn a_flood_of_pings_is_abuse_and_a_few_each_period_are_not() {
        let start = Instant::now();
        let mut client = conduct(start);
        let pings =
            |client: &mut Conduct, count, now| (0..count).try_for_each(|_| client.read(&frame(PING, 8), now));
        assert_eq!(pings(&mut client, FREE_FRAMES, start), Ok(()));
        assert_eq!(pings(&mut client, FREE_FRAMES, start + PERIOD), Ok(()));
        assert_eq!(pings(&mut client, 1, start + PERIOD), Err(Abuse::Control));
    }

    #[test]
    fn a_client_may_grant_what_it_is_sent() {
        const WINDOW_UPDATE: u8 = 8;
        let start = Instant::now();
        let mut client = conduct(start);
        for _ in 0..10_000 {
            client.sent(1024);
            assert_eq!(client.read(&frame(WINDOW_UPDATE, 4), start), Ok(()));
            assert_eq!(client.read(&frame(WINDOW_UPDATE, 4), start), Ok(()));
        }
    }

    #[test]
    fn requests_taken_back_are_abuse_when_they_are_most() {
        let start = Instant::now();
        let mut client = conduct(start);
        let back = |client: &mut Conduct| {
            client.read(&frame(super::HEADERS, 20), start)?;
            client.read(&frame(super::RST_STREAM, 4), start)
        };
        assert_eq!((0..200).try_for_each(|_| back(&mut client)), Ok(()));
        assert_eq!(back(&mut client), Err(Abuse::Resets));
        let mut client = conduct(start);
        for _ in 0..1000 {
            client.answered();
            assert_eq!(back(&mut client), Ok(()));
        }
        let mut client = conduct(start);
        for _ in 0..1000 {
            client.read(&frame(super::HEADERS, 20), start).unwrap();
            assert_eq!(back(&mut client), Ok(()));
        }
        assert_eq!(conduct(start).read(&[], start + Duration::from_secs(1)), Ok(()));
    }

    proptest! {
        #[test]
        fn frames_are_found_however_their_bytes_are_cut(
            frames in vec((any::<u8>(), 0_u8..50), 0..20),
            cuts in vec(1_usize..40, 1..100),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|(kind, length)| frame(*kind, *length)).collect();
            let mut found = Vec::new();
            let mut scan = Frames { skip: 0, header: [0; HEADER], known: 0 };
            let mut rest = bytes.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at((*cut).min(rest.len()));
                scan.see(piece, |kind| found.push(kind));
                rest = behind;
            }
            let kinds: Vec<u8> = frames.iter().map(|(kind, _)| *kind).collect();
            assert_eq!(found, kinds);
        }
    }
}
