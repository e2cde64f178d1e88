//! What is remembered, and what of it bears on an exchange.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::bounded::Bounded;
use super::{Deed, Refusal, Scene};
use crate::evidence::{
    By, Elsewhere, Form, Issue, IssuedAhead, Minute, Newer, Opinion, Past, PhpNode, PhpTold, Refresh,
    RouteClass, Secret, TakenHere, Word,
};
use crate::moment::Moment;
use crate::secret::Fingerprint;

/// How many tokens, refresh tokens, users of clients, and upstreams are remembered.
const TOKENS: usize = 8192;
const REFRESH_TOKENS: usize = 4096;
const USERS: usize = 2048;
const NODES: usize = 256;

/// How many things of one kind are remembered of each.
const MOST: usize = 128;
const MOST_OF_A_TOKEN: usize = 16;

/// For how long an acceptance, a refusal or a clock speaks for now.
const LATELY: Duration = Duration::from_secs(600);

/// How long the doctor's own question is answered for, and how long it keeps silent where it was not.
const ASKED: Duration = Duration::from_secs(3600);
const SILENT: Duration = Duration::from_secs(86_400);

/// For how long a client's habits count.
const HABIT: Duration = Duration::from_secs(300);

const MINUTE: Duration = Duration::from_secs(60);

/// How long a client takes at most to go on: what comes later has another reason.
const AT_ONCE: Duration = Duration::from_secs(5);

/// How far clocks may differ that agree.
const AGREES: i64 = 3;

#[derive(Debug)]
pub(super) struct Remembered {
    tokens: Bounded<Fingerprint, Token>,
    refresh_tokens: Bounded<Fingerprint, RefreshToken>,
    users: Bounded<User, Habits>,
    nodes: Bounded<Node, Known>,
}

/// A user on a client.
type User = (Fingerprint, Fingerprint);

/// An upstream of a site.
type Node = (Arc<str>, Arc<str>);

#[derive(Debug, Default)]
struct Token {
    superseded: Option<(Moment, By)>,
    /// Since when it was refused though there was a newer one.
    stale_since: Option<Moment>,
    met: VecDeque<Met>,
    /// When, and to which client.
    refused: VecDeque<(Moment, Fingerprint)>,
    issued_ahead: Option<IssuedAhead>,
}

/// What an upstream made of a token, the last time.
#[derive(Clone, Debug)]
struct Met {
    node: Node,
    home: Fingerprint,
    form: Form,
    verdict: Verdict,
    at: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Issued,
    Validated,
    Served,
    Refused(Refusal),
}

#[derive(Debug, Default)]
struct RefreshToken {
    /// The access token that was handed out last along with it or for it.
    token: Option<Fingerprint>,
    rotated: Option<Moment>,
    refused: VecDeque<Moment>,
}

#[derive(Debug, Default)]
struct Habits {
    token: Option<Fingerprint>,
    tokens: VecDeque<Moment>,
    refusals: VecDeque<Moment>,
    /// When a permission was refused last.
    forbidden: Option<Moment>,
    /// When a token was fetched right after that, and nothing was refused since.
    fetched: Option<Moment>,
    /// When a permission was refused again right after that.
    pointless: VecDeque<Moment>,
}

#[derive(Debug, Default)]
struct Known {
    clock: Option<(i64, Moment)>,
    /// What PHP told last, and in which of those that live there.
    php: Option<(PhpTold, Moment, Fingerprint)>,
    /// By the form of URL: when WordPress found no token though one was sent on, and in which of those that live there.
    found_none: [Option<(Moment, Fingerprint)>; 3],
    /// Likewise: when it read one that was no good, after it had found none at another time.
    read_a_bad_one: [Option<(Moment, Fingerprint)>; 3],
    opinions: [Option<(Opinion, Moment, Fingerprint)>; 3],
    /// From when on the doctor may ask by itself; whichever WordPress it asks for.
    asks_from: [Moment; 3],
}

impl Known {
    fn found_none(&mut self, scene: &Scene) {
        let place = self.found_none.get_mut(scene.form as usize);
        place.into_iter().for_each(|place| *place = Some((scene.at, scene.home)));
    }

