//! The request told WordPress to take it for another method, for which there is no such route.
//!
//! `serve_request` obeys `_method` in the query and `X-HTTP-Method-Override`. `POST` in the place of `PUT`, `PATCH` or `DELETE` is what
//! they are for, so that alone is nothing odd; a `GET` that is taken for something else, or a `POST` for a `GET`, is, and core
//! has no 405: a method that a route does not know is answered 404 `rest_no_route`.

use super::super::{Finding, Mark, Proof, Rule, Stop};
use super::sent_wrong;
use crate::evidence::{AnsweredBy, Hop, Symptom, Trail};
use crate::message::Method;

pub(in super::super) struct MethodOverridden;

impl Rule for MethodOverridden {
    fn id(&self) -> &'static str {
        "method-overridden"
    }

    fn text(&self) -> &'static str {
        include_str!("method_overridden.md")
    }

    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding> {
        let told = trail.method_override?;
        let is_usual =
            trail.method == Method::Post && matches!(told, Method::Put | Method::Patch | Method::Delete);
        let is_missing = symptom.status.code() == 404
            && symptom.answered_by == AnsweredBy::WordPressRest
            && symptom.code() == "rest_no_route"
            && !symptom.from_cache;
        if is_usual || !is_missing {
            return None;
        }
        let (was, is) = (word(trail.method), word(told));
        let mut path = sent_wrong(trail, format!("{was} as {is}"));
        path.push(Stop::new(Hop::Php, Mark::Good));
        let summary = format!(
            "the request is a {was}, but told WordPress to take it for {is}, and there is no such route"
        );
        Some(Finding {
            because: "an override was seen on arrival, and WordPress knows no route of this name and method; the route may \
                      be missing altogether"
                .into(),
            path,
            cleared: vec!["proxies", "web server", "token", "secret", "permissions"],
            ..Finding::of(self, Proof::Likely, "any", summary)?
        })
    }
}

const fn word(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Options => "OPTIONS",
        Method::Connect | Method::Trace | Method::Other => "another method",
    }
}
