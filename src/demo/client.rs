//! The client of the stories: one request over a connection of its own, as curl sends it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::PATIENCE;
use crate::http1::{self, Framing};
use crate::message::{ReplyHead, RequestHead};

/// What came back.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) head: ReplyHead,
    pub(super) body: Vec<u8>,
}

/// Sends a request without body, which must end its connection, and waits for the reply.
///
/// # Errors
/// None came.
pub(super) fn ask(address: SocketAddr, head: &RequestHead) -> io::Result<Got> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut text = Vec::new();
    http1::request_head(&mut text, head, Framing::Length(0));
    stream.write_all(&text)?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    let end = memchr::memmem::find(&all, b"\r\n\r\n").ok_or(ErrorKind::UnexpectedEof)? + 4;
    let body = all.split_off(end);
    let head = http1::parse_reply(&all).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    Ok(Got { head, body })
}
