//! Which request of one log is which of the other.
//!
//! The surest sign is tried first, and whoever is joined is out of question for the next. Where two requests could be
//! meant neither is taken: a request that is joined to a stranger would accuse a hop of what it did not do.

use std::time::Duration;

use super::log::Log;
use super::record::Request;

/// How far apart two doctors may note the arrival of one request, where nothing but time tells it from its like.
pub const WINDOW: Duration = Duration::from_secs(3);

/// The same for two requests of one trace.
const OF_ONE_TRACE: Duration = Duration::from_secs(300);

/// How many surely joined pairs say what the clocks differ by.
const CLOCKS: usize = 3;

/// A request as both doctors wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'l> {
    /// In the log of the doctor in front.
    pub edge: &'l Request,
    /// In the log of the one behind.
    pub sidecar: &'l Request,
    /// What joins them.
    pub by: Sign,
}

/// What joins two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The exchange: the doctors did compare notes.
    Exchange,
    /// The trace, method and path.
    Trace,
    /// The fingerprint by one key, method, path and time.
    Fingerprint,
    /// Method, host, path, status and time.
    Likeness,
}

/// What became of two logs.
#[derive(Clone, Debug, Default)]
pub struct Joins<'l> {
    /// The requests that were joined.
    pub pairs: Vec<Pair<'l>>,
    /// How many of the first log could be meant with several of the second, or share one with others.
    pub ambiguous: u64,
    /// How many of the first log are left, those among them.
    pub left_of_edge: u64,
    /// How many of the second log are left.
    pub left_of_sidecar: u64,
}

impl Joins<'_> {
    /// How many were joined by this sign.
    #[must_use]
    pub fn by(&self, sign: Sign) -> usize {
        self.pairs.iter().filter(|pair| pair.by == sign).count()
    }
}

/// Joins two logs.
#[must_use]
pub fn join<'l>(edge: &'l Log, sidecar: &'l Log) -> Joins<'l> {
    let mut joining = Joining { edge: all(edge), sidecar: all(sidecar), joins: Joins::default(), ahead: 0 };
    joining.by(Sign::Exchange, None, |request| Some((request.exchange?.get(), 0, 0)));
    joining
        .by(Sign::Trace, Some(OF_ONE_TRACE), |request| Some((request.trace?.get(), request.asked.get(), 0)));
    joining.by(Sign::Trace, Some(WINDOW), |request| Some((request.trace?.get(), request.asked.get(), 0)));
    joining.set_clocks();
    joining.by(Sign::Fingerprint, Some(WINDOW), |request| {
        let (key, value) = request.value.filter(|_| !request.is_recovered)?;
        Some((key.get(), value.get(), request.asked.get()))
    });
    joining.by(Sign::Likeness, Some(WINDOW), |request| {
        Some((request.asked.get(), request.host.get(), u64::from(request.status)))
    });
    joining.done()
}

/// The requests of a log, which leave the list when they are joined.
type Unjoined<'l> = Vec<Option<&'l Request>>;

fn all(log: &Log) -> Unjoined<'_> {
    log.requests().iter().map(Some).collect()
}

/// What requests are joined by.
type Likeness = (u64, u64, u64);

/// A request in a list that is being joined.
#[derive(Clone, Copy)]
struct Candidate {
    likeness: Likeness,
    at: i64,
    place: usize,
}

struct Joining<'l> {
    edge: Unjoined<'l>,
    sidecar: Unjoined<'l>,
    joins: Joins<'l>,
    /// By how many milliseconds the second log's clock is ahead.
    ahead: i64,
}

