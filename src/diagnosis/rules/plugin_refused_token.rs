//! A plugin for tokens says no, by a code that has no rule of its own.
//!
//! CoCart JWT, WP-API/jwt-auth, a plugin made from JWT Authentication that revokes tokens, refresh tokens that JWT Auth takes no more, and
//! the rare words of the JWT plugins: times that are no numbers, a user who is gone.

use super::super::codes::{self, Emitter, Known};
use super::super::told::{is_bare, never_saw, told};
use super::super::{Finding, Rule};
use crate::evidence::{AnsweredBy, Message, Symptom, Trail};

pub(in super::super) struct PluginRefusedToken;

impl Rule for PluginRefusedToken {
    fn id(&self) -> &'static str {
        "plugin-refused-token"
    }

    fn text(&self) -> &'static str {
        include_str!("plugin_refused_token.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let by_rest = matches!(symptom.answered_by, AnsweredBy::WordPressRest | AnsweredBy::RestLike);
        if !by_rest || !symptom.is_refusal() || symptom.from_cache {
            return None;
        }
        let known = row(symptom).filter(|known| known.rules.contains(&self.id()))?;
        let finding = told(self, trail, symptom, known)?;
        if symptom.code() != "rest_authentication_no_header" {
            return Some(finding);
        }
        never_saw("WP-API/jwt-auth", trail, symptom, finding).filter(|_| !is_bare(trail))
    }

    fn yields(&self) -> bool {
        true
    }
}

/// By the plugin that the error betrays, else by a code that only one of them has.
fn row(symptom: &Symptom) -> Option<&'static Known> {
    let said = symptom.message().map(Message::as_str);
    let others = [Emitter::SimpleJwtAuthentication, Emitter::Tmeister];
    let other = || others.into_iter().find_map(|emitter| codes::find(emitter, symptom.code(), said));
    codes::of(symptom).or_else(other)
}