    /// One that was read says something of those that are lost only between two that are.
    fn read_a_bad_one(&mut self, scene: &Scene) {
        let place = scene.form as usize;
        let is_between = self.found_none.get(place).is_some_and(|found| lately(*found, scene).is_some());
        if let Some(place) = self.read_a_bad_one.get_mut(place).filter(|_| is_between) {
            *place = Some((scene.at, scene.home));
        }
    }

    /// What the doctor found out itself of the WordPress that is asked.
    fn opinion(&self, scene: &Scene) -> Option<(Opinion, Duration)> {
        let (opinion, at, _) = (*self.opinions.get(scene.form as usize)?)
            .filter(|(_, at, home)| *home == scene.home && ago(*at, scene.at) < ASKED)?;
        Some((opinion, ago(at, scene.at)))
    }
}

/// How long ago it was in the WordPress that is asked, if it was not long ago.
fn lately(known: Option<(Moment, Fingerprint)>, scene: &Scene) -> Option<Duration> {
    let (at, _) = known.filter(|(_, home)| *home == scene.home)?;
    Some(ago(at, scene.at)).filter(|ago| *ago < LATELY)
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            tokens: Bounded::of(TOKENS),
            refresh_tokens: Bounded::of(REFRESH_TOKENS),
            users: Bounded::of(USERS),
            nodes: Bounded::of(NODES),
        }
    }
}

impl Remembered {
    pub(super) fn recall(&self, scene: &Scene) -> Past {
        let token = scene.token.as_ref().and_then(|token| self.tokens.get(token));
        let node = self.nodes.get(&scene.node());
        let did = |verdict| {
            let is_it = |met: &Met| met.verdict == verdict && met.is_here(scene) && met.form == scene.form;
            token?.lately(scene, is_it)
        };
        Past {
            here: Some(Arc::clone(&scene.upstream)),
            newer: token.and_then(|token| token.newer(scene)),
            minute: self.minute(scene, token),
            pointless: self.pointless(scene),
            refresh: self.refresh(scene),
            validated: did(Verdict::Validated),
            served: did(Verdict::Served),
            elsewhere: token.and_then(|token| token.elsewhere(scene)),
            taken_here: token.and_then(|token| token.taken_here(scene)),
            agreeing: self.agreeing(scene),
            other_secret: self.other_secret(scene),
            issued_ahead: token.and_then(|token| token.issued_ahead.clone()),
            opinion: node.and_then(|node| node.opinion(scene)),
            read_a_bad_one: node
                .and_then(|node| lately(*node.read_a_bad_one.get(scene.form as usize)?, scene)),
        }
    }

    pub(super) fn note(&mut self, scene: &Scene, deed: Deed) {
        if let Some(offset) = scene.offset {
            self.nodes.enter(&scene.node()).clock = Some((offset, scene.at));
        }
        if let Some(php) = &scene.php {
            self.nodes.enter(&scene.node()).php = Some((php.clone(), scene.at, scene.home));
        }
        match deed {
            Deed::Issued(issue) => self.issued(scene, &issue),
            Deed::Taken => {
                let is_validate = scene.class == RouteClass::Validate;
                self.met(scene, if is_validate { Verdict::Validated } else { Verdict::Served });
            }
            Deed::Refused(refusal) => self.refused(scene, refusal),
            Deed::Answered(opinion) => self.answered(scene, opinion),
        }
    }

    pub(super) fn may_ask(&mut self, scene: &Scene) -> bool {
        let node = self.nodes.enter(&scene.node());
        let Some(from) = node.asks_from.get_mut(scene.form as usize).filter(|from| **from <= scene.at) else {
            return false;
        };
        *from = scene.at.after(ASKED);
        true
    }

    fn answered(&mut self, scene: &Scene, opinion: Opinion) {
        let node = self.nodes.enter(&scene.node());
        let place = scene.form as usize;
        let from = node.asks_from.get_mut(place);
        if opinion == Opinion::Unclear {
            return from.into_iter().for_each(|from| *from = scene.at.after(SILENT));
        }
        let known = node.opinions.get_mut(place);
        known.into_iter().for_each(|known| *known = Some((opinion, scene.at, scene.home)));
    }

