//! One connection to an upstream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, lookup_host, tcp, unix};
use tokio::time::timeout;

use super::{Address, Error, Settings};
use crate::wire::{Reader, Writer};

pub(super) enum ReadHalf {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
}

pub(super) enum WriteHalf {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

/// A connection over which no exchange is under way.
pub(super) struct Connection {
    pub(super) reader: Reader<ReadHalf>,
    pub(super) writer: Writer<WriteHalf>,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(settings: &Settings) -> Result<Self, Error> {
        let connecting = timeout(settings.connect_timeout, halves(&settings.address));
        let (read, write) =
            connecting.await.map_err(|_| Error::ConnectTimeout(settings.connect_timeout))??;
        Ok(Self { reader: Reader::of_messages(read), writer: Writer::new(write, settings.idle_timeout) })
    }

    /// Whether the upstream has said nothing since the last reply: neither closed nor sent bytes nobody asked for.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.reader.data().is_empty() && self.reader.poll_fill(&mut context).is_pending()
    }
}

async fn halves(address: &Address) -> Result<(ReadHalf, WriteHalf), Error> {
    match address {
        Address::Tcp { host, port } => {
            let stream = connect_tcp(host, *port).await?;
            // A small write must not wait for the acknowledgement of the one before.
            stream.set_nodelay(true).map_err(|error| Error::Connect(error.kind()))?;
            let (read, write) = stream.into_split();
            Ok((ReadHalf::Tcp(read), WriteHalf::Tcp(write)))
        }
        Address::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(|error| Error::Connect(error.kind()))?;
            let (read, write) = stream.into_split();
            Ok((ReadHalf::Unix(read), WriteHalf::Unix(write)))
        }
    }
}

async fn connect_tcp(host: &str, port: u16) -> Result<TcpStream, Error> {
    let mut failure = Error::Resolve;
    for address in lookup_host((host, port)).await.map_err(|_| Error::Resolve)? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Error::Connect(error.kind()),
        }
    }
    Err(failure)
}

impl AsyncRead for ReadHalf {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(half) => Pin::new(half).poll_read(cx, buf),
            Self::Unix(half) => Pin::new(half).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(half) => Pin::new(half).poll_write(cx, bytes),
            Self::Unix(half) => Pin::new(half).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(half) => Pin::new(half).poll_write_vectored(cx, parts),
            Self::Unix(half) => Pin::new(half).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(half) => Pin::new(half).poll_shutdown(cx),
            Self::Unix(half) => Pin::new(half).poll_shutdown(cx),
        }
    }
}
