//! A cache keeps replies that WordPress made for one user, and hands them to whoever asks.
//!
//! Core forbids that with all five directives of `wp_get_nocache_headers` on every reply to a user it knows, and never sends them to
//! anonymous callers. A reply that has them and says that it comes from a cache was kept against that word; one of
//! `users/me` belongs to one user whatever it says. What core shows to anybody may be kept, so there nothing is said.

use super::super::answerer::cache;
use super::super::told::is_bare;
use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::{is_answered_behind, untouched};
use crate::evidence::{Hop, RouteClass, Session, Symptom, Trail};
use crate::message::Method;

pub(in super::super) struct AuthenticatedReplyCached;

impl Rule for AuthenticatedReplyCached {
    fn id(&self) -> &'static str {
        "authenticated-reply-cached"
    }

    fn text(&self) -> &'static str {
        include_str!("authenticated_reply_cached.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let is_read = matches!(trail.method, Method::Get | Method::Head) && symptom.status.code() == 200;
        let has_credential = !is_bare(trail);
        let is_users = trail.route.class == RouteClass::UsersMe;
        // To a caller without any WordPress refuses that route.
        let is_strangers = is_users && trail.session == Session::None;
        let is_apart = symptom.vary.authorization || symptom.vary.everything;
        if !is_read
            || !symptom.from_cache
            || is_apart
            || is_answered_behind(trail)
            || !(has_credential || is_strangers)
        {
            return None;
        }
        let is_public = matches!(trail.route.class, RouteClass::Public | RouteClass::NotRest);
        if is_public || !(is_users || symptom.knows_user) || symptom.html_for_rest {
            return None;
        }
        // Then the cache keeps one reply for each credential.
        if symptom.vary.authorization && !symptom.knows_user {
            return None;
        }
        let proof = if symptom.knows_user { Proof::Proved } else { Proof::Likely };
        let who = match cache(symptom) {
            "any" => "a cache".to_owned(),
            named => format!("a cache ({named})"),
        };
        let with = if has_credential { "with" } else { "without" };
        let summary =
            format!("{who} answered a request {with} a credential with a reply that was made for one user");
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Edge, Mark::Bad).named("cache").noted("kept a user's reply"));
        path.push(Stop::new(Hop::Php, Mark::Unknown));
        let because = if symptom.knows_user { FORBIDDEN } else { OF_ONE_USER };
        Some(Finding {
            because: because.into(),
            path,
            cleared: if symptom.knows_user {
                vec!["client", "doctor", "WordPress"]
            } else {
                vec!["client", "doctor"]
            },
            caution: "Whose reply it is nobody looked at. Empty the cache",
            ..Finding::of(self, proof, cache(symptom), summary)?
        })
    }
}

const FORBIDDEN: &str = "the reply says that it comes from a cache, and has all five directives by which WordPress forbids to keep what \
                         it sends to a user it knows";
const OF_ONE_USER: &str =
    "the reply says that it comes from a cache, and users/me is another one for every user";
