//! The head of a reply as CGI has it: its status stands in a field.

use crate::http1::{self, BadReply};
use crate::message::{Fields, Name, ReplyHead, Status, Version};
use crate::upstream::Error;

/// The status of a reply that leads elsewhere and says nothing of one.
const FOUND: &[u8] = b"302 Found";

/// Reads a head whose status stands in a field (RFC 3875 §6.3.3). Where there is none, it is 302 with a `Location` (§6.2.3),
/// as web servers have it, else 200.
pub(super) fn reply(text: &[u8]) -> Result<ReplyHead, Error> {
    let mut head = http1::parse_reply(text)?;
    let is_status = |name: &[u8]| name.eq_ignore_ascii_case(b"Status");
    let told = head.fields.iter().find(|field| is_status(field.name)).map(|field| field.value.to_vec());
    let told = told.or_else(|| head.fields.has(Name::Location).then(|| FOUND.to_vec()));
    let Some(told) = told else { return Ok(head) };
    let (code, reason) = told.split_at_checked(3).ok_or(BadReply::Status)?;
    let code = std::str::from_utf8(code).ok().and_then(|code| code.parse().ok());
    // CGI knows no interim replies, and no switch of protocols.
    let status =
        code.filter(|code| (200..600).contains(code)).and_then(Status::new).ok_or(BadReply::Status)?;
    let mut fields = std::mem::replace(&mut head.fields, Fields::new());
    fields.retain(|field| !is_status(field.name));
    let reason = fields.store(reason.trim_ascii());
    Ok(ReplyHead::new(status, reason, Version::Http11, fields))
}
