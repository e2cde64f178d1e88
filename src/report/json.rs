//! The log's JSON record. Its names are a contract: dashboards and alerts are built on them, so every field is
//! always there, `null` when it has nothing to say.

use std::time::Duration;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Serialize;

use super::Summary;
use crate::diagnosis::{Finding, Severity};
use crate::event::{self, AuthorizationSeen, Event, Scope, Scoped};
use crate::evidence::Sighting;
use crate::moment::Moment;
use crate::secret::KeyId;

const TARGET: &str = "header_doctor::exchange";

/// One exchange.
#[derive(Serialize, JsonSchema)]
pub(super) struct Record<'e> {
    /// When the request came, in UTC.
    timestamp: String,
    /// `ERROR`, `WARN` or `INFO`: how grave the gravest finding, refusal or failure is.
    level: &'static str,
    /// Always `header_doctor::exchange`.
    target: &'static str,
    /// `Exchange diagnosed`, `Exchange failed`, `Request refused`, `Exchange answered at another try` or `Exchange done`.
    message: &'static str,
    /// The exchange, in 16 hexadecimal digits; the same in the logs of all doctors on a path that share a key.
    exchange: String,
    /// The trace that the request belongs to, from its `traceparent`.
    trace_id: Option<String>,
    /// What this doctor is called (`trail.hop`).
    hop: &'e str,
    /// The client's address, as much of it as `log.client_address` says.
    client: Option<&'e str>,
    /// The method; `other` for one that HTTP does not define, `unread` where the request could not be read.
    method: &'e str,
    /// The host that was asked for.
    host: Option<&'e str>,
    /// The path that was asked for; values of its query, and parts of it that may be a secret, are `…`.
    path: &'e str,
    /// The status of the reply; `null` when there was none.
    status: Option<u16>,
    /// The `code` of WordPress's error.
    wordpress_code: Option<&'e str>,
    /// The message of that error, where it is one that the doctor knows by heart.
    wordpress_message: Option<&'e str>,
    /// What became of `Authorization`.
    authorization: Authorization<'e>,
    /// The headers that were lost, one entry for each finding that says so.
    lost: Vec<Lost<'e>>,
    /// What is concluded, the root cause first.
    findings: Vec<Found<'e>>,
    /// The upstream that was asked, the last one where there were several.
    upstream: Option<&'e str>,
    /// The upstreams that were asked before it and did not answer.
    tried: Vec<Tried<'e>>,
    /// How long it took until the last byte of the reply was sent, in milliseconds; of a WebSocket until it was granted.
    duration_ms: u64,
    /// Why the doctor refused the request itself.
    refusal: Option<Refusal<'e>>,
    /// What failed.
    failure: Option<Failure<'e>>,
    /// What PHP complained of, where it was asked directly.
    #[serde(skip_serializing_if = "Option::is_none")]
    php: Option<&'e str>,
    /// Whether the reply broke off before its end.
    cut_off: bool,
    /// Whether the client went away first.
    client_gone: bool,
}

/// What became of `Authorization`; no part of its value.
#[derive(Serialize, JsonSchema)]
struct Authorization<'e> {
    /// Its scheme, such as `Bearer`.
    scheme: Option<&'static str>,
    /// A keyed hash, by which equal values are known and no more.
    fingerprint: Option<String>,
    /// The shared key of that hash; `null` where the key is this process's own, and nobody else's fingerprints compare.
    key_id: Option<&'e str>,
    /// How it arrived: `absent`, `empty`, `once` or `several`.
    arrived: Option<&'static str>,
    /// The header that it was recovered from.
    recovered_from: Option<&'e str>,
    /// How it was sent on, in the same words.
    sent: Option<&'static str>,
    /// How PHP saw it, where PHP reports (`trail.php`).
    seen_by_php: Option<&'static str>,
}

/// One header that was lost or changed on the way.
#[derive(Serialize, JsonSchema)]
struct Lost<'e> {
    /// The header, in small letters.
    header: String,
    /// What happened to it: `missing`, `emptied`, `moved`, `re-spelled`, `replaced`, `duplicated`, `folded`, `truncated` or `added`.
    change: &'static str,
    /// The last station where it was seen.
    after: &'e str,
    /// The first station where it was not.
    before: &'e str,
    /// How sure that is: `proved`, `likely` or `possible`.
    proof: &'static str,
}

