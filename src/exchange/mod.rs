//! One request, from start to end: look ▸ treat ▸ look ▸ send ▸ look ▸ diagnose.
//!
//! This is the only place where evidence, headers, upstream and diagnosis meet. A healthy exchange costs two looks
//! and two counters here; everything else happens to sick ones.

mod own;
mod record;
mod site;
mod watch;

use std::pin::pin;
use std::time::Duration;

use crate::evidence::look;
use crate::headers::{authorization, hop_by_hop};
use crate::listen::{Answer, Client, Interim, Refusal};
use crate::message::{Body, Name, Reply, ReplyHead, Request, RequestHead};
use crate::upstream::{Error, Pending, Upstream};
pub use record::Recorder;
pub use site::{Mode, Site, Sites};

/// How long an upstream may take to tell a waiting client to go on, before the doctor tells it.
const PATIENCE_FOR_CONTINUE: Duration = Duration::from_secs(1);

impl Answer for Sites {
    async fn answer<'c>(
        &self,
        client: Client,
        request: Request<'c>,
        interim: &mut impl Interim,
    ) -> Reply<'c> {
        let Request { mut head, body } = request;
        if head.target() == b"*" {
            return own::server_options();
        }
        let arrived = look(&head.fields);
        let record = self.recorder().open(client, arrived);
        let Some(site) = self.of(&head) else {
            return record.misdirected(&head);
        };
        let mut record = record.at(site);
        if let (Mode::Treat, Err(bad)) = (site.mode(), authorization::check(&head.fields)) {
            return record.refused(&head, bad);
        }
        record.nominated(hop_by_hop::remove(&mut head.fields));
        let sent = look(&head.fields);
        match forward(site.upstream(), &head, body, interim).await {
            Ok(reply) => record.answered(head, sent, reply),
            Err(error) => record.failed(&head, &sent, &error),
        }
    }

    fn refuse(&self, client: Client, refusal: Refusal) -> Reply<'static> {
        self.recorder().refuse(client, refusal)
    }
}

/// Sends the request on and waits for the reply; interim replies go to the client as they come.
async fn forward<'c>(
    upstream: &Upstream,
    request: &RequestHead,
    body: Body<'c>,
    interim: &mut impl Interim,
) -> Result<Reply<'c>, Error> {
    let (mut pending, mut head) = send(upstream, request, body, interim).await?;
    while head.status.is_interim() {
        interim.send(&head).await;
        head = pending.head().await?;
    }
    let body = pending.body(&mut head)?;
    Ok(Reply { head, body, close: false })
}

/// Sends the request on. A client that waits for 100 before it sends its body is told to go on in time even by an
/// upstream that never says so.
async fn send<'c>(
    upstream: &Upstream,
    request: &RequestHead,
    body: Body<'c>,
    interim: &mut impl Interim,
) -> Result<(Pending<'c>, ReplyHead), Error> {
    let waits = !body.is_empty() && request.fields.has(Name::Expect);
    let sending = upstream.send(request, body);
    if !waits {
        return sending.await;
    }
    let mut sending = pin!(sending);
    tokio::select! {
        biased;
        sent = &mut sending => return sent,
        () = tokio::time::sleep(PATIENCE_FOR_CONTINUE) => {}
    }
    interim.send(&own::go_on()).await;
    sending.await
}
