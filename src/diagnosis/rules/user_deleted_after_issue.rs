//! A token that was served is anonymous now, though it is still good: its user is gone.
//!
//! The plugin never looks whether the user exists when it validates; core then finds nobody. Sure enough to be likely only where
//! `token/validate` found the token good after another route had taken it, and `users/me` now knows nobody: other
//! routes may say 401 for reasons of their own, and a plugin that swallows bad tokens may have revoked it.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{ago, ask_validate, is_refused_caller, untouched};
use crate::evidence::{Hop, RouteClass, Symptom, Trail};

pub(in super::super) struct UserDeletedAfterIssue;

impl Rule for UserDeletedAfterIssue {
    fn id(&self) -> &'static str {
        "user-deleted-after-issue"
    }

    fn text(&self) -> &'static str {
        include_str!("user_deleted_after_issue.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let served = trail.past.served?;
        if !is_refused_caller(trail, symptom) || trail.route.class != RouteClass::UsersMe {
            return None;
        }
        let is_good = trail.past.validated.is_some_and(|validated| validated <= served);
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("user unknown"));
        let summary = if is_good {
            "the token is good, but its user is gone: deleted since the token was issued"
        } else {
            "a token that was served before is anonymous now: its user was deleted, or it was revoked"
        };
        let validated = if is_good { ", and token/validate found it good after that" } else { "" };
        Some(Finding {
            because: format!("the same upstream took the very same token {}{validated}", ago(served)),
            path,
            cleared: if is_good {
                vec!["client", "doctor", "web server", "secret", "expiry"]
            } else {
                vec!["client", "doctor", "expiry"]
            },
            caution: if is_good { "Do not rotate secrets" } else { "" },
            decide: (!is_good).then(|| ask_validate(trail, "$TOKEN", READING)),
            ..Finding::of(self, if is_good { Proof::Likely } else { Proof::Possible }, "any", summary)?
        })
    }

    fn explains(&self) -> &'static [&'static str] {
        &["validate-accepts-route-refuses", "authorization-lost-before-php"]
    }
}

const READING: &str = "jwt_auth_valid_token: the user is gone; jwt_auth_obsolete_token: it was revoked; \
                       jwt_auth_no_auth_header: the header is lost";
