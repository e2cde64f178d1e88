//! A line of a log, and what is kept of it: no text, only what can be compared.
//!
//! The fields are those of `report`'s JSON record. Others are passed over, so a log of another version can be read.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher as _};
use std::num::NonZeroU64;
use std::time::Duration;

use serde::Deserialize;

use crate::evidence::{HopName, Scheme};
use crate::moment::Moment;

/// What a line of a log is.
#[derive(Debug)]
pub enum Line {
    /// The record of an exchange.
    Exchange(Box<Record>),
    /// So many exchanges that were like one that was written.
    SummedUp(u64),
    /// So many events were dropped here.
    Dropped(u64),
    /// JSON, and no exchange: the doctor's own words, or another program's.
    Other,
    /// No JSON object, or one whose fields have other types.
    Unreadable,
}

/// The record of an exchange.
#[derive(Debug)]
pub struct Record {
    /// The doctor that wrote it, when its name has the form of one.
    pub hop: Option<HopName>,
    /// Whether it was read and passed on; otherwise no other doctor can have seen it.
    pub is_passed_on: bool,
    /// What can be compared.
    pub request: Request,
}

/// What is kept of an exchange: 72 bytes. Texts are hashed, as they are only compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// When it came.
    pub at: Moment,
    /// How long it took, in milliseconds.
    pub took: u32,
    /// Its doctor, by the place of the name among the log's.
    pub hop: u16,
    /// The status of the reply; zero when there was none.
    pub status: u16,
    /// The exchange.
    pub exchange: Option<NonZeroU64>,
    /// The trace.
    pub trace: Option<NonZeroU64>,
    /// Method and path.
    pub asked: NonZeroU64,
    /// The host, without its port.
    pub host: NonZeroU64,
    /// How `Authorization` arrived.
    pub arrived: Option<Presence>,
    /// How it was sent on.
    pub sent: Option<Presence>,
    /// Whether it was recovered from another header: scheme and fingerprint are then not of what arrived.
    pub is_recovered: bool,
    /// Its scheme.
    pub scheme: Option<Scheme>,
    /// What stands for the key and for the value.
    pub value: Option<(NonZeroU64, NonZeroU64)>,
}

/// How a header was there, as the log words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It was not there.
    Absent,
    /// It was there without a value.
    Empty,
    /// It was there once.
    Once,
    /// It was there several times.
    Several,
}

impl Presence {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "absent" => Self::Absent,
            "empty" => Self::Empty,
            "once" => Self::Once,
            "several" => Self::Several,
            _ => return None,
        })
    }

    /// Whether there is a value.
    #[must_use]
    pub const fn is_there(self) -> bool {
        matches!(self, Self::Once | Self::Several)
    }

    /// The log's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Empty => "empty",
            Self::Once => "once",
            Self::Several => "several",
        }
    }
}

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    target: Option<Cow<'a, str>>,
    #[serde(borrow)]
    exchange: Option<Cow<'a, str>>,
    #[serde(borrow)]
    trace_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    hop: Option<Cow<'a, str>>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    host: Option<Cow<'a, str>>,
    #[serde(borrow)]
    path: Option<Cow<'a, str>>,
    status: Option<u16>,
    #[serde(borrow)]
    authorization: Option<Authorization<'a>>,
    #[serde(borrow)]
    upstream: Option<Cow<'a, str>>,
    duration_ms: Option<u64>,
    suppressed: Option<u64>,
    dropped: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Authorization<'a> {
    #[serde(borrow)]
    scheme: Option<Cow<'a, str>>,
    #[serde(borrow)]
    fingerprint: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arrived: Option<Cow<'a, str>>,
    #[serde(borrow)]
    recovered_from: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sent: Option<Cow<'a, str>>,
}

/// The targets of `report`'s records.
const EXCHANGES: &str = "header_doctor::exchange";
const LOG: &str = "header_doctor::log";

