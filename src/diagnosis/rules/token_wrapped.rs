//! Something stands around the token, or between `Bearer` and it.
//!
//! Each form has its own answer, measured with JWT Authentication for WP REST API: php-jwt's base64 passes over
//! quotes and braces, so the parts are readable and it is the signature that does not fit; `Bearer:` and a second
//! `Bearer` leave no three parts; angle brackets are removed as a tag by `sanitize_text_field`, but not at
//! `token/validate`; percent-escapes are removed by it as well, so they hurt at `token/validate` alone. Quotes around
//! the whole hide `Bearer`, and the header is passed over.
//!
//! Silent when php-jwt speaks of the token's time or algorithm: then it read an intact token.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{agreed, is_anonymous, sent_wrong};
use crate::evidence::{Credential, Hop, Message, RouteClass, Symptom, Token, Trail, Wrapping};

pub(in super::super) struct TokenWrapped;

impl Rule for TokenWrapped {
    fn id(&self) -> &'static str {
        "token-wrapped"
    }

    fn text(&self) -> &'static str {
        include_str!("token_wrapped.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let (form, proof) = match trail.credential {
            Credential::Quoted => ("\"Bearer …\", quotes around the whole", quoted(symptom)?),
            Credential::Bearer(Token::Wrapped(around)) => (around.form(), wrapped(around, trail, symptom)?),
            _ => return None,
        };
        let arrived = !is_anonymous(symptom);
        let mut path = sent_wrong(trail, form.into());
        path.push(Stop::new(Hop::Php, if arrived { Mark::Good } else { Mark::Unknown }));
        Some(Finding {
            because: if arrived {
                "seen on arrival, and WordPress refused it in the words that this form earns"
            } else {
                "seen on arrival, and WordPress took the caller for anonymous"
            }
            .into(),
            path,
            cleared: cleared(arrived),
            caution: "The token itself was not judged. Do not rotate secrets",
            ..Finding::of(self, proof, "client", format!("the client sent its token as {form}"))?
        })
    }
}

fn quoted(symptom: &Symptom) -> Option<Proof> {
    if symptom.refused_with("jwt_auth_bad_auth_header") {
        return Some(agreed(symptom));
    }
    is_anonymous(symptom).then_some(Proof::Likely)
}

fn wrapped(around: Wrapping, trail: &Trail, symptom: &Symptom) -> Option<Proof> {
    // On other routes WordPress removes the escapes, and the token is good.
    if matches!(around, Wrapping::Escapes(_)) && trail.route.class != RouteClass::Validate {
        return None;
    }
    if symptom.refused_with("jwt_auth_bad_auth_header") {
        return (around == Wrapping::AngleBrackets).then(|| agreed(symptom));
    }
    if symptom.refused_with("jwt_auth_invalid_token") {
        let Some(message) = symptom.message() else { return Some(Proof::Likely) };
        return words(around, message).map(|proof| proof.min(agreed(symptom)));
    }
    is_anonymous(symptom).then_some(Proof::Likely)
}

/// How sure php-jwt's words make it: those that were measured, or others that a spoiled token earns.
fn words(around: Wrapping, message: Message) -> Option<Proof> {
    let measured: &[Message] = match around {
        Wrapping::Quotes | Wrapping::Brackets | Wrapping::AngleBrackets => &[Message::SIGNATURE],
        Wrapping::Doubled | Wrapping::Colon => &[Message::WRONG_SEGMENTS],
        Wrapping::Escapes(_) => &[Message::SIGNATURE, Message::MALFORMED_UTF8],
        Wrapping::CurlyQuotes => &[],
    };
    let spoiled = [
        Message::SIGNATURE,
        Message::WRONG_SEGMENTS,
        Message::MALFORMED_UTF8,
        Message::SYNTAX,
        Message::CONTROL,
    ];
    let likely = spoiled.contains(&message).then_some(Proof::Likely);
    if measured.contains(&message) { Some(Proof::Proved) } else { likely }
}

fn cleared(arrived: bool) -> Vec<&'static str> {
    if arrived {
        vec!["proxies", "web server", "secret", "expiry", "CORS"]
    } else {
        vec!["doctor", "secret", "expiry"]
    }
}
