//! The log's JSON record. Its names are a contract: dashboards and alerts are built on them, so every field is
//! always there, `null` when it has nothing to say.

use std::time::Duration;

use serde::Serialize;

use super::Summary;
use crate::diagnosis::{Finding, Severity};
use crate::event::{self, AuthorizationSeen, Event, Scope, Scoped};
use crate::evidence::Sighting;
use crate::moment::Moment;
use crate::secret::KeyId;

const TARGET: &str = "header_doctor::exchange";

/// One exchange.
#[derive(Serialize)]
pub(super) struct Record<'e> {
    timestamp: String,
    level: &'static str,
    target: &'static str,
    message: &'static str,
    exchange: String,
    trace_id: Option<String>,
    hop: &'e str,
    client: Option<&'e str>,
    method: &'e str,
    host: Option<&'e str>,
    path: &'e str,
    status: Option<u16>,
    wordpress_code: Option<&'e str>,
    wordpress_message: Option<&'e str>,
    authorization: Authorization<'e>,
    lost: Vec<Lost<'e>>,
    findings: Vec<Found<'e>>,
    upstream: Option<&'e str>,
    tried: Vec<Tried<'e>>,
    duration_ms: u64,
    refusal: Option<Refusal<'e>>,
    failure: Option<Failure<'e>>,
    /// Only where PHP was asked directly and complained.
    #[serde(skip_serializing_if = "Option::is_none")]
    php: Option<&'e str>,
    cut_off: bool,
    client_gone: bool,
}

#[derive(Serialize)]
struct Authorization<'e> {
    scheme: Option<&'static str>,
    fingerprint: Option<String>,
    key_id: Option<&'e str>,
    arrived: Option<&'static str>,
    recovered_from: Option<&'e str>,
    sent: Option<&'static str>,
    seen_by_php: Option<&'static str>,
}

#[derive(Serialize)]
struct Lost<'e> {
    header: String,
    change: &'static str,
    after: &'e str,
    before: &'e str,
    proof: &'static str,
}

#[derive(Serialize)]
struct Found<'e> {
    rule: &'static str,
    place: &'static str,
    desk: &'static str,
    severity: &'static str,
    proof: &'static str,
    summary: &'e str,
    because: &'e str,
    cleared: &'e [&'static str],
    scope: Extent<'e>,
    cure: &'e str,
    decide: Option<&'e str>,
}

#[derive(Serialize)]
struct Extent<'e> {
    count: u64,
    of: u64,
    population: &'static str,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<Only<'e>>,
}

/// The places that all exchanges with a finding share, and others do not.
#[derive(Serialize)]
struct Only<'e> {
    upstream: Option<&'e str>,
    origin: Option<&'e str>,
    client: Option<&'e str>,
}

#[derive(Serialize)]
struct Tried<'e> {
    upstream: &'e str,
    code: &'static str,
    what: &'e str,
}

#[derive(Serialize)]
struct Refusal<'e> {
    code: &'static str,
    reason: &'e str,
}

#[derive(Serialize)]
struct Failure<'e> {
    who: &'static str,
    code: &'static str,
    what: &'e str,
}

#[derive(Serialize)]
struct SummedUp<'s> {
    timestamp: String,
    level: &'static str,
    target: &'static str,
    message: &'static str,
    rule: Option<&'static str>,
    code: Option<&'static str>,
    status: Option<u16>,
    wordpress_code: Option<&'s str>,
    host: Option<&'s str>,
    upstream: Option<&'s str>,
    suppressed: u64,
    within_ms: u64,
    since: String,
    total: u64,
}

#[derive(Serialize)]
struct Gap {
    timestamp: String,
    level: &'static str,
    target: &'static str,
    message: &'static str,
    dropped: u64,
}

/// A finding as it stands in the record of an exchange.
#[must_use]
pub fn found(scoped: &Scoped) -> impl Serialize + '_ {
    Found::of(scoped)
}

/// What of a header was lost between which stations, as it stands in the record of an exchange; nothing where a finding
/// is about no loss.
#[must_use]
pub fn lost(finding: &Finding) -> Option<impl Serialize + '_> {
    Lost::of(finding)
}

/// The record that stands where events were dropped.
pub(super) fn gap(at: Moment, dropped: u64) -> String {
    let message = "Events were dropped: the log is slower than the traffic";
    line(&Gap { timestamp: at.to_string(), level: "WARN", target: "header_doctor::log", message, dropped })
}

/// The record that stands for exchanges like one that was written.
pub(super) fn summary(at: Moment, summary: &Summary) -> String {
    line(&SummedUp {
        timestamp: at.to_string(),
        level: level(summary.severity),
        target: TARGET,
        message: "Exchanges summarised",
        rule: summary.rule,
        code: summary.code,
        status: summary.status,
        wordpress_code: summary.wordpress_code.as_deref(),
        host: summary.host.as_deref(),
        upstream: summary.upstream.as_deref(),
        suppressed: summary.suppressed,
        within_ms: millis(summary.within),
        since: summary.since.to_string(),
        total: summary.total,
    })
}

