//! The connections to PHP that one worker keeps between two requests.
//!
//! A kept one occupies a worker of PHP though nobody asks it anything. So it is kept for seconds, the one used last is used
//! next, and it gives way to anybody who waits for a place, be it in another worker of the doctor.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::gate::{Gate, Place};
use crate::upstream::connection::Connection;
use crate::upstream::meter::Metered;
use crate::wire::now;

/// How long a connection may idle. PHP-FPM itself would wait for ever.
const IDLE: Duration = Duration::from_secs(5);

/// An open connection to PHP. It is closed before its place is given back.
pub(super) struct Line {
    pub(super) connection: Connection,
    pub(super) place: Place,
}

/// The idle connections of one worker to one PHP.
pub(in super::super) struct Kept {
    gate: Arc<Gate>,
    idle: RefCell<VecDeque<(Line, Instant)>>,
    metered: Rc<Metered>,
}

impl Kept {
    /// None yet, of those that this gate lets through and this meter counts.
    pub(in super::super) fn behind(gate: Arc<Gate>, metered: &Rc<Metered>) -> Rc<Self> {
        Rc::new(Self { gate, idle: RefCell::default(), metered: Rc::clone(metered) })
    }

    /// The gate before them.
    pub(super) const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// The connection used last that is still open.
    pub(super) fn take(&self) -> Option<Line> {
        loop {
            let (mut line, _) = self.idle.borrow_mut().pop_back()?;
            self.metered.0.idles_no_more(1);
            if line.connection.is_quiet() {
                return Some(line);
            }
        }
    }

    /// Keeps a connection over which an exchange has ended in order, where it may be kept.
    pub(super) fn put(&self, line: Line) {
        if line.place.is_for_keeping() && self.gate.may_keep() {
            line.connection.reader.set_deadline(None);
            self.idle.borrow_mut().push_back((line, now()));
            self.metered.0.idles(1);
        }
    }

    /// Closes what has idled too long, what PHP has closed, and one for each that waits.
    fn sweep(&self) {
        let mut idle = self.idle.borrow_mut();
        let (now, before) = (now(), idle.len());
        idle.retain_mut(|(line, since)| *since + IDLE > now && line.connection.is_quiet());
        let giving_way = self.gate.waiting().min(idle.len());
        idle.drain(..giving_way);
        self.metered.0.idles_no_more(before - idle.len());
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.metered.0.idles_no_more(self.idle.get_mut().len());
    }
}

/// Sweeps once a second, and whenever somebody begins to wait, as long as there is somebody to use them.
pub(in super::super) async fn sweep(kept: Weak<Kept>, gate: Arc<Gate>) {
    loop {
        // Begun before it is looked whether anybody waits, so that nobody is missed.
        let mut wanted = pin!(gate.wanted());
        wanted.as_mut().enable();
        let Some(lines) = kept.upgrade() else { return };
        lines.sweep();
        drop(lines);
        tokio::select! {
            () = wanted => {}
            () = sleep(Duration::from_secs(1)) => {}
        }
    }
}
