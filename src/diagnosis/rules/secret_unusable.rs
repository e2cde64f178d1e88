//! The key of the JWT plugin cannot be used at all.
//!
//! php-jwt says `Key may not be empty`, or hands on what OpenSSL says of a key that it cannot read. Both are about the key that
//! the site configured, mostly for an algorithm with two keys, and are said of every token. One fact, hence likely.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{decoding, untouched};
use crate::evidence::{Hop, Message, Symptom, Trail};

pub(in super::super) struct SecretUnusable;

impl Rule for SecretUnusable {
    fn id(&self) -> &'static str {
        "secret-unusable"
    }

    fn text(&self) -> &'static str {
        include_str!("secret_unusable.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let because = match decoding(symptom)? {
            Message::KEY_EMPTY => "WordPress says that the key is empty",
            Message::OPENSSL => "WordPress hands on what OpenSSL says of the key",
            _ => return None,
        };
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("key unusable"));
        let summary = "WordPress's JWT plugin cannot use its key: it can examine no token";
        Some(Finding {
            because: because.into(),
            path,
            cleared: vec!["client", "proxies", "web server", "expiry", "CORS"],
            ..Finding::of(self, Proof::Likely, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["stale-token-on-public-route"]
    }
}
