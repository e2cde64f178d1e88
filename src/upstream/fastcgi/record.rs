//! Records: how FastCGI frames what it sends (specification 1.0, §3.3 and §5), bytes ↔ records, without I/O.
//!
//! ```text
//!   0        1      2  3         4  5             6               7          8 …
//!   version  type   request id   content length   padding length  reserved   content, then padding
//!   1        kind   1            big endian       0 from us       0
//!
//!   BEGIN_REQUEST  role (2 bytes), flags (1), reserved (5)
//!   END_REQUEST    status of the application (4 bytes), status of the protocol (1), reserved (3)
//!   PARAMS         pairs: length of the name, length of the value, name, value; an empty record ends them
//!   STDIN          the body of the request; an empty record ends it
//!   STDOUT         the reply: a head, an empty line, the body
//!   STDERR         what a script complains of, at any time
//!
//!   a length: 1 byte below 128, else 4 bytes, big endian, with the highest bit set
//! ```
//!
//! A pair must lie wholly in one record: php-fpm closes the connection where one is cut, though the text allows it.

const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;

/// The length of a record's header, in bytes.
const HEADER: usize = 8;

/// The most content of one record, in bytes.
pub const LARGEST: usize = 0xffff;

/// Where the flags of `BEGIN_REQUEST` stand, and the one that has the connection kept (`FCGI_KEEP_CONN`).
const FLAGS: (usize, u8) = (HEADER + 2, 1);

/// The body of `BEGIN_REQUEST`: a responder, whose connection is not kept.
const RESPONDER: [u8; 8] = [0, 1, 0, 0, 0, 0, 0, 0];

/// One request at a time on a connection, so it is always the first.
const ID: u16 = 1;

/// A name and its value do not fit into one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Why bytes are no reply in FastCGI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the words stand beside the names")]
pub enum BadRecord {
    #[error("a record is not of version 1")]
    Version,
    #[error("a record is of a type nobody asked for")]
    Kind,
    #[error("a record belongs to another request")]
    Id,
    #[error("the record that ends the request has not eight bytes")]
    End,
}

fn header(kind: u8, length: usize) -> [u8; HEADER] {
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let [id_high, id_low] = ID.to_be_bytes();
    [1, kind, id_high, id_low, high, low, 0, 0]
}

/// Appends the record that begins a request.
pub fn begin(out: &mut Vec<u8>) {
    out.extend_from_slice(&header(BEGIN_REQUEST, RESPONDER.len()));
    out.extend_from_slice(&RESPONDER);
}

/// Has the connection kept, or not, once the request that begins with `out` has ended.
pub fn keep(out: &mut [u8], is_kept: bool) {
    let (place, flag) = FLAGS;
    if let Some(flags) = out.get_mut(place) {
        *flags = if is_kept { flag } else { 0 };
    }
}

/// Appends a piece of the request's body: at most [`LARGEST`] bytes of it, and says how many. An empty one ends it.
pub fn stdin(out: &mut Vec<u8>, bytes: &[u8]) -> usize {
    let piece = bytes.get(..LARGEST).unwrap_or(bytes);
    out.extend_from_slice(&header(STDIN, piece.len()));
    out.extend_from_slice(piece);
    piece.len()
}

/// Appends the pairs of a request, as many to a record as fit.
pub struct Pairs<'o> {
    out: &'o mut Vec<u8>,
    /// Where the record begins that is being filled.
    start: usize,
}

impl<'o> Pairs<'o> {
    /// None yet.
    pub fn begin(out: &'o mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&header(PARAMS, 0));
        Self { out, start }
    }

    /// Makes room for a pair of these lengths and gives what its name and then its value are to be appended to.
    ///
    /// # Errors
    /// No record could hold it. Nothing was appended.
    pub fn open(&mut self, name: usize, value: usize) -> Result<&mut Vec<u8>, TooLong> {
        self.make_room(pair_length(name, value).ok_or(TooLong)?);
        push_length(self.out, name);
        push_length(self.out, value);
        Ok(self.out)
    }

