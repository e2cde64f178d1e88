//! One request, from start to end: look ▸ preflight? ▸ treat ▸ look ▸ send ▸ look ▸ diagnose.
//!
//! This is the only place where evidence, headers, upstream and diagnosis meet. A healthy exchange costs two looks
//! and two counters here; everything else happens to sick ones.

mod asking;
mod broken;
mod counted;
mod date;
mod diagnose;
mod memory;
mod mishap;
mod neighbours;
mod notes;
mod opinion;
mod own;
mod past;
mod policy;
mod record;
mod replays;
mod signing;
mod site;
mod stripped;
mod suspect;
mod unread;
mod watch;

use std::cell::RefCell;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use crate::event::now;
use crate::listen::{Answer, Client, Interim, Refusal};
use crate::message::{Body, Name, Reply, ReplyHead, Request, RequestHead, Status};
use crate::upstream::{Caller, Error, Group, Pending, Route};
pub use memory::{Acceptances, Promises};
pub use opinion::SecondOpinion;
pub use record::{Keeps, QUEUE, Recorder, Shows};
pub use replays::Replays;
pub use signing::Signing;
pub use site::{Mode, Policy, Site, Sites};
pub use stripped::Stripped;

/// How long an upstream may take to tell a waiting client to go on, before the doctor tells it.
const PATIENCE_FOR_CONTINUE: Duration = Duration::from_secs(1);

impl Answer for Sites {
    async fn answer<'c>(
        &self,
        client: Client,
        request: Request<'c>,
        interim: &mut impl Interim,
    ) -> Reply<'c> {
        let Request { head, body } = request;
        if head.target() == b"*" {
            let reply = own::server_options();
            self.count_server_options(reply.head.status);
            return reply;
        }
        let mut record = self.open(client, head);
        let Some(site) = self.of(record.head()) else {
            let reason =
                "no site of this doctor answers for the host of this request; name it under sites[].hosts";
            return record.refused(Status::MISDIRECTED, "header_doctor_unknown_host", reason.to_owned());
        };
        record.goes_to(&site);
        if let Some(decision) = record.preflight() {
            return record.decided(decision);
        }
        if let Err(bad) = record.treat() {
            return record.refused(Status::BAD_REQUEST, bad.code(), bad.to_string());
        }
        let body = record.overhear(body);
        match forward(site.upstreams(), record.head(), body, record.caller(), record.route(), interim).await {
            Ok(reply) => record.answered(reply),
            Err(error) => record.failed(&error),
        }
    }

    fn refuse(&self, client: Client, refusal: Refusal) -> Reply<'static> {
        self.count_unread(refusal, Some(refusal.status()));
        self.recorder().refuse(client, refusal)
    }

    fn refuse_request(&self, client: Client, head: RequestHead, refusal: Refusal) -> Reply<'static> {
        let mut record = self.open(client, head);
        if let Some(site) = self.of(record.head()) {
            record.goes_to(&site);
        }
        record.refused(refusal.status(), refusal.code(), refusal.to_string())
    }

    fn leave_unanswered(&self, client: Client, refusal: Refusal) {
        self.count_unread(refusal, None);
        self.recorder().leave_unanswered(client, refusal);
    }

    fn is_trusted(&self, peer: IpAddr) -> bool {
        self.trusts(peer)
    }

    fn handshake_failed(&self, client: Client, error: &io::Error) {
        self.recorder().handshake_failed(client, error);
    }

    fn panicked(&self) -> Reply<'static> {
        mishap::reply()
    }
}

/// Sends the request on and waits for the reply; interim replies go to the client as they come.
async fn forward<'c>(
    upstreams: &Group,
    request: &RequestHead,
    body: Body<'c>,
    caller: Caller,
    route: &RefCell<Route>,
    interim: &mut impl Interim,
) -> Result<Reply<'c>, Error> {
    let (mut pending, mut head) = send(upstreams, request, body, caller, route, interim).await?;
    while head.status.is_interim() {
        notes::strip(&mut head.fields);
        interim.send(&head).await;
        head = pending.head().await?;
    }
    let body = pending.body(&mut head)?;
    if upstreams.holds_bodies() {
        date::say(&mut head.fields, now());
    }
    Ok(Reply { head, body, close: false })
}

/// Sends the request on. A client that waits for 100 before it sends its body is told to go on in time even by an
/// upstream that never says so.
async fn send<'c>(
    upstreams: &Group,
    request: &RequestHead,
    body: Body<'c>,
    caller: Caller,
    route: &RefCell<Route>,
    interim: &mut impl Interim,
) -> Result<(Pending<'c>, ReplyHead), Error> {
    let waits = !body.is_empty() && request.fields.has(Name::Expect);
    // Pinned before it is known who waits, so that an exchange has room for it once.
    let mut sending = pin!(upstreams.send(request, body, caller, route));
    if !waits {
        return sending.await;
    }
    let patience = if upstreams.holds_bodies() { Duration::ZERO } else { PATIENCE_FOR_CONTINUE };
    tokio::select! {
        biased;
        sent = &mut sending => return sent,
        () = tokio::time::sleep(patience) => {}
    }
    interim.send(&own::go_on()).await;
    sending.await
}
