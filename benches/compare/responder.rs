//! The FastCGI application behind every peer: as little work as one can do, since it shares a CPU with the load.
//!
//! ```text
//! responder SOCKET FOLDER
//! ```
//!
//! `/1k` and `/64k` are the files of these names in the folder, `/seen` is what it was told of the request: the proof
//! that all peers do the same work. It closes a connection or keeps it, as it is asked to. As in PHP-FPM, whoever is free
//! accepts, and serves nobody else until that connection is closed. It needs nothing but the standard library, so
//! `compare` has it from the compiler in a second or two.

use std::borrow::Cow;
use std::error::Error;
use std::fs::Permissions;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

/// How many connections are served at a time, each by a thread: more than a scenario has clients.
const WORKERS: usize = 128;

/// The kinds of records, as FastCGI numbers them.
const BEGIN: u8 = 1;
const END: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;

/// What a record holds when PHP writes much at once, in bytes.
const PIECE: usize = 0xfff8;

/// What is told of a request at `/seen`.
const TOLD: [&str; 13] = [
    "SCRIPT_FILENAME",
    "SCRIPT_NAME",
    "DOCUMENT_ROOT",
    "REQUEST_METHOD",
    "REQUEST_URI",
    "QUERY_STRING",
    "REMOTE_ADDR",
    "HTTP_HOST",
    "HTTP_AUTHORIZATION",
    "HTTP_COOKIE",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(socket), Some(folder)) = (words.next(), words.next()) else {
        return Err("usage: responder SOCKET FOLDER".into());
    };
    let replies = Replies::read(Path::new(&folder))?;
    let listener = UnixListener::bind(&socket)?;
    // nginx's worker is another user.
    std::fs::set_permissions(&socket, Permissions::from_mode(0o666))?;
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| work(&listener, &replies));
        }
    });
    Ok(())
}

/// Ends when nothing can be accepted any more.
fn work(listener: &UnixListener, replies: &Replies) {
    while let Ok((stream, _)) = listener.accept() {
        // A peer that closes is no trouble.
        let _outcome = serve(&stream, replies);
    }
}

/// What is answered, as it lies on the wire for request 1.
struct Replies {
    small: Vec<u8>,
    large: Vec<u8>,
}

impl Replies {
    fn read(folder: &Path) -> io::Result<Self> {
        let reply = |name: &str, media_type: &str| {
            io::Result::Ok(reply(media_type, &std::fs::read(folder.join(name))?))
        };
        Ok(Self { small: reply("1k", "application/json")?, large: reply("64k", "text/html")? })
    }
}

fn reply(media_type: &str, body: &[u8]) -> Vec<u8> {
    let text = [format!("Content-Type: {media_type}\r\n\r\n").as_bytes(), body].concat();
    let mut wire = Vec::with_capacity(text.len() + 64);
    for piece in text.chunks(PIECE) {
        record(&mut wire, STDOUT, piece);
    }
    record(&mut wire, END, &[0; 8]);
    wire
}

fn record(wire: &mut Vec<u8>, kind: u8, content: &[u8]) {
    let [high, low] = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    wire.extend_from_slice(&[1, kind, 0, 1, high, low, 0, 0]);
    wire.extend_from_slice(content);
}

/// A reply in the name of another request. HAProxy counts them.
fn renamed(wire: &[u8], id: [u8; 2]) -> Cow<'_, [u8]> {
    if id == [0, 1] {
        return Cow::Borrowed(wire);
    }
    let mut wire = wire.to_vec();
    let mut rest = &mut *wire;
    while let [_, _, high, low, length_high, length_low, _, _, behind @ ..] = rest {
        [*high, *low] = id;
        let length = usize::from(u16::from_be_bytes([*length_high, *length_low]));
        rest = behind.get_mut(length..).unwrap_or_default();
    }
    Cow::Owned(wire)
}

/// A request as it comes.
#[derive(Default)]
struct Request {
    id: [u8; 2],
    keeps: bool,
    pairs: Vec<u8>,
    is_whole: bool,
}

impl Request {
    fn hear(&mut self, kind: u8, id: [u8; 2], content: &[u8]) {
        match (kind, content) {
            (BEGIN, content) => {
                self.id = id;
                self.keeps = content.get(2).is_some_and(|flags| flags & 1 == 1);
            }
            (PARAMS, content) => self.pairs.extend_from_slice(content),
            (STDIN, []) => self.is_whole = true,
            _ => {}
        }
    }
}

fn serve(mut stream: &UnixStream, replies: &Replies) -> io::Result<()> {
    let (mut come, mut room) = (Vec::new(), [0; 16 * 1024]);
    let mut request = Request::default();
    loop {
        let count = stream.read(&mut room)?;
        if count == 0 {
            return Ok(());
        }
        come.extend_from_slice(room.get(..count).unwrap_or_default());
        let used = take(&come, &mut request);
        come.drain(..used);
        if !request.is_whole {
            continue;
        }
        stream.write_all(&answer(&pairs(&request.pairs), request.id, replies))?;
        if !request.keeps {
            return Ok(());
        }
        request = Request::default();
    }
}

/// Hears the records that have come whole, up to the end of the request, and says how many bytes they took.
fn take(come: &[u8], request: &mut Request) -> usize {
    let mut rest = come;
    while let [_, kind, id_high, id_low, high, low, padding, _, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(after) = behind.get(length + usize::from(*padding)..) else { break };
        request.hear(*kind, [*id_high, *id_low], behind.get(..length).unwrap_or_default());
        rest = after;
        if request.is_whole {
            break;
        }
    }
    come.len() - rest.len()
}

fn answer<'r>(told: &[(&[u8], &[u8])], id: [u8; 2], replies: &'r Replies) -> Cow<'r, [u8]> {
    let value = |name: &str| told.iter().find(|(told, _)| *told == name.as_bytes()).map(|(_, value)| *value);
    let uri = value("REQUEST_URI").unwrap_or_default();
    match uri.split(|byte| *byte == b'?').next() {
        Some(b"/1k") => renamed(&replies.small, id),
        Some(b"/64k") => renamed(&replies.large, id),
        _ => {
            let line = |name: &&str| [name.as_bytes(), b"=", value(name).unwrap_or_default(), b"\n"].concat();
            let seen: Vec<u8> = TOLD.iter().flat_map(line).collect();
            renamed(&reply("text/plain", &seen), id).into_owned().into()
        }
    }
}

fn pairs(mut wire: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut list = Vec::with_capacity(48);
    while let Some((name, value, rest)) = pair(wire) {
        list.push((name, value));
        wire = rest;
    }
    list
}

fn pair(wire: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, wire) = length(wire)?;
    let (value, wire) = length(wire)?;
    let (name, wire) = wire.split_at_checked(name)?;
    let (value, rest) = wire.split_at_checked(value)?;
    Some((name, value, rest))
}

fn length(wire: &[u8]) -> Option<(usize, &[u8])> {
    match wire {
        [short @ 0..128, rest @ ..] => Some((usize::from(*short), rest)),
        [a, b, c, d, rest @ ..] => {
            Some((usize::try_from(u32::from_be_bytes([a & 0x7f, *b, *c, *d])).ok()?, rest))
        }
        _ => None,
    }
}
