//! Whether an upstream of several is asked, and which of them: decided from what others heard of it, without I/O and
//! with the time handed in.
//!
//! Three failures in a row take an upstream out for ten seconds. Then one request, and no second beside it, is its
//! probe: a reply brings it back, a failure doubles the time, up to a minute. A reply is a reply whatever its status:
//! what WordPress answers says nothing of the way there. Where all are out, the one that is due soonest is asked
//! nevertheless, for it may be well again.

/// Milliseconds since some moment that all workers share.
pub(super) type Millis = u64;

/// How many failures in a row take an upstream out.
pub(super) const FAILURES: u8 = 3;

/// How long an upstream is out the first time, in milliseconds; each failed probe doubles it.
const FIRST: Millis = 10_000;

/// The longest time before the next probe, in milliseconds.
const LONGEST: Millis = 60_000;

/// How long a probe waits for a request that can be sent elsewhere when it fails; then any request will do.
const PATIENCE: Millis = 10_000;

/// What is held of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is asked.
    In {
        /// How often in a row it has failed; fewer than [`FAILURES`].
        failures: u8,
    },
    /// It is not asked before `until`, and then by one request.
    Out {
        /// How many probes have failed since it went out, up to what still makes a difference.
        level: u8,
        /// When a probe is due.
        until: Millis,
        /// Whether one is under way.
        probing: bool,
    },
}

/// As what a request goes to an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The upstream is in.
    Regular,
    /// The upstream is out and due: this request finds out.
    Probe {
        /// When it became due, which tells this probe from any other.
        due: Millis,
    },
    /// All upstreams are out.
    LastResort,
}

/// What others should be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is out for so many milliseconds.
    WentOut(Millis),
    /// It is in again.
    CameBack,
}

impl State {
    /// What is held of an upstream nobody has asked.
    pub(super) const NEW: Self = Self::In { failures: 0 };

    /// After a reply. One that was under way when the upstream went out says nothing of new requests.
    pub(super) const fn succeeded(self, role: Role) -> (Self, Option<Change>) {
        match (self, role) {
            (Self::In { .. }, _) => (Self::NEW, None),
            (Self::Out { .. }, Role::Regular) => (self, None),
            (Self::Out { .. }, Role::Probe { .. } | Role::LastResort) => (Self::NEW, Some(Change::CameBack)),
        }
    }

    /// After a failure.
    pub(super) fn failed(self, role: Role, now: Millis) -> (Self, Option<Change>) {
        match (self, role) {
            (Self::In { failures }, _) if failures + 1 < FAILURES => {
                (Self::In { failures: failures + 1 }, None)
            }
            (Self::In { .. }, _) => (Self::out(0, now), Some(Change::WentOut(out_for(0)))),
            (Self::Out { level, until, probing: true }, Role::Probe { due }) if until == due => {
                (Self::out(level + 1, now), None)
            }
            (Self::Out { level, until, probing: false }, Role::LastResort) => {
                (Self::out(level + u8::from(until <= now), now), None)
            }
            (Self::Out { .. }, _) => (self, None),
        }
    }

    /// After a request that ended without a word about the upstream: its client went away.
    pub(super) fn abandoned(self, role: Role) -> Self {
        match (self, role) {
            (Self::Out { level, until, probing: true }, Role::Probe { due }) if until == due => {
                Self::Out { level, until, probing: false }
            }
            _ => self,
        }
    }

    /// Once this request is its probe; nothing when another one is, or none is due.
    pub(super) fn claimed(self, role: Role) -> Option<Self> {
        match (self, role) {
            (Self::Out { level, until, probing: false }, Role::Probe { due }) if until == due => {
                Some(Self::Out { level, until, probing: true })
            }
            _ => None,
        }
    }

    fn out(level: u8, now: Millis) -> Self {
        let level = level.min(LEVELS);
        Self::Out { level, until: now + out_for(level), probing: false }
    }

    /// In one word, so that workers can share it without a lock. A new one is zero.
    pub(super) const fn pack(self) -> u64 {
        match self {
            Self::In { failures } => failures as u64,
            Self::Out { level, until, probing } => {
                OUT | if probing { PROBING } else { 0 } | ((level as u64) << LEVEL) | (until & UNTIL)
            }
        }
    }

