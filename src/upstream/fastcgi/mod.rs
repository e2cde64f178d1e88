//! PHP-FPM spoken to directly: no web server stands between the doctor and WordPress that could lose a header.
//!
//! ```text
//! head, caller, script ─ params ─▸ pairs ─┐
//!                                         ├─ record ─▸ one connection ─ record ─▸ head, body, complaints
//! body ─ spool ─▸ whole ──────────────────┘
//! ```
//!
//! A connection serves one request, unless it is one of the few that are kept: each occupies a worker of PHP though nobody
//! asks it anything.

mod exchange;
mod fault;
mod gate;
mod head;
mod kept;
mod params;
pub mod record;
mod spool;

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

pub(super) use exchange::Exchange;
pub use fault::Fault;
pub(super) use gate::Gate;
pub use gate::{Bounds, Standing};
pub(super) use kept::{Kept, sweep};
pub use spool::{Spool, held_bytes};

use exchange::{Asking, Failed, Opening};
use gate::Place;
use kept::Line;

use super::connection::Connection;
use super::group::Route;
use super::{Error, Pending, Upstream};
use crate::files::{Layout, Multisite, Script};
use crate::headers::Scheme;
use crate::message::{Body, Broken, Fill, ReplyHead, RequestHead, Source};

/// How much of what a script complains of is kept, in bytes: most stack traces are shorter.
const KEPT: usize = 16 * 1024;

/// How the script of a request is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scripts {
    /// By its name alone: the files lie in another container, and none is served.
    Named {
        /// The document root as PHP sees it, from `/` and without a slash at the end.
        root: String,
        /// Whether sites of a network lie in folders that do not exist.
        multisite: Multisite,
    },
    /// By the file that is found; one that is no script is served.
    Found(Layout),
}

impl Scripts {
    /// The document root as it is written, as PHP sees it, without a slash at the end.
    fn root(&self) -> &[u8] {
        match self {
            Self::Named { root, .. } => root.as_bytes(),
            Self::Found(Layout { php_root: Some(root), .. }) => root.as_bytes(),
            Self::Found(layout) => layout.root.as_os_str().as_bytes(),
        }
    }
}

/// What is asked of an upstream that is PHP-FPM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Php {
    /// How its scripts are chosen.
    scripts: Scripts,
    /// What is the same for every request.
    constants: Vec<u8>,
    /// Where bodies wait until they are whole.
    spool: Spool,
    bounds: Bounds,
}

impl Php {
    /// PHP that runs these scripts.
    #[must_use]
    pub fn new(scripts: Scripts, spool: Spool) -> Self {
        Self { constants: params::constants(), scripts, spool, bounds: Bounds::default() }
    }

    /// How its scripts are chosen.
    pub(super) const fn scripts(&self) -> &Scripts {
        &self.scripts
    }

    /// The same with no more connections than this.
    #[must_use]
    pub fn within(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    pub(super) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }
}

/// Who asks, as far as it is known: PHP learns it from nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The client's address, by the word of trusted proxies.
    pub address: IpAddr,
    /// How it came, by the same word.
    pub scheme: Scheme,
}

/// What PHP is to run, and for whom.
pub(super) struct Call {
    pub(super) caller: Caller,
    pub(super) script: Script,
}

/// What a script complained of while it answered (stderr). It may hold whatever PHP had in hands, so it has no words of
/// its own: whoever shows it makes it safe.
#[derive(Default)]
pub struct Complaint(RefCell<Vec<u8>>);

impl Complaint {
    /// The beginning of it.
    pub fn read<T>(&self, reader: impl FnOnce(&[u8]) -> T) -> T {
        reader(&self.0.borrow())
    }

    /// An error that ended the script says more than the warnings before it.
    fn hear(&self, bytes: &[u8]) {
        let mut heard = self.0.borrow_mut();
        let fatal = fatal_in(bytes);
        if fatal.is_some() {
            heard.clear();
        }
        let bytes = bytes.get(fatal.unwrap_or_default()..).unwrap_or_default();
        let room = KEPT.saturating_sub(heard.len()).min(bytes.len());
        heard.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }
}

/// Where an error that ended a script begins: at the beginning of a message, for what stands within one may be any text that
/// a script logs of its client.
fn fatal_in(bytes: &[u8]) -> Option<usize> {
    let is_first = |at: &usize| {
        let before = bytes.get(..*at).unwrap_or_default();
        before.is_empty() || before.ends_with(b"PHP message: ")
    };
    let errors = ["PHP Fatal error: ", "PHP Parse error: "].into_iter();
    errors.filter_map(|error| memchr::memmem::find_iter(bytes, error).find(is_first)).min()
}

impl std::fmt::Debug for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Complaint({} B)", self.0.borrow().len())
    }
}

