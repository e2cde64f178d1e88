//! The client sent a word like `undefined` where a token should be.
//!
//! The word is seen on arrival. WordPress's own words prove that it was the reason: `Wrong number of segments`, or
//! `jwt_auth_bad_auth_header` where nothing was left to decode (`Bearer` alone, and `<token>`, which
//! `sanitize_text_field` removes as a tag). Other refusals that a missing identity explains make it likely. Silent
//! when WordPress says that it found no header (that is a loss), when it names another fault of the token (then it
//! judged another one), and on 403 `rest_*`: there it knows the user, by a cookie.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::sent_wrong;
use crate::evidence::{AnsweredBy, Credential, Hop, Message, Plugin, Symptom, Token, Trail};

pub(in super::super) struct PlaceholderToken;

impl Rule for PlaceholderToken {
    fn id(&self) -> &'static str {
        "placeholder-token"
    }

    fn text(&self) -> &'static str {
        include_str!("placeholder_token.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let Credential::Bearer(token) = trail.credential else { return None };
        let (summary, note) = match token {
            Token::Placeholder(word) => {
                (format!("the client sent the word {word} as its token"), format!("\"Bearer {word}\""))
            }
            Token::Nothing => ("the client sent Bearer without a token".into(), "\"Bearer\"".into()),
            _ => return None,
        };
        let proof = proof(&note, symptom)?;
        let proved = proof == Proof::Proved;
        let mut path = sent_wrong(trail, note);
        path.push(Stop::new(Hop::Php, if proved { Mark::Good } else { Mark::Unknown }));
        let because = match (proved, symptom.is_permission(401)) {
            (true, _) => "seen on arrival, and WordPress refused it in these words",
            (false, true) => "seen on arrival, and WordPress took the caller for anonymous",
            (false, false) => "seen on arrival, and WordPress refused",
        };
        Some(Finding {
            because: because.into(),
            path,
            cleared: cleared(proved),
            ..Finding::of(self, proof, "client", summary)?
        })
    }
}

fn proof(note: &str, symptom: &Symptom) -> Option<Proof> {
    // Simple JWT Login says so with 400 as well, by the number 2.
    let is_numbered = symptom.plugin == Some(Plugin::SimpleJwtLogin) && symptom.code() == "2";
    if is_numbered && symptom.message() == Some(Message::WRONG_SEGMENTS) && !symptom.from_cache {
        return Some(Proof::Likely);
    }
    if !symptom.is_refusal() || symptom.from_cache {
        return None;
    }
    let error = symptom.error.as_ref()?;
    let left_nothing = matches!(note, "\"Bearer\"" | "\"Bearer <…>\"");
    let by_rest = symptom.answered_by == AnsweredBy::WordPressRest;
    match error.code.as_str() {
        "jwt_auth_invalid_token" => match error.message {
            Some(Message::WRONG_SEGMENTS) if by_rest => Some(Proof::Proved),
            Some(Message::WRONG_SEGMENTS) | None => Some(Proof::Likely),
            Some(_) => None,
        },
        "jwt_auth_bad_auth_header" if left_nothing && by_rest => Some(Proof::Proved),
        "jwt_auth_bad_auth_header" => Some(Proof::Likely),
        "SEGMENT_FAULT" if symptom.answered_by == AnsweredBy::Plugin(Plugin::MiniOrange) => {
            Some(Proof::Likely)
        }
        _ => (symptom.is_permission(401) || error.code.is_for_strangers()).then_some(Proof::Likely),
    }
}

fn cleared(proved: bool) -> Vec<&'static str> {
    if proved {
        vec!["proxies", "web server", "secret", "expiry", "CORS"]
    } else {
        vec!["doctor", "secret", "expiry"]
    }
}
