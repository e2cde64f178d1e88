//! What happened, once: the one record of an exchange.
//!
//! Log, metrics, OTLP and dashboard all read this record; nothing else leaves the line. So it is the place where
//! "no secret is ever shown" is kept by types: the target is [`Redacted`], a code has a safe form, a credential is
//! a class and a fingerprint.

mod bus;
mod complaint;
mod counts;
mod identity;
mod redact;
mod tally;
mod whence;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub use crate::evidence::ExchangeId;
pub use bus::{Bus, Dropped, Events, bus};
pub use complaint::{complaint, whole_complaint};
pub use counts::{About, Preflight, Shard, TrailFailure, TurnedAway};
pub use identity::{ExchangeIds, TraceId};
pub use redact::{Redacted, redact_target};
pub use tally::{Loss, Population, Scope, Tally};
pub use whence::Whence;

use crate::diagnosis::{Finding, Severity};
use crate::evidence::{Hop, Sighting, Symptom, Trail, Watched, WordPressError};
use crate::message::{Method, Name, RequestHead, Status};
use crate::moment::Moment;
use crate::secret::{Fingerprint, KeyId};

/// The record of one exchange.
#[derive(Clone, Debug)]
pub struct Event {
    /// When the request came.
    pub at: Moment,
    /// The exchange.
    pub exchange: ExchangeId,
    /// The trace it belongs to, from a valid `traceparent`.
    pub trace_id: Option<TraceId>,
    /// This doctor's name.
    pub hop: Arc<str>,
    /// The client's address, as much of it as the configuration allows.
    pub client: Option<String>,
    /// The method; one that HTTP does not define is `other`.
    pub method: &'static str,
    /// The host asked for.
    pub host: Option<Redacted>,
    /// The target asked for.
    pub path: Redacted,
    /// The status of the reply; none when there was no reply.
    pub status: Option<Status>,
    /// WordPress's error.
    pub wordpress: Option<WordPressError>,
    /// What became of `Authorization`.
    pub authorization: AuthorizationSeen,
    /// The findings, the root cause first.
    pub findings: Vec<Scoped>,
    /// The upstream that was asked, the last one where there were several.
    pub upstream: Option<Arc<str>>,
    /// The upstreams that were asked before it and did not answer.
    pub tried: Vec<Tried>,
    /// What PHP complained of, in a form that may be shown, where it was asked directly.
    pub php: Option<String>,
    /// How long it took until the reply's last byte was sent; with a switch of protocols, until it was granted.
    pub duration: Duration,
    /// Why the doctor refused the request itself.
    pub refusal: Option<Refusal>,
    /// What failed.
    pub failure: Option<Failure>,
    /// Whether the reply broke off before its end.
    pub cut_off: bool,
    /// Whether the client went away first.
    pub client_gone: bool,
    /// Whether a token was renewed. A healthy renewal is told for the sake of expired tokens before it, not written.
    pub is_renewal: bool,
    /// What stands for the client, where two exchanges of one client bear on one another.
    pub whose: Option<Fingerprint>,
}

/// What became of `Authorization` on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationSeen {
    /// How it arrived.
    pub arrived: Option<Sighting>,
    /// The header it was recovered from.
    pub recovered_from: Option<String>,
    /// How it was sent on.
    pub sent: Option<Sighting>,
    /// How PHP saw it, where PHP reports.
    pub seen_by_php: Option<Sighting>,
    /// The shared key that fingerprints are made with; nothing where it is one of this process alone, and nobody else's
    /// fingerprints can be compared with them.
    pub key_id: Option<KeyId>,
}

/// A finding and how widespread it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scoped {
    /// The finding.
    pub finding: Finding,
    /// How many of how many.
    pub scope: Scope,
}

/// A request the doctor refused itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code, `header_doctor_…`, as in the reply.
    pub code: &'static str,
    /// The reason. It describes what was sent and never quotes it.
    pub reason: Cow<'static, str>,
}

/// Something that broke, and whose side it was on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whose side.
    pub who: Side,
    /// The stable code, `header_doctor_…`, as in the reply when there was one to write.
    pub code: &'static str,
    /// What broke. It never quotes what was sent.
    pub what: Cow<'static, str>,
}

/// An upstream that did not answer, so that another one was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Which.
    pub upstream: Arc<str>,
    /// The stable code, `header_doctor_…`, that the exchange would have failed with.
    pub code: &'static str,
    /// What broke. It never quotes what was sent.
    pub what: String,
}

/// A side of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Whoever asked.
    Client,
    /// The doctor.
    Doctor,
    /// Whoever was to answer.
    Upstream,
}

impl Side {
    /// A word for the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Doctor => "doctor",
            Self::Upstream => "upstream",
        }
    }
}

