//! What can be asked, and the answers. Every document has `"schema": 1`; its names are a contract, see docs/admin.md.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_local;

use super::body::Body;
use super::guard::{Access, Way};
use super::health::{self, Health, Metrics, State};
use super::query::{Query, nothing};
use super::reply::{Reply, Trouble, document, text, written};
use super::ring::{Exchanges, Known};
use super::stream::{self, From, Line};
use crate::diagnosis::{RULES, rule};
use crate::event::{Dropped, Event, Tally};
use crate::report::log::{Format, render};
use crate::report::{Page, found};

/// How many may follow along at a time.
const STREAMS: usize = 16;

const INDEX: &str = "\
header-doctor answers here, in JSON unless the line says otherwise; docs/admin.md describes it.

/api/status           what runs, and since when
/api/exchanges        the last exchanges, the newest first
                      ?limit= &before= &rule= &severity= &status= &host= &sick=true
/api/exchanges/ID     one of them, with its verdict in words
/api/findings         the rules that had a finding
/api/findings/RULE    one of them, with all that is known of it
/api/stream           each exchange as it ends (server-sent events)
/livez /readyz        whether it lives and is ready (text)
/metrics              what it counts (text for Prometheus)
";

/// What the doctor is, as far as it is told.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Described {
    /// Its name on the path.
    pub hop: String,
    /// Which of several of this name it is; may be empty.
    pub instance: String,
    /// Where clients connect.
    pub listeners: Vec<String>,
    /// What is answered.
    pub sites: Vec<DescribedSite>,
    /// The configuration file, if there is one.
    pub config_file: Option<String>,
    /// The last attempt to reload; nothing before the first.
    pub last_reload: Option<Reload>,
}

/// A site.
#[derive(Clone, Debug, Serialize)]
pub struct DescribedSite {
    /// The hosts it answers for; empty for any that no other site names.
    pub hosts: Vec<String>,
    /// Whether it may treat what it finds.
    pub mode: String,
    /// Where its requests are sent to.
    pub upstreams: Vec<String>,
}

/// An attempt to put a changed configuration in force.
#[derive(Clone, Debug, Serialize)]
pub struct Reload {
    /// When.
    pub at: String,
    /// Why the configuration before stays in force; nothing where the new one is.
    pub error: Option<String>,
}

/// Where the answers come from.
pub struct Sources {
    /// In what part of its life the doctor is.
    pub health: Health,
    /// What it counts, in the text of Prometheus.
    pub metrics: Metrics,
    /// The last exchanges.
    pub exchanges: Exchanges,
    /// What it counts.
    pub tally: Arc<Tally>,
    /// How many exchanges never came to the log.
    pub unlogged: Dropped,
    /// When it began.
    pub began: Instant,
}

/// What answers, for all connections.
pub struct Desk {
    sources: Sources,
    access: RefCell<Access>,
    described: RefCell<Described>,
    streams: Arc<Semaphore>,
}

impl Desk {
    /// Answers by these.
    #[must_use]
    pub fn new(sources: Sources, access: Access, described: Described) -> Self {
        let streams = Arc::new(Semaphore::new(STREAMS));
        Self { sources, access: RefCell::new(access), described: RefCell::new(described), streams }
    }

    /// From now on these may ask.
    pub fn let_in(&self, access: Access) {
        self.access.replace(access);
    }

    /// From now on this is told.
    pub fn describe(&self, described: Described) {
        self.described.replace(described);
    }

    /// Changes what is told.
    pub fn describe_anew(&self, change: impl FnOnce(&mut Described)) {
        change(&mut self.described.borrow_mut());
    }

    /// The last exchanges.
    pub const fn exchanges(&self) -> &Exchanges {
        &self.sources.exchanges
    }

    pub(super) fn access(&self) -> Access {
        self.access.borrow().clone()
    }

    /// Answers a request; `line` is told where the answer goes on and on.
    pub(super) fn answer(self: &Rc<Self>, request: &Parts, way: Way, line: &Rc<Line>) -> Reply {
        let reply = self.access().check(request, way).and_then(|()| self.answered(request, line));
        reply.unwrap_or_else(|trouble| trouble.reply())
    }

    fn answered(self: &Rc<Self>, request: &Parts, line: &Rc<Line>) -> Result<Reply, Trouble> {
        let (path, query) = (request.uri.path(), request.uri.query());
        if path == "/api/exchanges" {
            return Ok(self.exchanges_of(&Query::read(query)?));
        }
        if let "/livez" | "/healthz" | "/readyz" | "/metrics" = path {
            // As on the health listener: what probes add to the path is theirs.
            return Ok(self.health(request));
        }
        nothing(query)?;
        match path {
            "/" => Ok(text(INDEX)),
            "/api/status" => Ok(document(&self.status())),
            "/api/findings" => Ok(document(&self.findings())),
            "/api/stream" => self.stream(request, line),
            _ => self.one(path),
        }
    }

    fn one(&self, path: &str) -> Result<Reply, Trouble> {
        if let Some(id) = path.strip_prefix("/api/exchanges/") {
            return self.exchange(id);
        }
        match path.strip_prefix("/api/findings/") {
            Some(id) => self.finding(id),
            None => Err(Trouble::Nothing("there is nothing here; / lists what can be asked")),
        }
    }

    fn health(&self, request: &Parts) -> Reply {
        let Sources { health, metrics, .. } = &self.sources;
        health::answer(&request.method, request.uri.path(), health.state(), metrics).map(Body::text)
    }

