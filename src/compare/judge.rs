//! What became of `Authorization` between two doctors, by what each wrote of a request that both saw.

use super::join::{Joins, Pair, Sign};
use super::log::Log;
use super::record::Presence;
use super::words;
use crate::diagnosis::Proof;
use crate::event::{Population, Scope, Scoped};
use crate::evidence::{Change, HopName};
use crate::message::Status;
use crate::moment::Moment;

/// So many requests that are joined by likeness alone, and had the same happen to them, are no accident, as long as they are
/// not few among all: a request that came past the doctor in front can look like one that a cache on the way answered.
const NO_ACCIDENT: u64 = 3;

/// One in how many is not few.
const NOT_FEW: u64 = 10;

/// What is concluded from two logs.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    /// The findings, the most widespread first.
    pub findings: Vec<Judged>,
    /// Joined requests of which both logs say what became of `Authorization`.
    pub seen: u64,
    /// Those of them that were sent with one.
    pub with_credential: u64,
    /// Those of these that arrived as they were sent, as far as it can be told.
    pub unharmed: u64,
    /// Those of which the values themselves could be compared.
    pub compared: u64,
    /// When the first of them came.
    pub since: Moment,
    /// Whether all looks as if the logs stood in the wrong order.
    pub are_swapped: bool,
}

/// A finding, and between whom.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The finding and how widespread it is.
    pub scoped: Scoped,
    /// What happened.
    pub change: Change,
    /// The doctor that sent, by its name in a verdict.
    pub after: String,
    /// The doctor where it arrived.
    pub before: String,
    /// The status of the replies, when it was the same for all.
    pub status: Option<Status>,
}

/// What happened, to whom and between whom: what is told in one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) hops: (u16, u16),
    pub(super) change: Change,
    /// Whether the doctor behind put the header back.
    pub(super) is_recovered: bool,
    /// Whether what arrived has no value.
    pub(super) is_empty: bool,
}

/// How often it happened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) kind: Kind,
    pub(super) count: u64,
    /// Those that are joined by more than likeness.
    pub(super) sure: u64,
    /// Those that were refused in a way that the change can explain.
    refused: u64,
    /// The status of the replies; nothing where they differ.
    status: Option<u16>,
}

impl Case {
    /// Whether the replies show that it matters. Gateways put a login of their own there on purpose, and a few of those who come
    /// by it are refused for other reasons.
    pub(super) const fn is_cause(&self) -> bool {
        match self.kind.change {
            Change::Replaced | Change::Added => self.refused.saturating_mul(NOT_FEW) >= self.count,
            _ => self.refused > 0,
        }
    }
}

/// The joined requests between two doctors.
#[derive(Clone, Copy, Debug)]
struct Way {
    hops: (u16, u16),
    seen: u64,
    with_credential: u64,
    since: Moment,
}

/// Judges what was joined.
#[must_use]
pub fn judge(edge: &Log, sidecar: &Log, joins: &Joins<'_>) -> Verdicts {
    let mut sum = Sum { are_swapped: are_swapped(&joins.pairs), ..Sum::default() };
    joins.pairs.iter().for_each(|pair| sum.add(pair));
    let mut findings: Vec<_> = sum.cases.iter().filter_map(|case| sum.finding(case, edge, sidecar)).collect();
    findings.sort_by_key(|judged| {
        let Scoped { finding, scope } = &judged.scoped;
        std::cmp::Reverse((finding.severity, finding.proof, scope.count))
    });
    let all = |count: fn(&Way) -> u64| sum.ways.iter().map(count).sum();
    Verdicts {
        findings,
        seen: all(|way| way.seen),
        with_credential: all(|way| way.with_credential),
        unharmed: sum.unharmed,
        compared: sum.compared,
        since: sum.ways.iter().map(|way| way.since).min().unwrap_or_default(),
        are_swapped: sum.are_swapped,
    }
}

#[derive(Default)]
struct Sum {
    ways: Vec<Way>,
    cases: Vec<Case>,
    unharmed: u64,
    compared: u64,
    are_swapped: bool,
}

