//! WooCommerce saw a key and refused it; its message tells why.
//!
//! One code stands for a wrong secret, an unknown key, a signature, a timestamp, a nonce and the key's permissions. The message is read in
//! English; in another language only the code speaks.

use super::super::codes;
use super::super::told::told;
use super::super::{Finding, Rule};
use crate::evidence::{Symptom, Trail};

pub(in super::super) struct WoocommerceKeyRefused;

impl Rule for WoocommerceKeyRefused {
    fn id(&self) -> &'static str {
        "woocommerce-key-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("woocommerce_key_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let known = codes::of(symptom).filter(|known| known.rules.contains(&self.id()))?;
        if symptom.status.code() != 401 || symptom.from_cache {
            return None;
        }
        let finding = told(self, trail, symptom, known)?;
        Some(Finding { cleared: cleared(known.messages), ..finding })
    }

    fn yields(&self) -> bool {
        true
    }
}

/// Only a secret is looked at by way of TLS alone. A signature that does not fit, parameters that are missing and a request that came
/// twice may be a hop's doing, and where the words are not known everything may.
fn cleared(messages: &[&str]) -> Vec<&'static str> {
    let says = |word: &str| messages.iter().any(|message| message.contains(word));
    if messages.is_empty() || says("signature") || says("OAuth") || says("nonce") {
        return Vec::new();
    }
    if says("Consumer secret") {
        return vec!["proxies", "web server", "TLS detection"];
    }
    vec!["proxies", "web server"]
}
