//! A token that WordPress refuses came along where none is needed.
//!
//! The JWT plugin decodes every `Bearer` before the route is asked, so a stale token makes the request for a new one
//! fail, and public posts with it. What is wrong with the token is another rule's; its finding follows below this one,
//! for leaving the token out cures the request whatever is wrong with it. As sure as that finding is; never graver than
//! a warning, since a client that sends no token is served.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{
    BearerOfAnotherPlugin, IssuerFlipsWithHttps, PlaceholderToken, TokenAlgorithmRefused, TokenCutShort,
    TokenExpired, TokenIssuerMismatch, TokenNotAJwt, TokenNotYetValid, TokenOfAnotherPlugin,
    TokenOfAnotherSite, TokenSignatureRefused, TokenWrapped, sent_wrong,
};
use crate::evidence::{Credential, Hop, RouteClass, Symptom, Token, Trail};

pub(in super::super) struct StaleTokenOnPublicRoute;

impl Rule for StaleTokenOnPublicRoute {
    fn id(&self) -> &'static str {
        "stale-token-on-public-route"
    }

    fn text(&self) -> &'static str {
        include_str!("stale_token_on_public_route.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let Credential::Bearer(token) = trail.credential else { return None };
        let summary = match trail.route.class {
            RouteClass::Token => {
                "a token that WordPress refuses came with the request for a new one, which fails for it"
            }
            RouteClass::Refresh => {
                "a token that WordPress refuses came with the request for a fresh one, which fails for it"
            }
            RouteClass::Public => {
                "a token that WordPress refuses came to a public route, which usually is served without one"
            }
            _ => return None,
        };
        if !CODES.iter().any(|code| symptom.refused_with(code)) {
            return None;
        }
        let mut path = sent_wrong(trail, note(token).into());
        path.push(Stop::new(Hop::Php, Mark::Good));
        Some(Finding {
            because:
                "such a route usually needs no token, and WordPress refuses the one that came before it asks the route"
                    .into(),
            path,
            cleared: cleared(symptom),
            ..Finding::of(self, proof(trail, symptom), "client", summary)?
        })
    }
}

/// The plugin's codes for a `Bearer` that it read and refused.
const CODES: [&str; 4] =
    ["jwt_auth_invalid_token", "jwt_auth_bad_iss", "jwt_auth_bad_auth_header", "jwt_auth_bad_request"];

/// The rules that say what is wrong with the token.
const REASONS: [&dyn Rule; 13] = [
    &PlaceholderToken,
    &TokenWrapped,
    &TokenNotAJwt,
    &TokenExpired,
    &TokenNotYetValid,
    &TokenAlgorithmRefused,
    &TokenSignatureRefused,
    &TokenIssuerMismatch,
    &BearerOfAnotherPlugin,
    &IssuerFlipsWithHttps,
    &TokenCutShort,
    &TokenOfAnotherPlugin,
    &TokenOfAnotherSite,
];

/// That the token came and was refused is as sure as the reason is, and where no rule knows one, WordPress said it.
fn proof(trail: &Trail, symptom: &Symptom) -> Proof {
    let reasons = REASONS.iter().filter_map(|rule| rule.judge(trail, symptom));
    reasons.map(|finding| finding.proof).max().unwrap_or(Proof::Likely).max(Proof::Likely)
}

/// A hop may have changed the address by which the site was asked.
fn cleared(symptom: &Symptom) -> Vec<&'static str> {
    if symptom.code() == "jwt_auth_bad_iss" {
        return vec!["doctor", "permissions", "CORS"];
    }
    vec!["proxies", "web server", "permissions", "CORS"]
}

const fn note(token: Token) -> &'static str {
    match token {
        Token::Nothing => "an empty Bearer",
        Token::Placeholder(_) => "no token",
        _ => "a refused token",
    }
}
