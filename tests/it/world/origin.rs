//! What stands behind the doctor: a bare listener whose every connection is played by a script.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::{PATIENCE, Wire};

/// An origin and what it was asked.
pub(crate) struct Origin {
    address: SocketAddr,
    requests: Receiver<String>,
}

impl Origin {
    /// Answers every request with these bytes, on connections that stay open.
    pub(crate) fn answering(reply: impl AsRef<[u8]>) -> Self {
        let reply = reply.as_ref().to_vec();
        Self::playing(move |mut wire, tell| {
            loop {
                tell(wire.message());
                wire.put(&reply);
            }
        })
    }

    /// Answers the first request of every connection with these bytes and closes.
    pub(crate) fn closing_after(reply: impl AsRef<[u8]>) -> Self {
        let reply = reply.as_ref().to_vec();
        Self::playing(move |mut wire, tell| {
            tell(wire.message());
            wire.put(&reply);
        })
    }

    /// Plays `script` on every connection; what it tells can be asked for.
    pub(crate) fn playing(script: impl Fn(Wire, &dyn Fn(String)) + Send + Sync + 'static) -> Self {
        Self::playing_at(TcpListener::bind("127.0.0.1:0").unwrap(), script)
    }

    /// Plays `script` on every connection to this listener.
    pub(crate) fn playing_at(
        listener: TcpListener,
        script: impl Fn(Wire, &dyn Fn(String)) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let (tell, requests) = channel();
        let script = std::sync::Arc::new(script);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (script, tell) = (std::sync::Arc::clone(&script), tell.clone());
                std::thread::spawn(move || play(&*script, stream, &tell));
            }
        });
        Self { address, requests }
    }

    /// The next request the origin saw.
    pub(crate) fn request(&self) -> String {
        self.requests.recv_timeout(PATIENCE).expect("the origin is asked")
    }

    /// The next of the requests that it saw so far.
    pub(crate) fn next_request(&self) -> Option<String> {
        self.requests.try_recv().ok()
    }

    /// Whether nobody has asked so far.
    pub(crate) fn was_not_asked(&self) -> bool {
        self.requests.try_recv().is_err()
    }
}

/// What an origin does with a connection, and what it tells the test.
type Script = dyn Fn(Wire, &dyn Fn(String)) + Send + Sync;

/// Plays a script. One that waits for more than comes ends with its connection; that is no failure.
fn play(script: &Script, stream: TcpStream, tell: &Sender<String>) {
    let tell = |text| drop(tell.send(text));
    drop(catch_unwind(AssertUnwindSafe(|| script(Wire::over(stream), &tell))));
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}", self.address)
    }
}
