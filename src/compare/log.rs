//! What is kept of a log: its last exchanges in a compact form, and how many lines of which kind it has.
//!
//! A log may be far larger than memory. Two logs that are compared mostly end at about the same time, so where one has
//! more exchanges than are kept, the first go, and it is told how many.

use std::collections::VecDeque;

use super::record::{Line, Record, Request};
use crate::evidence::HopName;
use crate::moment::Moment;

/// How many exchanges are kept of a log: two logs and what joins them then take about 350 MB.
pub const MOST: usize = 1_000_000;

/// How many lines are named that could not be read.
const NAMED: usize = 5;

/// How many names of doctors are told apart in a log; all others count as one without a name.
const MOST_HOPS: usize = 256;

/// A log.
#[derive(Clone, Debug)]
pub struct Log {
    most: usize,
    told: Told,
    hops: Vec<Option<HopName>>,
    kept: VecDeque<Request>,
}

/// What a log's lines were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// All lines, empty ones not counted.
    pub lines: u64,
    /// Records of exchanges.
    pub exchanges: u64,
    /// Those of them that the doctor did not pass on, so that no other can have seen them.
    pub own: u64,
    /// Exchanges that were summed up and have no record.
    pub summed_up: u64,
    /// Events that the log says were dropped.
    pub dropped: u64,
    /// JSON that is no record of an exchange.
    pub others: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
    /// The numbers of the first of them, from 1.
    pub unreadable_at: Vec<u64>,
    /// Exchanges that were passed on and did not fit into memory, the first ones.
    pub left_out: u64,
}

/// From when to when the exchanges of a log came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub from: Moment,
    /// The last.
    pub to: Moment,
}

impl Default for Log {
    fn default() -> Self {
        Self::keeping(MOST)
    }
}

impl Log {
    /// A log of which so many exchanges are kept.
    #[must_use]
    pub fn keeping(most: usize) -> Self {
        Self { most, told: Told::default(), hops: Vec::new(), kept: VecDeque::new() }
    }

    /// Takes a line, the `number`th of its file.
    pub fn take(&mut self, number: u64, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        self.told.lines += 1;
        match Line::read(line) {
            Line::Exchange(record) => self.keep(*record),
            Line::SummedUp(count) => self.told.summed_up = self.told.summed_up.saturating_add(count),
            Line::Dropped(count) => self.told.dropped = self.told.dropped.saturating_add(count),
            Line::Other => self.told.others += 1,
            Line::Unreadable => self.miss(number),
        }
    }

    /// Takes a line that is too long to be one of ours.
    pub fn take_overlong(&mut self, number: u64) {
        self.told.lines += 1;
        self.miss(number);
    }

    fn miss(&mut self, number: u64) {
        self.told.unreadable += 1;
        if self.told.unreadable_at.len() < NAMED {
            self.told.unreadable_at.push(number);
        }
    }

    fn keep(&mut self, record: Record) {
        self.told.exchanges += 1;
        if !record.is_passed_on {
            self.told.own += 1;
            return;
        }
        if self.kept.len() >= self.most {
            self.kept.pop_front();
            self.told.left_out += 1;
        }
        let hop = self.hop(record.hop);
        self.kept.push_back(Request { hop, ..record.request });
    }

    /// The place of a name among those of this log.
    fn hop(&mut self, hop: Option<HopName>) -> u16 {
        let hop = hop.filter(|hop| {
            self.hops.len() < MOST_HOPS || self.hops.iter().flatten().any(|known| known == hop)
        });
        let known = self.hops.iter().position(|known| *known == hop);
        let place = known.unwrap_or_else(|| {
            self.hops.push(hop);
            self.hops.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// What its lines were.
    #[must_use]
    pub const fn told(&self) -> &Told {
        &self.told
    }

    /// The exchanges that are kept.
    #[must_use]
    pub const fn requests(&self) -> &VecDeque<Request> {
        &self.kept
    }

    /// The names of the doctors that wrote it.
    #[must_use]
    pub fn hops(&self) -> &[Option<HopName>] {
        &self.hops
    }

    /// The name at a place.
    #[must_use]
    pub fn name(&self, place: u16) -> Option<&HopName> {
        self.hops.get(usize::from(place)).and_then(Option::as_ref)
    }

    /// The time that the kept exchanges cover.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        let moments = || self.kept.iter().map(|request| request.at);
        Some(Span { from: moments().min()?, to: moments().max()? })
    }
}

#[cfg(test)]
mod tests {
    use super::{Log, Told};

    fn line(hop: &str, second: u8) -> String {
        format!(
            r#"{{"timestamp":"2026-11-23T15:10:{second:02}.000Z","target":"header_doctor::exchange","exchange":"1","hop":"{hop}","method":"GET","path":"/","upstream":"http://a"}}"#
        )
    }

    #[test]
    fn lines_are_counted_by_what_they_are() {
        let mut log = Log::default();
        let lines = [
            line("edge", 1),
            String::new(),
            line("edge", 2).replace("\"http://a\"", "null"),
            "text".into(),
            r#"{"message":"Listening"}"#.into(),
            r#"{"target":"header_doctor::exchange","suppressed":3}"#.into(),
            r#"{"target":"header_doctor::log","dropped":4}"#.into(),
        ];
        for (number, line) in (1..).zip(&lines) {
            log.take(number, line.as_bytes());
        }
        log.take_overlong(8);
        let told = Told {
            lines: 7,
            exchanges: 2,
            own: 1,
            summed_up: 3,
            dropped: 4,
            others: 1,
            unreadable: 2,
            unreadable_at: vec![4, 8],
            left_out: 0,
        };
        assert_eq!((log.told(), log.requests().len()), (&told, 1));
    }

    #[test]
    fn the_first_make_room() {
        let mut log = Log::keeping(2);
        (1..=5).for_each(|second| log.take(u64::from(second), line("edge", second).as_bytes()));
        assert_eq!((log.told().left_out, log.requests().len()), (3, 2));
        assert_eq!(log.span().unwrap().from.to_string(), "2026-11-23T15:10:04.000Z");
    }

    #[test]
    fn names_are_kept_once_and_only_so_many() {
        let mut log = Log::default();
        for hop in ["edge", "edge", "Not a name", "other", "edge"] {
            log.take(1, line(hop, 1).as_bytes());
        }
        let names: Vec<_> = log.hops().iter().map(|hop| hop.as_ref().map(|hop| hop.as_str())).collect();
        assert_eq!(names, [Some("edge"), None, Some("other")]);
        (0..1000).for_each(|number| log.take(1, line(&format!("h{number}"), 1).as_bytes()));
        assert!(log.hops().len() <= super::MOST_HOPS + 1);
        log.take(1, line("edge", 1).as_bytes());
        assert_eq!(log.requests().back().unwrap().hop, 0);
    }
}
