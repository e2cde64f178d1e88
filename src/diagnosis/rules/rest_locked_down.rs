//! A plugin closes the REST API to callers whom WordPress does not know.
//!
//! For an anonymous caller that is what the site wants, and nothing to tell. For one who brought a credential it means that
//! WordPress did not take it. Preflights, which never carry one, are another rule's.

use super::super::told::is_bare;
use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::untouched;
use crate::evidence::{AnsweredBy, Hop, RouteClass, Session, Symptom, Trail};
use crate::message::Method;

pub(in super::super) struct RestLockedDown;

impl Rule for RestLockedDown {
    fn id(&self) -> &'static str {
        "rest-locked-down"
    }

    fn text(&self) -> &'static str {
        include_str!("rest_locked_down.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        // A check brings its login in the body, and means it; strangers try that route as well.
        let is_login = trail.memory.probe && trail.route.class == RouteClass::Token;
        let has_come = !is_bare(trail) || trail.session != Session::None || is_login;
        if trail.method == Method::Options || !has_come || !is_closed(symptom) {
            return None;
        }
        let mut path = untouched(trail);
        path.push(Stop::new(Hop::Php, Mark::Bad).noted("REST API closed"));
        // Whoever asks there is unknown to WordPress, whatever token comes.
        let is_plugins = matches!(trail.route.class, RouteClass::Token | RouteClass::Validate);
        let is_for_all = symptom.error.as_ref().is_some_and(|error| !error.code.is_for_strangers());
        let (product, summary, because) = if is_for_all {
            ("any", FOR_ALL, "the code says so, and not whether it is said to everybody")
        } else if is_plugins {
            ("plugin", OF_THE_PLUGIN, "the code is one of such plugins, and this route knows no caller")
        } else {
            (
                "client",
                OF_THE_SITE,
                "a credential was sent on, and the code is one of such plugins; what became of it the reply does not tell",
            )
        };
        Some(Finding {
            because: because.into(),
            path,
            cleared: vec!["CORS"],
            caution: "Whether the token was judged is not known",
            ..Finding::of(self, Proof::Likely, product, summary)?
        })
    }

    fn yields(&self) -> bool {
        true
    }
}

const OF_THE_SITE: &str = "a plugin closes the REST API to callers whom WordPress does not know, and WordPress did not take the \
                           credential that came";
const FOR_ALL: &str =
    "a plugin switched the REST API off, for callers whom WordPress does not know or for all";
const OF_THE_PLUGIN: &str = "a plugin closes the REST API to callers whom WordPress does not know, the routes included at which a \
                             token is issued and validated";

fn is_closed(symptom: &Symptom) -> bool {
    let by_rest = matches!(symptom.answered_by, AnsweredBy::WordPressRest | AnsweredBy::RestLike);
    let by_code = symptom.error.as_ref().is_some_and(|error| error.code.is_lockdown());
    by_rest && by_code && symptom.is_refusal() && !symptom.from_cache
}
