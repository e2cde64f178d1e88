//! A cache answered a request with a credential, and answered with a refusal: nobody looked at the credential.
//!
//! WordPress says nothing about keeping to anonymous callers, and sends no `Vary: Authorization`, so a cache that does not pass
//! `Authorization` by replays one caller's 401 to the next. RFC 9211's `hit`, `Age` and their like are the cache's own word. Where a
//! doctor behind reports of this very exchange, no cache between the two answered.

use super::super::answerer::cache;
use super::super::{Decision, Finding, Mark, Proof, Rule, Stop};
use super::{is_answered_behind, untouched};
use crate::evidence::{AnsweredBy, Hop, RouteClass, Symptom, Trail, Watched};

pub(in super::super) struct RefusalFromCache;

impl Rule for RefusalFromCache {
    fn id(&self) -> &'static str {
        "refusal-from-cache"
    }

    fn text(&self) -> &'static str {
        include_str!("refusal_from_cache.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let sent = trail.sighting(&Hop::Doctor, Watched::Authorization)?;
        sent.once()?;
        let is_of_wordpress = is_wordpress(symptom) && trail.route.class != RouteClass::NotRest;
        if !symptom.from_cache || !symptom.is_refusal() || !is_of_wordpress || is_answered_behind(trail) {
            return None;
        }
        let who = match cache(symptom) {
            "any" => "a cache".to_owned(),
            named => format!("a cache ({named})"),
        };
        let summary = format!(
            "{who} answered the request with a {} that it kept, and nobody looked at its credential",
            symptom.status
        );
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Edge, Mark::Bad).named("cache").noted(format!("kept {}", symptom.status)));
        path.push(Stop::new(Hop::Php, Mark::Unknown));
        Some(Finding {
            because: format!("the reply says that it comes from a cache, and \"{sent}\" was sent"),
            path,
            cleared: vec!["client", "doctor", "token", "secret", "expiry", "permissions"],
            caution: "Token not judged. Do not rotate secrets",
            decide: Some(Decision { command: ASK.into(), reading: READING }),
            ..Finding::of(self, Proof::Likely, cache(symptom), summary)?
        })
    }
}

const ASK: &str = r#"curl -i "$URL?nocache=$RANDOM" -H "Authorization: $AUTHORIZATION""#;
const READING: &str = "another answer: the cache was to blame; the same without the marks of a cache: WordPress refuses it, too";

/// A gate or an edge that refuses by itself may bear the marks of a cache as well.
const fn is_wordpress(symptom: &Symptom) -> bool {
    matches!(
        symptom.answered_by,
        AnsweredBy::WordPressRest | AnsweredBy::RestLike | AnsweredBy::Plugin(_) | AnsweredBy::Exit
    )
}
