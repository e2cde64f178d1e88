//! Whose side an exchange broke on, as its event tells it.

use std::borrow::Cow;

use super::mishap;
use crate::event::{Event, Failure, Side};
use crate::message::{Broken, Status};
use crate::upstream::Error;

/// Whose side broke.
pub(super) const fn side(error: &Error) -> Side {
    match error {
        _ if error.is_clients() => Side::Client,
        _ if error.is_own() => Side::Doctor,
        _ => Side::Upstream,
    }
}

/// A reply broke off, or what it was still an answer to. One that is the doctor's own is a file of its own.
pub(super) fn cut_off(broken: Broken, is_own: bool) -> Failure {
    let (who, code) = match broken {
        _ if is_own => (Side::Doctor, "header_doctor_reply_cut_off"),
        Broken::Request => (Side::Client, "header_doctor_body_cut_off"),
        _ => (Side::Upstream, "header_doctor_reply_cut_off"),
    };
    Failure { who, code, what: format!("the reply could not be passed on whole: {broken}").into() }
}

/// The exchange ended before its reply did: the client went away, unless the doctor itself is just failing.
pub(super) fn gone(event: &mut Event) {
    if std::thread::panicking() {
        event.status.get_or_insert(Status::INTERNAL_ERROR);
        event.failure = Some(mishap::failure());
        return;
    }
    event.client_gone = true;
    event.failure = Some(Failure {
        who: Side::Client,
        code: "header_doctor_client_gone",
        what: Cow::Borrowed("the client went away before its reply was whole"),
    });
}
