//! The conversation with a site: one request after the other, slowly, and no more than were announced.
//!
//! It goes by HTTP/1.1 over our own client, the one that `run` reaches WordPress by: it keeps the order, the spelling and the
//! duplicates of the fields of a reply, follows no redirect, knows no proxy of the environment, and says in classes why there
//! is no TLS. Where a site would choose HTTP/2, names would come in lower case and tell less.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::time::{Instant, sleep_until, timeout};

use super::answer::{Answer, without_echo};
use super::notes::Notes;
use super::question::{Question, Wallet};
use super::site::Place;
use super::trouble::Trouble;
use crate::event::now;
use crate::headers::Scheme;
use crate::message::{Body, Broken, Fill, Name, ReplyHead, RequestHead, Source};
use crate::secret::Secret;
use crate::upstream::{
    Address, BadTerms, Caller, Error, Group, Offer, Registry, Resolve, Resolver, Route, Settings,
    SystemNames, Terms, Tls, Trust,
};

/// The most requests of one check.
pub const MOST: usize = 20;

/// The same with `--deep`.
pub const MOST_DEEP: usize = 60;

/// Two a second.
const PAUSE: Duration = Duration::from_millis(500);

/// How much of a body is read, in bytes: an index that does not heed `_fields` is long.
const BODY: usize = 1024 * 1024;

/// The largest head a reply may have, in bytes.
const HEAD: usize = 256 * 1024;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How a check behaves.
#[derive(Clone, Debug)]
pub struct Manners {
    /// For one reply.
    pub timeout: Duration,
    /// How many requests may be sent.
    pub most: usize,
    /// Whether any certificate is taken.
    pub insecure: bool,
    /// What goes along with each request to a place that was named.
    pub headers: Vec<(String, Secret<String>)>,
    /// The places that were named.
    pub named: Vec<Place>,
}

/// Where a request goes: the public way, or straight to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direct {
    /// Where it listens.
    pub host: String,
    /// On which port; nothing for the port of the site.
    pub port: Option<u16>,
    /// Whether it is spoken to without TLS, and told that the site is reached by `https`.
    pub in_clear: bool,
    /// Whether the site's own name leads there, so that any client may get this one.
    pub is_of_name: bool,
}

impl Direct {
    /// An address that a name has.
    #[must_use]
    pub(super) fn of_name(address: IpAddr) -> Self {
        Self { host: address.to_string(), port: None, in_clear: false, is_of_name: true }
    }
}

/// Asks, and remembers how often and when.
pub struct Conversation {
    manners: Manners,
    notes: Option<Notes>,
    registry: Arc<Registry>,
    lines: Vec<(Place, Option<Direct>, Group)>,
    /// Begun, whether or not it came to a request.
    asked: usize,
    sent: usize,
    next: Option<Instant>,
}

impl Conversation {
    /// One that has not begun. Must be made inside the runtime that it is held in.
    #[must_use]
    pub fn new(manners: Manners) -> Self {
        Self {
            manners,
            notes: None,
            registry: Arc::default(),
            lines: Vec::new(),
            asked: 0,
            sent: 0,
            next: None,
        }
    }

    /// One that compares notes with the doctors on the way.
    #[must_use]
    pub fn signing(self, notes: Option<Notes>) -> Self {
        Self { notes, ..self }
    }

    /// How many requests were sent.
    #[must_use]
    pub const fn sent(&self) -> usize {
        self.sent
    }

