//! Section `diagnosis`: what the site's operators know that the doctor does not, the codes of their own plugins; and what the
//! doctor does about a verdict that is only possible, or whether it judges at all.

use super::error::{Problem, Refused, quoted};
use super::reading::{Leaf, Scalar};
use super::values::Switch;
use super::values::words::{refuse, words};
use crate::diagnosis::{Desk, Place, codes};
use crate::evidence::{Code, SiteCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// How much a line may hold that stands in verdicts, in bytes.
const LONGEST: usize = 300;

words! {
    /// What is done where a question would decide a verdict.
    pub SecondOpinion is "a second opinion" {
        /// Nothing is said of it.
        Never = "never",
        /// The question stands in the verdict, as a command to type.
        #[default]
        Ask = "ask",
        /// The doctor asks by itself, where it can without a credential.
        Auto = "auto",
    }
}

/// What is added to what the doctor knows, and how verdicts are made surer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Whether exchanges are judged. Without it the doctor does what its policy says, and concludes nothing.
    pub enabled: bool,
    /// Codes that the site explains itself; none stands twice for one status.
    pub codes: Vec<SiteCode>,
    /// What is done where a question would decide a verdict.
    pub second_opinion: SecondOpinion,
}

impl Default for Diagnosis {
    fn default() -> Self {
        Self { enabled: true, codes: Vec::new(), second_opinion: SecondOpinion::default() }
    }
}

/// `diagnosis` in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Diagnosis")]
pub(super) struct Shape {
    /// Whether exchanges are judged (`true`, as when absent). With `false` the doctor still does what its policy says, and still
    /// tells of what it refused or could not reach.
    enabled: Option<Scalar<Switch>>,
    /// Error codes of plugins that the doctor does not know, each with what it means; none when absent.
    codes: Option<Vec<CodeShape>>,
    /// Where a verdict is only possible: say nothing of what would decide it (`never`), print the command that would (`ask`, as when
    /// absent), or ask as well (`auto`): the site's upstreams, without a credential, each at most once an hour; not those of a site that
    /// is only observed, nor where a trail is sent on to a doctor behind.
    second_opinion: Option<Scalar<SecondOpinion>>,
}

/// One entry of `diagnosis.codes`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SiteCode")]
struct CodeShape {
    /// The `code` in the body of the error, such as `my_plugin_denied`; one that the doctor knows itself is refused.
    #[schemars(required)]
    code: Option<Scalar<CodeName>>,
    /// The status that it comes with; any error when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Scalar<ErrorStatus>>,
    /// What it means, in one line: the verdict says so.
    #[schemars(required)]
    means: Option<Scalar<Line>>,
    /// What is to blame; `plugin` when absent.
    place: Option<Scalar<PlaceWord>>,
    /// Who can cure it; `wordpress` when absent.
    desk: Option<Scalar<DeskWord>>,
    /// What to do, in one line; a pointer to this entry when absent.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    cure: Option<Scalar<Line>>,
}

/// A code as a site may write it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CodeName(Code);

/// A status that refuses or fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ErrorStatus(u16);

/// A line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PlaceWord(Place);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DeskWord(Desk);

impl FromStr for CodeName {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let right = "write the value of `code` as the error has it: 1 to 64 letters, digits, _, - or blanks, such as my_plugin_denied";
        let code = Code::new(text).ok_or_else(|| Refused::new("is no error code", right))?;
        if codes::knows(text) {
            let right = "leave it out; `header-doctor explain` tells what it means";
            return Err(Refused::new("is a code that the doctor knows", right));
        }
        Ok(Self(code))
    }
}

impl FromStr for ErrorStatus {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let status = text.parse().ok().filter(|status| (400..=599).contains(status));
        status
            .map(Self)
            .ok_or_else(|| Refused::new("is no status of an error", "write one from 400 to 599, such as 403"))
    }
}

