//! The log: one record per event, as text for people or as JSON for machines.
//!
//! One thread writes, fed by the bus; workers never touch the file. When the queue is empty the text is flushed, so
//! a quiet log is never behind. A line that cannot be written is counted like one that was dropped: a full disk
//! stops the log, not the site. What goes on is summed up in a line from time to time, and at the end.

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

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
    let mut log =
        Log { events, out, held: Vec::new(), entered: 0, format, repeats, renewals: Renewals::default() };
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
}

/// How much is held before it is written, in bytes.
const PIECE: usize = 8 << 10;

struct Log<W: Write> {
    events: Events,
    out: W,
    /// What is still to be written, and how many events it tells of.
    held: Vec<u8>,
    entered: u64,
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
        let dropped = self.events.newly_dropped();
        if dropped > 0 {
            // It tells of no event of its own.
            self.held.extend_from_slice(gap(event.at, dropped, self.format).as_bytes());
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
        self.held.extend_from_slice(text.as_bytes());
        self.entered += 1;
        if self.held.len() >= PIECE {
            self.flush();
        }
    }

    /// What cannot be written is counted, each event of it, and not tried again.
    fn flush(&mut self) {
        if self.held.is_empty() {
            return;
        }
        if self.out.write_all(&self.held).and_then(|()| self.out.flush()).is_err() {
            (0..self.entered).for_each(|_| self.events.count_unwritten());
        }
        self.held.clear();
        self.entered = 0;
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
            format!("{sign} {dropped} events were dropped: the log is slower than the traffic\n")
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