    fn status(&self) -> Value {
        let Sources { health, exchanges, tally, unlogged, began, .. } = &self.sources;
        let (size, state) = (exchanges.size(), health.state());
        let mut status = json!({
            "schema": 1,
            "version": env!("CARGO_PKG_VERSION"),
            "state": state.word().trim_end(),
            "ready": state == State::Ready,
            "since": tally.since().to_string(),
            "uptime_seconds": began.elapsed().as_secs(),
            "exchanges": tally.exchanges(),
            "dropped": { "log": unlogged.count(), "api": exchanges.dropped() },
            "kept": {
                "exchanges": size.exchanges, "sick": size.sick, "most": size.bounds.exchanges,
                "memory": size.memory, "most_memory": size.bounds.memory,
                "last_sequence": *exchanges.last().borrow(),
            },
        });
        let described = serde_json::to_value(&*self.described.borrow()).unwrap_or_default();
        if let (Value::Object(status), Value::Object(described)) = (&mut status, described) {
            status.extend(described);
        }
        status
    }

    /// Records are text already, so the list is put together as text.
    fn exchanges_of(&self, query: &Query) -> Reply {
        let fits = |event: &_| query.fits(event);
        let mut entries = self.sources.exchanges.newest(query.before, query.limit + 1, fits);
        let is_all = entries.len() <= query.limit;
        entries.truncate(query.limit);
        let next = entries.last().filter(|_| !is_all).map(|entry| entry.sequence.to_string());
        let records: Vec<_> = entries.iter().map(|entry| entry.numbered()).collect();
        let next = next.unwrap_or_else(|| "null".to_owned());
        written(format!(r#"{{"schema":1,"exchanges":[{}],"next":{next}}}"#, records.join(",")))
    }

    fn exchange(&self, id: &str) -> Result<Reply, Trouble> {
        let is_it = |event: &Event| event.exchange.to_string() == id;
        let found = self.sources.exchanges.newest(u64::MAX, 1, is_it);
        let entry = found.first().ok_or(Trouble::Nothing(
            "this exchange is not kept, or was never seen; /api/exchanges lists those that are",
        ))?;
        let verdict = Value::from(render(&entry.event, Format::Pretty(Page::PLAIN)));
        Ok(written(format!(r#"{{"schema":1,"exchange":{},"verdict":{verdict}}}"#, entry.numbered())))
    }

    fn findings(&self) -> Value {
        let (tally, known) = (&self.sources.tally, self.sources.exchanges.known());
        let mut findings: Vec<_> = RULES
            .iter()
            .map(|rule| (rule.id(), tally.found(rule.id()), known.get(rule.id())))
            .filter(|(_, count, known)| *count > 0 || known.is_some())
            .collect();
        let severity = |known: Option<&(Known, usize)>| known.map(|(known, _)| known.scoped.finding.severity);
        // The gravest first, then the most frequent.
        findings.sort_by_key(|(_, count, known)| std::cmp::Reverse((severity(*known), *count)));
        let findings: Vec<_> =
            findings.into_iter().map(|(rule, count, known)| row(rule, count, known)).collect();
        json!({
            "schema": 1, "since": tally.since().to_string(), "exchanges": tally.exchanges(), "findings": findings,
        })
    }

    fn finding(&self, id: &str) -> Result<Reply, Trouble> {
        let rule = rule(id).ok_or(Trouble::Nothing(
            "there is no rule of this name; /api/findings lists those that had a finding, `header-doctor explain` all",
        ))?;
        let known = self.sources.exchanges.known();
        let finding = row(rule.id(), self.sources.tally.found(rule.id()), known.get(rule.id()));
        Ok(document(&json!({ "schema": 1, "finding": finding, "text": rule.text() })))
    }

    fn stream(&self, request: &Parts, line: &Rc<Line>) -> Result<Reply, Trouble> {
        let mut seen = request.headers.get_all("last-event-id").iter();
        let from = From::read(seen.next().map(|value| value.to_str().unwrap_or("?")))?;
        let place = Arc::clone(&self.streams).try_acquire_owned().map_err(|_| Trouble::Crowd)?;
        let mut reply = Response::new(Body::default());
        reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        if request.method == Method::HEAD {
            return Ok(reply);
        }
        let (send, pieces) = mpsc::channel(1);
        let telling = stream::tell(self.sources.exchanges.clone(), from, send);
        line.follow();
        let line = Rc::clone(line);
        spawn_local(async move {
            if telling.await.is_err() {
                line.give_up();
            }
            drop(place);
        });
        *reply.body_mut() = Body::Pieces(pieces);
        Ok(reply)
    }
}

/// What is told of a rule: how often it had a finding, and the last one. Of a finding that never came to the ring, how often is all.
fn row(rule: &'static str, count: u64, known: Option<&(Known, usize)>) -> Value {
    let mut row = json!({
        "rule": rule, "count": count, "kept": known.map_or(0, |(_, kept)| *kept),
        "last_seen": known.map(|(known, _)| known.at.to_string()),
        "example": known.map(|(known, _)| &known.exchange),
        "sequence": known.map(|(known, _)| known.sequence),
    });
    let found = known.and_then(|(known, _)| serde_json::to_value(found(&known.scoped)).ok());
    if let (Value::Object(row), Some(Value::Object(found))) = (&mut row, found) {
        row.extend(found);
    }
    row
}
