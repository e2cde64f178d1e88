//! The replies the doctor writes itself, in WordPress's error shape and never in a plugin's code.

use serde_json::json;

use crate::message::{Body, Fields, Reply, ReplyHead, Status};

/// How many seconds a client had better wait before it asks a doctor again that has no room for it.
const RETRY_AFTER: &[u8] = b"5";

/// An error that says what is wrong. The connection ends with it: what follows a request that was not read to its
/// end cannot be told from its rest.
pub(super) fn error(status: Status, code: &str, message: &str) -> Reply<'static> {
    let body = json!({ "code": code, "message": message, "data": { "status": status.code() } }).to_string();
    let length = body.len().to_string();
    let mut fields = Fields::from([
        ("Content-Type", "application/json; charset=UTF-8"),
        ("Cache-Control", "no-store"),
        ("Content-Length", &length),
    ]);
    if status == Status::SERVICE_UNAVAILABLE {
        fields.append(b"Retry-After", RETRY_AFTER);
    }
    Reply { head: ReplyHead::build(status, fields), body: Body::full(body.into_bytes()), close: true }
}

/// The answer to `OPTIONS *`, which asks about the server and not about any resource (RFC 9110 §9.3.7).
pub(super) fn server_options() -> Reply<'static> {
    let fields = Fields::from([("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")]);
    Reply { head: ReplyHead::build(Status::NO_CONTENT, fields), body: Body::empty(), close: false }
}

/// The interim reply that lets a client send its body.
pub(super) fn go_on() -> ReplyHead {
    ReplyHead::build(Status::CONTINUE, Fields::new())
}
