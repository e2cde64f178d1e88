//! What a seal is of: parts, each with its length before it, so that nothing can be pushed from one to the next.
//!
//! They lie in one piece. A seal is made for every request of a doctor in front, and many small pieces cost the hash more than
//! what it is there for.

/// For the length of a part.
const LENGTH: usize = 8;

/// The parts.
#[derive(Clone, Debug, Default)]
pub struct Parts(Vec<u8>);

impl Parts {
    /// No part yet, and room for so many bytes with those of the lengths.
    #[must_use]
    pub fn with_room(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// These parts.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut all = Self::default();
        parts.iter().for_each(|part| all.push(part));
        all
    }

    /// Adds a part.
    pub fn push(&mut self, part: &[u8]) {
        self.0.extend_from_slice(&length(part.len()));
        self.0.extend_from_slice(part);
    }

    /// Adds a part that `write` appends to what it is given, which is not to be shortened.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; LENGTH]);
        write(&mut self.0);
        let written = length(self.0.len().saturating_sub(start + LENGTH));
        if let Some(room) = self.0.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
            *room = written;
        }
    }

    /// All of it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same, to be gone on with.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

fn length(bytes: usize) -> [u8; LENGTH] {
    u64::try_from(bytes).unwrap_or(u64::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::Parts;

    #[test]
    fn every_part_has_its_length_before_it() {
        let mut parts = Parts::with_room(20);
        parts.push(b"ab");
        parts.push_with(|text| text.push(b'c'));
        assert_eq!(parts.as_bytes(), b"\0\0\0\0\0\0\0\x02ab\0\0\0\0\0\0\0\x01c");
        assert_eq!(parts.into_bytes(), Parts::of(&[b"ab", b"c"]).as_bytes());
    }
}
