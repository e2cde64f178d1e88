//! A token came without `Bearer`, or with another word in its place.
//!
//! RFC 9110 §11.1 makes schemes case-insensitive; the JWT plugins compare `Bearer` letter by letter
//! (`determine_current_user` in `class-jwt-auth-public.php`) and pass over everything else, as if nothing had come:
//! the route answers 401 `rest_*`. A header lost behind the doctor would look the same, but the client's spelling
//! has to be cured in either case. Only `token/validate` says that a header came: `jwt_auth_bad_auth_header`.
//!
//! Only for JWTs: another value without `Bearer` may be meant for another plugin. On an ordinary route it counts when a JWT can be
//! read in it, since other plugins forgive the spelling, and two points do not make a JWT. `Basic` at `token/validate`, which
//! examines nothing else than a `Bearer`, is possible: a hop in front may have put its own login there.

use super::super::{Decision, Finding, Mark, Proof, Rule, Stop};
use super::{agreed, is_anonymous, sent_wrong};
use crate::evidence::{Credential, Hop, RouteClass, Symptom, Trail};

pub(in super::super) struct BearerSchemeWrong;

impl Rule for BearerSchemeWrong {
    fn id(&self) -> &'static str {
        "bearer-scheme-wrong"
    }

    fn text(&self) -> &'static str {
        include_str!("bearer_scheme_wrong.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let named = symptom.refused_with("jwt_auth_bad_auth_header");
        // Elsewhere an old plugin is to blame, which claims every scheme.
        let is_login =
            named && trail.credential == Credential::Basic && trail.route.class == RouteClass::Validate;
        if is_login {
            return self.login(trail);
        }
        let (what, note) = mistake(trail.credential)?;
        if !named && !is_ignored(trail, symptom) {
            return None;
        }
        let mut path = sent_wrong(trail, note.into());
        path.push(Stop::new(Hop::Php, if named { Mark::Good } else { Mark::Unknown }));
        let proof = if named { agreed(symptom) } else { Proof::Likely };
        Some(Finding {
            because: if named {
                "seen on arrival, and WordPress calls the header malformed"
            } else {
                "seen on arrival, and WordPress took the caller for anonymous, as it does with such a header; had it \
                 been lost on the way as well, it would look the same"
            }
            .into(),
            path,
            cleared: cleared(named),
            caution: "Token not judged. Do not rotate secrets",
            ..Finding::of(self, proof, "client", format!("the client sent {what}"))?
        })
    }
}

impl BearerSchemeWrong {
    /// A login in the place of a token.
    fn login(&self, trail: &Trail) -> Option<Finding> {
        let path = vec![
            Stop::new(Hop::Client, Mark::Unknown),
            Stop::new(Hop::Doctor, if trail.is_unchanged() { Mark::Good } else { Mark::Unknown })
                .noted("Basic"),
            Stop::new(Hop::Php, Mark::Good),
        ];
        Some(Finding {
            because: "seen on arrival, and WordPress calls the header malformed; a gate in front that put its own login there \
                      would look the same"
                .into(),
            path,
            cleared: vec!["web server", "secret", "expiry", "CORS"],
            caution: "Token not judged. Do not rotate secrets",
            decide: Some(Decision {
                command: "curl -i -X POST \"$SITE/wp-json/jwt-auth/v1/token/validate\" -H \"Authorization: Bearer header-doctor\""
                    .into(),
                reading: "\"Wrong number of segments\": the client sends Basic; still \"malformed\": a hop in front puts it there",
            }),
            ..Finding::of(self, Proof::Possible, "client", "a login by Basic came where a Bearer is examined")?
        })
    }
}

const fn mistake(credential: Credential) -> Option<(&'static str, &'static str)> {
    match credential {
        Credential::BareToken => Some(("its token without the word Bearer", "\"…\"")),
        Credential::BearerOtherCase => {
            Some(("Bearer in another spelling, which WordPress's plugins do not take", "\"bearer …\""))
        }
        Credential::TokenOfOtherScheme => {
            Some(("its token behind another word than Bearer", "no \"Bearer …\""))
        }
        _ => None,
    }
}

/// Whether the plugins passed over it, and it was meant for them.
fn is_ignored(trail: &Trail, symptom: &Symptom) -> bool {
    trail.claims.is_some() && is_anonymous(symptom)
}

fn cleared(named: bool) -> Vec<&'static str> {
    if named {
        vec!["proxies", "web server", "secret", "expiry", "CORS"]
    } else {
        vec!["doctor", "secret", "expiry"]
    }
}
