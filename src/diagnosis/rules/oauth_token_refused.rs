//! WP-API/OAuth2 took the `Bearer` for a token of its own.
//!
//! Two plugins that read `Bearer` cannot share it: each refuses what the other issued. With our own reading that it is a JWT the mistake is
//! one of plugins, else the token of that plugin is simply not known to it.

use super::super::codes::{self, Emitter};
use super::super::told::told;
use super::super::{Desk, Finding, Mark, Place, Rule, Stop};
use super::sent_wrong;
use crate::evidence::{AnsweredBy, Credential, Hop, Symptom, Token, Trail};

pub(in super::super) struct OauthTokenRefused;

impl Rule for OauthTokenRefused {
    fn id(&self) -> &'static str {
        "oauth-token-refused"
    }

    fn text(&self) -> &'static str {
        include_str!("oauth_token_refused.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let by_rest = matches!(symptom.answered_by, AnsweredBy::WordPressRest | AnsweredBy::RestLike);
        let is_bearer = matches!(trail.credential, Credential::Bearer(_));
        if !by_rest || !is_bearer || !symptom.is_refusal() || symptom.from_cache {
            return None;
        }
        let known = codes::of(symptom).filter(|known| known.emitter == Emitter::OAuth2)?;
        let is_jwt = trail.credential == Credential::Bearer(Token::Jwt);
        let finding = told(self, trail, symptom, known)?;
        Some(if is_jwt {
            Finding {
                summary: "WP-API/OAuth2 took the JWT for a token of its own, and refused it".into(),
                because: "the token is a JWT, and that plugin's code says that it does not know it".into(),
                ..finding
            }
        } else {
            let mut path = sent_wrong(trail, "a token unknown there".into());
            path.push(Stop::new(Hop::Php, Mark::Good));
            Finding {
                path,
                place: Place::Client,
                desk: Desk::Frontend,
                summary: "WP-API/OAuth2 does not know the token".into(),
                ..finding
            }
        })
    }
}