impl Upstream {
    /// Sends a request to PHP-FPM, once its body is there whole, and waits for the head of the reply. Where `body` is
    /// left after a failure, PHP has seen nothing.
    ///
    /// A kept connection that turns out closed is replaced once, when sending again can do no harm: nothing was sent, or the
    /// method is idempotent, there is no body, and not a byte of a reply has come.
    ///
    /// # Errors
    /// There is no reply; the error says whose side broke.
    pub(super) async fn send_to_php<'c>(
        &self,
        php: &Php,
        kept: &Rc<Kept>,
        call: &Call,
        head: &RequestHead,
        body: &mut Option<Body<'c>>,
        route: &RefCell<Route>,
    ) -> Result<(Pending<'c>, ReplyHead), Error> {
        let named = self.settings.host.as_ref().map(|host| super::send::with_host(head, host));
        let head = named.as_ref().unwrap_or(head);
        // Taken first: what cannot be told to one PHP cannot be told to another.
        let mut coming = body.take().unwrap_or_else(Body::empty);
        params::check(head)?;
        let mut whole = if coming.is_whole() {
            std::mem::replace(&mut coming, Body::empty())
        } else {
            let whole = php.spool.hold(&mut coming).await?;
            // Until now it was the client who took his time.
            route.borrow_mut().since = Some(Instant::now());
            whole
        };
        let may_repeat = whole.is_empty() && head.method.is_idempotent();
        let mut opening = Opening::of(php, call, head, &mut whole)?;
        let complaint = Rc::new(Complaint::default());
        let begin = || route.borrow_mut().complaint = Some(Rc::clone(&complaint));
        let mut asking = Asking {
            opening: &mut opening,
            asked: head.method,
            settings: &self.settings,
            complaint: &complaint,
            kept,
        };
        *body = Some(whole);
        let sending = async {
            let mut place = None;
            if let Some(line) = kept.take() {
                begin();
                place = match asking.over(line, body).await {
                    Ok(outcome) => return Ok(outcome),
                    Err(Failed { error, .. }) if !error.came_before_reply() => return Err(error),
                    Err(Failed { place, .. }) if body.is_some() => Some(place),
                    Err(Failed { place, .. }) if may_repeat => {
                        *body = Some(Body::empty());
                        Some(place)
                    }
                    Err(_) => return Err(Fault::KeptClosed.into()),
                };
            }
            // Only what is whole waits in line: a slow client must not occupy PHP.
            let place = match place {
                Some(place) => place,
                None => Place::take(kept.gate(), &php.bounds).await?,
            };
            // In a box of its own, so that no exchange carries the room for it.
            let opened = Box::pin(Connection::open(&self.endpoint, &self.settings)).await;
            let line = Line { connection: opened.map_err(of_connect)?, place };
            self.metered.0.opened();
            begin();
            asking.over(line, body).await.map_err(|Failed { error, .. }| error)
        };
        match watched(&mut coming, sending).await {
            Ok((exchange, first)) => Ok((exchange.into(), first)),
            Err(error) => {
                *body = body.take().map(|whole| Behind::of(whole, coming));
                Err(error)
            }
        }
    }
}

/// A body that is whole, and the one that it was read from: its client is to be looked after wherever it goes next.
struct Behind<'c> {
    whole: Body<'c>,
    client: Body<'c>,
}

impl<'c> Behind<'c> {
    /// One in a file stays as it is: to be held again, it would need its room twice.
    fn of(whole: Body<'c>, client: Body<'c>) -> Body<'c> {
        if client.is_full() || !whole.is_full() {
            return whole;
        }
        Body::from_source(whole.length(), Self { whole, client })
    }
}

impl Source for Behind<'_> {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<Fill, Broken>> {
        self.whole.poll_fill(context)
    }

    fn data(&self) -> &[u8] {
        self.whole.data()
    }

    fn consume(&mut self, count: usize) {
        self.whole.consume(count);
    }

    fn watch(&mut self, context: &mut Context<'_>) {
        self.client.watch(context);
    }
}

/// Does `work` and looks after the client meanwhile, whose body was read: a script that nobody waits for is given up.
async fn watched<T>(body: &mut Body<'_>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        let outcome = work.as_mut().poll(context);
        if outcome.is_pending() {
            body.watch(context);
        }
        outcome
    })
    .await
}

fn of_connect(error: Error) -> Error {
    match error {
        Error::Connect(kind) => Fault::of_connect(kind).map_or(error, Into::into),
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::{Complaint, KEPT};

    #[test]
    fn a_fatal_error_is_kept_rather_than_the_warnings_before_it() {
        let complaint = Complaint::default();
        complaint.hear(&[b'w'; 30_000]);
        assert_eq!(complaint.read(<[u8]>::len), KEPT);
        complaint.hear(b"PHP message: PHP Warning: a; PHP message: PHP Fatal error: b");
        complaint.hear(b" and more");
        assert!(complaint.read(|heard| heard == b"PHP Fatal error: b and more"));
        assert_eq!(format!("{complaint:?}"), "Complaint(27 B)");
        let complaint = Complaint::default();
        complaint.hear(b"PHP message: PHP Warning: a; PHP message: PHP Parse error: b");
        assert!(complaint.read(|heard| heard == b"PHP Parse error: b"));
    }

    #[test]
    fn what_a_script_logs_of_its_client_is_no_fatal_error() {
        let complaint = Complaint::default();
        complaint.hear(b"PHP message: agent: PHP Fatal error: a");
        assert!(complaint.read(|heard| heard == b"PHP message: agent: PHP Fatal error: a"));
        complaint.hear(b"PHP message: agent: PHP Fatal error: a; PHP message: PHP Fatal error: b");
        assert!(complaint.read(|heard| heard == b"PHP Fatal error: b"));
    }
}