impl<'e> Record<'e> {
    pub(super) fn of(event: &'e Event) -> Self {
        Self {
            timestamp: event.at.to_string(),
            level: level(event.severity()),
            target: TARGET,
            message: message(event),
            exchange: event.exchange.to_string(),
            trace_id: event.trace_id.map(|id| id.to_string()),
            hop: &event.hop,
            client: event.client.as_deref(),
            method: event.method,
            host: event.host.as_ref().map(|host| host.as_str()),
            path: event.path.as_str(),
            status: event.status.map(|status| status.code()),
            wordpress_code: event.wordpress.as_ref().map(|error| error.code.as_str()),
            wordpress_message: event.wordpress.as_ref().and_then(|error| error.message).map(|m| m.as_str()),
            authorization: Authorization::of(&event.authorization),
            lost: event.findings.iter().filter_map(|scoped| Lost::of(&scoped.finding)).collect(),
            findings: event.findings.iter().map(Found::of).collect(),
            upstream: event.upstream.as_deref(),
            tried: event.tried.iter().map(Tried::of).collect(),
            duration_ms: millis(event.duration),
            refusal: event.refusal.as_ref().map(|r| Refusal { code: r.code, reason: &r.reason }),
            failure: event.failure.as_ref().map(|f| Failure {
                who: f.who.word(),
                code: f.code,
                what: &f.what,
            }),
            php: event.php.as_deref(),
            cut_off: event.cut_off,
            client_gone: event.client_gone,
        }
    }

    pub(super) fn line(&self) -> String {
        line(self)
    }
}

impl<'e> Authorization<'e> {
    fn of(seen: &'e AuthorizationSeen) -> Self {
        // What was sent is what WordPress judged; what arrived stands in when nothing was sent.
        let once = [seen.sent, seen.arrived].into_iter().flatten().find_map(Sighting::once);
        Self {
            scheme: once.and_then(|once| once.scheme).map(|scheme| scheme.word()),
            fingerprint: once.map(|once| once.fingerprint.to_string()),
            key_id: seen.key_id.as_ref().map(KeyId::as_str),
            arrived: seen.arrived.map(Sighting::word),
            recovered_from: seen.recovered_from.as_deref(),
            sent: seen.sent.map(Sighting::word),
            seen_by_php: seen.seen_by_php.map(Sighting::word),
        }
    }
}

impl<'e> Tried<'e> {
    fn of(tried: &'e event::Tried) -> Self {
        Self { upstream: &tried.upstream, code: tried.code, what: &tried.what }
    }
}

impl<'e> Lost<'e> {
    fn of(finding: &'e Finding) -> Option<Self> {
        let lost = finding.lost.as_ref()?;
        Some(Self {
            header: lost.header.name().canonical().to_ascii_lowercase(),
            change: lost.change.word(),
            after: lost.after.word(),
            before: lost.before.word(),
            proof: finding.proof.word(),
        })
    }
}

impl<'e> Found<'e> {
    fn of(scoped: &'e Scoped) -> Self {
        let finding = &scoped.finding;
        Self {
            rule: finding.rule,
            place: finding.place.word(),
            desk: finding.desk.word(),
            severity: finding.severity.word(),
            proof: finding.proof.word(),
            summary: &finding.summary,
            because: &finding.because,
            cleared: &finding.cleared,
            scope: Extent::of(&scoped.scope),
            cure: &finding.cure,
            decide: finding.decide.as_ref().map(|decision| decision.command.as_str()),
        }
    }
}

impl<'e> Extent<'e> {
    fn of(scope: &'e Scope) -> Self {
        let Scope { count, of, population, since, only } = scope;
        let only = only.as_deref().map(|only| Only {
            upstream: only.upstream.as_deref(),
            origin: only.origin.as_deref(),
            client: only.client.as_deref(),
        });
        Self { count: *count, of: *of, population: population.words(), since: since.to_string(), only }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

const fn level(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Error) => "ERROR",
        Some(Severity::Warning) => "WARN",
        Some(Severity::Note) | None => "INFO",
    }
}

const fn message(event: &Event) -> &'static str {
    match (event.findings.is_empty(), &event.failure, &event.refusal) {
        (false, ..) => "Exchange diagnosed",
        (true, Some(_), _) => "Exchange failed",
        (true, None, Some(_)) => "Request refused",
        (true, None, None) if !event.tried.is_empty() => "Exchange answered at another try",
        (true, None, None) => "Exchange done",
    }
}

/// Text of our own types always has a JSON form; were it otherwise, the line would say so.
fn line(record: &impl Serialize) -> String {
    let mut line = serde_json::to_string(record).unwrap_or_else(|error| format!(r#"{{"error":"{error}"}}"#));
    line.push('\n');
    line
}
