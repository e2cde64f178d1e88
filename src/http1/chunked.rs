//! The chunked coding (RFC 9112 §7.1): a decoder that never copies data, and what is needed to write chunks.
//!
//! ```text
//! chunk          size [ ; extension ] CR LF  data  CR LF      size: 1–16 hexadecimal digits
//! last chunk     0 [ ; extension ] CR LF
//! trailer        *( field CR LF ) CR LF
//! ```
//!
//! Extensions are read over and never forwarded: chunks are written anew.

use super::MAX_FIELDS;
use super::malformed::BadChunk;
use super::request::span;
use super::scan::{Scan, head_end};
use crate::message::Fields;

/// The longest chunk-size line, its extension included, in bytes.
const MAX_SIZE_LINE: usize = 1024;

/// The largest trailer section, in bytes.
const MAX_TRAILER: usize = 8 * 1024;

/// The last chunk without a trailer section.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// What to do with the input at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The first bytes are framing: drop so many and ask again.
    Framing(usize),
    /// The first bytes are data. Tell [`Decoder::took`] how many of them were used.
    Data(usize),
    /// More input is needed.
    More,
    /// The body is complete; drop so many bytes. What follows belongs to the next message.
    End(usize),
}

#[derive(Debug)]
enum State {
    Size,
    Data(u64),
    DataEnd,
    Trailer,
    Done,
}

/// Reads a chunked body piece by piece.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    trailers: Option<Fields>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { state: State::Size, trailers: None }
    }
}

impl Decoder {
    /// Looks at the bytes not yet dropped or used.
    ///
    /// # Errors
    /// The framing is wrong.
    pub fn advance(&mut self, input: &[u8]) -> Result<Progress, BadChunk> {
        match self.state {
            State::Size => self.size_line(input),
            State::Data(_) if input.is_empty() => Ok(Progress::More),
            State::Data(left) => {
                Ok(Progress::Data(usize::try_from(left).unwrap_or(usize::MAX).min(input.len())))
            }
            State::DataEnd => self.data_end(input),
            State::Trailer => self.trailer(input),
            State::Done => Ok(Progress::End(0)),
        }
    }

    /// Says that the first `count` bytes of data were used.
    pub fn took(&mut self, count: usize) {
        let State::Data(left) = &mut self.state else {
            return;
        };
        *left = left.saturating_sub(count as u64);
        if *left == 0 {
            self.state = State::DataEnd;
        }
    }

    /// The trailer fields, once the body is complete.
    pub const fn trailers(&mut self) -> Option<Fields> {
        self.trailers.take()
    }

    fn size_line(&mut self, input: &[u8]) -> Result<Progress, BadChunk> {
        let Some(feed) = memchr::memchr(b'\n', input) else {
            return if input.len() > MAX_SIZE_LINE { Err(BadChunk::Extension) } else { early_look(input) };
        };
        let line = input.get(..feed).unwrap_or_default();
        let line = line.strip_suffix(b"\r").ok_or(BadChunk::BareLineFeed)?;
        let size = size(line)?;
        self.state = if size == 0 { State::Trailer } else { State::Data(size) };
        Ok(Progress::Framing(feed + 1))
    }

    fn data_end(&mut self, input: &[u8]) -> Result<Progress, BadChunk> {
        match input {
            [] | [b'\r'] => Ok(Progress::More),
            [b'\r', b'\n', ..] => {
                self.state = State::Size;
                Ok(Progress::Framing(2))
            }
            _ => Err(BadChunk::DataEnd),
        }
    }

    fn trailer(&mut self, input: &[u8]) -> Result<Progress, BadChunk> {
        if input.starts_with(b"\r\n") {
            self.state = State::Done;
            return Ok(Progress::End(2));
        }
        match head_end(input, 0) {
            Scan::BareLineFeed => Err(BadChunk::BareLineFeed),
            Scan::Complete(end) if end > MAX_TRAILER => Err(BadChunk::TrailerTooLarge),
            Scan::Partial(_) if input.len() > MAX_TRAILER => Err(BadChunk::TrailerTooLarge),
            Scan::Partial(_) => Ok(Progress::More),
            Scan::Complete(end) => {
                self.trailers = Some(trailer_fields(input.get(..end).unwrap_or_default())?);
                self.state = State::Done;
                Ok(Progress::End(end))
            }
        }
    }
}

/// Refuses a size line before its end has come, so that garbage is answered at once.
fn early_look(input: &[u8]) -> Result<Progress, BadChunk> {
    match input.first() {
        Some(first) if !first.is_ascii_hexdigit() => Err(BadChunk::Size),
        _ => Ok(Progress::More),
    }
}

fn size(line: &[u8]) -> Result<u64, BadChunk> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (number, extension) = line.split_at_checked(digits).ok_or(BadChunk::Size)?;
    check_extension(extension)?;
    let text = std::str::from_utf8(number).ok().filter(|text| !text.is_empty()).ok_or(BadChunk::Size)?;
    u64::from_str_radix(text, 16).map_err(|_| BadChunk::SizeOverflow)
}

