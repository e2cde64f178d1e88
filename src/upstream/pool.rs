//! Idle connections of one worker to one upstream: the one used last is used next, so that a quiet time closes
//! the surplus.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connection::Connection;
use super::meter::Metered;
use crate::wire::now;

/// How long a connection may idle. Apache closes after 5 s (`KeepAliveTimeout`), nginx after 75 s: being first
/// avoids sending a request into a connection that is just being closed.
pub(super) const IDLE: Duration = Duration::from_secs(4);

/// How long a connection may have idled for a request that cannot be sent twice: whoever closes idle connections
/// sooner than [`IDLE`] should not meet a POST. It costs a new connection where less than one request a second comes.
pub(super) const FRESH: Duration = Duration::from_secs(1);

/// How many connections a worker keeps to one upstream.
const KEPT: usize = 512;

#[derive(Default)]
pub(super) struct Pool {
    idle: RefCell<VecDeque<(Connection, Instant)>>,
    metered: Rc<Metered>,
}

impl Pool {
    /// An empty one, whose connections this meter counts.
    pub(super) fn counted_by(metered: &Rc<Metered>) -> Self {
        Self { idle: RefCell::default(), metered: Rc::clone(metered) }
    }

    /// The connection used last that is still good, and has idled for less than `most`.
    pub(super) fn take(&self, most: Duration) -> Option<Connection> {
        let oldest = now().checked_sub(most);
        let is_fresh = |since: Instant| oldest.is_none_or(|oldest| since > oldest);
        loop {
            let (mut connection, _) = self.idle.borrow_mut().pop_back_if(|(_, since)| is_fresh(*since))?;
            self.metered.0.idles_no_more(1);
            if connection.is_quiet() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection over which an exchange has ended in order.
    pub(super) fn put(&self, connection: Connection) {
        connection.reader.set_deadline(None);
        let mut idle = self.idle.borrow_mut();
        if idle.len() < KEPT {
            idle.push_back((connection, now()));
            self.metered.0.idles(1);
        }
    }

    fn sweep(&self) {
        let mut idle = self.idle.borrow_mut();
        while idle.front().is_some_and(|(_, since)| *since + IDLE <= now()) {
            idle.pop_front();
            self.metered.0.idles_no_more(1);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.metered.0.idles_no_more(self.idle.get_mut().len());
    }
}

/// Closes what has idled too long, once a second, as long as the pool lives.
pub(super) async fn sweep(pool: Weak<Pool>) {
    loop {
        sleep(Duration::from_secs(1)).await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        pool.sweep();
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::time::Duration;

    use tokio::task::{LocalSet, spawn_local};
    use tokio::time::sleep;

    use super::{Pool, sweep};

    #[tokio::test(start_paused = true)]
    async fn the_sweep_of_a_pool_ends_with_it() {
        let swept = async {
            let pool = Rc::new(Pool::default());
            let sweeping = spawn_local(sweep(Rc::downgrade(&pool)));
            sleep(Duration::from_secs(5)).await;
            assert!(!sweeping.is_finished());
            drop(pool);
            sleep(Duration::from_secs(2)).await;
            assert!(sweeping.is_finished());
        };
        LocalSet::new().run_until(swept).await;
    }
}