    /// What [`State::pack`] made.
    pub(super) fn unpack(word: u64) -> Self {
        let small = |bits: u64| u8::try_from(bits & 0x3f).unwrap_or_default();
        if word & OUT == 0 {
            return Self::In { failures: small(word) };
        }
        Self::Out { level: small(word >> LEVEL), until: word & UNTIL, probing: word & PROBING != 0 }
    }
}

const OUT: u64 = 1 << 63;
const PROBING: u64 = 1 << 62;
const LEVEL: u32 = 56;
const UNTIL: u64 = (1 << LEVEL) - 1;

/// The level from which on the time no longer grows.
const LEVELS: u8 = 3;

fn out_for(level: u8) -> Millis {
    (FIRST << level.min(LEVELS)).min(LONGEST)
}

/// An upstream as the choice sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// How many requests are under way there, of all workers.
    pub(super) outstanding: u32,
    pub(super) state: State,
}

/// Which of the candidates a request goes to, and as what: to one that is due for a probe; else to the one with the
/// fewest requests outstanding, the first of equals; else to the one that is due soonest. `repeatable` says whether
/// the request can be sent elsewhere after it failed, so that it costs its client nothing to be a probe.
pub(super) fn choose(
    candidates: impl Iterator<Item = Candidate>,
    now: Millis,
    repeatable: bool,
) -> Option<(usize, Role)> {
    let patience = if repeatable { 0 } else { PATIENCE };
    let (mut least, mut soonest) = (None, None);
    for (place, Candidate { outstanding, state }) in candidates.enumerate() {
        match state {
            State::In { .. } => {
                if least.is_none_or(|(fewest, _)| outstanding < fewest) {
                    least = Some((outstanding, place));
                }
            }
            State::Out { until, probing, .. } => {
                if !probing && until + patience <= now {
                    return Some((place, Role::Probe { due: until }));
                }
                if soonest.is_none_or(|(first, _, _)| until < first) {
                    soonest = Some((until, place, probing));
                }
            }
        }
    }
    if let Some((_, place)) = least {
        return Some((place, Role::Regular));
    }
    let (until, place, probing) = soonest?;
    let is_due = !probing && until <= now;
    Some((place, if is_due { Role::Probe { due: until } } else { Role::LastResort }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

    use super::{Candidate, Change, FAILURES, Millis, Role, State, choose};

    const IN: State = State::NEW;

    const fn out(until: Millis) -> State {
        State::Out { level: 0, until, probing: false }
    }

    const fn probing(until: Millis) -> State {
        State::Out { level: 0, until, probing: true }
    }

    fn choice(candidates: &[(u32, State)], now: Millis, repeatable: bool) -> Option<(usize, Role)> {
        let candidates = candidates
            .iter()
            .map(|(outstanding, state)| Candidate { outstanding: *outstanding, state: *state });
        choose(candidates, now, repeatable)
    }

    #[test]
    fn the_one_with_the_fewest_requests_is_asked_and_of_equals_the_first() {
        assert_eq!(choice(&[(3, IN), (1, IN), (1, IN)], 0, true), Some((1, Role::Regular)));
        assert_eq!(choice(&[(9, IN), (0, out(10))], 0, true), Some((0, Role::Regular)));
        assert_eq!(choice(&[(9, IN), (0, probing(10))], 99_999, false), Some((0, Role::Regular)));
        assert_eq!(choice(&[], 0, true), None);
    }

    #[test]
    fn one_that_is_due_is_probed_by_a_request_that_can_be_repeated_or_late_by_any() {
        let due = [(0, IN), (0, out(10))];
        let probe = Some((1, Role::Probe { due: 10 }));
        assert_eq!(choice(&due, 10, true), probe);
        assert_eq!(choice(&due, 10, false), Some((0, Role::Regular)));
        assert_eq!(choice(&due, 10_010, false), probe);
    }

    #[test]
    fn where_all_are_out_the_one_due_soonest_is_asked() {
        let all = [(0, out(30)), (0, out(20))];
        assert_eq!(choice(&all, 0, false), Some((1, Role::LastResort)));
        assert_eq!(choice(&all, 20, false), Some((1, Role::Probe { due: 20 })));
        assert_eq!(choice(&[(0, out(30)), (0, probing(20))], 25, true), Some((1, Role::LastResort)));
    }

    #[test]
    fn the_time_out_grows_with_each_failed_probe_up_to_a_minute() {
        let (mut state, mut now, mut times) = (State::In { failures: FAILURES - 1 }, 0, Vec::new());
        let mut role = Role::Regular;
        for _ in 0..6 {
            state = state.failed(role, now).0;
            let State::Out { until, .. } = state else { panic!("it is out") };
            times.push((until - now) / 1000);
            now = until;
            role = Role::Probe { due: until };
            state = state.claimed(role).unwrap();
        }
        assert_eq!(times, [10, 20, 40, 60, 60, 60]);
        assert_eq!(state.succeeded(role), (State::NEW, Some(Change::CameBack)));
    }

    #[test]
    fn a_reply_in_between_begins_the_count_anew() {
        let twice = State::NEW.failed(Role::Regular, 0).0.failed(Role::Regular, 0).0;
        assert_eq!(twice, State::In { failures: 2 });
        assert_eq!(twice.succeeded(Role::Regular), (State::NEW, None));
        assert_eq!(twice.failed(Role::Regular, 5), (out(10_005), Some(Change::WentOut(10_000))));
    }

    #[test]
    fn what_was_under_way_when_it_went_out_changes_nothing() {
        for state in [out(10), probing(10)] {
            assert_eq!(state.succeeded(Role::Regular), (state, None));
            assert_eq!(state.failed(Role::Regular, 99), (state, None));
            assert_eq!(state.failed(Role::Probe { due: 9 }, 99), (state, None));
            assert_eq!(state.abandoned(Role::Probe { due: 9 }), state);
        }
    }

    #[test]
    fn a_last_resort_that_fails_makes_it_wait_again_and_one_that_is_answered_brings_it_back() {
        assert_eq!(out(10).failed(Role::LastResort, 5), (out(10_005), None));
        let later = State::Out { level: 1, until: 20_010, probing: false };
        assert_eq!(out(10).failed(Role::LastResort, 10), (later, None));
        assert_eq!(probing(10).failed(Role::LastResort, 99), (probing(10), None));
        assert_eq!(probing(10).succeeded(Role::LastResort), (State::NEW, Some(Change::CameBack)));
    }

    fn states() -> impl Strategy<Value = State> {
        prop_oneof![
            (0..FAILURES).prop_map(|failures| State::In { failures }),
            (0..=3_u8, 0..1_u64 << 50, any::<bool>()).prop_map(|(level, until, probing)| State::Out {
                level,
                until,
                probing
            }),
        ]
    }

    /// One of the requests under way ends, or a new one begins, or time passes.
    #[derive(Clone, Debug)]
    enum Step {
        Begin(bool),
        End { which: usize, how: u8 },
        Wait(Millis),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            any::<bool>().prop_map(Step::Begin),
            (0..8_usize, 0..3_u8).prop_map(|(which, how)| Step::End { which, how }),
            prop_oneof![Just(0), 0..70_000_u64].prop_map(Step::Wait),
        ];
        prop::collection::vec(step, 0..120)
    }

    proptest! {
        #[test]
        fn a_state_survives_its_packing(state in states()) {
            assert_eq!(State::unpack(state.pack()), state);
        }

        #[test]
        fn there_is_never_more_than_one_probe_and_none_blocks_the_next(steps in steps()) {
            // Two upstreams, of which the second always answers; what is checked is the first.
            let (mut state, mut now, mut under_way) = (State::NEW, 0, Vec::<Role>::new());
            for step in steps {
                match step {
                    Step::Wait(time) => now += time,
                    Step::Begin(repeatable) => {
                        let chosen = choice(&[(0, state), (1, IN)], now, repeatable);
                        let Some((0, role)) = chosen else { continue };
                        if let Role::Probe { .. } = role {
                            state = state.claimed(role).expect("one that is due can be claimed");
                        }
                        under_way.push(role);
                    }
                    Step::End { which, how } if which < under_way.len() => {
                        let role = under_way.swap_remove(which);
                        state = match how {
                            0 => state.succeeded(role).0,
                            1 => state.failed(role, now).0,
                            _ => state.abandoned(role),
                        };
                    }
                    Step::End { .. } => {}
                }
                let of_now = |role: &&Role| match (role, state) {
                    (Role::Probe { due }, State::Out { until, probing: true, .. }) => *due == until,
                    _ => false,
                };
                let probes = under_way.iter().filter(of_now).count();
                let is_probing = matches!(state, State::Out { probing: true, .. });
                assert_eq!(probes, usize::from(is_probing), "{state:?} {under_way:?}");
                if let State::Out { until, .. } = state {
                    assert!(until <= now + 60_000);
                }
            }
        }
    }
}
