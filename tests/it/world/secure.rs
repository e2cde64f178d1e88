//! Origins under TLS: scripts as those of a bare origin.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{Doctor, PATIENCE};

impl Doctor {
    /// A doctor with one worker before one upstream, given as its entry in the file.
    pub(crate) fn before_entry(entry: &str) -> Self {
        Self::with_file(&format!(
            "listeners: [{{ address: 127.0.0.1:0 }}]\n\
             sites: [{{ upstreams: [{{ {entry} }}] }}]\n\
             workers: 1\n\
             log: {{ format: json, exchanges: all, client_address: full }}\n"
        ))
    }
}

/// The origin's end of a connection under TLS.
pub(crate) struct SecureWire {
    stream: StreamOwned<ServerConnection, TcpStream>,
    held: Vec<u8>,
}

impl SecureWire {
    /// A request without a body, up to its blank line; nothing when the peer has gone.
    pub(crate) fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.held, b"\r\n\r\n") {
                let head = self.held.drain(..end + 4).collect::<Vec<_>>();
                return Some(String::from_utf8_lossy(&head).into_owned());
            }
            let mut more = [0; 4096];
            let count = self.stream.read(&mut more).ok().filter(|count| *count > 0)?;
            self.held.extend_from_slice(&more[..count]);
        }
    }

    /// Sends; a peer that no longer listens is no failure of the test.
    pub(crate) fn put(&mut self, text: &str) {
        drop(self.stream.write_all(text.as_bytes()));
        drop(self.stream.flush());
    }

    /// Says in the words of TLS that nothing more comes.
    pub(crate) fn say_goodbye(&mut self) {
        self.stream.conn.send_close_notify();
        drop(self.stream.flush());
    }

    /// Changes the keys that what follows is sent under.
    pub(crate) fn change_keys(&mut self) {
        self.stream.conn.refresh_traffic_keys().unwrap();
        drop(self.stream.conn.write_tls(&mut self.stream.sock));
    }

    /// The name that was asked for.
    pub(crate) fn asked_name(&self) -> Option<String> {
        self.stream.conn.server_name().map(ToOwned::to_owned)
    }

    /// Whether the handshake resumed an earlier session.
    pub(crate) fn is_resumed(&self) -> bool {
        self.stream.conn.handshake_kind() == Some(rustls::HandshakeKind::Resumed)
    }

    /// The protocol that was agreed on.
    pub(crate) fn protocol(&self) -> Option<String> {
        self.stream.conn.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned())
    }
}

/// An origin under TLS, and what it tells.
pub(crate) struct SecureOrigin {
    address: SocketAddr,
    told: Receiver<String>,
    connections: Arc<AtomicUsize>,
}

impl SecureOrigin {
    /// Answers every request with this text, on connections that stay open.
    pub(crate) fn answering(config: ServerConfig, reply: &'static str) -> Self {
        Self::playing(config, move |mut wire, tell| {
            while let Some(head) = wire.head() {
                tell(head);
                wire.put(reply);
            }
        })
    }

    pub(crate) fn playing(
        config: ServerConfig,
        script: impl Fn(SecureWire, &dyn Fn(String)) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = channel();
        let (config, script) = (Arc::new(config), Arc::new(script));
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::SeqCst);
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_nodelay(true).unwrap();
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let wire = SecureWire { stream: StreamOwned::new(connection, stream), held: Vec::new() };
                let (script, tell) = (Arc::clone(&script), tell.clone());
                let tell = move |text| drop(tell.send(text));
                std::thread::spawn(move || drop(catch_unwind(AssertUnwindSafe(|| script(wire, &tell)))));
            }
        });
        Self { address, told, connections }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// What the script tells next.
    pub(crate) fn told(&self) -> String {
        self.told.recv_timeout(PATIENCE).expect("the origin is asked")
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}
