//! A JWT plugin refuses `Basic` on routes that are not its own.
//!
//! JWT Authentication for WP REST API up to 1.3.3 claims every `Authorization` below `/wp-json`, and says of any that is no
//! `Bearer` that it is malformed: application passwords and WooCommerce's keys fail. Version 2 of usefulteam/jwt-auth does so
//! on every route that is not on its whitelist. `token/validate` is theirs, and right to say so.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::untouched;
use crate::evidence::{Credential, Hop, Plugin, RouteClass, Symptom, Trail};

pub(in super::super) struct BasicTakenByOldJwtPlugin;

impl Rule for BasicTakenByOldJwtPlugin {
    fn id(&self) -> &'static str {
        "basic-taken-by-old-jwt-plugin"
    }

    fn text(&self) -> &'static str {
        include_str!("basic_taken_by_old_jwt_plugin.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_other = matches!(trail.credential, Credential::Basic | Credential::OtherScheme);
        let is_its_own = trail.route.class == RouteClass::Validate;
        if !is_other || is_its_own || !symptom.refused_with("jwt_auth_bad_auth_header") {
            return None;
        }
        let is_usefulteam = symptom.plugin == Some(Plugin::Usefulteam);
        let what =
            if trail.credential == Credential::Basic { "Basic" } else { "a credential that is no Bearer" };
        let summary = format!("an old JWT plugin took {what} for its own, and refused the request for it");
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("taken for a token"));
        Some(Finding {
            because:
                "newer versions say so of such a header at token/validate alone, and this is another route"
                    .into(),
            path,
            cleared: vec!["client", "proxies", "web server", "secret", "permissions"],
            caution: "The login was not judged. Do not replace it",
            ..Finding::of(self, Proof::Likely, if is_usefulteam { "usefulteam" } else { "any" }, summary)?
        })
    }
}
