//! One connection to an upstream.

use std::task::{Context, Waker};

use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;

use super::{Address, Error, Settings};
use crate::wire::{ReadHalf, Reader, Stream, WriteHalf, Writer};

/// A connection over which no exchange is under way.
pub(super) struct Connection {
    pub(super) reader: Reader<ReadHalf>,
    pub(super) writer: Writer<WriteHalf>,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(settings: &Settings) -> Result<Self, Error> {
        let connecting = timeout(settings.connect_timeout, connect(&settings.address));
        let stream = connecting.await.map_err(|_| Error::ConnectTimeout(settings.connect_timeout))??;
        let (read, write) = stream.split();
        Ok(Self { reader: Reader::of_messages(read), writer: Writer::new(write, settings.idle_timeout) })
    }

    /// Whether the upstream has said nothing since the last reply: neither closed nor sent bytes nobody asked for.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.reader.data().is_empty() && self.reader.poll_fill(&mut context).is_pending()
    }
}

async fn connect(address: &Address) -> Result<Stream, Error> {
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