    fn issued(&mut self, scene: &Scene, issue: &Issue) {
        if let Some(with) = scene.refresh {
            let before = self.refresh_tokens.enter(&with);
            let old = before.token.replace(issue.token);
            if issue.refresh.is_some_and(|new| new != with) {
                before.rotated.get_or_insert(scene.at);
            }
            self.supersede(old, issue.token, scene.at, By::ItsRefreshToken);
        }
        if let Some(refresh) = issue.refresh {
            self.refresh_tokens.enter(&refresh).token = Some(issue.token);
        }
        if let Some(user) = issue.user {
            let habits = self.users.enter(&(scene.client, user));
            let old = habits.token.replace(issue.token);
            habits.fetched(scene);
            self.supersede(old, issue.token, scene.at, By::TheSameUser);
        }
        let token = self.tokens.enter(&issue.token);
        token.issued_ahead = issue.ahead.map(|by| IssuedAhead { upstream: Arc::clone(&scene.upstream), by });
        token.meets(scene, Verdict::Issued);
    }

    /// A token has a newer one. By which way that is known first stands.
    fn supersede(&mut self, old: Option<Fingerprint>, new: Fingerprint, at: Moment, by: By) {
        let Some(old) = old.filter(|old| *old != new) else { return };
        self.tokens.enter(&old).superseded.get_or_insert((at, by));
    }

    fn met(&mut self, scene: &Scene, verdict: Verdict) {
        let Some(token) = scene.token else { return };
        let token = self.tokens.enter(&token);
        token.stale_since = None;
        token.meets(scene, verdict);
    }

    fn refused(&mut self, scene: &Scene, refusal: Refusal) {
        if let Some(user) = scene.user {
            self.users.enter(&(scene.client, user)).refused(scene, refusal);
        }
        if let Some(refresh) = scene.refresh.filter(|_| refusal == Refusal::Refresh) {
            push(&mut self.refresh_tokens.enter(&refresh).refused, scene.at, MOST);
        }
        match refusal {
            Refusal::Signature | Refusal::Token => self.nodes.enter(&scene.node()).read_a_bad_one(scene),
            Refusal::NoToken if scene.token.is_some() => self.nodes.enter(&scene.node()).found_none(scene),
            Refusal::NoToken | Refusal::Permission | Refusal::Refresh => {}
        }
        let Some(token) = scene.token.filter(|_| !matches!(refusal, Refusal::Permission | Refusal::Refresh))
        else {
            return;
        };
        let token = self.tokens.enter(&token);
        let was = token.refused.back().map(|(at, _)| ago(*at, scene.at));
        if was.is_none_or(|was| was >= LATELY) {
            // Nobody knows what became of it in between.
            token.stale_since = None;
        }
        push(&mut token.refused, (scene.at, scene.client), MOST);
        token.meets(scene, Verdict::Refused(refusal));
        if token.superseded.is_some_and(|(at, _)| ago(at, scene.began) >= AT_ONCE) {
            token.stale_since.get_or_insert(scene.at);
        }
    }

    fn minute(&self, scene: &Scene, token: Option<&Token>) -> Minute {
        let habits = scene.user.and_then(|user| self.users.get(&(scene.client, user)));
        let within =
            |times: Option<&VecDeque<Moment>>| times.map_or(0, |times| count(times, scene.at, MINUTE));
        // Many machines may share a token, and each of them is refused once.
        let by_it = |token: &Token| {
            let its = token.refused.iter().filter(|(_, client)| *client == scene.client);
            how_many(its.map(|(at, _)| *at), scene.at, MINUTE)
        };
        Minute {
            tokens: within(habits.map(|habits| &habits.tokens)),
            refusals: within(habits.map(|habits| &habits.refusals)),
            same_token: token.map_or(0, by_it),
        }
    }