/// One finding.
#[derive(Serialize, JsonSchema)]
struct Found<'e> {
    /// The rule, as in `header-doctor explain RULE`.
    rule: &'static str,
    /// What is to blame.
    place: &'static str,
    /// Who can cure it.
    desk: &'static str,
    /// How grave it is: `error`, `warning` or `note`.
    severity: &'static str,
    /// How sure it is: `proved`, `likely` or `possible`.
    proof: &'static str,
    /// What is wrong, in a sentence.
    summary: &'e str,
    /// What it is concluded from.
    because: &'e str,
    /// What is innocent.
    cleared: &'e [&'static str],
    /// How widespread it is.
    scope: Extent<'e>,
    /// What to do.
    cure: &'e str,
    /// A command that would decide a finding that is only possible.
    decide: Option<&'e str>,
}

/// How widespread a finding is, as this process has seen it.
#[derive(Serialize, JsonSchema)]
struct Extent<'e> {
    /// How many exchanges had it.
    count: u64,
    /// Of how many.
    of: u64,
    /// What those are, such as `requests with a credential`.
    population: &'static str,
    /// Since when they are counted, in UTC.
    since: String,
    /// The places that all exchanges with the finding share, and others do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<Only<'e>>,
}

/// The places that all exchanges with a finding share, and others do not.
#[derive(Serialize, JsonSchema)]
struct Only<'e> {
    /// The upstream.
    upstream: Option<&'e str>,
    /// The origin of the page that asked.
    origin: Option<&'e str>,
    /// The address of the client, as much of it as `log.client_address` says.
    client: Option<&'e str>,
}

/// One upstream that did not answer.
#[derive(Serialize, JsonSchema)]
struct Tried<'e> {
    /// Which.
    upstream: &'e str,
    /// The stable code, `header_doctor_…`.
    code: &'static str,
    /// What broke, in words.
    what: &'e str,
}

/// A request that the doctor refused itself.
#[derive(Serialize, JsonSchema)]
struct Refusal<'e> {
    /// The stable code, `header_doctor_…`, as in the reply.
    code: &'static str,
    /// Why, in words; nothing that was sent is quoted.
    reason: &'e str,
}

/// What broke.
#[derive(Serialize, JsonSchema)]
struct Failure<'e> {
    /// On whose side: `client`, `doctor` or `upstream`.
    who: &'static str,
    /// The stable code, `header_doctor_…`, as in the reply where one could be written.
    code: &'static str,
    /// What broke, in words; nothing that was sent is quoted.
    what: &'e str,
}

/// Exchanges like one that was written, summed up (`log.repeats`).
#[derive(Serialize, JsonSchema)]
struct SummedUp<'s> {
    /// When it was written, in UTC.
    timestamp: String,
    /// As of the exchanges.
    level: &'static str,
    /// Always `header_doctor::exchange`.
    target: &'static str,
    /// Always `Exchanges summarised`.
    message: &'static str,
    /// The rule of their first finding.
    rule: Option<&'static str>,
    /// The code of their refusal or failure.
    code: Option<&'static str>,
    /// Their status.
    status: Option<u16>,
    /// The `code` of WordPress's error.
    wordpress_code: Option<&'s str>,
    /// The host that was asked for.
    host: Option<&'s str>,
    /// The upstream that was asked.
    upstream: Option<&'s str>,
    /// How many were not written.
    suppressed: u64,
    /// Within which time, in milliseconds.
    within_ms: u64,
    /// When the first of them was written, in UTC.
    since: String,
    /// How many there were since then.
    total: u64,
}

/// What stands where exchanges are missing: the log was slower than the traffic, or could not be written.
#[derive(Serialize, JsonSchema)]
struct Gap {
    /// When the next exchange came, in UTC.
    timestamp: String,
    /// Always `WARN`.
    level: &'static str,
    /// Always `header_doctor::log`.
    target: &'static str,
    /// In words.
    message: &'static str,
    /// How many exchanges were not written.
    dropped: u64,
}

/// The JSON Schemas of what the log writes about exchanges: of one exchange, of those like it summed up, and of a gap.
#[must_use]
pub fn schemas() -> [Schema; 3] {
    [schema_for!(Record<'_>), schema_for!(SummedUp<'_>), schema_for!(Gap)]
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
    let message = "Events were dropped: the log is slower than the traffic, or cannot be written";
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