impl Line {
    /// Reads a line. What a log shipper wrote before the object (`edge-1  | {…}`) is passed over.
    #[must_use]
    pub fn read(line: &[u8]) -> Self {
        let object = memchr::memchr(b'{', line).and_then(|start| line.get(start..));
        let written = object.and_then(|object| serde_json::from_slice::<Written<'_>>(object).ok());
        let Some(written) = written else { return Self::Unreadable };
        match (written.target.as_deref(), written.suppressed, written.dropped) {
            (Some(EXCHANGES), Some(suppressed), _) => Self::SummedUp(suppressed),
            (Some(EXCHANGES), None, _) => {
                Record::of(&written).map_or(Self::Unreadable, |record| Self::Exchange(Box::new(record)))
            }
            (Some(LOG), _, Some(dropped)) => Self::Dropped(dropped),
            _ => Self::Other,
        }
    }
}

impl Record {
    fn of(written: &Written<'_>) -> Option<Self> {
        let method = written.method.as_deref()?;
        let is_read = method != "unread";
        Some(Self {
            hop: written.hop.as_deref().and_then(HopName::new),
            is_passed_on: is_read && written.upstream.is_some(),
            request: Request::of(written, method)?,
        })
    }
}

impl Request {
    fn of(written: &Written<'_>, method: &str) -> Option<Self> {
        let none = Authorization::default();
        let authorization = written.authorization.as_ref().unwrap_or(&none);
        let presence = |word: &Option<Cow<'_, str>>| word.as_deref().and_then(Presence::of);
        // A cache asks for the whole where only the head was asked for.
        let method = if method == "HEAD" { "GET" } else { method };
        Some(Self {
            at: moment(written.timestamp.as_deref()?)?,
            took: u32::try_from(written.duration_ms.unwrap_or_default()).unwrap_or(u32::MAX),
            hop: 0,
            status: written.status.unwrap_or_default(),
            exchange: written.exchange.as_deref().map(|id| hashed(&id)),
            trace: written.trace_id.as_deref().map(|id| hashed(&id)),
            asked: hashed(&(method, written.path.as_deref()?)),
            host: hashed(&written.host.as_deref().map(without_port)),
            arrived: presence(&authorization.arrived),
            sent: presence(&authorization.sent),
            is_recovered: authorization.recovered_from.is_some(),
            scheme: authorization.scheme.as_deref().and_then(scheme),
            value: authorization
                .key_id
                .as_deref()
                .zip(authorization.fingerprint.as_deref())
                .map(|(key, fingerprint)| (hashed(&key), hashed(&fingerprint))),
        })
    }
}

/// The moment as the log writes it: RFC 3339 in UTC, with milliseconds.
fn moment(text: &str) -> Option<Moment> {
    let (second, rest) = text.split_at_checked(19)?;
    let millis = rest.strip_prefix('.').and_then(|rest| rest.get(..3)).unwrap_or("000");
    let millis = millis.parse::<u64>().ok()?;
    let second = Moment::from_iso8601(format!("{second}Z").as_bytes())?;
    Some(second.after(Duration::from_millis(millis)))
}

fn scheme(word: &str) -> Option<Scheme> {
    const ALL: [Scheme; 5] =
        [Scheme::Bearer, Scheme::BearerOtherCase, Scheme::Basic, Scheme::Other, Scheme::Missing];
    ALL.into_iter().find(|scheme| scheme.word() == word)
}

/// The host in small letters; a port after the last colon goes, which an IPv6 address has in brackets.
fn without_port(host: &str) -> String {
    let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    port.map_or(host, |(name, _)| name).to_ascii_lowercase()
}

/// Without a key of its own: both logs must be hashed alike. Who can write into a log can say anything there anyway.
fn hashed(what: &impl std::hash::Hash) -> NonZeroU64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    NonZeroU64::new(hasher.finish()).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{Line, Presence, Record, Scheme};
    use crate::moment::Moment;

    const WHOLE: &str = r#"{"timestamp":"2026-11-23T15:10:00.250Z","level":"INFO","target":"header_doctor::exchange","message":"Exchange done","exchange":"00000000000000ff","trace_id":null,"hop":"edge","client":null,"method":"HEAD","host":"API.example.com:8080","path":"/wp-json/","status":200,"authorization":{"scheme":"Bearer","fingerprint":"0123abcd","key_id":"2026","arrived":"once","recovered_from":null,"sent":"once","seen_by_php":null},"upstream":"http://10.0.0.7","duration_ms":12,"new":{"in":["a","later","version"]}}"#;

