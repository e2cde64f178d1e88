//! The secret is shorter than the JWT plugin's library takes.
//!
//! php-jwt checks that from 7.0 on and says `Provided key is too short`. It says so of every token, so an update of the plugin that
//! brings it shuts out all clients at once. It is one fact, hence never more than likely.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{decoding, untouched};
use crate::evidence::{Hop, Message, Symptom, Trail};

pub(in super::super) struct SecretTooShort;

impl Rule for SecretTooShort {
    fn id(&self) -> &'static str {
        "secret-too-short"
    }

    fn text(&self) -> &'static str {
        include_str!("secret_too_short.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        if decoding(symptom)? != Message::KEY_TOO_SHORT {
            return None;
        }
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("secret too short"));
        let summary =
            "the secret of WordPress's JWT plugin is shorter than its library takes: it can examine no token";
        Some(Finding {
            because: "WordPress says so; its library, php-jwt, refuses short secrets from version 7 on"
                .into(),
            path,
            cleared: vec!["client", "proxies", "web server", "token", "expiry", "CORS"],
            ..Finding::of(self, Proof::Likely, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["stale-token-on-public-route"]
    }
}
