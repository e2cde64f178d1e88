//! PHP-FPM played by a script: the records of its side, and what it was told.

use serde_json::{Value, json};

use super::{Origin, Wire};

/// One record.
pub(crate) fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[1, kind, 0, 1, high, low, 3, 0], content, &[0; 3]].concat()
}

/// A piece of a reply.
pub(crate) fn stdout(content: &str) -> Vec<u8> {
    record(6, content.as_bytes())
}

/// The end of a request, with this status of the protocol.
pub(crate) fn end(protocol: u8) -> Vec<u8> {
    record(3, &[0, 0, 0, 0, protocol, 0, 0, 0])
}

/// A whole reply.
pub(crate) fn answer(text: &str) -> Vec<u8> {
    [stdout(text), record(6, b""), end(0)].concat()
}

fn length(bytes: &mut &[u8]) -> usize {
    let (first, rest) = bytes.split_first().unwrap();
    if *first < 128 {
        *bytes = rest;
        return usize::from(*first);
    }
    let (long, rest) = bytes.split_first_chunk::<4>().unwrap();
    *bytes = rest;
    (u32::from_be_bytes(*long) & 0x7fff_ffff) as usize
}

/// Reads a request to its end: its variables, with its body as `stdin` and the flags of its beginning as `flags`.
pub(crate) fn request(wire: &mut Wire) -> Value {
    let (mut told, mut stdin, mut params) = (json!({}), Vec::new(), Vec::new());
    loop {
        let head = wire.bytes(8);
        let size = usize::from(u16::from_be_bytes([head[4], head[5]]));
        let content = wire.bytes(size + usize::from(head[6]))[..size].to_vec();
        match (head[1], size) {
            (1, _) => told["flags"] = content[2].into(),
            (4, 0) => {
                let mut pairs = &params[..];
                while !pairs.is_empty() {
                    let (name, value) = (length(&mut pairs), length(&mut pairs));
                    let (pair, rest) = pairs.split_at(name + value);
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    told[text(&pair[..name])] = text(&pair[name..]).into();
                    pairs = rest;
                }
            }
            (4, _) => params.extend(content),
            (5, 0) => break,
            (5, _) => stdin.extend(content),
            other => panic!("{other:?}"),
        }
    }
    told["stdin"] = String::from_utf8_lossy(&stdin).into_owned().into();
    told
}

/// PHP that reads each request to its end and then sends these bytes, and ends.
pub(crate) fn php(reply: impl Into<Vec<u8>>) -> Origin {
    let reply = reply.into();
    Origin::playing(move |mut wire, tell| {
        tell(request(&mut wire).to_string());
        wire.put(&reply);
    })
}

/// The URL of it for an upstream.
pub(crate) fn url(origin: &Origin) -> String {
    origin.to_string().replace("http://", "fastcgi://")
}

/// The next request it saw.
pub(crate) fn asked(origin: &Origin) -> Value {
    serde_json::from_str(&origin.request()).unwrap()
}
