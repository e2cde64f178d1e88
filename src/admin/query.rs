//! The parameters of a question, each read by its own rules. A wrong one is told what would be right, and never repeated.

use percent_encoding::percent_decode_str;

use super::reply::Trouble;
use crate::diagnosis::{Severity, rule};
use crate::event::Event;

/// How many exchanges are told at a time unless somebody says otherwise, and at the most.
const USUAL: usize = 50;
const MOST: usize = 500;

/// Which exchanges are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// At most so many.
    pub(super) limit: usize,
    /// With smaller numbers than this.
    pub(super) before: u64,
    rule: Option<String>,
    severity: Option<Severity>,
    status: Option<u16>,
    host: Option<String>,
    is_sick: Option<bool>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            limit: USUAL,
            before: u64::MAX,
            rule: None,
            severity: None,
            status: None,
            host: None,
            is_sick: None,
        }
    }
}

impl Query {
    /// Reads what stands behind the `?`.
    pub(super) fn read(text: Option<&str>) -> Result<Self, Trouble> {
        let mut query = Self::default();
        let mut seen = Vec::new();
        for (name, value) in pairs(text) {
            let wrong = query.take(&name, &value);
            if let Some(right) = wrong {
                return Err(Trouble::Parameter(right.to_owned()));
            }
            if seen.contains(&name) {
                return Err(Trouble::Parameter("a parameter stands there twice; keep one".to_owned()));
            }
            seen.push(name);
        }
        Ok(query)
    }

    /// Takes one parameter, or says what would be right.
    fn take(&mut self, name: &str, value: &str) -> Option<&'static str> {
        match name {
            "limit" => set(&mut self.limit, digits(value).filter(|limit| (1..=MOST).contains(limit)))
                .then_some("limit: write a number from 1 to 500"),
            "before" => set(&mut self.before, digits(value))
                .then_some("before: write a sequence number, such as `next` of the reply before"),
            "rule" => set_some(&mut self.rule, rule(value).map(|rule| rule.id().to_owned())).then_some(
                "rule: there is none of this name; `header-doctor explain` and /api/findings list them",
            ),
            "severity" => set_some(&mut self.severity, Severity::of(value))
                .then_some("severity: write error, warning or note"),
            "status" => {
                set_some(&mut self.status, digits(value).filter(|status| (100..=999).contains(status)))
                    .then_some("status: write a status of three digits, such as 403")
            }
            "host" => {
                let host = (!value.is_empty()).then(|| value.to_ascii_lowercase());
                set_some(&mut self.host, host).then_some("host: write a name, such as api.example.com")
            }
            "sick" => set_some(&mut self.is_sick, value.parse().ok()).then_some("sick: write true or false"),
            _ => Some("unknown parameter; known here: limit, before, rule, severity, status, host, sick"),
        }
    }

    /// Whether this exchange is asked for.
    pub(super) fn fits(&self, event: &Event) -> bool {
        let has = |rule: &String| event.findings.iter().any(|scoped| scoped.finding.rule == rule);
        let is_at = |host: &String| event.host.as_ref().is_some_and(|shown| names(shown.as_str(), host));
        self.rule.as_ref().is_none_or(has)
            && self.severity.is_none_or(|severity| event.severity() == Some(severity))
            && self.status.is_none_or(|status| event.status.is_some_and(|is| is.code() == status))
            && self.host.as_ref().is_none_or(is_at)
            && self.is_sick.is_none_or(|is_sick| event.is_sick() == is_sick)
    }
}

/// Nothing may stand behind the `?` where nothing is asked for.
pub(super) fn nothing(text: Option<&str>) -> Result<(), Trouble> {
    match pairs(text).next() {
        None => Ok(()),
        Some(_) => Err(Trouble::Parameter("there are no parameters here; leave them out".to_owned())),
    }
}

fn pairs(text: Option<&str>) -> impl Iterator<Item = (String, String)> {
    let pairs = text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn digits<N: std::str::FromStr>(text: &str) -> Option<N> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// Whether the value was wrong.
fn set<T>(place: &mut T, value: Option<T>) -> bool {
    let is_wrong = value.is_none();
    if let Some(value) = value {
        *place = value;
    }
    is_wrong
}

fn set_some<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    *place = value;
    place.is_none()
}

/// Whether a request's host is this one, with a port or without.
fn names(shown: &str, asked: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let bare = shown.rsplit_once(':').filter(|(_, port)| is_port(port)).map(|(host, _)| host);
    shown.eq_ignore_ascii_case(asked) || bare.is_some_and(|bare| bare.eq_ignore_ascii_case(asked))
}

#[cfg(test)]
mod tests {
    use super::{Query, Trouble, names, nothing};

    #[test]
    fn every_parameter_is_read_and_a_wrong_one_told_what_is_right() {
        let read = |text: &str| Query::read(Some(text));
        assert_eq!(Query::read(None), Ok(Query::default()));
        assert_eq!(read("").map(|query| query.limit), Ok(50));
        let query =
            read("limit=2&before=7&rule=token-expired&severity=error&status=401&host=A.test%3A80&sick=true");
        let query = query.unwrap();
        assert_eq!((query.limit, query.before, query.status), (2, 7, Some(401)));
        assert_eq!((query.host.as_deref(), query.is_sick), (Some("a.test:80"), Some(true)));
        for text in [
            "limit=0",
            "limit=501",
            "limit=-1",
            "limit=",
            "limit",
            "before=x",
            "before=+1",
            "rule=nonsense",
            "severity=bad",
            "status=42",
            "status=4000",
            "host=",
            "sick=1",
            "sick",
            "nonsense=hunter2",
            "limit=1&limit=2",
            "%6cimit=x",
        ] {
            let Err(Trouble::Parameter(right)) = read(text) else { panic!("{text}") };
            assert!(!right.contains("hunter2"), "{right}");
        }
        assert!(nothing(Some("a=1")).is_err() && nothing(Some("")).is_ok() && nothing(None).is_ok());
    }

    #[test]
    fn a_host_is_found_with_its_port_and_without() {
        for (shown, asked, is_it) in [
            ("a.test", "a.test", true),
            ("A.test:8080", "a.test", true),
            ("a.test:8080", "a.test:8080", true),
            ("a.test", "a.test:8080", false),
            ("[::1]", "[:", false),
            ("[::1]:80", "[::1]", true),
            ("b.a.test", "a.test", false),
        ] {
            assert_eq!(names(shown, asked), is_it, "{shown} {asked}");
        }
    }
}