impl Event {
    /// The record of an exchange whose request could not be read.
    #[must_use]
    pub fn unread(exchange: ExchangeId, at: Moment, hop: Arc<str>) -> Self {
        Self {
            at,
            exchange,
            trace_id: None,
            hop,
            client: None,
            method: "unread",
            host: None,
            path: Redacted::default(),
            status: None,
            wordpress: None,
            authorization: AuthorizationSeen::default(),
            findings: Vec::new(),
            upstream: None,
            tried: Vec::new(),
            php: None,
            duration: Duration::ZERO,
            refusal: None,
            failure: None,
            cut_off: false,
            client_gone: false,
            is_renewal: false,
            whose: None,
        }
    }

    /// The record of an exchange with this request.
    #[must_use]
    pub fn of(head: &RequestHead, exchange: ExchangeId, at: Moment, hop: Arc<str>) -> Self {
        Self {
            trace_id: head.fields.only(Name::Traceparent).and_then(TraceId::from_traceparent),
            method: method(head.method),
            host: head.fields.only(Name::Host).map(Redacted::host),
            path: redact_target(head.target()),
            ..Self::unread(exchange, at, hop)
        }
    }

    /// Enters what was seen of a sick exchange, and what was found.
    pub fn diagnosed(&mut self, trail: &Trail, symptom: &Symptom, findings: Vec<Scoped>) {
        let at = |hop: &Hop| trail.sighting(hop, Watched::Authorization);
        self.status = Some(symptom.status);
        self.wordpress.clone_from(&symptom.error);
        self.authorization.arrived = at(&Hop::Client);
        self.authorization.sent = at(&Hop::Doctor);
        self.authorization.seen_by_php = at(&Hop::Php);
        self.findings = findings;
    }

    /// Whether it tells of something that went wrong, be it only what PHP says of an error.
    #[must_use]
    pub fn is_sick(&self) -> bool {
        // PHP says in the log of many a site what is no fault of the exchange; of an error it says why.
        let is_explained = self.php.is_some() && self.status.is_some_and(|status| status.code() >= 500);
        is_explained || self.severity().is_some()
    }

    /// How grave the exchange is: its gravest finding, or what broke.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        let found = self.findings.iter().map(|scoped| scoped.finding.severity).max();
        let refused = self.refusal.as_ref().map(|_| Severity::Warning);
        let failed = self.failure.as_ref().map(|failure| match failure.who {
            Side::Client => Severity::Note,
            Side::Doctor | Side::Upstream => Severity::Error,
        });
        let tried = (!self.tried.is_empty()).then_some(Severity::Warning);
        found.max(refused).max(failed).max(tried)
    }
}

/// The time. This is the only place that asks the system's clock, so that everything else can be given one.
#[must_use]
pub fn now() -> Moment {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks")]
    let now = SystemTime::now();
    Moment::default().after(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

const fn method(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Options => "OPTIONS",
        Method::Connect => "CONNECT",
        Method::Trace => "TRACE",
        Method::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, ExchangeId, Failure, Refusal, Side};
    use crate::diagnosis::Severity;
    use crate::message::{Fields, RequestHead, Status};
    use crate::moment::Moment;

    #[test]
    fn a_request_is_entered_without_its_secrets() {
        let fields = Fields::from([
            ("Host", "api.example.com"),
            ("Authorization", "Bearer s3cret"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ]);
        let head = RequestHead::build("POST", "/wp-json/x?key=s3cret", fields);
        let event = Event::of(&head, ExchangeId::new(1), Moment::default(), "doctor".into());
        assert_eq!((event.method, event.path.as_str()), ("POST", "/wp-json/x?key=…"));
        assert_eq!(event.trace_id.unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(!format!("{event:?}").contains("s3cret"));
    }

    #[test]
    fn a_renewal_is_no_sickness_nor_is_what_php_says_of_a_page_that_came() {
        let event = |change: fn(&mut Event)| {
            let mut event = Event::unread(ExchangeId::new(1), Moment::default(), "doctor".into());
            change(&mut event);
            event.is_sick()
        };
        assert!(!event(|event| event.is_renewal = true));
        assert!(!event(|event| {
            (event.php, event.status) = (Some("PHP Notice".to_owned()), Status::new(200));
        }));
        assert!(event(|event| {
            (event.php, event.status) = (Some("PHP Fatal error".to_owned()), Status::new(500));
        }));
        assert!(event(|event| {
            event.refusal = Some(Refusal { code: "header_doctor_host_missing", reason: "no Host".into() });
        }));
    }

    #[test]
    fn severity_is_the_gravest() {
        let mut event = Event::unread(ExchangeId::new(1), Moment::default(), "doctor".into());
        assert_eq!(event.severity(), None);
        event.refusal = Some(Refusal { code: "header_doctor_host_missing", reason: "no Host".into() });
        assert_eq!(event.severity(), Some(Severity::Warning));
        event.failure = Some(Failure {
            who: Side::Upstream,
            code: "header_doctor_upstream_unreachable",
            what: "connection refused".into(),
        });
        assert_eq!(event.severity(), Some(Severity::Error));
    }
}
