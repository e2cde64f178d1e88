//! A plugin for tokens says no, by a code that has no rule of its own.
//!
//! CoCart JWT, WP-API/jwt-auth, a plugin made from JWT Authentication that revokes tokens, refresh tokens that JWT Auth takes no more, and
//! the rare words of the JWT plugins: times that are no numbers, a user who is gone.

use super::super::codes::{self, Emitter, Known};
use super::super::told::{is_bare, told};
use super::super::{Desk, Finding, Lost, Mark, Place, Rule, Severity, Stop, cure};
use super::untouched;
use crate::evidence::{AnsweredBy, Change, Hop, Message, Symptom, Trail, Watched};

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
        if is_bare(trail) {
            return Some(Finding {
                place: Place::Client,
                desk: Desk::Frontend,
                severity: Severity::Note,
                summary: "WP-API/jwt-auth closes the REST API to callers without Authorization".into(),
                because: "the code is that plugin's, and no credential came".into(),
                cure: cure(self.text(), "anonymous"),
                ..finding
            });
        }
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::WebServer, Mark::Unknown).named(symptom.software.name()));
        path.push(Stop::new(Hop::Php, Mark::Bad));
        (!trail.memory.direct).then(|| Finding {
            severity: Severity::Error,
            summary: "WP-API/jwt-auth never saw Authorization, which was sent; it is lost before PHP".into(),
            because: "Authorization was sent on, and the plugin says that it found none".into(),
            path,
            lost: Some(Lost {
                header: Watched::Authorization,
                change: Change::Missing,
                after: Hop::Doctor,
                before: Hop::Php,
            }),
            cleared: vec!["client", "doctor", "secret", "expiry"],
            caution: "Token not judged. Do not rotate secrets",
            ..finding
        })
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