    /// Whether no more may be asked.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.asked >= self.manners.most
    }

    /// Whether a cookie goes along.
    #[must_use]
    pub(super) fn has_cookie(&self) -> bool {
        self.manners.headers.iter().any(|(name, _)| Name::of(name.as_bytes()) == Name::Cookie)
    }

    /// Whether credentials may go there.
    #[must_use]
    pub fn is_named(&self, place: &Place) -> bool {
        self.manners.named.iter().any(|named| named.is_host_of(place))
    }

    /// Asks.
    ///
    /// # Errors
    /// There is no reply; or the question must not be asked of this place.
    pub(super) async fn ask(
        &mut self,
        question: &Question,
        place: &Place,
        direct: Option<&Direct>,
        wallet: &Wallet,
    ) -> Result<Answer, Trouble> {
        let is_named = self.is_named(place);
        if question.carries.is_credential() && !is_named {
            return Err(Trouble::NotNamed);
        }
        let extra = if is_named { self.manners.headers.as_slice() } else { &[] };
        let (mut head, body) = question.request(place, wallet, extra);
        if direct.is_some_and(|direct| direct.in_clear) && place.scheme == Scheme::Https {
            head.fields.append(b"X-Forwarded-Proto", b"https");
        }
        self.wait(place, direct).await;
        // A trail tells of a credential what a place that was not named need not know.
        let notes = self.notes.as_ref().filter(|_| is_named);
        let signed = notes.map(|notes| notes.sign(&mut head));
        self.asked += 1;
        let line = self.line(place, direct)?;
        let began = Instant::now();
        let limit = self.manners.timeout;
        let has_begun = Cell::new(false);
        let asking = Box::pin(exchange(&self.lines, line, &head, body, &has_begun));
        let outcome = timeout(limit, asking).await.unwrap_or(Err(Error::ResponseTimeout(limit)));
        self.sent += usize::from(outcome.as_ref().err().is_none_or(was_sent));
        let (mut reply, body) = match outcome {
            Err(Error::Resolve) => return Err(Trouble::Unknown(self.why(place, direct).await)),
            Err(Error::Closed) if has_begun.get() => return Err(Trouble::BrokenOff),
            Err(Error::ResponseTimeout(_)) => return Err(silence(limit, has_begun.get())),
            outcome => outcome.map_err(Trouble::of)?,
        };
        let notes = self.notes.as_ref().zip(signed);
        let company = notes.and_then(|(notes, signed)| notes.read(signed, &head, &mut reply));
        let extra = self.manners.headers.iter().map(|(_, value)| value.expose().as_str());
        let body = without_echo(body, wallet.secrets().chain(extra));
        Ok(Answer {
            head,
            reply,
            body,
            company,
            scheme: place.scheme,
            received: now(),
            took: began.elapsed(),
        })
    }

    /// The addresses of a place, each once.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub(super) async fn addresses(&self, place: &Place) -> Result<Vec<IpAddr>, String> {
        if let Ok(address) = place.host.parse() {
            return Ok(vec![address]);
        }
        let names = SystemNames::default();
        let found = timeout(self.manners.timeout, names.lookup(&place.host)).await;
        let mut all = found.map_err(|_| "no name server answers in time".to_owned())??.addresses;
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// Why a name has no address.
    async fn why(&self, place: &Place, direct: Option<&Direct>) -> String {
        let host = direct.map_or(&place.host, |direct| &direct.host);
        let lookup =
            timeout(self.manners.timeout, SystemNames::default().lookup(host)).await.map(Result::err);
        lookup.ok().flatten().unwrap_or_else(|| "it has no address".to_owned())
    }

    /// Waits for its turn; nobody else than this machine is asked faster than twice a second.
    async fn wait(&mut self, place: &Place, direct: Option<&Direct>) {
        let is_here = |direct: &Direct| direct.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        if place.is_loopback() && direct.is_none_or(is_here) {
            return;
        }
        if let Some(next) = self.next {
            sleep_until(next).await;
        }
        self.next = Some(Instant::now() + PAUSE);
    }

    /// The connection to a place.
    fn line(&mut self, place: &Place, direct: Option<&Direct>) -> Result<usize, Trouble> {
        let is_it = |(to, way, _): &(Place, Option<Direct>, Group)| to == place && way.as_ref() == direct;
        if let Some(line) = self.lines.iter().position(is_it) {
            return Ok(line);
        }
        let settings = self.settings(place, direct).map_err(Trouble::Terms)?;
        self.lines.push((place.clone(), direct.cloned(), Group::new(vec![settings], &self.registry)));
        Ok(self.lines.len() - 1)
    }

    fn settings(&self, place: &Place, direct: Option<&Direct>) -> Result<Settings, BadTerms> {
        let host = direct.map_or(&place.host, |direct| &direct.host).clone();
        let port = direct.and_then(|direct| direct.port).unwrap_or(place.port);
        let in_clear = place.scheme == Scheme::Http || direct.is_some_and(|direct| direct.in_clear);
        let Manners { timeout, .. } = self.manners;
        Ok(Settings {
            address: Address::Tcp { host, port },
            tls: if in_clear { None } else { Some(self.tls(place)?) },
            php: None,
            host: None,
            resolve: Resolve::First,
            connect_timeout: CONNECT.min(timeout),
            response_timeout: timeout,
            idle_timeout: timeout,
            header_bytes: HEAD,
        })
    }

    fn tls(&self, place: &Place) -> Result<Tls, BadTerms> {
        let name = ServerName::try_from(place.host.clone()).map_err(|_| BadTerms::Unusable)?;
        let trust = if self.manners.insecure { Trust::Anybody } else { Trust::Platform };
        Tls::new(Terms { name, trust, offer: Offer::Http1 })
    }
}

/// Whether it came to a request before this happened.
const fn was_sent(error: &Error) -> bool {
    !matches!(
        error,
        Error::Resolve | Error::Connect(_) | Error::ConnectTimeout(_) | Error::Certificate(_) | Error::Tls(_)
    )
}

/// What the time that ran out was spent on.
const fn silence(limit: Duration, has_begun: bool) -> Trouble {
    if has_begun { Trouble::Unended(limit) } else { Trouble::Silent(limit) }
}

