//! The upstreams of a site: which of them a request goes to, and where it goes next when that one cannot be reached.
//!
//! A request is sent to another upstream only when it can do no harm: nothing of it has gone out, or it may be
//! repeated (an idempotent method, no body) and not a byte of a reply has come. A reply that is only late is not asked
//! for again, for the next upstream would have the same work to do; but the client of a probe need not pay for an
//! upstream that was out. A site with one upstream pays for none of this.

use std::cell::{Cell, Ref, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use tokio::sync::watch;
use tokio::time::timeout;

use super::endpoint::Endpoint;
use super::fastcgi::Call;
use super::health::{Attempt, Shared};
use super::meter::Metered;
use super::names::Known;
use super::own_files::{Answer, OwnFiles};
use super::registry::Registry;
use super::state::{Change, State, choose};
use super::{Address, Caller, Complaint, Error, Pending, Resolve, Settings, Upstream};
use crate::message::{Body, ReplyHead, RequestHead};

/// To how many other upstreams a request may go after the first.
const RETRIES: usize = 2;

/// Which way a request went. One that failed is named with the addresses of its name.
#[derive(Debug, Default)]
pub struct Route {
    /// The upstream asked last; nothing where there was only one to ask, and it answered.
    pub to: Option<Arc<str>>,
    /// Those that were asked before and did not answer.
    pub failed: Vec<Failed>,
    /// What a script complained of, where PHP was asked directly; more of it may come with the reply's body.
    pub complaint: Option<Rc<Complaint>>,
    /// Since when the upstream could answer: its time is counted from here on.
    pub since: Option<Instant>,
    /// Whether no upstream was asked: the doctor had the file, or sent the client to its folder.
    pub is_own: bool,
    /// Whether the doctor saw the file of the script that PHP was to run.
    pub is_script_seen: bool,
}

/// An upstream that did not answer, though the request could go to another one.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Which.
    pub upstream: Arc<str>,
    /// Why.
    pub error: Error,
}

/// The upstreams of a site, as one worker knows them.
pub struct Group {
    sources: Vec<Source>,
    /// The files of WordPress, where an upstream is PHP-FPM.
    files: Option<OwnFiles>,
    members: RefCell<Members>,
    registry: Arc<Registry>,
    /// Where the search begins, so that equals take turns.
    turn: Cell<usize>,
}

type Members = Rc<Vec<Rc<Member>>>;

/// One upstream of the configuration: it has one member, or one for each address of its name.
struct Source {
    settings: Rc<Settings>,
    /// The number of its group.
    number: usize,
    /// Follows the name, where there is one to be looked up.
    known: Option<RefCell<watch::Receiver<Known>>>,
}

/// A place to send to.
struct Member {
    /// Its health is found by it.
    name: Arc<str>,
    /// The same, with the addresses of its name.
    in_full: Arc<str>,
    upstream: Upstream,
    health: Rc<Shared>,
}

impl Group {
    /// The group of these upstreams, at least one. Names are looked up from now on. Must be made inside the worker
    /// that uses it.
    #[must_use]
    pub fn new(upstreams: Vec<Settings>, registry: &Arc<Registry>) -> Self {
        let files = OwnFiles::of(&upstreams);
        let number = registry.number();
        let sources = upstreams.into_iter().map(|settings| Source::new(settings, registry, number)).collect();
        let group = Self {
            sources,
            files,
            members: RefCell::default(),
            registry: Arc::clone(registry),
            turn: Cell::new(number),
        };
        group.rebuild();
        group
    }

    /// Whether there is more than one to ask.
    #[must_use]
    pub fn has_several(&self) -> bool {
        self.members().len() > 1
    }

    /// Whether a request's body is held until it is whole: nobody behind the doctor tells its client to go on.
    #[must_use]
    pub fn holds_bodies(&self) -> bool {
        self.files.is_some()
    }