    /// Appends a pair.
    ///
    /// # Errors
    /// No record could hold it. Nothing was appended.
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), TooLong> {
        let out = self.open(name.len(), value.len())?;
        out.extend_from_slice(name);
        out.extend_from_slice(value);
        Ok(())
    }

    /// Appends pairs that were made before, see [`encoded`].
    pub fn push_encoded(&mut self, pairs: &[u8]) {
        self.make_room(pairs.len());
        self.out.extend_from_slice(pairs);
    }

    /// Says that there are no more.
    pub fn end(mut self) {
        if self.filled() > 0 {
            self.close();
            self.out.extend_from_slice(&header(PARAMS, 0));
        }
    }

    fn filled(&self) -> usize {
        self.out.len() - self.start - HEADER
    }

    fn make_room(&mut self, length: usize) {
        if self.filled() + length > LARGEST {
            self.close();
            self.start = self.out.len();
            self.out.extend_from_slice(&header(PARAMS, 0));
        }
    }

    /// Says in the record's header how long it has become.
    fn close(&mut self) {
        let written = header(PARAMS, self.filled());
        if let Some(place) = self.out.get_mut(self.start..).and_then(<[u8]>::first_chunk_mut) {
            *place = written;
        }
    }
}

/// These pairs, to be sent with every request; those that no record could hold are left out.
#[must_use]
pub fn encoded(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in pairs {
        if pair_length(name.len(), value.len()).is_some() {
            push_length(&mut out, name.len());
            push_length(&mut out, value.len());
            out.extend_from_slice(name);
            out.extend_from_slice(value);
        }
    }
    out
}

/// How long a pair is in a record; nothing when it fits into none.
fn pair_length(name: usize, value: usize) -> Option<usize> {
    let length = |of: usize| if of < 128 { 1 } else { 4 };
    let sum = name.checked_add(value)?.checked_add(length(name) + length(value))?;
    (sum <= LARGEST).then_some(sum)
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short @ 0..128) => out.push(short),
        _ => out.extend_from_slice(&(u32::try_from(length).unwrap_or(u32::MAX) | 1 << 31).to_be_bytes()),
    }
}

/// How the application ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// What it says of itself, as the exit status of a process.
    pub application: u32,
    /// What it says of the request; 0 is done.
    pub protocol: u8,
}

/// What the bytes at hand begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Too few to say.
    More,
    /// So many bytes that mean nothing to anybody else: drop them.
    Framing(usize),
    /// So many bytes of the reply. [`Decoder::took`] says how many were used.
    Stdout(usize),
    /// So many bytes of complaints; the same holds.
    Stderr(usize),
    /// The end, and so many bytes that say so.
    End(usize, End),
}

/// Finds the reply among the records of a connection. It is as small as an index and may be copied to look ahead.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    kind: u8,
    content: usize,
    padding: usize,
}

