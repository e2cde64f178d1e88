//! What came behind `Bearer` is no JWT, and the JWT plugin tried to read it as one.
//!
//! The plugin decodes every `Bearer` on every route, whoever it was meant for: an API key, another plugin's opaque
//! token, an application password. Or it was a JWT once, and lost a part. Our own reading says that it has no three
//! parts, or parts that are no JSON; php-jwt's words say the same. Placeholders are another rule's, and so is a token
//! with something around it.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{agreed, decoding, sent_wrong};
use crate::evidence::{Credential, Hop, Message, Symptom, Token, Trail};

pub(in super::super) struct TokenNotAJwt;

impl Rule for TokenNotAJwt {
    fn id(&self) -> &'static str {
        "token-not-a-jwt"
    }

    fn text(&self) -> &'static str {
        include_str!("token_not_a_jwt.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let Credential::Bearer(token @ (Token::Jwt | Token::Other)) = trail.credential else { return None };
        let message = decoding(symptom).filter(|_| !trail.has_other_bearers)?;
        let unreadable = UNREADABLE.contains(&message);
        let (summary, same) = match token {
            Token::Other if message == Message::WRONG_SEGMENTS => {
                ("the client sent a Bearer that is no JWT, and the JWT plugin claims every Bearer", true)
            }
            _ if unreadable => (
                "the client sent a token whose parts are not readable: no JWT, or a damaged one",
                trail.claims.is_none(),
            ),
            _ => return None,
        };
        let mut path = sent_wrong(trail, "no JWT".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        let proof = if same { agreed(symptom) } else { Proof::Likely };
        Some(Finding {
            because: if same {
                "our reading of it and WordPress's words agree"
            } else {
                "WordPress says so; our own reading finds nothing wrong with its form"
            }
            .into(),
            path,
            cleared: if same {
                vec!["doctor", "web server", "secret", "expiry"]
            } else {
                vec!["secret", "expiry"]
            },
            caution: "No signature was judged. Do not rotate secrets",
            ..Finding::of(self, proof, "client", summary)?
        })
    }
}

/// php-jwt's words before it comes to the signature.
const UNREADABLE: [Message; 6] = [
    Message::SYNTAX,
    Message::MALFORMED_UTF8,
    Message::CONTROL,
    Message::HEADER_ENCODING,
    Message::CLAIMS_ENCODING,
    Message::NO_OBJECT,
];