impl Sum {
    fn add(&mut self, pair: &Pair<'_>) {
        let (Some(sent), Some(arrived)) = (pair.edge.sent, pair.sidecar.arrived) else { return };
        self.enter(pair, sent.is_there());
        self.compared += u64::from(pair.has_comparable_values());
        match pair.change(sent, arrived) {
            Some(change) => self.count(pair, change, arrived),
            None => self.unharmed += u64::from(sent.is_there()),
        }
    }

    fn enter(&mut self, pair: &Pair<'_>, has_credential: bool) {
        let (hops, at) = (pair.hops(), pair.edge.at);
        let new = Way { hops, seen: 1, with_credential: u64::from(has_credential), since: at };
        match self.ways.iter_mut().find(|way| way.hops == hops) {
            Some(way) => {
                way.seen += 1;
                way.with_credential += u64::from(has_credential);
                way.since = way.since.min(at);
            }
            None => self.ways.push(new),
        }
    }

    fn count(&mut self, pair: &Pair<'_>, change: Change, arrived: Presence) {
        let is_empty = arrived == Presence::Empty;
        let kind = Kind { hops: pair.hops(), change, is_recovered: pair.sidecar.is_recovered, is_empty };
        let (sure, status) = (u64::from(pair.by != Sign::Likeness), pair.sidecar.status);
        let refused = u64::from(is_refusal(change, status));
        match self.cases.iter_mut().find(|case| case.kind == kind) {
            Some(case) => {
                case.count += 1;
                case.sure += sure;
                case.refused += refused;
                case.status = case.status.filter(|known| *known == status);
            }
            None => self.cases.push(Case { kind, count: 1, sure, refused, status: Some(status) }),
        }
    }

    fn finding(&self, case: &Case, edge: &Log, sidecar: &Log) -> Option<Judged> {
        let (edge, sidecar) = (edge.name(case.kind.hops.0), sidecar.name(case.kind.hops.1));
        let (after, before) = names(edge, sidecar);
        let scope = self.scope(case);
        let is_widespread = case.count >= NO_ACCIDENT && case.count.saturating_mul(NOT_FEW) >= scope.of;
        let is_sure = !self.are_swapped && (case.sure > 0 || is_widespread);
        let proof = if is_sure { Proof::Likely } else { Proof::Possible };
        let finding = words::finding(case, proof, [&after, &before], self.are_swapped)?;
        Some(Judged {
            scoped: Scoped { finding, scope },
            change: case.kind.change,
            after,
            before,
            status: case.status.and_then(Status::new),
        })
    }

    fn scope(&self, case: &Case) -> Scope {
        let way = self.ways.iter().find(|way| way.hops == case.kind.hops);
        let of = way.map_or(case.count, |way| match case.kind.change {
            Change::Added => way.seen,
            _ => way.with_credential,
        });
        let population = match case.kind.change {
            Change::Added => Population::Joined,
            _ => Population::JoinedWithCredential,
        };
        let since = way.map(|way| way.since).unwrap_or_default();
        Scope { count: case.count, of, population, since, only: None }
    }
}

/// Whether a reply refuses a credential, or the lack of one.
const fn is_refusal(change: Change, status: u16) -> bool {
    matches!((change, status), (_, 401 | 403) | (Change::Duplicated, 400))
}

/// The names in a verdict. Two doctors of one name, or of none, are told apart by where they stand.
fn names(edge: Option<&HopName>, sidecar: Option<&HopName>) -> (String, String) {
    match (edge, sidecar) {
        (Some(edge), Some(sidecar)) if edge != sidecar => (edge.to_string(), sidecar.to_string()),
        _ => ("edge".to_owned(), "sidecar".to_owned()),
    }
}