fn check_extension(extension: &[u8]) -> Result<(), BadChunk> {
    let trimmed = extension.trim_ascii_start();
    if !extension.is_empty() && !trimmed.starts_with(b";") {
        return Err(BadChunk::Size);
    }
    let has_control = extension.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
    if has_control || extension.len() > MAX_SIZE_LINE { Err(BadChunk::Extension) } else { Ok(()) }
}

fn trailer_fields(section: &[u8]) -> Result<Fields, BadChunk> {
    let mut slots = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let Ok(httparse::Status::Complete((_, headers))) = httparse::parse_headers(section, &mut slots) else {
        return Err(BadChunk::Trailer);
    };
    let mut fields = Fields::over(section, headers.len());
    for header in headers {
        fields.push_span(span(section, header.name.as_bytes()), span(section, header.value));
    }
    Ok(fields)
}

/// Writes the line that begins a chunk of `length` bytes; its data and CR LF follow.
pub fn chunk_start(out: &mut Vec<u8>, length: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let significant = (usize::BITS - length.leading_zeros()).div_ceil(4).max(1);
    let digits = (0..significant).rev().map(|place| (length >> (place * 4)) & 0xf);
    out.extend(digits.filter_map(|digit| DIGITS.get(digit)));
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::{BadChunk, Decoder, Progress, chunk_start};
    use crate::message::Name;

    /// Decodes `wire` as if it came in pieces of `step` bytes; gives the data and what was left over.
    fn decode(wire: &[u8], step: usize) -> Result<(Vec<u8>, Vec<u8>, Decoder), BadChunk> {
        let (mut decoder, mut held, mut data) = (Decoder::default(), Vec::new(), Vec::new());
        for piece in wire.chunks(step) {
            held.extend_from_slice(piece);
            loop {
                match decoder.advance(&held)? {
                    Progress::Framing(count) => drop(held.drain(..count)),
                    Progress::Data(count) => {
                        data.extend(held.drain(..count));
                        decoder.took(count);
                    }
                    Progress::More => break,
                    Progress::End(count) => {
                        drop(held.drain(..count));
                        break;
                    }
                }
            }
        }
        Ok((data, held, decoder))
    }

    #[test]
    fn pieces_of_any_size_give_the_same_body() {
        let wire = b"5;a=b\r\nhello\r\n00A ; x\r\n, world!!!\r\n0\r\nX-Sum: 1\r\n\r\nGET";
        for step in 1..wire.len() {
            let (data, rest, mut decoder) = decode(wire, step).unwrap();
            assert_eq!(data, b"hello, world!!!");
            assert!(b"GET".starts_with(&rest[..]), "{rest:?}");
            let trailers = decoder.trailers().unwrap();
            assert_eq!(trailers.iter().next().map(|field| field.id), Some(Name::Other));
        }
    }

    #[test]
    fn what_others_read_differently_is_refused() {
        let cases: [(&[u8], BadChunk); 14] = [
            (b"x\r\n", BadChunk::Size),
            (b"\r\n", BadChunk::Size),
            (b"0x5\r\n", BadChunk::Size),
            (b"+5\r\n", BadChunk::Size),
            (b"-5\r\n", BadChunk::Size),
            (b"5 \r\n", BadChunk::Size),
            (b"5_0\r\n", BadChunk::Size),
            (b"10000000000000000\r\n", BadChunk::SizeOverflow),
            (b"5\nhello\r\n", BadChunk::BareLineFeed),
            (b"5;a\rb\r\n", BadChunk::Extension),
            (b"5\r\nhelloX\r\n", BadChunk::DataEnd),
            (b"5\r\nhello\n0\r\n\r\n", BadChunk::DataEnd),
            (b"0\r\nX: y\n\r\n", BadChunk::BareLineFeed),
            (b"0\r\nX y: z\r\n\r\n", BadChunk::Trailer),
        ];
        for (wire, expected) in cases {
            assert_eq!(decode(wire, wire.len()).err(), Some(expected), "{wire:?}");
        }
    }

    #[test]
    fn endless_lines_are_refused() {
        let extension = [b"5;".as_slice(), &[b'a'; 2000]].concat();
        assert_eq!(decode(&extension, 100).err(), Some(BadChunk::Extension));
        let trailer = [b"0\r\nX: ".as_slice(), &[b'a'; 9000]].concat();
        assert_eq!(decode(&trailer, 100).err(), Some(BadChunk::TrailerTooLarge));
    }

    #[test]
    fn sizes_are_written_in_hexadecimal() {
        for length in [0, 1, 15, 16, 255, 4096, 65_535, 65_536, usize::MAX] {
            let mut out = Vec::new();
            chunk_start(&mut out, length);
            assert_eq!(out, format!("{length:x}\r\n").into_bytes());
        }
    }
}
