//! Section `cors` of a site: which pages of other origins may use it.

use super::error::Problem;
use super::reading::Scalar;
use super::values::{Parsed, Span, Switch};
use crate::headers::cors::{
    Contradiction, HeaderName, MethodName, OriginPattern, PathPrefix, Policy, Settings,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A list of values that their owner parses.
type List<T> = Vec<Scalar<Parsed<T>>>;

/// `cors` of a site in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Cors")]
pub(super) struct Shape {
    /// Which origins may use the site: `https://app.example.com`, `https://*.preview.example.com` (one label or more),
    /// `null`, or `*` for anybody. Scheme and port are exact.
    #[schemars(required, length(min = 1))]
    allow_origins: Option<List<OriginPattern>>,
    /// With which methods; GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS when absent.
    #[schemars(length(min = 1))]
    allow_methods: Option<List<MethodName>>,
    /// With which headers of their own; authorization, content-type and x-wp-nonce when absent.
    allow_headers: Option<List<HeaderName>>,
    /// Which headers of a reply they may read; x-wp-total, x-wp-totalpages and link when absent.
    expose_headers: Option<List<HeaderName>>,
    /// Whether browsers may send cookies along, which a Bearer token does not need; false when absent.
    allow_credentials: Option<Scalar<Switch>>,
    /// For how long a browser may remember the answer to a preflight, in whole seconds; 600s when absent.
    max_age: Option<Scalar<Span>>,
    /// Where this holds, each path with everything below it; /wp-json/ (in every form of a REST URL) and /graphql when
    /// absent. Elsewhere the origin's own headers stay.
    #[schemars(length(min = 1))]
    paths: Option<List<PathPrefix>>,
}

/// The policy that the section means.
pub(super) fn check(shape: Shape) -> Result<Policy, Problem> {
    let default = Settings::new(plain(shape.allow_origins.unwrap_or_default()));
    let max_age = shape.max_age.map_or(default.max_age, |Scalar(Span(time))| time);
    if max_age.subsec_nanos() != 0 {
        return Err(Problem::here("is a part of a second; browsers count whole ones").under("max_age"));
    }
    let settings = Settings {
        allow_methods: shape.allow_methods.map_or(default.allow_methods, plain),
        allow_headers: shape.allow_headers.map_or(default.allow_headers, plain),
        expose_headers: shape.expose_headers.map_or(default.expose_headers, plain),
        allow_credentials: shape.allow_credentials.is_some_and(|Scalar(Switch(on))| on),
        paths: shape.paths.map_or(default.paths, plain),
        max_age,
        allow_origins: default.allow_origins,
    };
    Policy::new(settings).map_err(problem)
}

/// The policy with these origins: a site's own with its other settings, or the default.
pub(super) fn with_origins(
    policy: Option<&Policy>,
    origins: &[OriginPattern],
) -> Result<Policy, Contradiction> {
    let default = || Settings::new(Vec::new());
    let settings = policy.map_or_else(default, |policy| policy.settings().clone());
    Policy::new(Settings { allow_origins: origins.to_vec(), ..settings })
}

fn problem(contradiction: Contradiction) -> Problem {
    let here = Problem::here(contradiction.to_string());
    match contradiction {
        Contradiction::NoOrigins => here.under("allow_origins"),
        Contradiction::NoMethods => here.under("allow_methods"),
        Contradiction::NoPaths => here.under("paths"),
        Contradiction::AnybodyWithCredentials(position) => here.under(position).under("allow_origins"),
    }
}

fn plain<T>(list: List<T>) -> Vec<T> {
    list.into_iter().map(|Scalar(Parsed(value))| value).collect()
}

impl From<&Policy> for Shape {
    fn from(policy: &Policy) -> Self {
        let settings = policy.settings();
        Self {
            allow_origins: Some(list(&settings.allow_origins)),
            allow_methods: Some(list(&settings.allow_methods)),
            allow_headers: Some(list(&settings.allow_headers)),
            expose_headers: Some(list(&settings.expose_headers)),
            allow_credentials: Some(Scalar(Switch(settings.allow_credentials))),
            max_age: Some(Scalar(Span(settings.max_age))),
            paths: Some(list(&settings.paths)),
        }
    }
}

fn list<T: Clone>(values: &[T]) -> List<T> {
    values.iter().cloned().map(Parsed).map(Scalar).collect()
}