impl Decoder {
    /// Looks at what has come and was not yet used.
    ///
    /// # Errors
    /// It is no reply in FastCGI.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Progress, BadRecord> {
        let at_hand = self.content.min(bytes.len());
        match (self.kind, self.content, self.padding) {
            (_, 0, 0) => self.begin(bytes),
            (_, 0, padding) => {
                let count = padding.min(bytes.len());
                self.padding -= count;
                Ok(if count == 0 { Progress::More } else { Progress::Framing(count) })
            }
            (END_REQUEST, ..) => Ok(end(bytes)),
            _ if at_hand == 0 => Ok(Progress::More),
            (STDERR, ..) => Ok(Progress::Stderr(at_hand)),
            _ => Ok(Progress::Stdout(at_hand)),
        }
    }

    /// Whether the last record was used whole, what pads it included.
    #[must_use]
    pub const fn is_between(&self) -> bool {
        self.content == 0 && self.padding == 0
    }

    /// Says that so many bytes of content were used, at most what was said to be there.
    pub const fn took(&mut self, count: usize) {
        self.content = self.content.saturating_sub(count);
    }

    fn begin(&mut self, bytes: &[u8]) -> Result<Progress, BadRecord> {
        let Some(&[version, kind, id_high, id_low, high, low, padding, _]) = bytes.first_chunk() else {
            return match bytes.first() {
                Some(version) if *version != 1 => Err(BadRecord::Version),
                _ => Ok(Progress::More),
            };
        };
        let (id, length) = (u16::from_be_bytes([id_high, id_low]), u16::from_be_bytes([high, low]));
        match (version, kind, length) {
            (1, END_REQUEST, 8) | (1, STDOUT | STDERR, _) => {}
            (1, END_REQUEST, _) => return Err(BadRecord::End),
            (1, ..) => return Err(BadRecord::Kind),
            _ => return Err(BadRecord::Version),
        }
        if id != ID {
            return Err(BadRecord::Id);
        }
        *self = Self { kind, content: length.into(), padding: padding.into() };
        Ok(Progress::Framing(HEADER))
    }
}