    fn pointless(&self, scene: &Scene) -> u16 {
        let habits = scene.user.and_then(|user| self.users.get(&(scene.client, user)));
        habits.map_or(0, |habits| {
            count(&habits.pointless, scene.at, HABIT) + u16::from(habits.goes_round(scene))
        })
    }

    fn refresh(&self, scene: &Scene) -> Refresh {
        let Some(sent) = scene.refresh else { return Refresh::default() };
        let known = self.refresh_tokens.get(&sent);
        Refresh {
            rotated: known.and_then(|known| known.rotated).map(|at| ago(at, scene.at)),
            refused: known.map_or(0, |known| count(&known.refused, scene.at, HABIT)),
            is_access_token: self
                .tokens
                .get(&sent)
                .is_some_and(|token| token.met.iter().any(|met| met.verdict.is_good())),
        }
    }

    /// Another upstream of the site whose clock is as ours.
    /// Who told of another secret not long ago: another upstream, or the same one, behind which machines differ.
    fn other_secret(&self, scene: &Scene) -> Option<Arc<str>> {
        let ours = scene.php.as_ref()?.secret.as_ref()?;
        let differs = |node: &Known| {
            node.php.as_ref().is_some_and(|(theirs, at, home)| {
                let is_other = |theirs: &Secret| theirs.key == ours.key && theirs.bits != ours.bits;
                let is_ours = *home == scene.home && ago(*at, scene.at) < LATELY;
                is_ours && theirs.secret.as_ref().is_some_and(is_other)
            })
        };
        let others = self.nodes.iter().filter(|((site, _), node)| *site == scene.site && differs(node));
        others.map(|((_, name), _)| Arc::clone(name)).min()
    }

    pub(super) fn php_nodes(&self, now: Moment) -> Vec<PhpNode> {
        let told = self.nodes.iter().filter_map(|((_, upstream), node)| {
            let (told, at, _) = node.php.as_ref()?;
            let upstream = Arc::clone(upstream);
            (ago(*at, now) < LATELY).then(|| (Reverse(*at), PhpNode { upstream, told: told.clone() }))
        });
        let mut told: Vec<_> = told.collect();
        // Sites that share an upstream, or a site before and after a reload, know the same PHP: what it told last counts.
        let which =
            |node: &PhpNode| (Arc::clone(&node.upstream), node.told.home.as_ref().map(Word::to_string));
        told.sort_by_key(|(at, node)| (which(node), *at));
        told.dedup_by_key(|(_, node)| which(node));
        told.into_iter().map(|(_, node)| node).collect()
    }

    fn agreeing(&self, scene: &Scene) -> Option<Arc<str>> {
        let agrees = |node: &Known| {
            node.clock.is_some_and(|(offset, at)| offset.abs() <= AGREES && ago(at, scene.at) < LATELY)
        };
        let others = self
            .nodes
            .iter()
            .filter(|((site, name), node)| *site == scene.site && *name != scene.upstream && agrees(node));
        others.map(|((_, name), _)| Arc::clone(name)).min()
    }
}

impl Scene {
    fn node(&self) -> Node {
        (Arc::clone(&self.site), Arc::clone(&self.upstream))
    }
}

impl Met {
    /// Whether it was the WordPress that is asked, at the upstream that answers.
    fn is_here(&self, scene: &Scene) -> bool {
        self.node.0 == scene.site && self.node.1 == scene.upstream && self.home == scene.home
    }
}

impl Verdict {
    const fn is_good(self) -> bool {
        matches!(self, Self::Issued | Self::Validated | Self::Served)
    }
}

impl Token {
    fn meets(&mut self, scene: &Scene, verdict: Verdict) {
        let met = Met { node: scene.node(), home: scene.home, form: scene.form, verdict, at: scene.at };
        let is_same =
            |known: &Met| known.is_here(scene) && known.form == met.form && known.verdict == verdict;
        // The first refusal counts: what another upstream did came after it or before.
        if matches!(verdict, Verdict::Refused(_)) && self.met.iter().any(is_same) {
            return;
        }
        self.met.retain(|known| !is_same(known));
        self.met.push_back(met);
        if self.met.len() > MOST_OF_A_TOKEN {
            self.met.pop_front();
        }
    }