impl<'l> Joining<'l> {
    /// Joins by a sign what has exactly one counterpart, and is the only one of it.
    fn by(&mut self, sign: Sign, window: Option<Duration>, of: impl Fn(&Request) -> Option<Likeness>) {
        let window = window.map_or(i64::MAX, |window| i64::try_from(window.as_millis()).unwrap_or(i64::MAX));
        let edge = candidates(&self.edge, self.ahead, &of);
        let sidecar = candidates(&self.sidecar, 0, &of);
        let (there, back) = (near(&edge, &sidecar, window), near(&sidecar, &edge, window));
        self.joins.ambiguous = 0;
        for (one, near) in edge.iter().zip(&there) {
            let other = near.filter(|near| near.count == 1).map(|near| near.first);
            let is_mutual =
                |place: &usize| back.get(*place).copied().flatten().is_some_and(|near| near.count == 1);
            let other = other.filter(is_mutual).and_then(|place| sidecar.get(place));
            match other {
                Some(other) => self.pair(one.place, other.place, sign),
                None => self.joins.ambiguous += u64::from(near.is_some()),
            }
        }
    }

    fn pair(&mut self, edge: usize, sidecar: usize, by: Sign) {
        let taken = |list: &mut Unjoined<'l>, place: usize| list.get_mut(place).and_then(Option::take);
        if let Some((edge, sidecar)) = taken(&mut self.edge, edge).zip(taken(&mut self.sidecar, sidecar)) {
            self.joins.pairs.push(Pair { edge, sidecar, by });
        }
    }

    /// The clocks of two machines differ; pairs that are sure say by how much.
    fn set_clocks(&mut self) {
        let mut ahead: Vec<_> = self.joins.pairs.iter().map(Pair::later).collect();
        ahead.sort_unstable();
        if ahead.len() >= CLOCKS {
            self.ahead = ahead.get(ahead.len() / 2).copied().unwrap_or_default();
        }
    }

    fn done(self) -> Joins<'l> {
        let left =
            |list: &[Option<&Request>]| u64::try_from(list.iter().flatten().count()).unwrap_or(u64::MAX);
        Joins { left_of_edge: left(&self.edge), left_of_sidecar: left(&self.sidecar), ..self.joins }
    }
}

impl Pair<'_> {
    /// How much later the second doctor noted the request, in milliseconds.
    pub(super) const fn later(&self) -> i64 {
        self.sidecar.at.millis().saturating_sub(self.edge.at.millis())
    }
}

/// Those of a list that have the sign, in its order, then by time.
fn candidates(
    list: &[Option<&Request>],
    ahead: i64,
    of: &impl Fn(&Request) -> Option<Likeness>,
) -> Vec<Candidate> {
    let candidate = |(place, request): (usize, &Option<&Request>)| {
        let request = (*request)?;
        Some(Candidate { likeness: of(request)?, at: request.at.millis().saturating_add(ahead), place })
    };
    let mut candidates: Vec<_> = list.iter().enumerate().filter_map(candidate).collect();
    candidates.sort_unstable_by_key(|candidate| (candidate.likeness, candidate.at));
    candidates
}

/// How many of the others a candidate could be, and the place of the first of them.
#[derive(Clone, Copy)]
struct Near {
    count: usize,
    first: usize,
}

/// For each of `these` how many of `those` are alike and near in time. Both are sorted, so one pass is enough.
fn near(these: &[Candidate], those: &[Candidate], window: i64) -> Vec<Option<Near>> {
    let (mut start, mut end) = (0, 0);
    let near = |this: &Candidate| {
        let (first, last) = (this.at.saturating_sub(window), this.at.saturating_add(window));
        let is_before = |that: &Candidate| (that.likeness, that.at) < (this.likeness, first);
        let is_within = |that: &Candidate| (that.likeness, that.at) <= (this.likeness, last);
        start += those.get(start..).unwrap_or_default().iter().take_while(|that| is_before(that)).count();
        end = end.max(start);
        end += those.get(end..).unwrap_or_default().iter().take_while(|that| is_within(that)).count();
        (end > start).then_some(Near { count: end - start, first: start })
    };
    these.iter().map(near).collect()
}

#[cfg(test)]
mod tests {
    use super::{Log, Sign, join};

