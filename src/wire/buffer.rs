//! Read buffers, pooled per worker.
//!
//! They are zeroed once, when made, and reused without being cleared: what is not filled is never read.

use std::cell::RefCell;

/// Large enough for nearly every head.
const SMALL: usize = 16 * 1024;

/// Large enough to make system calls rare in a transfer, and for a body of 64 KiB together with its head: what is
/// left over would cost a read, a write and a packet of its own.
const LARGE: usize = 80 * 1024;

/// How many buffers of each size a worker keeps for reuse.
const KEPT: usize = 128;

#[derive(Default)]
struct Pool {
    small: Vec<Box<[u8]>>,
    large: Vec<Box<[u8]>>,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

impl Pool {
    const fn of(&mut self, size: usize) -> Option<&mut Vec<Box<[u8]>>> {
        match size {
            SMALL => Some(&mut self.small),
            LARGE => Some(&mut self.large),
            _ => None,
        }
    }
}

/// Bytes that were read and not yet used, with room for more behind them.
pub(super) struct Buffer {
    storage: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(super) fn small() -> Self {
        Self::of(SMALL)
    }

    pub(super) fn large() -> Self {
        Self::of(LARGE)
    }

    fn of(size: usize) -> Self {
        let pooled = POOL.with_borrow_mut(|pool| pool.of(size).and_then(Vec::pop));
        let storage = pooled.unwrap_or_else(|| vec![0; size].into_boxed_slice());
        Self { storage, start: 0, end: 0 }
    }

    pub(super) fn data(&self) -> &[u8] {
        self.storage.get(self.start..self.end).unwrap_or_default()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The room behind the data, after moving the data to the front if there was none.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.end == self.storage.len() && self.start > 0 {
            self.storage.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        self.storage.get_mut(self.end..).unwrap_or_default()
    }

    pub(super) fn is_full(&self) -> bool {
        self.data().len() == self.storage.len()
    }

    /// Says that `count` bytes of the room were filled.
    pub(super) fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.storage.len());
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Moves the data into a buffer of at least `size` bytes.
    pub(super) fn grow(&mut self, size: usize) {
        let mut larger = if size <= LARGE { Self::large() } else { Self::of(size) };
        let data = self.data();
        if let Some(front) = larger.storage.get_mut(..data.len()) {
            front.copy_from_slice(data);
            larger.end = data.len();
            *self = larger;
        }
    }

    pub(super) const fn size(&self) -> usize {
        self.storage.len()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let storage = std::mem::take(&mut self.storage);
        // A worker that ends drops its pool before its last buffers; those are simply freed.
        let _ended = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if let Some(kept) = pool.of(storage.len()).filter(|kept| kept.len() < KEPT) {
                kept.push(storage);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffer, SMALL};

    fn fill(buffer: &mut Buffer, bytes: &[u8]) {
        buffer.room()[..bytes.len()].copy_from_slice(bytes);
        buffer.filled(bytes.len());
    }

    #[test]
    fn data_moves_to_the_front_when_the_end_is_reached() {
        let mut buffer = Buffer::small();
        fill(&mut buffer, &vec![b'a'; SMALL]);
        assert!(buffer.is_full());
        buffer.consume(SMALL - 3);
        fill(&mut buffer, b"xyz");
        assert_eq!(buffer.data(), b"aaaxyz");
    }

    #[test]
    fn growing_keeps_the_data() {
        let mut buffer = Buffer::small();
        fill(&mut buffer, b"abc");
        buffer.consume(1);
        buffer.grow(1 << 20);
        assert_eq!(buffer.data(), b"bc");
        assert_eq!(buffer.size(), 1 << 20);
    }
}