/// Whoever is in front sees a request first and is done with it last. Where it is the other way round, the logs stand in the
/// wrong order. Clocks that differ make requests late, and none longer. A quick hop takes less than the millisecond that logs
/// count in, so most requests may look as if they came at once: it is enough that none took longer, and some shorter.
fn are_swapped(pairs: &[Pair<'_>]) -> bool {
    let (mut is_any_shorter, mut later) = (false, 0_i64);
    for pair in pairs {
        if pair.edge.took > pair.sidecar.took {
            return false;
        }
        is_any_shorter |= pair.edge.took < pair.sidecar.took;
        later = later.saturating_add(pair.later());
    }
    is_any_shorter && later < 0
}

impl Pair<'_> {
    const fn hops(&self) -> (u16, u16) {
        (self.edge.hop, self.sidecar.hop)
    }

    /// What happened on the way. It compares as `evidence::changes` does, with the little that a log says.
    fn change(&self, sent: Presence, arrived: Presence) -> Option<Change> {
        use Presence::{Absent, Empty, Once, Several};
        match (sent, arrived) {
            (Absent | Empty, Absent) | (Empty, Empty) | (Several, Several) => None,
            (Absent, Empty) | (Absent | Empty, Once | Several) => Some(Change::Added),
            (Once | Several, Absent) => Some(Change::Missing),
            (Once | Several, Empty) => Some(Change::Emptied),
            (Several, Once) => Some(Change::Folded),
            (Once, Several) => Some(Change::Duplicated),
            (Once, Once) => self.is_another().then_some(Change::Replaced),
        }
    }

    fn is_another(&self) -> bool {
        if self.has_comparable_values() {
            return self.edge.value != self.sidecar.value;
        }
        self.edge.scheme.zip(self.sidecar.scheme).is_some_and(|(sent, arrived)| sent != arrived)
    }

    /// Whether both fingerprints are of what passed between the doctors, and made with one key.
    fn has_comparable_values(&self) -> bool {
        let is_single =
            self.edge.sent == Some(Presence::Once) && self.sidecar.arrived == Some(Presence::Once);
        let keys = self.edge.value.zip(self.sidecar.value);
        is_single && keys.is_some_and(|((sent, _), (arrived, _))| sent == arrived)
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Log, Verdicts, judge};
    use crate::compare::join;
    use crate::diagnosis::{Proof, Severity};

    /// How `Authorization` stands in a record: `presence scheme fingerprint key recovered_from`, cut off where you like.
    fn line(hop: &str, number: usize, millis: u64, took: u64, authorization: &str) -> String {
        replied(401, hop, number, millis, took, authorization)
    }

    /// The same with this status.
    fn replied(status: u16, hop: &str, number: usize, millis: u64, took: u64, authorization: &str) -> String {
        let mut words = authorization.split(' ').map(|word| match word {
            "-" => "null".to_owned(),
            word => format!("\"{word}\""),
        });
        let mut next = || words.next().unwrap_or_else(|| "null".into());
        let (presence, scheme, fingerprint, key, recovered) = (next(), next(), next(), next(), next());
        format!(
            r#"{{"timestamp":"2026-11-23T15:10:00.{millis:03}Z","target":"header_doctor::exchange","hop":"{hop}","method":"GET","host":"a","path":"/{number}","status":{status},"authorization":{{"scheme":{scheme},"fingerprint":{fingerprint},"key_id":{key},"arrived":{presence},"recovered_from":{recovered},"sent":{presence}}},"upstream":"u","duration_ms":{took}}}"#
        )
    }

    fn log(hop: &str, millis: u64, took: u64, all: &[&str]) -> Log {
        let mut log = Log::default();
        for (number, authorization) in all.iter().enumerate() {
            log.take(1, line(hop, number, millis, took, authorization).as_bytes());
        }
        log
    }

    fn judged(edge: &Log, sidecar: &Log) -> Verdicts {
        judge(edge, sidecar, &join(edge, sidecar))
    }

    /// What is found where three requests are sent and arrive so.
    fn found(sent: &str, arrived: &str) -> Verdicts {
        judged(&log("edge", 1, 9, &[sent; 3]), &log("sidecar", 2, 7, &[arrived; 3]))
    }

    #[test]
    fn every_change_that_two_logs_show_is_told() {
        let table = [
            ("once Bearer", "once Bearer", None),
            ("once Bearer 1", "once Bearer 2", None),
            ("once Bearer 1 k", "once Bearer 2 l", None),
            ("once Bearer 1 k", "once Bearer 1 k", None),
            ("once Bearer 1 k", "once Bearer 2 k", Some(Change::Replaced)),
            ("once Bearer", "once Basic", Some(Change::Replaced)),
            ("once Bearer", "absent", Some(Change::Missing)),
            ("several", "absent", Some(Change::Missing)),
            ("once Bearer", "empty", Some(Change::Emptied)),
            ("once Bearer", "several", Some(Change::Duplicated)),
            ("several", "once Bearer", Some(Change::Folded)),
            ("several", "several", None),
            ("absent", "once Basic", Some(Change::Added)),
            ("absent", "absent", None),
            ("empty", "absent", None),
            ("-", "absent", None),
            ("once Bearer", "-", None),
            ("twice", "absent", None),
        ];
        for (sent, arrived, change) in table {
            let verdicts = found(sent, arrived);
            let changes: Vec<_> = verdicts.findings.iter().map(|judged| judged.change).collect();
            assert_eq!(changes, Vec::from_iter(change), "{sent} ▸ {arrived}");
        }
    }

    #[test]
    fn a_verdict_names_both_doctors_and_is_never_sure() {
        let verdicts = found("once Bearer", "absent");
        let judged = &verdicts.findings[0];
        assert_eq!((&*judged.after, &*judged.before), ("edge", "sidecar"));
        assert_eq!(judged.scoped.finding.proof, Proof::Likely);
        assert_eq!(judged.scoped.finding.severity, Severity::Error);
        assert_eq!(judged.scoped.scope.to_string(), "3 of 3 joined requests with a credential since 15:10");
        assert_eq!(judged.status.unwrap().code(), 401);
    }

    /// What is found of three requests that were answered so.
    fn answered(statuses: &[u16], sent: &str, arrived: &str) -> Verdicts {
        let log = |hop, millis, took, authorization| {
            let mut log = Log::default();
            for (number, status) in statuses.iter().enumerate() {
                log.take(1, replied(*status, hop, number, millis, took, authorization).as_bytes());
            }
            log
        };
        judged(&log("edge", 1, 9, sent), &log("sidecar", 2, 7, arrived))
    }

    #[test]
    fn a_change_that_no_reply_suffers_from_is_a_note() {
        let mostly_fine = [&[401][..], &[200; 10]].concat();
        let table: [(&[u16], _, _, _); 9] = [
            (&[200; 3], "once Bearer", "absent", Severity::Note),
            (&[200, 200, 401], "once Bearer", "absent", Severity::Error),
            (&mostly_fine, "once Bearer", "absent", Severity::Error),
            (&mostly_fine, "once Bearer", "once Basic", Severity::Note),
            (&[200; 3], "absent", "once Basic", Severity::Note),
            (&[403; 3], "absent", "once Basic", Severity::Error),
            (&[500; 3], "once Bearer", "once Basic", Severity::Note),
            (&[400; 3], "once Bearer", "several", Severity::Error),
            (&[400; 3], "once Bearer", "empty", Severity::Note),
        ];
        for (statuses, sent, arrived, severity) in table {
            let verdicts = answered(statuses, sent, arrived);
            let finding = &verdicts.findings[0].scoped.finding;
            assert_eq!(finding.severity, severity, "{statuses:?} {sent} ▸ {arrived}");
            let is_note = severity == Severity::Note;
            assert_eq!(finding.because.contains("the replies do not say that it matters"), is_note);
            assert!(!is_note || finding.cleared.is_empty() && finding.caution.is_empty());
        }
    }

    #[test]
    fn the_cure_is_the_one_for_what_happened() {
        let table = [
            ("once Bearer", "absent", "find what deletes it: HAProxy"),
            ("once Bearer", "once Basic", "find what puts its own credential there"),
            ("once Bearer", "several", "find what adds a line"),
            ("absent", "once Basic", "find what sets it where none is"),
            ("absent", "empty", "find what sets it where none is"),
        ];
        for (sent, arrived, cure) in table {
            let finding = &found(sent, arrived).findings[0].scoped.finding;
            let expected = format!("between edge and sidecar: {cure}");
            assert!(finding.cure.starts_with(&expected), "{}", finding.cure);
            assert!(finding.lost.is_some());
        }
        let empty = found("absent", "empty").findings[0].scoped.finding.clone();
        assert!(empty.summary.starts_with("an empty Authorization is added"), "{}", empty.summary);
        assert!(empty.because.contains("sidecar that one without a value arrived"), "{}", empty.because);
    }

    #[test]
    fn one_likeness_is_only_possible() {
        let one = judged(&log("edge", 1, 9, &["once Bearer"]), &log("sidecar", 2, 7, &["absent"]));
        let finding = &one.findings[0].scoped.finding;
        assert_eq!((finding.proof, finding.severity), (Proof::Possible, Severity::Warning));
        assert!(finding.decide.is_some() && finding.cleared.is_empty());
    }

    #[test]
    fn a_few_likenesses_among_many_that_arrived_are_only_possible() {
        for (arrived, proof) in [(27, Proof::Likely), (28, Proof::Possible)] {
            let lost =
                ["absent"; 3].into_iter().chain(std::iter::repeat_n("once", arrived)).collect::<Vec<_>>();
            let verdicts =
                judged(&log("edge", 1, 9, &vec!["once"; 3 + arrived]), &log("sidecar", 2, 7, &lost));
            assert_eq!(verdicts.findings[0].scoped.finding.proof, proof, "{arrived}");
        }
    }

    #[test]
    fn what_is_recovered_is_worth_a_note() {
        let verdicts = found("once Bearer", "absent Bearer 1 - x-authorization");
        assert_eq!(verdicts.findings[0].scoped.finding.severity, Severity::Note);
    }

    #[test]
    fn doctors_of_one_name_are_told_apart() {
        for hop in ["doctor", "No Name"] {
            let verdicts = judged(&log(hop, 1, 9, &["once"; 3]), &log(hop, 2, 7, &["absent"; 3]));
            assert!(verdicts.findings[0].scoped.finding.summary.ends_with("between edge and sidecar"));
        }
    }

    #[test]
    fn logs_in_the_wrong_order_are_noticed_and_clocks_that_differ_are_not() {
        let (edge, sidecar) = (log("edge", 1, 9, &["once"; 3]), log("sidecar", 2, 7, &["absent"; 3]));
        assert!(!judged(&edge, &sidecar).are_swapped);
        let swapped = judged(&sidecar, &edge);
        assert!(swapped.are_swapped);
        assert_eq!(swapped.findings[0].scoped.finding.proof, Proof::Possible);
        let late = judged(&log("edge", 500, 9, &["once"; 3]), &sidecar);
        assert!(!late.are_swapped);
        let late_and_as_long = judged(&log("edge", 500, 7, &["once"; 3]), &sidecar);
        assert!(!late_and_as_long.are_swapped);
    }

    /// When each request came at either doctor, and how long it took there: as measured on one machine, where the hop is
    /// quicker than the millisecond in which logs are written.
    #[test]
    fn a_quick_hop_does_not_hide_that_logs_are_swapped() {
        let measured: [[u64; 4]; 4] =
            [[10, 16, 10, 16], [11, 16, 12, 15], [11, 17, 10, 17], [10, 20, 13, 17]];
        let log = |hop: &str, at: usize, authorization: &str| {
            let mut log = Log::default();
            for (number, row) in measured.iter().enumerate() {
                log.take(1, line(hop, number, row[at], row[at + 1], authorization).as_bytes());
            }
            log
        };
        let (edge, sidecar) = (log("edge", 0, "once"), log("sidecar", 2, "absent"));
        assert!(!judged(&edge, &sidecar).are_swapped);
        let swapped = judged(&sidecar, &edge);
        assert!(swapped.are_swapped);
        assert_eq!(swapped.findings[0].scoped.finding.severity, Severity::Warning);
    }

    #[test]
    fn only_what_was_sent_with_a_credential_is_counted_for_losses() {
        let sent = ["once", "once", "once", "once", "absent"];
        let arrived = ["absent", "absent", "absent", "once", "absent"];
        let verdicts = judged(&log("edge", 1, 9, &sent), &log("sidecar", 2, 7, &arrived));
        assert_eq!((verdicts.seen, verdicts.with_credential, verdicts.unharmed), (5, 4, 1));
        assert_eq!(verdicts.findings[0].scoped.scope.of, 4);
    }
}
