//! What came back, whole.

use std::time::Duration;

use crate::evidence::Company;
use crate::headers::Scheme;
use crate::message::{ReplyHead, RequestHead};
use crate::moment::Moment;

/// A reply, with the request that it answers.
#[derive(Clone)]
pub(super) struct Answer {
    /// The request as it was sent.
    pub(super) head: RequestHead,
    /// The head of the reply as it came.
    pub(super) reply: ReplyHead,
    /// The beginning of its body.
    pub(super) body: Vec<u8>,
    /// What the doctors on the way told of it, where the check shares a key with them.
    pub(super) company: Option<Company>,
    /// How it was asked.
    pub(super) scheme: Scheme,
    /// When it was there, by our clock.
    pub(super) received: Moment,
    /// How long it took.
    pub(super) took: Duration,
}

/// A secret so long is no word that a reply has for another reason.
const LONG: usize = 12;

/// A body without the secrets that were sent, where the site says them again: a code of an error is shown. A short one counts as
/// a whole JSON text alone, since it may be a word of the reply as well.
#[must_use]
pub(super) fn without_echo<'s>(body: Vec<u8>, secrets: impl Iterator<Item = &'s str>) -> Vec<u8> {
    secrets.filter(|secret| !secret.is_empty()).fold(body, |body, secret| {
        if secret.len() >= LONG {
            return replaced(&body, secret.as_bytes(), "…".as_bytes(), |_| true);
        }
        let is_value = |behind: &[u8]| !behind.trim_ascii_start().starts_with(b":");
        replaced(&body, format!("\"{secret}\"").as_bytes(), "\"…\"".as_bytes(), is_value)
    })
}

fn replaced(body: &[u8], what: &[u8], by: &[u8], is_meant: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(body.len()), body);
    while let Some(at) = memchr::memmem::find(rest, what) {
        let (before, found) = rest.split_at(at);
        let (same, behind) = found.split_at(what.len());
        out.extend_from_slice(before);
        out.extend_from_slice(if is_meant(behind) { by } else { same });
        rest = behind;
    }
    out.extend_from_slice(rest);
    out
}

/// The body may hold a token.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.reply.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::without_echo;

    #[test]
    fn a_secret_that_comes_back_is_taken_out_and_no_word_beside() {
        for (secret, body, without) in [
            ("pw1", r#"{"code":"pw1"}"#, r#"{"code":"…"}"#),
            ("code", r#"{"code":"x","a": "code" }"#, r#"{"code":"x","a": "…" }"#),
            ("code", r#"{"code" :1}"#, r#"{"code" :1}"#),
            ("demo", "a demo of demo", "a demo of demo"),
            ("correct horse battery", "no_correct horse battery", "no_…"),
            ("", "\"\"", "\"\""),
        ] {
            let left = without_echo(body.as_bytes().to_vec(), [secret].into_iter());
            assert_eq!(String::from_utf8(left).unwrap(), without, "{secret}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_gone_through(body in any::<Vec<u8>>(), secret in any::<String>()) {
            std::hint::black_box(without_echo(body, [secret.as_str()].into_iter()));
        }
    }
}
