//! Exchanges as they happen, as server-sent events (WHATWG HTML, 9.2).
//!
//! Whoever follows along has a place in the ring and nothing else: no queue fills up for a slow reader, and nobody waits for
//! one. What is gone from the ring by the time they come to it is told as a gap.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::reply::Trouble;
use super::ring::{Entry, Exchanges};

/// How often a word is said where there is nothing to tell, so that whoever stands between does not give up.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a reader may take for the next piece before they are given up, so that one who hangs does not keep a place.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many exchanges are looked up at a time.
const AT_ONCE: usize = 16;

/// Where somebody begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// With the next exchange.
    Now,
    /// After the one of this number, which they have seen.
    After(u64),
}

impl From {
    /// What `Last-Event-ID` says.
    pub(super) fn read(last_seen: Option<&str>) -> Result<Self, Trouble> {
        let Some(text) = last_seen else { return Ok(Self::Now) };
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_number).map(Self::After).ok_or_else(|| {
            Trouble::Parameter("Last-Event-ID: write the `id` of an event of this stream".to_owned())
        })
    }
}

/// What is known of a connection beside its bytes.
#[derive(Debug, Default)]
pub(super) struct Line {
    asked: Notify,
    is_followed: Cell<bool>,
    given_up: Notify,
}

impl Line {
    /// A request has come on it.
    pub(super) fn ask(&self) {
        self.asked.notify_one();
    }

    /// Waits for the first request.
    pub(super) async fn until_asked(&self) {
        self.asked.notified().await;
    }

    /// From now on somebody follows along on it.
    pub(super) fn follow(&self) {
        self.is_followed.set(true);
    }

    /// Whether somebody follows along on it.
    pub(super) fn is_followed(&self) -> bool {
        self.is_followed.get()
    }

    /// Whoever is there takes nothing: the connection itself would wait for them to the end of time.
    pub(super) fn give_up(&self) {
        self.is_followed.set(false);
        self.given_up.notify_one();
    }

    /// Waits until whoever is there is given up.
    pub(super) async fn until_given_up(&self) {
        self.given_up.notified().await;
    }
}

/// Somebody who follows along.
struct Reader {
    exchanges: Exchanges,
    /// The last one they have seen, or were told that it is gone.
    seen: u64,
    pieces: mpsc::Sender<Bytes>,
}

/// Nobody reads any more.
pub(super) struct Gone;

/// Tells of exchanges until the ring ends, or nobody reads any more: that is the error. Now is when this is called, and not
/// when it is first waited for.
pub(super) fn tell(
    exchanges: Exchanges,
    from: From,
    pieces: mpsc::Sender<Bytes>,
) -> impl Future<Output = Result<(), Gone>> {
    let seen = *exchanges.last().borrow();
    let mut reader = Reader { exchanges, seen, pieces };
    async move { reader.follow(from).await }
}

impl Reader {
    async fn follow(&mut self, from: From) -> Result<(), Gone> {
        self.say(": each exchange, as it ends\n\n".to_owned()).await?;
        if let From::After(seen) = from {
            self.resume(seen).await?;
        }
        let mut last = self.exchanges.last();
        let mut is_over = false;
        loop {
            let newest = *last.borrow_and_update();
            let entries = self.exchanges.after(self.seen, AT_ONCE);
            for entry in &entries {
                self.pass(entry).await?;
            }
            if !entries.is_empty() {
                continue;
            }
            self.miss_up_to(newest).await?;
            if is_over {
                return Ok(());
            }
            tokio::select! {
                changed = timeout(HEARTBEAT, last.changed()) => match changed {
                    Ok(changed) => is_over = changed.is_err(),
                    Err(_) => self.say(":\n\n".to_owned()).await?,
                },
                () = self.pieces.closed() => return Err(Gone),
            }
        }
    }

    /// Goes back to what they have seen, unless that was told by another process: nobody knows what came after.
    async fn resume(&mut self, seen: u64) -> Result<(), Gone> {
        let (began, last) = (self.exchanges.began(), self.seen);
        if (began..=last).contains(&seen) {
            self.seen = seen;
            return Ok(());
        }
        let first = self.exchanges.after(0, 1).first().map(|entry| entry.sequence);
        self.seen = first.map_or(last, |first| first - 1);
        self.say(gap(None, self.seen)).await
    }

    async fn pass(&mut self, entry: &Arc<Entry>) -> Result<(), Gone> {
        self.miss_up_to(entry.sequence - 1).await?;
        self.seen = entry.sequence;
        self.say(format!("event: exchange\nid: {}\ndata: {}\n\n", entry.sequence, entry.record())).await
    }

    /// What they have not seen up to here is gone.
    async fn miss_up_to(&mut self, sequence: u64) -> Result<(), Gone> {
        if sequence <= self.seen {
            return Ok(());
        }
        let missed = sequence - self.seen;
        self.seen = sequence;
        self.say(gap(Some(missed), sequence)).await
    }