    fn record(line: &str) -> Record {
        match Line::read(line.as_bytes()) {
            Line::Exchange(record) => *record,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_exchange_is_read_and_what_is_unknown_passed_over() {
        let Record { hop, is_passed_on, request } = record(WHOLE);
        assert_eq!((hop.unwrap().as_str(), is_passed_on), ("edge", true));
        assert_eq!(request.at, Moment::from_millis(1_795_446_600_250));
        assert_eq!((request.arrived, request.sent), (Some(Presence::Once), Some(Presence::Once)));
        assert_eq!((request.scheme, request.took, request.status), (Some(Scheme::Bearer), 12, 200));
        assert!(request.value.is_some() && request.trace.is_none());
    }

    #[test]
    fn what_hops_may_change_makes_no_other_request() {
        let (one, other) =
            (record(WHOLE).request, |from: &str, to: &str| record(&WHOLE.replace(from, to)).request);
        let same = other("HEAD", "GET");
        assert_eq!(one.asked, same.asked);
        for host in ["api.example.com", "api.example.com:443"] {
            assert_eq!(one.host, other("API.example.com:8080", host).host, "{host}");
        }
        assert_ne!(one.host, other("API.example.com:8080", "[::1]:80").host);
        assert_eq!(
            other("API.example.com:8080", "[::1]:80").host,
            other("API.example.com:8080", "[::1]").host
        );
        assert_ne!(one.asked, other("HEAD", "POST").asked);
        assert_ne!(one.value, other("2026\"", "2025\"").value);
    }

    #[test]
    fn lines_are_told_apart() {
        let kinds = [
            (WHOLE.to_owned(), "exchange"),
            (format!("edge-1  | {WHOLE}"), "exchange"),
            (WHOLE.replace("\"edge\"", "\"Not a name\""), "exchange"),
            (WHOLE.replace("\"exchange\":\"00000000000000ff\",", ""), "exchange"),
            (WHOLE.replace("\"duration_ms\":12", "\"suppressed\":411"), "summed up 411"),
            (
                r#"{"target":"header_doctor::log","message":"Events were dropped","dropped":7}"#.into(),
                "dropped 7",
            ),
            (r#"{"target":"header_doctor::cli::serve","message":"Listening"}"#.into(), "other"),
            (r#"{"remote_addr":"10.0.0.1","status":"200"}"#.into(), "unreadable"),
            ("{}".into(), "other"),
            (WHOLE.replace("15:10", "35:10"), "unreadable"),
            (WHOLE.replace("HEAD", "\\u0048EAD"), "exchange"),
            (WHOLE.replace("\"path\":\"/wp-json/\",", ""), "unreadable"),
            (WHOLE.get(..100).unwrap().into(), "unreadable"),
            ("2026-11-23T15:10:00.000Z GET api.example.com/ 401 12 ms".into(), "unreadable"),
            (String::new(), "unreadable"),
            ("[1]".into(), "unreadable"),
        ];
        for (line, kind) in kinds {
            let read = match Line::read(line.as_bytes()) {
                Line::Exchange(_) => "exchange".to_owned(),
                Line::SummedUp(count) => format!("summed up {count}"),
                Line::Dropped(count) => format!("dropped {count}"),
                Line::Other => "other".to_owned(),
                Line::Unreadable => "unreadable".to_owned(),
            };
            assert_eq!(read, kind, "{line}");
        }
    }

    #[test]
    fn what_the_doctor_answered_itself_was_not_passed_on() {
        assert!(!record(&WHOLE.replace("\"http://10.0.0.7\"", "null")).is_passed_on);
        assert!(!record(&WHOLE.replace("\"HEAD\"", "\"unread\"")).is_passed_on);
    }

    #[test]
    fn a_record_stays_small() {
        assert_eq!(size_of::<super::Request>(), 72);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_line(bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>()) {
            std::hint::black_box(Line::read(&bytes));
            let mut line = WHOLE.as_bytes().to_vec();
            let at = at.index(line.len());
            line.splice(at..at, bytes);
            std::hint::black_box(Line::read(&line));
        }
    }
}
