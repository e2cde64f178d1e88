//! Section `authorization` of a site: what may be done about the header beside forwarding it.

use super::error::{Problem, quoted};
use super::reading::Scalar;
use super::values::Parsed;
use super::values::words::words;
use crate::headers::authorization::{PlaceholderTokens, Policy};
use crate::headers::{FieldName, Unfit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

type Names = Vec<Scalar<Parsed<FieldName>>>;

words! {
    /// What becomes of `Bearer undefined`.
    Placeholders is "a way to treat placeholder tokens" {
        /// It goes on, and is explained when WordPress refuses it.
        #[default]
        Report = "report",
        /// The doctor answers 400 itself.
        Refuse = "refuse",
    }
}

/// `authorization` of a site in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Authorization")]
pub(super) struct Shape {
    /// Headers of trusted proxies that are put back as `Authorization` when it is absent or empty; none when absent.
    recover_from: Option<Names>,
    /// Headers that get a copy of `Authorization`, for origins that drop it; none when absent. What clients say in
    /// them is removed.
    mirror_to: Option<Names>,
    /// What becomes of a token such as `undefined`; `report` when absent.
    placeholder_tokens: Option<Scalar<Placeholders>>,
}

/// The policy that the section means.
pub(super) fn check(shape: Shape) -> Result<Policy, Problem> {
    let placeholders = shape.placeholder_tokens.map_or_else(Placeholders::default, |Scalar(word)| word);
    let names = |shape, check, key: &str| names(shape, check).map_err(|problem| problem.under(key));
    Ok(Policy {
        recover_from: names(shape.recover_from, FieldName::check_source, "recover_from")?,
        mirror_to: names(shape.mirror_to, FieldName::check_mirror, "mirror_to")?,
        placeholder_tokens: match placeholders {
            Placeholders::Report => PlaceholderTokens::Report,
            Placeholders::Refuse => PlaceholderTokens::Refuse,
        },
    })
}

/// Recovering believes trusted proxies alone: without any, the names would promise something that never happens.
pub(super) fn check_recovery(policy: &Policy, nobody_is_trusted: bool) -> Result<(), Problem> {
    if policy.recover_from.is_empty() || !nobody_is_trusted {
        return Ok(());
    }
    let message = "is believed from trusted proxies alone, and none is named; write the network of the proxy that \
                   sends it under `trusted_proxies`, or add `--trusted-proxy NETWORK`";
    Err(Problem::here(message).under("recover_from"))
}

fn names(
    shape: Option<Names>,
    check: fn(&FieldName) -> Result<(), Unfit>,
) -> Result<Vec<FieldName>, Problem> {
    let mut names: Vec<FieldName> = Vec::new();
    for (position, Scalar(Parsed(name))) in shape.unwrap_or_default().into_iter().enumerate() {
        let problem =
            |what: String| Problem::here(format!("{} {what}", quoted(name.as_str()))).under(position);
        check(&name).map_err(|unfit| problem(unfit.to_string()))?;
        if names.contains(&name) {
            return Err(problem("stands here twice; keep one".to_owned()));
        }
        names.push(name);
    }
    Ok(names)
}

impl From<&Policy> for Shape {
    fn from(policy: &Policy) -> Self {
        let list = |names: &[FieldName]| Some(names.iter().cloned().map(Parsed).map(Scalar).collect());
        let placeholders = match policy.placeholder_tokens {
            PlaceholderTokens::Report => Placeholders::Report,
            PlaceholderTokens::Refuse => Placeholders::Refuse,
        };
        Self {
            recover_from: list(&policy.recover_from),
            mirror_to: list(&policy.mirror_to),
            placeholder_tokens: Some(Scalar(placeholders)),
        }
    }
}