    /// What it is, the records of either log, and what joins them.
    type Case = (&'static str, &'static [&'static str], &'static [&'static str], &'static [Sign]);

    /// A record; the fields are `what=value`, with `at` in milliseconds after a minute.
    fn log(records: &[&str]) -> Log {
        let mut log = Log::default();
        for (number, record) in (1..).zip(records) {
            log.take(number, line(record).as_bytes());
        }
        assert_eq!(log.requests().len(), records.len());
        log
    }

    fn line(record: &str) -> String {
        let value = |name: &str, or: &str| {
            let mut words = record.split(' ').filter_map(|word| word.split_once('='));
            words.find(|(word, _)| *word == name).map_or(or, |(_, value)| value).to_owned()
        };
        let at: u64 = value("at", "0").parse().unwrap();
        let text = |name: &str| match &*value(name, "") {
            "" => "null".to_owned(),
            value => format!("\"{value}\""),
        };
        format!(
            r#"{{"timestamp":"2026-11-23T15:{:02}:{:02}.{:03}Z","target":"header_doctor::exchange","exchange":{},"trace_id":{},"hop":"h","method":"{}","host":"{}","path":"{}","status":{},"authorization":{{"scheme":"Bearer","fingerprint":{},"key_id":{},"arrived":"once","sent":"once"}},"upstream":"u"}}"#,
            at / 60_000,
            at / 1000 % 60,
            at % 1000,
            text("exchange"),
            text("trace"),
            value("method", "GET"),
            value("host", "a"),
            value("path", "/"),
            value("status", "401"),
            text("fp"),
            text("key"),
        )
    }

    #[test]
    fn the_surest_sign_joins_and_doubt_does_not() {
        use Sign::{Exchange, Fingerprint, Likeness, Trace};
        let table: [Case; 22] = [
            (
                "the same exchange at any time",
                &["exchange=1"],
                &["exchange=1 at=3000000 path=/x"],
                &[Exchange],
            ),
            (
                "an exchange twice, told apart by time",
                &["exchange=1"],
                &["exchange=1 at=9000", "exchange=1"],
                &[Likeness],
            ),
            ("the same trace", &["trace=1 host=a"], &["trace=1 host=b at=200000 status=200"], &[Trace]),
            ("the same trace for another path", &["trace=1"], &["trace=1 path=/x"], &[]),
            ("the same trace an hour later", &["trace=1"], &["trace=1 at=3000000"], &[]),
            (
                "a trace twice, told apart by time",
                &["trace=1", "trace=1 at=9000"],
                &["trace=1 at=9010"],
                &[Trace],
            ),
            (
                "the same fingerprint",
                &["key=k fp=1 host=a"],
                &["key=k fp=1 host=b status=200 at=2999"],
                &[Fingerprint],
            ),
            ("the same fingerprint by another key", &["key=k fp=1 host=a"], &["key=l fp=1 host=b"], &[]),
            ("the same fingerprint without a key", &["fp=1 host=a"], &["fp=1 host=b"], &[]),
            ("another fingerprint, all else alike", &["key=k fp=1"], &["key=k fp=2"], &[Likeness]),
            ("alike", &["at=1000"], &["at=4000"], &[Likeness]),
            ("alike and late", &["at=1000"], &["at=4001"], &[]),
            ("another host", &["host=a"], &["host=b"], &[]),
            ("another port", &["host=a"], &["host=a:8080"], &[Likeness]),
            ("another method", &["method=GET"], &["method=POST"], &[]),
            ("a head asked for whole", &["method=HEAD"], &["method=GET"], &[Likeness]),
            ("another status", &["status=200"], &["status=401"], &[]),
            ("one like two", &["at=0"], &["at=0", "at=1"], &[]),
            ("two like one", &["at=0", "at=1"], &["at=1"], &[]),
            ("two like one each", &["at=0", "at=9000"], &["at=9010", "at=10"], &[Likeness, Likeness]),
            ("a chain", &["at=0", "at=3000"], &["at=3000", "at=6000"], &[]),
            ("nothing", &[], &["at=0"], &[]),
        ];
        for (what, edge, sidecar, signs) in table {
            let logs = [log(edge), log(sidecar)];
            let joins = join(&logs[0], &logs[1]);
            let by: Vec<_> = joins.pairs.iter().map(|pair| pair.by).collect();
            assert_eq!(by, signs, "{what}");
            let left = |records: &[&str]| (records.len() - signs.len()) as u64;
            assert_eq!((joins.left_of_edge, joins.left_of_sidecar), (left(edge), left(sidecar)), "{what}");
            assert!(joins.ambiguous <= joins.left_of_edge, "{what}");
        }
    }

    #[test]
    fn who_could_be_several_is_counted() {
        let logs = [log(&["at=0", "at=1", "path=/x"]), log(&["at=1", "path=/y"])];
        let joins = join(&logs[0], &logs[1]);
        assert_eq!((joins.pairs.len(), joins.ambiguous, joins.left_of_edge), (0, 2, 3));
    }

    #[test]
    fn whoever_is_joined_surely_is_out_of_question_for_others() {
        let logs = [log(&["exchange=1", "exchange=2"]), log(&["exchange=1", "exchange=3 at=5"])];
        let joins = join(&logs[0], &logs[1]);
        assert_eq!((joins.by(Sign::Exchange), joins.by(Sign::Likeness)), (1, 1));
    }

    #[test]
    fn sure_pairs_set_the_clocks() {
        let sure = |at: u64| format!("trace={at} path=/{at} at={at}");
        let edge = [sure(1), sure(2), sure(3), "path=/x at=9000".to_owned()];
        let late = |at: u64| format!("trace={at} path=/{at} at={}", at + 60_000);
        let sidecar = [late(1), late(2), late(3), "path=/x at=69000".to_owned()];
        let all = |records: &[String]| log(&records.iter().map(String::as_str).collect::<Vec<_>>());
        let logs = [all(&edge), all(&sidecar)];
        let joins = join(&logs[0], &logs[1]);
        assert_eq!((joins.by(Sign::Trace), joins.by(Sign::Likeness)), (3, 1));
    }

    proptest::proptest! {
        #[test]
        fn nobody_is_joined_twice(
            edge in proptest::collection::vec((0u64..8000, 0u8..3, 0u8..3), 0..12),
            sidecar in proptest::collection::vec((0u64..8000, 0u8..3, 0u8..3), 0..12),
        ) {
            let log = |records: &[(u64, u8, u8)]| {
                let record = |(at, path, trace): &(u64, u8, u8)| format!("at={at} path=/{path} trace={trace}");
                let records: Vec<_> = records.iter().map(record).collect();
                log(&records.iter().map(String::as_str).collect::<Vec<_>>())
            };
            let (edge, sidecar) = (log(&edge), log(&sidecar));
            let joins = join(&edge, &sidecar);
            let joined = joins.pairs.len() as u64;
            assert_eq!(joined + joins.left_of_edge, edge.requests().len() as u64);
            assert_eq!(joined + joins.left_of_sidecar, sidecar.requests().len() as u64);
            assert!(joins.pairs.iter().all(|pair| pair.edge.asked == pair.sidecar.asked));
        }

        #[test]
        fn one_pass_finds_what_looking_at_all_finds(
            these in proptest::collection::vec((0u64..3, 0i64..30), 0..20),
            those in proptest::collection::vec((0u64..3, 0i64..30), 0..20),
            window in 0i64..10,
        ) {
            let candidates = |list: &[(u64, i64)]| {
                let mut list: Vec<_> = list
                    .iter()
                    .map(|(likeness, at)| super::Candidate { likeness: (*likeness, 0, 0), at: *at, place: 0 })
                    .collect();
                list.sort_unstable_by_key(|candidate| (candidate.likeness, candidate.at));
                list
            };
            let (these, those) = (candidates(&these), candidates(&those));
            for (this, near) in these.iter().zip(super::near(&these, &those, window)) {
                let is_near = |that: &super::Candidate| that.likeness == this.likeness && (that.at - this.at).abs() <= window;
                let places: Vec<_> = (0..those.len()).filter(|place| is_near(&those[*place])).collect();
                assert_eq!(near.map_or(0, |near| near.count), places.len());
                assert_eq!(near.map(|near| near.first), places.first().copied());
            }
        }
    }
}
