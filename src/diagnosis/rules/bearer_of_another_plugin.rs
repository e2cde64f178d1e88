//! A `Bearer` that was meant for somebody else, and the JWT plugin judged it with this site's secret.
//!
//! The plugin decodes every `Bearer` on every route. On a route of a plugin that issues tokens of its own the refusal is the
//! JWT plugin's doing, whatever the token looks like. Elsewhere a token that names no site as its issuer, as the JWT plugins
//! do unless a filter says otherwise, is another program's. What php-jwt says of a token's time comes after the signature, so then it is the site's own.

use super::super::{Desk, Finding, Mark, Place, Proof, Rule, Severity, Stop};
use super::{decoding, foreign, is_token_intact, sent_wrong, untouched};
use crate::evidence::{Claims, Credential, Difference, Hop, Message, Symptom, Token, Trail};

pub(in super::super) struct BearerOfAnotherPlugin;

impl Rule for BearerOfAnotherPlugin {
    fn id(&self) -> &'static str {
        "bearer-of-another-plugin"
    }

    fn text(&self) -> &'static str {
        include_str!("bearer_of_another_plugin.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let message = decoding(symptom)?;
        let is_of_token = !OF_OTHERS.contains(&message);
        let is_token = matches!(trail.credential, Credential::Bearer(Token::Jwt | Token::Other));
        if trail.has_other_bearers && is_of_token && is_token {
            return self.on_its_route(trail);
        }
        let is_damaged = trail.is_cut || trail.claims.as_ref().is_some_and(Claims::is_stripped);
        let issuer = foreign(trail, symptom);
        let is_elsewhere = matches!(issuer, Some(Difference::Missing | Difference::NoUrl));
        let is_other = message == Message::SIGNATURE && is_token_intact(trail) && is_elsewhere;
        if !is_other || is_damaged || trail.memory.other_way.is_some() {
            return None;
        }
        self.by_issuer(trail)
    }

    fn explains(&self) -> &'static [&'static str] {
        &["token-signature-refused"]
    }
}

/// What php-jwt says of a token's time, which comes after the signature, and of the site's own key.
const OF_OTHERS: [Message; 5] =
    [Message::EXPIRED, Message::PRIOR, Message::KEY_EMPTY, Message::KEY_TOO_SHORT, Message::OPENSSL];

const CAUTION: &str = "Do not rotate secrets: every other token would be refused, too";

impl BearerOfAnotherPlugin {
    fn on_its_route(&self, trail: &Trail) -> Option<Finding> {
        let summary =
            "the JWT plugin took another plugin's Bearer for its own, and refused the request for it";
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("taken for its own"));
        Some(Finding {
            place: Place::Plugin,
            desk: Desk::WordPress,
            severity: Severity::Error,
            because: "the route is another plugin's, which issues tokens of its own, and it is the JWT plugin that answers"
                .into(),
            path,
            cleared: vec!["client", "doctor", "web server", "secret", "permissions"],
            caution: CAUTION,
            ..Finding::of(self, Proof::Likely, "plugin", summary)?
        })
    }

    fn by_issuer(&self, trail: &Trail) -> Option<Finding> {
        let summary =
            "the client sent a token that another program or plugin issued, signed with another secret";
        let mut path = sent_wrong(trail, "another program's".into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            because: "the token names no site as its issuer, as the JWT plugins do, and the signature is not by the site's secret"
                .into(),
            path,
            cleared: vec!["doctor", "web server", "secret", "permissions"],
            caution: CAUTION,
            ..Finding::of(self, Proof::Likely, "any", summary)?
        })
    }
}