    fn lately(&self, scene: &Scene, is: impl Fn(&Met) -> bool) -> Option<Duration> {
        let met = self.met.iter().filter(|met| is(met)).map(|met| ago(met.at, scene.at));
        met.filter(|ago| *ago < LATELY).min()
    }

    /// The newer token, when this one came well after it was handed out.
    fn newer(&self, scene: &Scene) -> Option<Newer> {
        let (at, by) = self.superseded?;
        let refused_for = self.stale_since.map(|since| ago(since, scene.at));
        (ago(at, scene.began) >= AT_ONCE).then(|| Newer { ago: ago(at, scene.at), by, refused_for })
    }

    fn elsewhere(&self, scene: &Scene) -> Option<Elsewhere> {
        let is_there =
            |met: &&Met| met.node.0 == scene.site && met.node.1 != scene.upstream && met.home == scene.home;
        let good = self.met.iter().filter(|met| met.verdict.is_good());
        let there = good.filter(is_there).max_by_key(|met| met.at)?;
        let before = |refusal| {
            let is_it = |met: &&Met| met.is_here(scene) && met.verdict == Verdict::Refused(refusal);
            self.met.iter().filter(is_it).any(|met| met.at < there.at)
        };
        let elsewhere = Elsewhere {
            upstream: Arc::clone(&there.node.1),
            ago: ago(there.at, scene.at),
            issued: there.verdict == Verdict::Issued,
            unsigned_before: before(Refusal::Signature),
            refused_before: before(Refusal::Token),
        };
        (elsewhere.ago < LATELY).then_some(elsewhere)
    }

    /// What the same upstream made of it before, whichever machine behind it that was.
    fn taken_here(&self, scene: &Scene) -> Option<TakenHere> {
        let here = || self.met.iter().filter(|met| met.is_here(scene));
        let taken = here().filter(|met| met.verdict.is_good()).max_by_key(|met| met.at)?;
        let refused = here().filter(|met| met.verdict == Verdict::Refused(Refusal::Signature));
        let issued = taken.verdict == Verdict::Issued;
        let is_between = |first: Moment| first < taken.at && ago(first, scene.at) < LATELY;
        let taken = TakenHere {
            ago: ago(taken.at, scene.at),
            issued,
            refused_before: !issued && refused.map(|met| met.at).min().is_some_and(is_between),
        };
        (taken.ago < LATELY).then_some(taken)
    }
}

impl Habits {
    fn fetched(&mut self, scene: &Scene) {
        push(&mut self.tokens, scene.at, MOST);
        let forbidden = self.forbidden.take();
        let is_for_it = forbidden.is_some_and(|at| ago(at, scene.began) < AT_ONCE);
        self.fetched = is_for_it.then_some(scene.at);
    }

    fn refused(&mut self, scene: &Scene, refusal: Refusal) {
        push(&mut self.refusals, scene.at, MOST);
        if refusal != Refusal::Permission {
            // Then the token that is fetched next is for this.
            self.forbidden = None;
            return;
        }
        if self.goes_round(scene) {
            push(&mut self.pointless, scene.at, MOST);
        }
        self.fetched = None;
        self.forbidden = Some(scene.at);
    }

    /// Whether a token was fetched for want of a permission just before.
    fn goes_round(&self, scene: &Scene) -> bool {
        self.fetched.is_some_and(|at| ago(at, scene.began) < AT_ONCE)
    }
}

fn push<T>(times: &mut VecDeque<T>, at: T, most: usize) {
    if times.len() >= most {
        times.pop_front();
    }
    times.push_back(at);
}

fn count(times: &VecDeque<Moment>, now: Moment, within: Duration) -> u16 {
    how_many(times.iter().copied(), now, within)
}

fn how_many(times: impl Iterator<Item = Moment>, now: Moment, within: Duration) -> u16 {
    let count = times.filter(|at| ago(*at, now) < within).count();
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// How long ago; none for what comes later.
fn ago(then: Moment, now: Moment) -> Duration {
    Duration::from_millis(u64::try_from(now.millis().saturating_sub(then.millis())).unwrap_or_default())
}