    async fn say(&self, text: String) -> Result<(), Gone> {
        match timeout(PATIENCE, self.pieces.send(text.into())).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}

/// How many exchanges are gone, nothing where nobody knows; with it they have seen all up to `sequence`.
fn gap(missed: Option<u64>, sequence: u64) -> String {
    let missed = missed.map_or_else(|| "null".to_owned(), |missed| missed.to_string());
    format!("event: gap\nid: {sequence}\ndata: {{\"schema\":1,\"missed\":{missed}}}\n\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use tokio::sync::mpsc;
    use tokio::time::{Instant, timeout};

    use super::{From, HEARTBEAT, PATIENCE, tell};
    use crate::admin::ring::tests::{BEGAN, event, kept};
    use crate::admin::ring::{Bounds, Exchanges};

    const BOUNDS: Bounds = Bounds { exchanges: 3, memory: 1 << 24 };

    fn following(exchanges: &Exchanges, from: From) -> mpsc::Receiver<Bytes> {
        let (send, pieces) = mpsc::channel(1);
        tokio::spawn(tell(exchanges.clone(), from, send));
        pieces
    }

    async fn next(pieces: &mut mpsc::Receiver<Bytes>) -> Option<String> {
        pieces.recv().await.map(|piece| String::from_utf8(piece.to_vec()).unwrap())
    }

    /// A ring that has heard of so many, and will hear of no more.
    fn heard(count: u64) -> Exchanges {
        let (bus, keeper, exchanges) = kept(512, BOUNDS);
        (0..count).for_each(|number| bus.show(event(number, true)));
        drop(bus);
        keeper.run();
        exchanges
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_stream_says_a_word_now_and_then() {
        let (_bus, _keeper, exchanges) = kept(1, BOUNDS);
        let mut pieces = following(&exchanges, From::Now);
        assert!(next(&mut pieces).await.unwrap().starts_with(": "));
        let began = Instant::now();
        for beat in 1..=3 {
            assert_eq!(next(&mut pieces).await.unwrap(), ":\n\n");
            assert_eq!(began.elapsed().as_secs(), HEARTBEAT.as_secs() * beat);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_given_up() {
        let (_bus, _keeper, exchanges) = kept(1, BOUNDS);
        let (send, pieces) = mpsc::channel(1);
        let telling = tokio::spawn(tell(exchanges, From::Now, send));
        let most = HEARTBEAT + PATIENCE + Duration::from_secs(1);
        assert!(timeout(most, telling).await.is_ok(), "the first word waits to be read");
        drop(pieces);
    }

    #[tokio::test]
    async fn what_is_gone_is_told_and_the_stream_ends_with_the_ring() {
        let exchanges = heard(300);
        let mut pieces = following(&exchanges, From::After(BEGAN + 10));
        next(&mut pieces).await.unwrap();
        let gap = next(&mut pieces).await.unwrap();
        assert_eq!(gap, format!("event: gap\nid: {}\ndata: {{\"schema\":1,\"missed\":34}}\n\n", BEGAN + 44));
        for number in 45..=300 {
            let told = next(&mut pieces).await.unwrap();
            assert!(
                told.starts_with(&format!("event: exchange\nid: {}\ndata: {{", BEGAN + number)),
                "{told}"
            );
        }
        assert_eq!(next(&mut pieces).await, None);
    }

    #[tokio::test]
    async fn after_what_another_process_told_nobody_knows_what_was_missed() {
        let exchanges = heard(2);
        for foreign in [3, BEGAN - 1, BEGAN + 3] {
            let mut pieces = following(&exchanges, From::After(foreign));
            next(&mut pieces).await.unwrap();
            let gap = next(&mut pieces).await.unwrap();
            assert_eq!(gap, format!("event: gap\nid: {BEGAN}\ndata: {{\"schema\":1,\"missed\":null}}\n\n"));
            assert!(next(&mut pieces).await.unwrap().starts_with("event: exchange\n"), "all that there is");
        }
        let mut pieces = following(&exchanges, From::After(BEGAN + 2));
        next(&mut pieces).await.unwrap();
        assert_eq!(next(&mut pieces).await, None, "nothing was missed");
    }

    #[tokio::test]
    async fn what_happens_before_the_first_word_is_heard_is_told() {
        let (bus, keeper, exchanges) = kept(2, BOUNDS);
        let (send, mut pieces) = mpsc::channel(1);
        let telling = tell(exchanges, From::Now, send);
        bus.show(event(1, true));
        drop(bus);
        keeper.run();
        tokio::spawn(telling);
        next(&mut pieces).await.unwrap();
        assert!(next(&mut pieces).await.unwrap().starts_with("event: exchange\n"));
    }

    #[test]
    fn only_a_number_can_have_been_seen() {
        assert_eq!(From::read(None), Ok(From::Now));
        assert_eq!(From::read(Some("7")), Ok(From::After(7)));
        for text in ["", "x", "-1", "+1", " 7", "99999999999999999999999"] {
            assert!(From::read(Some(text)).is_err(), "{text}");
        }
    }
}
