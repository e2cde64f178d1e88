//! What the log has still to write, piece by piece: so that each event that is lost on a full disk is counted, and none of
//! those that were written before.
//!
//! A disk may be full in the middle of a line. The rest of that line is kept until there is room: what follows would else stand
//! in the same line, and nobody could read either.

use std::io::{ErrorKind, Write};

/// Text to be written.
#[derive(Default)]
pub(super) struct Held {
    text: Vec<u8>,
    /// What it is made of, one after the other and without a rest.
    pieces: Vec<Piece>,
    /// Whether the beginning of the first piece was written before.
    is_begun: bool,
}

struct Piece {
    /// Where it ends in the text.
    end: usize,
    tells: Tells,
}

/// What a piece of the log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tells {
    /// An event, or of those like it.
    Event,
    /// That so many events were dropped.
    Gap(u64),
}

impl Held {
    /// Adds a piece, with its line end.
    pub(super) fn add(&mut self, text: &str, tells: Tells) {
        self.text.extend_from_slice(text.as_bytes());
        self.pieces.push(Piece { end: self.text.len(), tells });
    }

    /// In bytes.
    pub(super) const fn length(&self) -> usize {
        self.text.len()
    }

    /// Writes all of it. What cannot be written is forgotten and given back, but for what was begun.
    pub(super) fn write_to(&mut self, out: &mut impl Write) -> Vec<Tells> {
        let written = write(&self.text, out);
        // What was taken, and is not where it should be, is kept there.
        let _kept = out.flush();
        let whole = self.pieces.partition_point(|piece| piece.end <= written);
        let mut rest = self.pieces.split_off(whole).into_iter();
        let edge = self.pieces.last().map_or(0, |last| last.end);
        let is_begun = written > edge || self.is_begun && whole == 0;
        let begun = if is_begun { rest.next() } else { None };
        self.keep(begun, written);
        rest.map(|piece| piece.tells).collect()
    }

    /// Keeps nothing but the rest of a piece of which all before this place is written.
    fn keep(&mut self, begun: Option<Piece>, written: usize) {
        let end = begun.as_ref().map_or(written, |piece| piece.end);
        self.text.truncate(end);
        self.text.drain(..written);
        self.is_begun = begun.is_some();
        self.pieces.clear();
        self.pieces.extend(begun.map(|piece| Piece { end: self.text.len(), ..piece }));
    }

    /// Forgets what is left, and gives it back.
    pub(super) fn forget(&mut self) -> Vec<Tells> {
        std::mem::take(self).pieces.into_iter().map(|piece| piece.tells).collect()
    }
}

/// Writes as much as is taken. Gives how much that is, in bytes.
fn write(text: &[u8], out: &mut impl Write) -> usize {
    let mut written = 0;
    while let Some(rest) = text.get(written..).filter(|rest| !rest.is_empty()) {
        match out.write(rest) {
            Ok(0) => break,
            Ok(taken) => written += taken,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    written
}
