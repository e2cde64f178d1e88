//! Clients in a closed loop: each asks again as soon as it has its reply, and none may miss one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use super::Wire;

/// Clients that ask until they are told to stop. Half of them keep their connection as long as they may.
pub(crate) struct Load {
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Four clients of this address.
    pub(crate) fn on(address: SocketAddr) -> Self {
        let (over, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let client = |number: usize| {
            let (over, answered) = (Arc::clone(&over), Arc::clone(&answered));
            std::thread::spawn(move || ask(address, number.is_multiple_of(2), &over, &answered))
        };
        let clients = (0..4).map(client).collect();
        Self { over, answered, clients }
    }

    /// How many replies came so far.
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Waits until so many more replies came.
    pub(crate) fn go_on(&self, more: usize) {
        let until = self.answered() + more;
        while self.answered() < until {
            assert!(self.clients.iter().all(|client| !client.is_finished()), "a client has failed");
            std::thread::yield_now();
        }
    }

    /// Ends it; gives the number of replies. A client that missed one fails the test.
    pub(crate) fn end(self) -> usize {
        self.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("no request fails");
        }
        self.answered.load(Ordering::Relaxed)
    }
}

fn ask(address: SocketAddr, keeps: bool, over: &AtomicBool, answered: &AtomicUsize) {
    let mut wire = Wire::to(address);
    while !over.load(Ordering::Relaxed) {
        wire.put("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let reply = wire.reply();
        assert_eq!(reply.status(), 200, "{reply:?}");
        answered.fetch_add(1, Ordering::Relaxed);
        if !keeps || reply.field("connection") == Some("close") {
            wire = Wire::to(address);
        }
    }
}
