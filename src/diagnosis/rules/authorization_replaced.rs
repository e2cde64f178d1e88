//! `Authorization` left the doctor with a token, and WordPress judged another value.
//!
//! `jwt_auth_bad_auth_header` says that no `Bearer` and token were found in the value that arrived; a token behind an exact
//! `Bearer` cannot earn it. Core's codes for an application password come from `Basic` alone. So something behind the doctor put
//! a credential of its own in the place: an identity-aware proxy, an ingress that asks an authentication service. Where the
//! doctor asks PHP itself nothing stands there.

use super::super::php::has_arrived;
use super::super::{Finding, Lost, Mark, Place, Proof, Rule, Stop};
use super::untouched;
use crate::evidence::{Change, Credential, Hop, Plugin, Symptom, Token, Trail, Watched};
use crate::message::Method;

pub(in super::super) struct AuthorizationReplaced;

impl Rule for AuthorizationReplaced {
    fn id(&self) -> &'static str {
        "authorization-replaced"
    }

    fn text(&self) -> &'static str {
        include_str!("authorization_replaced.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        // What a check sends is not shaped like a token, and stands behind an exact `Bearer` as well.
        let is_token = trail.credential == Credential::Bearer(Token::Jwt)
            || (trail.memory.probe && trail.credential == Credential::Bearer(Token::Other));
        if !is_token || trail.memory.direct || has_arrived(trail, Watched::Authorization) {
            return None;
        }
        let said = said(trail, symptom)?;
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Edge, Mark::Bad).named("hop behind").noted("another value"));
        path.push(Stop::new(Hop::Php, Mark::Good));
        let (whose, who) = if trail.memory.probe {
            ("on the way", "the check sent")
        } else {
            ("behind the doctor", "the doctor sent")
        };
        let summary = format!("a hop {whose} replaced the token by a credential of its own");
        Some(Finding {
            place: Place::Edge,
            because: format!("{who} \"Bearer\" and a token on, and WordPress says {said}"),
            path,
            lost: Some(Lost {
                header: Watched::Authorization,
                change: Change::Replaced,
                after: Hop::Doctor,
                before: Hop::Php,
            }),
            cleared: vec!["client", "doctor", "secret", "expiry"],
            caution: "Token not judged. Do not rotate secrets",
            ..Finding::of(self, Proof::Likely, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["stale-token-on-public-route"]
    }
}

/// What WordPress says that it cannot say of a token.
fn said(trail: &Trail, symptom: &Symptom) -> Option<&'static str> {
    if symptom.refused_with("jwt_auth_bad_auth_header") {
        return Some("that it found no Bearer and token in it");
    }
    let codes = ["incorrect_password", "invalid_username", "invalid_email"];
    let is_of_basic = symptom.status.code() == 401
        && symptom.plugin != Some(Plugin::Usefulteam)
        && codes.iter().any(|code| symptom.refused_with(code));
    // A login route of the site's own may say so of a login in the body.
    let has_body = !matches!(trail.method, Method::Get | Method::Head | Method::Options);
    (is_of_basic && !has_body).then_some("of a login what it says of Basic alone")
}
