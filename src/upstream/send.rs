//! How a request gets its way to the upstream: by HTTP/1.1, or by HTTP/2 where the upstream chose it.
//!
//! What HTTP/2 cannot carry (an upgrade, a target that is no URI) goes by HTTP/1.1 whatever was chosen.

use std::cell::RefCell;
use std::time::Instant;

use tokio::time::timeout;

use super::connection::{Connection, connect};
use super::fastcgi::Call;
use super::http2::Failed;
use super::meter::UnderWay;
use super::tls::Offer;
use super::{Error, Pending, Route, Upstream, http2};
use crate::message::{Body, Name, ReplyHead, RequestHead};
use crate::wire::Stream;

/// How often a request is sent at most, where the upstream says each time that it did nothing with it.
const TRIES: u32 = 3;

/// What a new request can go by.
enum Way {
    Http1(Connection),
    /// A connection of the pool, or a new one.
    AnyHttp1,
    Http2(http2::Lease),
}

impl Upstream {
    /// Sends a request and waits for the first head of the reply, which may be an interim one. `body` is taken when
    /// the request begins to go out: where it is left after a failure, sending it elsewhere can do no harm.
    ///
    /// A connection in use that turns out dead is replaced once, when sending again can do no harm: the method is
    /// idempotent, there is no body, and not a byte of a reply has come. What an upstream says in HTTP/2 it did not
    /// process is sent again whatever it is.
    ///
    /// # Errors
    /// There is no reply; the error says whose side broke.
    pub async fn send<'c>(
        &self,
        head: &RequestHead,
        body: &mut Option<Body<'c>>,
    ) -> Result<(Pending<'c>, ReplyHead), Error> {
        let named = self.settings.host.as_ref().map(|host| with_host(head, host));
        let head = named.as_ref().unwrap_or(head);
        if self.may_speak_http2() && http2::request(head).is_some() {
            return Box::pin(self.send_by_either(head, body)).await;
        }
        let (pending, first) = self.send_by_http1(head, body).await?;
        Ok((pending.into(), first))
    }

    /// Sends a request in the language of the upstream, as [`Upstream::send`] does in HTTP. What PHP is to run is there where an
    /// upstream of the group is PHP.
    pub(super) async fn ask<'c>(
        &self,
        head: &RequestHead,
        body: &mut Option<Body<'c>>,
        call: Option<&Call>,
        route: &RefCell<Route>,
    ) -> Result<(Pending<'c>, ReplyHead), Error> {
        match (&self.settings.php, &self.kept, call) {
            // In a box of its own, so that no exchange in HTTP carries the room for it.
            (Some(php), Some(kept), Some(call)) => {
                Box::pin(self.send_to_php(php, kept, call, head, body, route)).await
            }
            _ => self.send(head, body).await,
        }
    }

    /// Counts a request that begins.
    pub(super) fn begins(&self, route: &RefCell<Route>) -> UnderWay {
        route.borrow_mut().since.get_or_insert_with(Instant::now);
        UnderWay::begin(&self.metered)
    }

    /// Counts what came of it. A reply that begins is under way until it has ended.
    pub(super) fn came_of(
        &self,
        outcome: &mut Result<(Pending<'_>, ReplyHead), Error>,
        under_way: UnderWay,
        route: &RefCell<Route>,
    ) {
        match outcome {
            Ok((pending, _)) => {
                let since = route.borrow().since;
                self.metered.0.answered(since.map(|since| since.elapsed()).unwrap_or_default());
                pending.count(under_way);
            }
            Err(error) => {
                self.metered.0.failed(error);
                // What comes next is another upstream's time.
                route.borrow_mut().since = Some(Instant::now());
            }
        }
    }

    fn may_speak_http2(&self) -> bool {
        let offers = |tls: &super::Tls| tls.terms().offer == Offer::Http2;
        self.settings.tls.as_ref().is_some_and(offers) && !self.http2.is_declined()
    }

    async fn send_by_either<'c>(
        &self,
        head: &RequestHead,
        body: &mut Option<Body<'c>>,
    ) -> Result<(Pending<'c>, ReplyHead), Error> {
        let mut left = TRIES;
        loop {
            let lease = match self.way().await? {
                Way::Http2(lease) => lease,
                Way::Http1(connection) => {
                    let body = body.take().unwrap_or_else(Body::empty);
                    let (pending, first) = self.send_over(connection, head, body).await?;
                    return Ok((pending.into(), first));
                }
                Way::AnyHttp1 => {
                    let (pending, first) = self.send_by_http1(head, body).await?;
                    return Ok((pending.into(), first));
                }
            };
            left -= 1;
            match self.send_by_http2(lease, head, body.take().unwrap_or_else(Body::empty)).await {
                Ok((exchange, first)) => return Ok((exchange.into(), first)),
                Err(Failed { error, unsent }) => {
                    *body = unsent;
                    if body.is_none() || left == 0 {
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn send_by_http2<'c>(
        &self,
        lease: http2::Lease,
        head: &RequestHead,
        body: Body<'c>,
    ) -> Result<(http2::Exchange<'c>, ReplyHead), Failed<'c>> {
        http2::Exchange::start(lease, head, body, &self.settings)?.first().await
    }

    /// A connection with room for one more exchange. Who comes while one is being made waits for it: whether it can
    /// be shared shows only afterwards.
    async fn way(&self) -> Result<Way, Error> {
        if let Some(lease) = self.http2.take_ready().await {
            return Ok(Way::Http2(lease));
        }
        let after = self.settings.connect_timeout;
        let opening = timeout(after, self.http2.opening.lock());
        let _opening = opening.await.map_err(|_| Error::ConnectTimeout(after))?;
        if let Some(lease) = self.http2.take_ready().await {
            return Ok(Way::Http2(lease));
        }
        if self.http2.is_declined() {
            return Ok(Way::AnyHttp1);
        }
        let stream = connect(&self.endpoint, &self.settings, Offer::Http2).await?;
        self.metered.0.opened();
        match stream {
            Stream::Tls(stream) if http2::is_chosen(&stream) => {
                let lease = timeout(after, self.http2.open(stream, &self.settings)).await;
                lease.map_err(|_| Error::ConnectTimeout(after))?.map(Way::Http2)
            }
            stream => {
                self.http2.decline();
                Ok(Way::Http1(Connection::over(stream, &self.settings)))
            }
        }
    }
}

/// The same head for an upstream that is told another host.
pub(super) fn with_host(head: &RequestHead, host: &str) -> RequestHead {
    let mut head = head.clone();
    head.fields.set(Name::Host, host.as_bytes());
    head
}
