//! What an exchange counts as. Every one is counted once, in its worker's own shard: healthy or not, judged or not.

use super::notes::Notes;
use super::record::Record;
use super::site::Sites;
use crate::event::{About, Preflight, Tally, TurnedAway};
use crate::evidence::RouteClass;
use crate::listen::Refusal;
use crate::message::{Method, Name, RequestHead, Status};

impl Record {
    /// Counts the exchange, once its status is known; nothing stands for no reply at all. Only the first one counts.
    pub(super) fn count(&mut self, status: Option<Status>) {
        if !std::mem::replace(&mut self.is_counted, true) {
            let about = self.about();
            self.shared.shard.ended(about, status);
        }
    }

    fn about(&mut self) -> About {
        if self.is_own() {
            return About::Static;
        }
        if is_preflight(&self.head) {
            return About::Preflight;
        }
        RouteClass::of(&self.head).into()
    }

    /// Counts what became of a preflight.
    pub(super) fn count_preflight(&self, outcome: Preflight) {
        if is_preflight(&self.head) {
            self.shared.shard.preflight(outcome);
        }
    }
}

impl Notes {
    /// Counts why what another doctor signed counts for nothing, where it does; once.
    pub(super) fn count_failure(&mut self, tally: &Tally) {
        if let Some(why) = self.failure.take() {
            tally.count_trail_failure(why);
        }
    }
}

impl Sites {
    /// Counts what could not be read as a request. `status` is that of the reply, where there is one.
    pub(super) fn count_unread(&self, refusal: Refusal, status: Option<Status>) {
        self.shard().ended(About::Unread, status);
        if let Some(why) = turned_away(refusal) {
            self.recorder().tally.count_turned_away(why);
        }
    }

    /// Counts an answer to `OPTIONS *`.
    pub(super) fn count_server_options(&self, status: Status) {
        self.shard().ended(About::Other, Some(status));
    }
}

/// Whether this is a CORS preflight, however badly it is written (Fetch, "CORS-preflight request").
fn is_preflight(head: &RequestHead) -> bool {
    head.method == Method::Options
        && head.fields.has(Name::Origin)
        && head.fields.has(Name::AccessControlRequestMethod)
}

/// Why the connection itself was refused; nothing where it was a request.
const fn turned_away(refusal: Refusal) -> Option<TurnedAway> {
    match refusal {
        Refusal::TooManyConnections(_) => Some(TurnedAway::TooMany),
        Refusal::TooManyOfAddress(_) => Some(TurnedAway::TooManyOfAddress),
        Refusal::PlainHttp => Some(TurnedAway::PlainHttp),
        Refusal::ProxyHeader(_) | Refusal::ProxyUntrusted | Refusal::NoProxyHeader => {
            Some(TurnedAway::ProxyProtocol)
        }
        Refusal::Bad(_) | Refusal::HeaderTimeout(_) | Refusal::BodyTooLarge(_) => None,
    }
}
