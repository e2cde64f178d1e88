//! The log: one record per event, as text for people or as JSON for machines.
//!
//! One thread writes, fed by the bus; workers never touch the file. When the queue is empty the text is flushed, so
//! a quiet log is never behind. A line that cannot be written is counted like one that was dropped: a full disk
//! stops the log, not the site. What goes on is summed up in a line from time to time, and at the end.

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::held::{Held, Tells};
use super::json::{self, Record};
use super::page::{COLUMN, Page, words};
use super::renewals::Renewals;
use super::verdict::{also, append, verdict};
use super::{Paint, Repeats, Summary};
use crate::diagnosis::Severity;
use crate::event::{Event, Events, Failure, Side, now};
use crate::moment::Moment;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Pretty(Page),
    /// For machines: one object per line.
    Json,
}

/// Writes every event, or counts it among its like, until the bus ends. This blocks; it is the body of the log's
/// own thread.
pub fn run(events: Events, out: impl Write, format: Format, repeats: Repeats) {
    let (held, renewals) = (Held::default(), Renewals::default());
    let mut log = Log { events, out, held, untold: 0, format, repeats, renewals };
    loop {
        match log.events.wait_until(log.next()) {
            Ok(event) => log.take(event),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        while let Ok(event) = log.events.at_hand() {
            log.take(event);
        }
        log.give_up_waiting();
        log.sum_up();
        log.flush();
    }
    for waiting in log.renewals.rest() {
        log.enter(&waiting);
    }
    for left in log.repeats.rest(Instant::now()) {
        log.write(&summary(&left, now(), format));
    }
    log.flush();
    let left = log.held.forget();
    log.count(left);
}

/// How much is held before it is written, in bytes.
const MOST: usize = 8 << 10;

struct Log<W: Write> {
    events: Events,
    out: W,
    /// What is still to be written.
    held: Held,
    /// How many events were dropped without a line that stands and says so.
    untold: u64,
    format: Format,
    repeats: Repeats,
    renewals: Renewals,
}

impl<W: Write> Log<W> {
    /// When something is to be done though no event comes.
    fn next(&self) -> Option<Instant> {
        self.repeats.next().into_iter().chain(self.renewals.next()).min()
    }

    /// Takes an event. Where every exchange is written none waits for a renewal.
    fn take(&mut self, event: Arc<Event>) {
        if self.repeats.is_off() {
            return self.enter(&event);
        }
        if let Some(event) = self.renewals.pass(event, Instant::now()) {
            self.enter(&event);
        }
    }

    fn give_up_waiting(&mut self) {
        for event in self.renewals.due(Instant::now()) {
            self.enter(&event);
        }
    }

    fn enter(&mut self, event: &Event) {
        self.sum_up();
        let dropped = self.events.newly_dropped() + self.untold;
        if dropped > 0 {
            self.untold = 0;
            self.held.add(&gap(event.at, dropped, self.format), Tells::Gap(dropped));
        }
        if self.repeats.is_news(event, Instant::now()) {
            self.write(&render(event, self.format));
        }
    }

    fn sum_up(&mut self) {
        for due in self.repeats.due(Instant::now()) {
            self.write(&summary(&due, now(), self.format));
        }
    }

    fn write(&mut self, text: &str) {
        self.held.add(text, Tells::Event);
        if self.held.length() >= MOST {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let lost = self.held.write_to(&mut self.out);
        self.count(lost);
    }

    /// Each event is counted, and a gap is told again.
    fn count(&mut self, lost: Vec<Tells>) {
        for lost in lost {
            match lost {
                Tells::Event => self.events.count_unwritten(),
                Tells::Gap(dropped) => self.untold += dropped,
            }
        }
    }
}

/// The text of one event, with its line ends.
#[must_use]
pub fn render(event: &Event, format: Format) -> String {
    match format {
        Format::Pretty(page) => pretty(event, page),
        Format::Json => Record::of(event).line(),
    }
}

/// The text that stands for events like one that was written, with its line end.
#[must_use]
pub fn summary(summary: &Summary, at: Moment, format: Format) -> String {
    match format {
        Format::Pretty(page) => summed_up(summary, at, page),
        Format::Json => json::summary(at, summary),
    }
}

/// What stands where events were lost.
fn gap(at: Moment, dropped: u64, format: Format) -> String {
    match format {
        Format::Pretty(page) => {
            let sign = page.paint.sign(Severity::Warning);
            format!(
                "{sign} {dropped} events were dropped: the log is slower than the traffic, or cannot be written\n"
            )
        }
        Format::Json => json::gap(at, dropped),
    }
}

/// `… · 411 more like this in the last minute: 401 rest_not_logged_in authorization-lost-before-php at
/// api.example.com via http://10.0.0.7:8080 (412 since 14:02)`
fn summed_up(summary: &Summary, at: Moment, page: Page) -> String {
    let status = summary.status.map(|status| status.to_string());
    let code = summary.wordpress_code.as_deref();
    let what = [status.as_deref(), code, summary.rule, summary.code];
    let what: Vec<_> = what.into_iter().flatten().collect();
    let mut text = format!(
        "{} {} more like this in the last {}: {}",
        page.paint.dim(&format!("{at} ·")),
        summary.suppressed,
        time(summary.within),
        what.join(" "),
    );
    for (word, place) in [("at", summary.host.as_deref()), ("via", summary.upstream.as_deref())] {
        if let Some(place) = place {
            append(&mut text, format_args!(" {word} {place}"));
        }
    }
    append(&mut text, format_args!(" ({} since {})", summary.total, summary.since.clock()));
    let mut out = String::with_capacity(text.len() + 64);
    page.lay(&mut out, &words(&text), 0, COLUMN);
    out
}

/// A time after "the last", to the second.
fn time(time: Duration) -> String {
    match time.as_secs() {
        0 | 1 => "second".to_owned(),
        60 => "minute".to_owned(),
        seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}

/// One line for the exchange, then its findings: the first in full, those it explains in a line each.
fn pretty(event: &Event, page: Page) -> String {
    let mut out = String::with_capacity(1024);
    exchange(&mut out, event, page.paint);
    let mut findings = event.findings.iter();
    if let Some(root) = findings.next() {
        out.push_str(&verdict(&root.finding, &root.scope, event, page));
    }
    for other in findings {
        also(&mut out, &other.finding, page);
    }
    out
}

/// `2026-11-23T15:10:00.000Z GET api.example.com/wp-json/ 401 12 ms 00000000000000ff`
fn exchange(out: &mut String, event: &Event, paint: Paint) {
    let host = event.host.as_ref().map(|host| host.as_str()).unwrap_or_default();
    let status = event.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let words = format!(
        "{} {} {host}{} {status} {} ms {}",
        event.at,
        event.method,
        event.path,
        event.duration.as_millis(),
        event.exchange,
    );
    out.push_str(&paint.dim(&words));
    if let Some(refusal) = &event.refusal {
        append(out, format_args!(" refused {}: {}", refusal.code, refusal.reason));
    }
    for tried in &event.tried {
        append(out, format_args!(" {} {}: {};", paint.red("tried"), tried.upstream, tried.what));
    }
    let asked = event.upstream.as_deref();
    match (&event.failure, asked) {
        (Some(Failure { who: Side::Upstream, what, .. }), Some(asked)) => {
            append(out, format_args!(" {} {asked}: {what}", paint.red(Side::Upstream.word())));
        }
        (Some(failure), _) => {
            append(out, format_args!(" {}: {}", paint.red(failure.who.word()), failure.what));
        }
        (None, Some(asked)) if !event.tried.is_empty() => append(out, format_args!(" then {asked}")),
        (None, _) => {}
    }
    if let Some(said) = &event.php {
        append(out, format_args!(" (PHP: {said})"));
    }
    if event.cut_off {
        out.push_str(" (the reply was cut off)");
    }
    if event.client_gone {
        out.push_str(" (the client went away)");
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind, Write};
    use std::time::Duration;

    use super::{Format, Repeats, run};
    use crate::event::{Event, ExchangeId, bus};
    use crate::moment::Moment;

    /// A disk that is full in the middle of a line, and has room again later.
    struct Disk<'a> {
        text: &'a mut Vec<u8>,
        /// What is taken at each attempt, in bytes; nothing where it is full. All, once there is no more of these.
        room: std::vec::IntoIter<Option<usize>>,
    }

    impl Write for Disk<'_> {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let room = self.room.next().unwrap_or(Some(usize::MAX)).ok_or(ErrorKind::StorageFull)?;
            let taken = text.get(..room).unwrap_or(text);
            self.text.extend_from_slice(taken);
            Ok(taken.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What stands on such a disk of so many events, and how many were counted as lost.
    fn logged(events: u64, room: Vec<Option<usize>>) -> (String, u64) {
        let (bus, reader) = bus(64);
        let dropped = bus.unlogged();
        let event = |number| Event::unread(ExchangeId::new(number), Moment::default(), "doctor".into());
        (0..events).for_each(|number| bus.send(event(number)));
        drop(bus);
        let mut text = Vec::new();
        let disk = Disk { text: &mut text, room: room.into_iter() };
        run(reader, disk, Format::Json, Repeats::new(Duration::ZERO));
        (String::from_utf8(text).unwrap(), dropped.count())
    }

    #[test]
    fn a_line_that_a_full_disk_broke_off_is_ended_before_the_next() {
        // So many that they are written in several pieces.
        let (text, lost) = logged(60, vec![Some(100), None, None]);
        assert!(lost > 1, "the rest of the first two pieces is lost");
        let lines = text.lines().map(|line| serde_json::from_str(line).expect(line));
        let lines: Vec<serde_json::Value> = lines.collect();
        let told: u64 = lines.iter().filter_map(|line| line["dropped"].as_u64()).sum();
        assert_eq!(told, lost, "what is lost is told once there is room");
        let events = lines.iter().filter(|line| line["dropped"].is_null()).count();
        assert_eq!(events as u64 + lost, 60);
    }

    #[test]
    fn what_was_written_before_the_disk_was_full_is_not_counted_as_lost() {
        let (text, lost) = logged(3, Vec::new());
        assert_eq!((text.lines().count(), lost), (3, 0));
        let one_and_a_half = text.lines().next().unwrap().len() * 3 / 2;
        let (text, lost) = logged(3, vec![Some(one_and_a_half), None, None]);
        assert_eq!((text.lines().count(), text.len()), (2, one_and_a_half));
        assert_eq!(lost, 2, "one is whole, one half, and one not there");
    }
}