/// One request and its reply, as much of it as is wanted; tells when the reply has begun.
async fn exchange(
    lines: &[(Place, Option<Direct>, Group)],
    line: usize,
    head: &RequestHead,
    body: Vec<u8>,
    has_begun: &Cell<bool>,
) -> Result<(ReplyHead, Vec<u8>), Error> {
    let Some((place, _, group)) = lines.get(line) else { return Err(Error::Resolve) };
    let caller = Caller { address: IpAddr::V4(Ipv4Addr::LOCALHOST), scheme: place.scheme };
    let route = RefCell::new(Route::default());
    let (mut pending, mut reply) = group.send(head, Body::full(body), caller, &route).await?;
    while reply.status.is_interim() {
        reply = pending.head().await?;
    }
    has_begun.set(true);
    let seen = reply.clone();
    let body = pending.body(&mut reply)?;
    // What the wire said of the connection is evidence, too.
    Ok((
        seen,
        read(body).await.map_err(|broken| match broken {
            Broken::TimedOut => Error::ResponseTimeout(Duration::ZERO),
            _ => Error::Closed,
        })?,
    ))
}

/// The beginning of a body.
async fn read(mut body: Body<'_>) -> Result<Vec<u8>, Broken> {
    let mut all = Vec::new();
    while all.len() < BODY && poll_fn(|context| body.poll_fill(context)).await? == Fill::Data {
        let count = body.data().len();
        let wanted = count.min(BODY - all.len());
        all.extend_from_slice(body.data().get(..wanted).unwrap_or_default());
        body.consume(count);
    }
    Ok(all)
}

impl std::fmt::Display for Direct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let scheme = if self.in_clear { "http://" } else { "" };
        match self.port {
            Some(port) => write!(f, "{scheme}{host}:{port}"),
            None => write!(f, "{scheme}{host}"),
        }
    }
}

impl std::str::FromStr for Direct {
    type Err = super::site::BadSite;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (in_clear, rest) = text.strip_prefix("http://").map_or((false, text), |rest| (true, rest));
        let bare = rest.strip_prefix("https://").unwrap_or(rest);
        let is_bare_ipv6 = bare.parse::<std::net::Ipv6Addr>().is_ok();
        let bare = if is_bare_ipv6 { format!("[{bare}]") } else { bare.to_owned() };
        let place: Place = format!("https://{bare}").parse()?;
        let has_port =
            bare.trim_end_matches('/').rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        let own = in_clear.then_some(80);
        let port = if has_port { Some(place.port) } else { own };
        Ok(Self { host: place.host, port, in_clear, is_of_name: false })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Conversation, Direct, Manners};
    use crate::check::Place;

    fn conversation() -> Conversation {
        let named = Vec::new();
        Conversation::new(Manners {
            timeout: Duration::from_secs(1),
            most: super::MOST,
            insecure: false,
            headers: Vec::new(),
            named,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn only_this_machine_is_asked_without_a_pause() {
        let waited = async |site: &str, direct: Option<&str>| {
            let (mut conversation, began) = (conversation(), Instant::now());
            let (place, direct): (Place, Option<Direct>) =
                (site.parse().unwrap(), direct.map(|direct| direct.parse().unwrap()));
            for _ in 0..5 {
                conversation.wait(&place, direct.as_ref()).await;
            }
            began.elapsed()
        };
        assert_eq!(waited("http://localhost", None).await, Duration::ZERO);
        assert_eq!(waited("http://localhost", Some("127.0.0.1:80")).await, Duration::ZERO);
        assert_eq!(waited("https://example.com", None).await, Duration::from_secs(2));
        assert_eq!(waited("https://example.com", Some("127.0.0.1")).await, Duration::from_secs(2));
        assert_eq!(waited("http://localhost", Some("203.0.113.7")).await, Duration::from_secs(2));
    }

    #[test]
    fn an_address_is_read_as_people_write_it() {
        let read = |text: &str| text.parse::<Direct>().map(|direct| (direct.to_string(), direct.port));
        for (text, shown, port) in [
            ("203.0.113.7", "203.0.113.7", None),
            ("203.0.113.7:8443", "203.0.113.7:8443", Some(8443)),
            ("[2001:db8::7]", "[2001:db8::7]", None),
            ("2001:db8::7", "[2001:db8::7]", None),
            ("http://2001:db8::7", "http://[2001:db8::7]:80", Some(80)),
            ("[2001:db8::7]:443", "[2001:db8::7]:443", Some(443)),
            ("http://10.0.0.7:8080", "http://10.0.0.7:8080", Some(8080)),
            ("http://10.0.0.7", "http://10.0.0.7:80", Some(80)),
            ("origin.internal", "origin.internal", None),
        ] {
            assert_eq!(read(text), Ok((shown.to_owned(), port)), "{text}");
        }
        assert!(read("a b").is_err() && read("").is_err() && read("10.0.0.7/x").is_err());
    }
}
