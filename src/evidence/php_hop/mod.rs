//! What the last doctor asks PHP, and what the plugin there answers.
//!
//! ```text
//! Header-Doctor-Ask:    1;KEY;EXCHANGE;SECONDS;SEAL
//! Header-Doctor-Answer: 1;KEY;EXCHANGE;MILLISECONDS;NAME=VALUE;…;m=SEAL
//! ```
//!
//! Both are sealed with a key that PHP and doctors alone have, over direction, method, host and the whole text. Words and no
//! structured field: PHP takes them apart with one regular expression, and a person can read them. An answer counts only if it names
//! the exchange that was asked about; none, or that of another, says nothing at all, since a cache may have answered.

mod answer;
mod arrived;
mod saw;

pub use answer::{MOST_BYTES, answered};
pub use arrived::{Arrived, Reached};
pub use saw::{By, PhpSaw, PhpUser, SiteSecret, Word};

use super::exchange_id::ExchangeId;
use super::signed::{Bound, Direction};
use crate::moment::Moment;
use crate::secret::TrailKey;

/// The question about an exchange, sealed.
#[must_use]
pub fn question(key: &TrailKey, exchange: ExchangeId, at: Moment, bound: &Bound<'_>) -> Vec<u8> {
    let text = format!("1;{};{exchange};{}", key.id(), at.seconds());
    let seal = hex(&key.php().seal(&sealed(bound, text.as_bytes())));
    format!("{text};{seal}").into_bytes()
}

/// What a seal is of.
fn sealed(bound: &Bound<'_>, text: &[u8]) -> Vec<u8> {
    let direction: &[u8] = match bound.direction {
        Direction::There => b"question",
        Direction::Back => b"answer",
    };
    let parts = [b"header-doctor ", direction, b" v1\n", bound.method, b"\n", &bound.authority, b"\n", text];
    parts.concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