/// The end itself.
fn end(bytes: &[u8]) -> Progress {
    let Some(&[a, b, c, d, protocol, _, _, _]) = bytes.first_chunk() else {
        return Progress::More;
    };
    Progress::End(8, End { application: u32::from_be_bytes([a, b, c, d]), protocol })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{BadRecord, Decoder, End, LARGEST, Pairs, Progress, TooLong, begin, encoded, keep, stdin};

    /// The content of records of this kind, joined, and the lengths of all.
    fn content(mut wire: &[u8], wanted: u8) -> (Vec<u8>, Vec<usize>) {
        let (mut all, mut lengths) = (Vec::new(), Vec::new());
        while let [1, kind, 0, 1, high, low, 0, 0, rest @ ..] = wire {
            let (content, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
            if *kind == wanted {
                all.extend_from_slice(content);
                lengths.push(content.len());
            }
            wire = rest;
        }
        assert!(wire.is_empty());
        (all, lengths)
    }

    fn length(bytes: &mut &[u8]) -> usize {
        let (first, rest) = bytes.split_first().unwrap();
        if *first < 128 {
            *bytes = rest;
            return usize::from(*first);
        }
        let (long, rest) = bytes.split_first_chunk::<4>().unwrap();
        *bytes = rest;
        (u32::from_be_bytes(*long) & 0x7fff_ffff) as usize
    }

    fn pairs(mut bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut pairs = Vec::new();
        while !bytes.is_empty() {
            let (name, value) = (length(&mut bytes), length(&mut bytes));
            let (pair, rest) = bytes.split_at(name + value);
            pairs.push((pair[..name].to_vec(), pair[name..].to_vec()));
            bytes = rest;
        }
        pairs
    }

    #[test]
    fn a_request_begins_as_a_responder_whose_connection_ends() {
        let mut out = Vec::new();
        begin(&mut out);
        assert_eq!(out, [1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        keep(&mut out, true);
        assert_eq!(out, [1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
        keep(&mut out, false);
        assert_eq!(out[10], 0);
    }

    #[test]
    fn a_pair_fits_whole_into_a_record_or_is_refused() {
        for (value, fits) in [(LARGEST - 6, true), (LARGEST - 5, false), (1 << 40, false)] {
            let mut out = Vec::new();
            assert_eq!(
                Pairs::begin(&mut out).open(1, value).map(|_| ()),
                if fits { Ok(()) } else { Err(TooLong) }
            );
        }
    }

    #[test]
    fn pairs_made_before_are_pairs_like_others() {
        let mut out = Vec::new();
        let mut list = Pairs::begin(&mut out);
        list.push_encoded(&encoded(&[(b"A", b"1"), (b"B", &[b'x'; 200])]));
        list.push(b"C", b"").unwrap();
        list.end();
        let expected = [("A", "1".to_owned()), ("B", "x".repeat(200)), ("C", String::new())];
        let expected = expected.map(|(name, value)| (name.as_bytes().to_vec(), value.into_bytes()));
        assert_eq!(pairs(&content(&out, 4).0), expected);
    }

    fn advance(wire: &[u8]) -> Result<Progress, BadRecord> {
        Decoder::default().advance(wire)
    }

    #[test]
    fn what_is_no_reply_is_told_by_its_fault() {
        for (wire, fault) in [
            (&b"HTTP/1.1"[..], BadRecord::Version),
            (b"H", BadRecord::Version),
            (&[1, 10, 0, 1, 0, 0, 0, 0], BadRecord::Kind),
            (&[1, 6, 0, 2, 0, 0, 0, 0], BadRecord::Id),
            (&[1, 3, 0, 1, 0, 7, 0, 0], BadRecord::End),
        ] {
            assert_eq!(advance(wire), Err(fault));
        }
        assert_eq!(advance(&[1, 6, 0, 1, 0, 0, 0]), Ok(Progress::More));
    }

    type Read = (Vec<u8>, Vec<u8>, Option<End>);

    /// What comes out of a wire that arrives in pieces: reply, complaints, end.
    fn read(wire: &[u8], step: usize) -> Result<Read, BadRecord> {
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
                Progress::End(_, end) => return Ok((out, err, Some(end))),
            }
        }
    }

    proptest! {
        #[test]
        fn no_pair_is_ever_cut(list in vec((vec(any::<u8>(), 0..200), 0_usize..40_000), 0..20)) {
            let list: Vec<_> = list.into_iter().map(|(name, value)| (name, vec![b'v'; value])).collect();
            let mut out = Vec::new();
            let mut written = Pairs::begin(&mut out);
            for (name, value) in &list {
                written.push(name, value).unwrap();
            }
            written.end();
            let mut read = Vec::new();
            let (_, lengths) = content(&out, 4);
            prop_assert_eq!(lengths.iter().filter(|length| **length == 0).count(), 1);
            prop_assert_eq!(lengths.last(), Some(&0));
            let mut rest = &out[..];
            for length in lengths {
                read.extend(pairs(&rest[8..8 + length]));
                rest = &rest[8 + length..];
            }
            prop_assert_eq!(read, list);
        }

        #[test]
        fn a_body_is_cut_into_records_and_is_whole(body in vec(any::<u8>(), 0..200_000)) {
            let (mut out, mut at) = (Vec::new(), 0);
            while at < body.len() {
                at += stdin(&mut out, &body[at..]);
            }
            prop_assert_eq!(content(&out, 5).0, body);
        }

        #[test]
        fn a_reply_means_the_same_however_it_is_cut(
            records in vec((any::<bool>(), vec(any::<u8>(), 0..300), any::<u8>()), 0..8),
            step in 1_usize..50,
        ) {
            let (mut wire, mut out, mut err) = (Vec::new(), Vec::new(), Vec::new());
            for (complains, bytes, padding) in records {
                let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
                wire.extend([1, if complains { 7 } else { 6 }, 0, 1, length[0], length[1], padding, 0]);
                wire.extend_from_slice(&bytes);
                wire.extend(vec![0; padding.into()]);
                if complains { err.extend(bytes) } else { out.extend(bytes) }
            }
            wire.extend([1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 1, 4, 2, 0, 0, 0]);
            let end = End { application: 260, protocol: 2 };
            prop_assert_eq!(read(&wire, step), Ok((out, err, Some(end))));
        }

        #[test]
        fn any_bytes_are_read_alike_in_pieces(wire in vec(any::<u8>(), 0..400), step in 1_usize..9) {
            prop_assert_eq!(read(&wire, step).ok(), read(&wire, wire.len().max(1)).ok());
        }
    }
}
