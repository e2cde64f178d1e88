//! A bare connection: bytes out, bytes in, nothing understood but where a reply ends.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use rustls::ClientConnection;

use super::PATIENCE;

/// A connection of a client or an origin.
pub(crate) struct Wire {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
    held: Vec<u8>,
}

/// One reply as a client sees it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

impl Wire {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect_timeout(&address, PATIENCE).unwrap())
    }

    /// A connection, if somebody listens.
    pub(crate) fn try_to(address: SocketAddr) -> Option<Self> {
        TcpStream::connect_timeout(&address, PATIENCE).ok().map(Self::over)
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, tls: None, held: Vec::new() }
    }

    /// The same under TLS, its handshake done.
    pub(crate) fn secured(self, tls: ClientConnection) -> Self {
        self.try_secured(tls).unwrap()
    }

    /// The same; an error when the handshake failed.
    pub(crate) fn try_secured(mut self, mut tls: ClientConnection) -> std::io::Result<Self> {
        while tls.is_handshaking() {
            tls.complete_io(&mut self.stream)?;
        }
        self.tls = Some(Box::new(tls));
        Ok(self)
    }

    /// The state of TLS.
    pub(crate) fn tls(&self) -> &ClientConnection {
        self.tls.as_deref().expect("a connection under TLS")
    }

    pub(crate) fn send(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.put(bytes);
        self
    }

    /// Sends; a peer that no longer listens is no failure of the test.
    pub(crate) fn put(&mut self, bytes: impl AsRef<[u8]>) {
        drop(self.try_put(bytes.as_ref()));
    }

    pub(crate) fn try_put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match &mut self.tls {
            Some(tls) => rustls::Stream::new(&mut **tls, &mut self.stream).write_all(bytes),
            None => self.stream.write_all(bytes),
        }
    }

    /// The same connection, for another thread to send on.
    pub(crate) fn other_hand(&self) -> Self {
        Self::over(self.stream.try_clone().unwrap())
    }

    /// Says that nothing more is sent; a peer that has gone is no failure of the test.
    pub(crate) fn finish(self) -> Self {
        drop(self.stream.shutdown(Shutdown::Write));
        self
    }

    /// Says that nothing more is sent, under TLS in its own words first.
    pub(crate) fn say_goodbye(mut self) -> Self {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            tls.write_tls(&mut self.stream).unwrap();
        }
        self.finish()
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(self) {
        let socket = socket2::SockRef::from(&self.stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Reads more; 0 is the end, in order or by reset.
    fn fill(&mut self) -> usize {
        self.try_fill().unwrap_or_else(|error| {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "nothing comes");
            0
        })
    }

    fn try_fill(&mut self) -> std::io::Result<usize> {
        let mut more = vec![0; 1 << 16];
        let count = loop {
            let outcome = match &mut self.tls {
                Some(tls) => rustls::Stream::new(&mut **tls, &mut self.stream).read(&mut more),
                None => self.stream.read(&mut more),
            };
            // A wait with a timeout is interrupted where the whole machine was paused.
            if !outcome.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::Interrupted) {
                break outcome?;
            }
        };
        self.held.extend_from_slice(&more[..count]);
        Ok(count)
    }

    /// Whether something has come within this time, the end included.
    pub(crate) fn has_come_within(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let outcome = self.try_fill();
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        !outcome.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Everything up to the end of the connection.
    pub(crate) fn read_to_end(self) -> String {
        String::from_utf8_lossy(&self.read()).into_owned()
    }

    /// Everything up to the end of the connection, as bytes.
    pub(crate) fn read(mut self) -> Vec<u8> {
        while self.fill() > 0 {}
        self.held
    }

    /// Everything up to the end of the connection; an error when the connection was reset.
    pub(crate) fn try_read_to_end(mut self) -> std::io::Result<Vec<u8>> {
        while self.try_fill()? > 0 {}
        Ok(self.held)
    }

    /// What comes next; an error when the connection broke.
    pub(crate) fn try_read_some(&mut self) -> std::io::Result<Vec<u8>> {
        self.try_fill()?;
        Ok(std::mem::take(&mut self.held))
    }

    /// Waits until a head is there and takes it, blank line included.
    pub(crate) fn head(&mut self) -> String {
        let end = loop {
            if let Some(end) = memchr::memmem::find(&self.held, b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.fill() > 0, "no head: {:?}", String::from_utf8_lossy(&self.held));
        };
        String::from_utf8_lossy(&self.take(end)).into_owned()
    }

    /// Waits for `count` bytes and takes them.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.held.len() < count {
            assert!(self.fill() > 0, "only {} of {count} bytes", self.held.len());
        }
        self.take(count)
    }

    /// Whether the peer has ended the connection and nothing is left to read.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.held.is_empty() && self.fill() == 0
    }

    /// A reply to a GET: head and body as its framing says.
    pub(crate) fn reply(&mut self) -> Reply {
        let mut reply = Reply { head: self.head(), body: Vec::new() };
        if let Some(length) = reply.field("content-length").and_then(|text| text.parse().ok()) {
            reply.body = self.bytes(length);
        } else if reply.field("transfer-encoding") == Some("chunked") {
            reply.body = self.chunks();
        }
        reply
    }

    /// The head and the raw text of one message whose body is at most Content-Length long.
    pub(crate) fn message(&mut self) -> String {
        let head = self.head();
        let length = head
            .to_lowercase()
            .split_once("content-length: ")
            .map_or(0, |(_, rest)| rest.split("\r\n").next().and_then(|text| text.parse().ok()).unwrap_or(0));
        head + &String::from_utf8_lossy(&self.bytes(length))
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = memchr::memmem::find(&self.held, b"\r\n") {
                return String::from_utf8_lossy(&self.take(end + 2)).trim_end().to_owned();
            }
            assert!(self.fill() > 0, "no line: {:?}", String::from_utf8_lossy(&self.held));
        }
    }

    fn chunks(&mut self) -> Vec<u8> {
        std::iter::from_fn(|| self.chunk()).flatten().collect()
    }

    /// The next chunk of a body; nothing at its end.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let length = usize::from_str_radix(&self.line(), 16).unwrap();
        if length == 0 {
            while !self.line().is_empty() {}
            return None;
        }
        let chunk = self.bytes(length);
        assert_eq!(self.line(), "");
        Some(chunk)
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        self.held.drain(..count).collect()
    }
}
