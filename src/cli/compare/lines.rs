//! The lines of a file, one at a time and none of them too long for memory.

use std::io::{self, BufRead, ErrorKind};

/// How long a line may be, in bytes: far more than the record of any exchange.
const LONGEST: usize = 1 << 20;

/// Hands on every line with its number, from 1; nothing for a line that is too long.
pub(super) fn each_line(
    mut source: impl BufRead,
    mut take: impl FnMut(u64, Option<&[u8]>),
) -> io::Result<()> {
    let (mut line, mut is_overlong, mut number) = (Vec::new(), false, 1);
    loop {
        let chunk = match source.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            chunk => chunk?,
        };
        let is_end = chunk.is_empty();
        let end = memchr::memchr(b'\n', chunk);
        let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
        is_overlong |= line.len() + part.len() > LONGEST;
        if !is_overlong {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        source.consume(used);
        if end.is_some() || (is_end && (is_overlong || !line.is_empty())) {
            take(number, (!is_overlong).then_some(&*line));
            (is_overlong, number) = (false, number + 1);
            line.clear();
        }
        if is_end {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::{any, proptest};

    use super::{LONGEST, each_line};

    fn lines(text: &[u8], room: usize) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = Vec::new();
        each_line(BufReader::with_capacity(room, text), |number, line| {
            lines.push((number, line.map(<[u8]>::to_vec)));
        })
        .unwrap();
        lines
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_alone() {
        let text = [b"one\n".to_vec(), vec![b'x'; LONGEST + 1], b"\nthree".to_vec()].concat();
        let read = lines(&text, 4096);
        assert_eq!(read, [(1, Some(b"one".to_vec())), (2, None), (3, Some(b"three".to_vec()))]);
        assert_eq!(lines(&vec![b'x'; LONGEST + 1], 4096), [(1, None)]);
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_text(text in any::<Vec<u8>>(), room in 1usize..20) {
            let text: Vec<_> = text.into_iter().map(|byte| if byte % 5 == 0 { b'\n' } else { byte }).collect();
            let mut expected: Vec<_> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            expected.pop_if(|last| last.is_empty());
            let read: Vec<_> = lines(&text, room).into_iter().map(|(_, line)| line.unwrap()).collect();
            assert_eq!(read, expected);
        }
    }
}