    /// Sends a request and waits for the first head of the reply, which may be an interim one. `route` tells at any
    /// time which way it went. A file that the doctor has is the reply, and no upstream is asked.
    ///
    /// # Errors
    /// There is no reply; the error says whose side broke.
    pub async fn send<'c>(
        &self,
        head: &RequestHead,
        body: Body<'c>,
        caller: Caller,
        route: &RefCell<Route>,
    ) -> Result<(Pending<'c>, ReplyHead), Error> {
        let mut call = None;
        if let Some(files) = &self.files {
            match files.answer(head, caller) {
                Answer::Run(asked) => {
                    route.borrow_mut().is_script_seen = asked.script.is_seen;
                    call = Some(asked);
                }
                Answer::Reply(coming) => {
                    route.borrow_mut().is_own = true;
                    let reply = coming.await?;
                    return Ok((Pending::of_own(reply.body), reply.head));
                }
            }
        }
        if self.sources.iter().any(Source::has_news) {
            self.rebuild();
        }
        let call = call.as_deref();
        let mut members = self.members();
        if members.is_empty() {
            members = self.first_answer().await?;
        }
        if let [only] = members.as_slice() {
            let under_way = only.upstream.begins(route);
            let mut outcome = only.upstream.ask(head, &mut Some(body), call, route).await;
            only.upstream.came_of(&mut outcome, under_way, route);
            return outcome.inspect_err(|_| route.borrow_mut().to = Some(Arc::clone(&only.in_full)));
        }
        self.send_to_one_of(&members, head, body, call, route).await
    }

    async fn send_to_one_of<'c>(
        &self,
        members: &Members,
        head: &RequestHead,
        body: Body<'c>,
        call: Option<&Call>,
        route: &RefCell<Route>,
    ) -> Result<(Pending<'c>, ReplyHead), Error> {
        let is_repeatable = body.is_empty() && head.method.is_idempotent();
        let mut body = Some(body);
        let mut failure = Error::Resolve;
        for _ in 0..=RETRIES {
            let Some((member, mut attempt)) = self.next(members, &route.borrow(), is_repeatable) else {
                break;
            };
            route.borrow_mut().to = Some(Arc::clone(&member.name));
            let under_way = member.upstream.begins(route);
            let mut outcome = member.upstream.ask(head, &mut body, call, route).await;
            member.upstream.came_of(&mut outcome, under_way, route);
            match outcome {
                Ok((mut pending, first)) => {
                    let change = attempt.succeeded();
                    self.tell(change, member, members, None);
                    pending.hold(attempt);
                    return Ok((pending, first));
                }
                Err(error) => {
                    if error.blames_upstream() {
                        let change = attempt.failed(self.registry.millis());
                        self.tell(change, member, members, Some(&error));
                    }
                    route.borrow_mut().to = Some(Arc::clone(&member.in_full));
                    failure = error;
                }
            }
            let is_worth_another = failure.came_before_reply() || attempt.is_probe();
            if body.is_none() && !(is_repeatable && failure.left_no_reply() && is_worth_another) {
                break;
            }
            body.get_or_insert_with(Body::empty);
            let failed = Failed { upstream: Arc::clone(&member.in_full), error: failure.clone() };
            route.borrow_mut().failed.push(failed);
        }
        // The last one is no step on the way to another.
        let Route { to, failed, .. } = &mut *route.borrow_mut();
        failed.pop_if(|failed| to.as_ref() == Some(&failed.upstream));
        Err(failure)
    }

    /// The next upstream to ask, none of those that failed.
    fn next<'m>(
        &self,
        members: &'m Members,
        route: &Route,
        is_repeatable: bool,
    ) -> Option<(&'m Rc<Member>, Attempt)> {
        let turn = self.turn.get();
        // Another try is no turn of its own, or of two the same would always begin.
        self.turn.set(turn.wrapping_add(usize::from(route.failed.is_empty())));
        let begin = turn.checked_rem(members.len())?;
        let untried = |member: &&Rc<Member>| {
            route.failed.is_empty() || !route.failed.iter().any(|failed| failed.upstream == member.in_full)
        };
        let in_turn = || members.iter().cycle().skip(begin).take(members.len()).filter(untried);
        loop {
            let candidates = in_turn().map(|member| member.health.0.candidate());
            let (place, role) = choose(candidates, self.registry.millis(), is_repeatable)?;
            let member = in_turn().nth(place)?;
            if let Some(attempt) = Attempt::begin(&member.health, role) {
                return Some((member, attempt));
            }
        }
    }

    /// Says that an upstream went out or came back.
    fn tell(&self, change: Option<Change>, member: &Member, members: &Members, why: Option<&Error>) {
        let Some(change) = change else { return };
        let is_in = |member: &&Rc<Member>| matches!(member.health.0.state(), State::In { .. });
        let (left, of) = (members.iter().filter(is_in).count(), members.len());
        let upstream = &*member.name;
        match change {
            Change::WentOut(for_ms) => {
                let reason = why.map(ToString::to_string);
                tracing::warn!(
                    upstream,
                    reason = reason.as_deref(),
                    for_ms,
                    left,
                    of,
                    "An upstream is taken out"
                );
            }
            Change::CameBack => {
                let out_ms = self.registry.millis().saturating_sub(member.health.0.out_since());
                tracing::info!(upstream, out_ms, left, of, "An upstream is back");
            }
        }
    }

    fn members(&self) -> Members {
        Rc::clone(&self.members.borrow())
    }

    /// Waits until a name has an address, or no name has one.
    async fn first_answer(&self) -> Result<Members, Error> {
        let limit =
            self.sources.iter().map(|source| source.settings.connect_timeout).max().unwrap_or_default();
        let waiting = async {
            while self.members.borrow().is_empty() && self.sources.iter().any(Source::is_looked_up) {
                self.news().await;
                self.rebuild();
            }
        };
        let _in_time = timeout(limit, waiting).await;
        let members = self.members();
        if members.is_empty() { Err(Error::Resolve) } else { Ok(members) }
    }

    /// Waits until more is known of a name that is being looked up for the first time.
    async fn news(&self) {
        let mut waiting: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
        for known in self.sources.iter().filter(|source| source.is_looked_up()).filter_map(Source::known) {
            let mut known = known.clone();
            waiting.push(Box::pin(async move {
                let _changed = known.wait_for(|known| *known != Known::Nothing).await;
            }));
        }
        poll_fn(|context| {
            let is_ready = waiting.iter_mut().any(|name| name.as_mut().poll(context).is_ready());
            if is_ready { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Makes the members anew from what is known of the names. Those that stay keep their connections.
    fn rebuild(&self) {
        let before = self.members();
        let mut members: Vec<Rc<Member>> = Vec::with_capacity(self.sources.len());
        for member in self.sources.iter().flat_map(|source| source.members(&before, &self.registry)) {
            if !members.iter().any(|other| other.name == member.name) {
                members.push(member);
            }
        }
        self.members.replace(Rc::new(members));
    }
}

impl Source {
    fn new(settings: Settings, registry: &Registry, number: usize) -> Self {
        let known = match &settings.address {
            Address::Tcp { host, .. } if Endpoint::of(&settings.address).is_none() => {
                Some(RefCell::new(registry.follow(host)))
            }
            Address::Tcp { .. } | Address::Unix(_) => None,
        };
        Self { settings: Rc::new(settings), number, known }
    }

    fn known(&self) -> Option<Ref<'_, watch::Receiver<Known>>> {
        self.known.as_ref().map(RefCell::borrow)
    }

    /// Whether the addresses are others than they were. Costs one atomic read, where there is a name.
    fn has_news(&self) -> bool {
        self.known().is_some_and(|known| known.has_changed().unwrap_or(false))
    }

    fn is_looked_up(&self) -> bool {
        self.known().is_some_and(|known| *known.borrow() == Known::Nothing && known.has_changed().is_ok())
    }

    /// The members by what is known now; those of `before` that are still right.
    fn members(&self, before: &Members, registry: &Registry) -> Vec<Rc<Member>> {
        let address = &self.settings.address;
        let Some(known) = &self.known else {
            let name = self.settings.to_string();
            let kept = before.iter().find(|member| *member.name == *name).map(Rc::clone);
            let new = || Some(self.member(address, Endpoint::of(address)?, registry));
            return kept.or_else(new).into_iter().collect();
        };
        let found = known.borrow_mut().borrow_and_update().clone();
        let (Known::Found(found), Address::Tcp { port, .. }) = (found, address) else { return Vec::new() };
        let kept_or_new = |address: &Address, at: &[_]| {
            let name = self.settings.url_of(address);
            let kept = before.iter().find(|member| *member.name == *name && member.upstream.is_at(at));
            kept.map_or_else(|| self.member(address, Endpoint::tcp(at, *port), registry), Rc::clone)
        };
        match self.settings.resolve {
            Resolve::First => vec![kept_or_new(address, &found)],
            Resolve::All => found.iter().map(|ip| kept_or_new(&address.at(*ip), &[*ip])).collect(),
        }
    }

    fn member(&self, address: &Address, at: Endpoint, registry: &Registry) -> Rc<Member> {
        let name: Arc<str> = self.settings.url_of(address).into();
        let in_full = if self.known.is_some() { at.in_full(&name).into() } else { Arc::clone(&name) };
        let health = Rc::new(Shared(registry.health(&name)));
        let gate = self.settings.php.as_ref().map(|php| registry.gate(&name, php.bounds(), self.number));
        let is_found = self.known.is_some() && self.settings.resolve == Resolve::All;
        let metered = Rc::new(Metered(registry.meter(&name, is_found)));
        let upstream = Upstream::at(Rc::clone(&self.settings), at, gate, metered);
        Rc::new(Member { name, in_full, upstream, health })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::Future;
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::rc::Rc;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::task::{LocalSet, spawn_local, yield_now};
    use tokio::time::{Instant, advance, pause, resume};

    use super::{Group, Route};
    use crate::headers::Scheme;
    use crate::message::{Body, Fields, RequestHead};
    use crate::upstream::{Address, Caller, Error, Found, Lookup, Registry, Resolve, Resolver, Settings};

    const CALLER: Caller = Caller { address: IpAddr::V4(Ipv4Addr::LOCALHOST), scheme: Scheme::Http };

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, test);
    }

    fn settings(host: &str, port: u16, resolve: Resolve) -> Settings {
        Settings {
            tls: None,
            php: None,
            host: None,
            address: Address::Tcp { host: host.to_owned(), port },
            resolve,
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
            header_bytes: 65536,
        }
    }

    async fn listen(address: &str) -> (TcpListener, u16) {
        let listener = TcpListener::bind(address).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    /// One port on 127.0.0.1 and on 127.0.0.2, which is nobody else's there and refuses connections until it is listened on.
    fn refusing() -> (TcpSocket, TcpSocket, u16) {
        let bound = |ip: &str, port: u16| {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(ip.parse().unwrap(), port)).map(|()| socket)
        };
        loop {
            let one = bound("127.0.0.1", 0).unwrap();
            let port = one.local_addr().unwrap().port();
            if let Ok(two) = bound("127.0.0.2", port) {
                return (one, two, port);
            }
        }
    }

    async fn answer(stream: &mut TcpStream) {
        let read = stream.read(&mut [0; 1024]).await.unwrap();
        assert!(read > 0);
        stream.write_all(b"HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\n").await.unwrap();
    }

    /// Answers the first request of every connection, and closes.
    fn serve(listener: TcpListener) {
        spawn_local(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                spawn_local(async move { answer(&mut stream).await });
            }
        });
    }

    /// Asks, and says who answered and who did not.
    async fn ask(group: &Group, method: &str) -> (Result<(), Error>, String) {
        let head = RequestHead::build(method, "/", Fields::from([("Host", "a")]));
        let route = RefCell::<Route>::default();
        let outcome = match group.send(&head, Body::empty(), CALLER, &route).await {
            Ok((pending, mut head)) => pending.body(&mut head).map(drop),
            Err(error) => Err(error),
        };
        let route = route.into_inner();
        let short = |name: &str| name.rsplit('.').next().unwrap().split(':').next().unwrap().to_owned();
        let failed: Vec<_> = route.failed.iter().map(|failed| short(&failed.upstream)).collect();
        let to = route.to.map(|name| short(&name)).unwrap_or_default();
        (outcome, [failed, vec![to]].concat().join(">"))
    }

    async fn wait(time: Duration) {
        pause();
        advance(time).await;
        resume();
    }

    fn pair(port: u16, registry: &Arc<Registry>) -> Group {
        let upstreams = ["127.0.0.1", "127.0.0.2"].map(|host| settings(host, port, Resolve::First));
        Group::new(upstreams.into(), registry)
    }

    #[test]
    fn equals_take_turns_and_one_that_fails_is_left_out_and_probed_by_one_request() {
        run(async {
            let (one, two, port) = refusing();
            serve(two.listen(64).unwrap());
            let group = Rc::new(pair(port, &Arc::default()));
            let mut ways = Vec::new();
            for _ in 0..8 {
                let (outcome, way) = ask(&group, "POST").await;
                assert_eq!(outcome, Ok(()), "nothing had gone out: {way}");
                ways.push(way);
            }
            assert_eq!(ways, ["1>2", "2", "1>2", "2", "1>2", "2", "2", "2"]);

            wait(Duration::from_millis(10_100)).await;
            let back = one.listen(64).unwrap();
            let probe = spawn_local({
                let group = Rc::clone(&group);
                async move { ask(&group, "GET").await }
            });
            let (mut probed, _) = back.accept().await.unwrap();
            for _ in 0..5 {
                assert_eq!(ask(&group, "GET").await, (Ok(()), "2".to_owned()));
            }
            answer(&mut probed).await;
            assert_eq!(probe.await.unwrap(), (Ok(()), "1".to_owned()));
            serve(back);
            let both = [ask(&group, "GET").await.1, ask(&group, "GET").await.1];
            assert!(both.contains(&"1".to_owned()) && both.contains(&"2".to_owned()), "{both:?}");
        });
    }

    #[test]
    fn a_probe_that_is_not_answered_goes_on_to_another_upstream() {
        run(async {
            spawn_local(crate::wire::run_timers());
            let (one, two, port) = refusing();
            serve(two.listen(64).unwrap());
            let group = Rc::new(pair(port, &Arc::default()));
            for _ in 0..6 {
                ask(&group, "GET").await.0.unwrap();
            }
            wait(Duration::from_millis(10_500)).await;
            while crate::wire::now() + Duration::from_secs(1) < Instant::now() {
                yield_now().await;
            }
            let silent = one.listen(64).unwrap();
            let probe = spawn_local({
                let group = Rc::clone(&group);
                async move { ask(&group, "GET").await }
            });
            let (mut probed, _) = silent.accept().await.unwrap();
            assert!(probed.read(&mut [0; 1024]).await.unwrap() > 0);
            wait(Duration::from_secs(61)).await;
            assert_eq!(probe.await.unwrap(), (Ok(()), "1>2".to_owned()));
        });
    }

    #[test]
    fn where_all_are_out_a_request_still_tries_and_the_first_answer_brings_one_back() {
        run(async {
            let (_one, two, port) = refusing();
            let group = pair(port, &Arc::default());
            for _ in 0..6 {
                let (outcome, way) = ask(&group, "GET").await;
                assert!(matches!(outcome, Err(Error::Connect(_))) && way.contains('>'), "{way}");
            }
            serve(two.listen(64).unwrap());
            assert_eq!(ask(&group, "GET").await.0, Ok(()));
            assert_eq!(ask(&group, "GET").await, (Ok(()), "2".to_owned()), "and the other one is still out");
        });
    }

    #[test]
    fn a_group_that_takes_over_knows_who_is_out() {
        run(async {
            let (_one, two, port) = refusing();
            serve(two.listen(64).unwrap());
            let registry = Arc::default();
            let before = pair(port, &registry);
            for _ in 0..6 {
                ask(&before, "GET").await.0.unwrap();
            }
            let after = pair(port, &registry);
            drop(before);
            for _ in 0..3 {
                assert_eq!(ask(&after, "GET").await, (Ok(()), "2".to_owned()));
            }
        });
    }

    /// A name server whose answer can be changed.
    #[derive(Default)]
    struct Changing(Mutex<Vec<IpAddr>>);

    impl Changing {
        fn to(&self, addresses: &[&str]) {
            *self.0.lock().unwrap() = addresses.iter().map(|text| text.parse().unwrap()).collect();
        }
    }

    impl Resolver for Changing {
        fn lookup<'l>(&'l self, _: &'l str) -> Lookup<'l> {
            let addresses = self.0.lock().unwrap().clone();
            Box::pin(async { Ok(Found { addresses, lifetime: Duration::from_secs(30) }) })
        }
    }

    #[test]
    fn every_address_of_a_name_is_an_upstream_and_changes_with_it() {
        run(async {
            let (one, two, port) = refusing();
            serve(one.listen(64).unwrap());
            serve(two.listen(64).unwrap());
            let names = Arc::<Changing>::default();
            names.to(&["127.0.0.1", "127.0.0.2"]);
            let registry = Arc::new(Registry::new(Arc::<Changing>::clone(&names)));
            let group = Group::new(vec![settings("wordpress", port, Resolve::All)], &registry);
            let ways = [ask(&group, "GET").await.1, ask(&group, "GET").await.1, ask(&group, "GET").await.1];
            assert_eq!(ways, ["1", "2", "1"]);
            let before = group.members();
            names.to(&["127.0.0.2", "127.0.0.3"]);
            wait(Duration::from_secs(31)).await;
            yield_now().await;
            let ways = [ask(&group, "GET").await.1, ask(&group, "GET").await.1];
            assert!(ways.contains(&"3>2".to_owned()) && ways.contains(&"2".to_owned()), "{ways:?}");
            let after = group.members();
            let kept = after.iter().filter(|one| before.iter().any(|other| Rc::ptr_eq(one, other)));
            assert_eq!(kept.count(), 1, "the address that stayed keeps its connections");
        });
    }

    #[test]
    fn a_name_without_an_address_fails_at_once_until_it_has_one() {
        run(async {
            let (one, port) = listen("127.0.0.1:0").await;
            serve(one);
            let names = Arc::<Changing>::default();
            let registry = Arc::new(Registry::new(Arc::<Changing>::clone(&names)));
            let group = Group::new(vec![settings("wordpress", port, Resolve::First)], &registry);
            for _ in 0..3 {
                assert_eq!(ask(&group, "GET").await.0, Err(Error::Resolve));
            }
            names.to(&["127.0.0.1"]);
            wait(Duration::from_millis(1100)).await;
            yield_now().await;
            assert_eq!(ask(&group, "GET").await, (Ok(()), String::new()));
            names.to(&[]);
            wait(Duration::from_secs(31)).await;
            assert_eq!(ask(&group, "GET").await.0, Ok(()), "what was known is kept");
        });
    }
}
