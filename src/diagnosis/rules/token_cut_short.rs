//! The end of the token is missing.
//!
//! A token begins with its header and ends with its signature. If the header is whole and the rest is not, or if the signature is
//! shorter than its algorithm makes it (RFC 7518 §3.2), it was cut: by a column or a cookie that is too short, a copy, a hop
//! in front. What WordPress says of it depends on where it was cut: too few segments, or a signature that does not fit.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{agreed, decoding, is_anonymous, sent_wrong};
use crate::evidence::{Credential, Hop, Message, Symptom, Token, Trail};

pub(in super::super) struct TokenCutShort;

impl Rule for TokenCutShort {
    fn id(&self) -> &'static str {
        "token-cut-short"
    }

    fn text(&self) -> &'static str {
        include_str!("token_cut_short.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_token = matches!(trail.credential, Credential::Bearer(Token::Jwt | Token::Other));
        if !trail.is_cut || !is_token || trail.has_other_bearers {
            return None;
        }
        let is_whole_in_form = trail.claims.is_some();
        let (proof, because) = match decoding(symptom) {
            Some(Message::SIGNATURE) if is_whole_in_form => (Proof::Likely, SHORT),
            Some(message) if !is_whole_in_form && OF_A_STUMP.contains(&message) => (agreed(symptom), STUMP),
            None if is_anonymous(symptom) => (Proof::Likely, PASSED_OVER),
            _ => return None,
        };
        let mut path = sent_wrong(trail, "cut short".into());
        path.push(Stop::new(Hop::Php, if decoding(symptom).is_some() { Mark::Good } else { Mark::Unknown }));
        let summary = if is_whole_in_form {
            "the client sent a token whose end is missing: its signature is too short"
        } else {
            "the client sent a token whose end is missing: it has a header and less than three parts"
        };
        Some(Finding {
            because: because.into(),
            path,
            cleared: vec!["doctor", "secret", "expiry", "permissions"],
            caution: "Do not rotate secrets: every other token would be refused, too",
            ..Finding::of(self, proof, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["token-not-a-jwt", "token-signature-refused"]
    }
}

const SHORT: &str =
    "seen on arrival: the signature is shorter than its algorithm makes it, and WordPress refused it";
const STUMP: &str =
    "seen on arrival: the header of a token is there and its end is not, and WordPress says the same";
const PASSED_OVER: &str = "seen on arrival: the end of the token is missing, and WordPress took the caller for anonymous, as \
                           some JWT plugins do with a token that they cannot read";

/// What php-jwt says of a beginning.
const OF_A_STUMP: [Message; 6] = [
    Message::WRONG_SEGMENTS,
    Message::SIGNATURE,
    Message::SYNTAX,
    Message::MALFORMED_UTF8,
    Message::CONTROL,
    Message::CLAIMS_ENCODING,
];