impl FromStr for Line {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
            return Err(Refused::new("is no line of text", "write one line of at most 300 bytes"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for PlaceWord {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        Place::of(text).map(Self).ok_or_else(|| refuse(text, "a place", Place::WORDS))
    }
}

impl FromStr for DeskWord {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        Desk::of(text).map(Self).ok_or_else(|| refuse(text, "a desk", Desk::WORDS))
    }
}

impl fmt::Display for CodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ErrorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PlaceWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DeskWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for CodeName {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_ \\[\\]-]{1,64}$", "examples": ["my_plugin_denied"] }),
        ]
    }
}

impl Leaf for ErrorStatus {
    fn schema() -> Vec<Value> {
        vec![json!({ "type": "integer", "minimum": 400, "maximum": 599 })]
    }
}

impl Leaf for Line {
    fn schema() -> Vec<Value> {
        vec![json!({ "type": "string", "minLength": 1, "maxLength": LONGEST })]
    }
}

impl Leaf for PlaceWord {
    fn schema() -> Vec<Value> {
        vec![json!({ "enum": Place::WORDS })]
    }
}

impl Leaf for DeskWord {
    fn schema() -> Vec<Value> {
        vec![json!({ "enum": Desk::WORDS })]
    }
}

/// The section, checked: what is required is there, and no code stands twice for one status.
pub(super) fn check(shape: Shape) -> Result<Diagnosis, Problem> {
    let mut codes: Vec<SiteCode> = Vec::new();
    for (position, shape) in shape.codes.unwrap_or_default().into_iter().enumerate() {
        let code = entry(shape, &codes).map_err(|problem| problem.under(position).under("codes"))?;
        codes.push(code);
    }
    let second_opinion = shape.second_opinion.map_or_else(SecondOpinion::default, |Scalar(set)| set);
    let enabled = shape.enabled.is_none_or(|Scalar(Switch(on))| on);
    Ok(Diagnosis { enabled, codes, second_opinion })
}

fn entry(shape: CodeShape, before: &[SiteCode]) -> Result<SiteCode, Problem> {
    let Some(Scalar(CodeName(code))) = shape.code else {
        return Err(Problem::here(
            "is missing; write the value of `code` in the error, such as my_plugin_denied",
        )
        .under("code"));
    };
    let Some(Scalar(Line(means))) = shape.means else {
        return Err(Problem::here("is missing; write in one line what the code means").under("means"));
    };
    let status = shape.status.map(|Scalar(ErrorStatus(status))| status);
    let is_same = |other: &SiteCode| {
        other.code == code && (other.status.is_none() || status.is_none() || other.status == status)
    };
    if before.iter().any(is_same) {
        let message =
            format!("{} stands here twice; keep one, or give each a `status`", quoted(code.as_str()));
        return Err(Problem::here(message).under("code"));
    }
    Ok(SiteCode {
        code,
        status,
        means: means.into(),
        place: shape.place.map_or(Place::Plugin, |Scalar(PlaceWord(place))| place).word(),
        desk: shape.desk.map_or(Desk::WordPress, |Scalar(DeskWord(desk))| desk).word(),
        cure: shape.cure.map(|Scalar(Line(cure))| cure).unwrap_or_default().into(),
    })
}

impl From<&Diagnosis> for Shape {
    fn from(diagnosis: &Diagnosis) -> Self {
        Self {
            enabled: Some(Scalar(Switch(diagnosis.enabled))),
            codes: Some(diagnosis.codes.iter().map(Into::into).collect()),
            second_opinion: Some(Scalar(diagnosis.second_opinion)),
        }
    }
}

impl From<&SiteCode> for CodeShape {
    fn from(own: &SiteCode) -> Self {
        let cure = Some(own.cure.as_ref()).filter(|cure| !cure.is_empty());
        Self {
            code: Some(Scalar(CodeName(own.code.clone()))),
            status: own.status.map(ErrorStatus).map(Scalar),
            means: Some(Scalar(Line(own.means.as_ref().to_owned()))),
            place: Place::of(own.place).map(PlaceWord).map(Scalar),
            desk: Desk::of(own.desk).map(DeskWord).map(Scalar),
            cure: cure.map(|cure| Scalar(Line(cure.to_owned()))),
        }
    }
}
