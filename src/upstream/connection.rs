//! One connection to an upstream.

use std::task::{Context, Waker};

use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::tls::{Offer, Tls};
use super::{Address, Error, Settings};
use crate::wire::{ReadHalf, Reader, Stream, WriteHalf, Writer};

/// A connection that speaks HTTP/1.1 and over which no exchange is under way.
pub(super) struct Connection {
    pub(super) reader: Reader<ReadHalf>,
    pub(super) writer: Writer<WriteHalf>,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(settings: &Settings) -> Result<Self, Error> {
        Ok(Self::over(connect(settings, Offer::Http1).await?, settings))
    }

    /// A connection that was just made.
    pub(super) fn over(stream: Stream, settings: &Settings) -> Self {
        let (read, write) = stream.split();
        Self { reader: Reader::of_messages(read), writer: Writer::new(write, settings.idle_timeout) }
    }

    /// Whether the upstream has said nothing since the last reply: neither closed nor sent bytes nobody asked for.
    /// What TLS says for itself (tickets, new keys) is not the upstream's.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.reader.data().is_empty() && self.reader.poll_fill(&mut context).is_pending()
    }
}

/// Connects, with the handshake where there is TLS: all of it in the time that connecting may take.
pub(super) async fn connect(settings: &Settings, offer: Offer) -> Result<Stream, Error> {
    let after = settings.connect_timeout;
    let deadline = Instant::now() + after;
    let connecting = timeout_at(deadline, transport(&settings.address));
    let stream = connecting.await.map_err(|_| Error::ConnectTimeout(after))??;
    match (&settings.tls, stream) {
        (Some(tls), Stream::Tcp(stream)) => {
            let securing = timeout_at(deadline, tls.over(stream, offer));
            let stream = securing.await.map_err(|_| Tls::stalled(after))??;
            Ok(Stream::Tls(Box::new(stream.into())))
        }
        (_, stream) => Ok(stream),
    }
}

async fn transport(address: &Address) -> Result<Stream, Error> {
    match address {
        Address::Tcp { host, port } => {
            let stream = connect_tcp(host, *port).await?;
            // A small write must not wait for the acknowledgement of the one before.
            stream.set_nodelay(true).map_err(|error| Error::of_connect(&error))?;
            Ok(Stream::Tcp(stream))
        }
        Address::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(|error| Error::of_connect(&error))?;
            Ok(Stream::Unix(stream))
        }
    }
}

async fn connect_tcp(host: &str, port: u16) -> Result<TcpStream, Error> {
    let mut failure = Error::Resolve;
    for address in lookup_host((host, port)).await.map_err(|_| Error::Resolve)? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Error::of_connect(&error),
        }
    }
    Err(failure)
}
