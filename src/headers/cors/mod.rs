//! Which pages of other origins may use a site (the `cors` section), decided before WordPress is asked.
//!
//! WordPress itself allows every origin, with credentials, on its REST replies, and none on anything that goes wrong
//! before them. A [`Policy`] takes the matter over on the paths it covers: it answers preflights, and on every
//! other reply it replaces what the origin said by what the operator said, so that there is never a second value.
//! `Access-Control-Request-Private-Network` is not answered: browsers have given that protocol up.

mod names;
mod paths;
mod pattern;
mod preflight;

pub use names::{HeaderName, MethodName};
pub use paths::PathPrefix;
pub use pattern::OriginPattern;
pub use preflight::{Decision, Denial};

use std::time::Duration;

use crate::browser::{Origin, Token};
use crate::message::{Fields, Name, RequestHead};

/// Why a text is no setting of a policy: what is wrong, then what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{wrong}; {right}")]
pub struct Wrong {
    /// What is wrong, as the end of a sentence that begins with the text.
    pub wrong: &'static str,
    /// What would be right, as a request.
    pub right: String,
}

impl Wrong {
    fn new(wrong: &'static str, right: impl Into<String>) -> Self {
        Self { wrong, right: right.into() }
    }
}

/// What an operator decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which origins may use the site.
    pub allow_origins: Vec<OriginPattern>,
    /// With which methods.
    pub allow_methods: Vec<MethodName>,
    /// With which headers of their own.
    pub allow_headers: Vec<HeaderName>,
    /// Which headers of a reply they may read beyond the few that anybody may.
    pub expose_headers: Vec<HeaderName>,
    /// Whether browsers may send cookies along. A Bearer token needs no such leave.
    pub allow_credentials: bool,
    /// For how long a browser may remember a granted preflight, in whole seconds.
    pub max_age: Duration,
    /// Where all this holds; elsewhere the origin's fields stay.
    pub paths: Vec<PathPrefix>,
}

impl Settings {
    /// The defaults for these origins: what a headless WordPress with tokens needs.
    #[must_use]
    pub fn new(allow_origins: Vec<OriginPattern>) -> Self {
        Self {
            allow_origins,
            allow_methods: parsed(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
            allow_headers: parsed(&["authorization", "content-type", "x-wp-nonce"]),
            expose_headers: parsed(&["x-wp-total", "x-wp-totalpages", "link"]),
            allow_credentials: false,
            max_age: Duration::from_secs(600),
            paths: parsed(&["/wp-json/", "/graphql"]),
        }
    }
}

/// Names that are known to be right.
fn parsed<T: std::str::FromStr>(texts: &[&str]) -> Vec<T> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// Settings that cannot all hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Nobody is allowed.
    #[error("allows nobody; list origins such as https://app.example.com, or leave the section out")]
    NoOrigins,
    /// No method is allowed.
    #[error("allows no method; list those that pages use, such as GET and POST")]
    NoMethods,
    /// It holds nowhere.
    #[error("covers no path; list those that pages use, such as /wp-json/")]
    NoPaths,
    /// `*` at this position, with credentials: no browser accepts it, and no site should.
    #[error(
        "`*` is anybody, which excludes `allow_credentials: true`; list the origins, or leave credentials out"
    )]
    AnybodyWithCredentials(usize),
}

/// Settings that hold together, with the values they are answered with written once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    settings: Settings,
    methods: String,
    headers: String,
    exposed: String,
    max_age: String,
}

/// What an allowed origin is told.
struct Allowed<'o> {
    origin: &'o str,
    credentials: bool,
}

impl Allowed<'_> {
    fn write(&self, fields: &mut Fields) {
        fields.append(b"Access-Control-Allow-Origin", self.origin.as_bytes());
        if self.credentials {
            fields.append(b"Access-Control-Allow-Credentials", b"true");
        }
    }
}

impl Policy {
    /// Prepares a policy.
    ///
    /// # Errors
    /// The settings cannot all hold.
    pub fn new(settings: Settings) -> Result<Self, Contradiction> {
        if settings.allow_origins.is_empty() {
            return Err(Contradiction::NoOrigins);
        }
        if settings.allow_methods.is_empty() {
            return Err(Contradiction::NoMethods);
        }
        if settings.paths.is_empty() {
            return Err(Contradiction::NoPaths);
        }
        let anybody = settings.allow_origins.iter().position(OriginPattern::is_any);
        if let Some(position) = anybody.filter(|_| settings.allow_credentials) {
            return Err(Contradiction::AnybodyWithCredentials(position));
        }
        Ok(Self {
            methods: joined(settings.allow_methods.iter().map(MethodName::as_str)),
            headers: joined(settings.allow_headers.iter().map(HeaderName::as_str)),
            exposed: joined(settings.expose_headers.iter().map(HeaderName::as_str)),
            max_age: settings.max_age.as_secs().to_string(),
            settings,
        })
    }

    /// What the operator decided.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the policy holds for this request: its path, in any form that WordPress reads as one that is listed.
    #[must_use]
    pub fn covers(&self, head: &RequestHead) -> bool {
        paths::covers(&self.settings.paths, head)
    }

    /// Whether this origin may use the site.
    #[must_use]
    pub fn admits(&self, origin: &Origin<'_>) -> bool {
        self.allows(origin).is_some()
    }

    /// A listed origin that differs from this one in scheme or port alone: what somebody probably forgot.
    #[must_use]
    pub fn nearest(&self, origin: &Origin<'_>) -> Option<&OriginPattern> {
        self.settings.allow_origins.iter().find(|pattern| pattern.is_near(origin))
    }

    /// Makes the reply to a covered request say what the policy says, whoever made the reply: the origin's
    /// `Access-Control-*` go, ours come, and `Vary` has `Origin` so that no cache serves one page's reply to another.
    ///
    /// `origin` is that of the request; nothing when it has none, or none that can be read.
    pub fn dress(&self, origin: Option<&Origin<'_>>, fields: &mut Fields) {
        if fields.iter().any(|field| is_access_control(field.name)) {
            fields.retain(|field| !is_access_control(field.name));
        }
        if let Some(allowed) = origin.and_then(|origin| self.allows(origin)) {
            allowed.write(fields);
            if !self.exposed.is_empty() {
                fields.append(b"Access-Control-Expose-Headers", self.exposed.as_bytes());
            }
        }
        if !varies_by_origin(fields) {
            fields.append(b"Vary", b"Origin");
        }
    }

    /// `null` is any page that hides where it comes from, so it never gets credentials.
    fn allows<'o>(&self, origin: &'o Origin<'_>) -> Option<Allowed<'o>> {
        let pattern = self.settings.allow_origins.iter().find(|pattern| pattern.matches(origin))?;
        if pattern.is_any() {
            return Some(Allowed { origin: "*", credentials: false });
        }
        let credentials = self.settings.allow_credentials && !origin.is_null();
        Some(Allowed { origin: origin.as_str(), credentials })
    }

    fn allows_method(&self, method: &Token) -> bool {
        self.settings.allow_methods.iter().any(|listed| listed.as_str() == method.as_str())
    }

    fn allows_header(&self, name: &[u8]) -> bool {
        self.settings.allow_headers.iter().any(|listed| listed.as_str().as_bytes().eq_ignore_ascii_case(name))
    }
}

fn joined<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn is_access_control(name: &[u8]) -> bool {
    const PREFIX: &[u8] = b"access-control-";
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Whether `Vary` says so already; `*` says more. Several lines are one list (RFC 9110 §5.3).
fn varies_by_origin(fields: &Fields) -> bool {
    let members = fields.all(Name::Vary).flat_map(|value| value.split(|byte| *byte == b','));
    members.map(<[u8]>::trim_ascii).any(|member| member == b"*" || member.eq_ignore_ascii_case(b"origin"))
}

#[cfg(test)]
mod tests {
    use super::{Contradiction, Policy, Settings};
    use crate::browser::{Ask, Credentials, Origin, Token, judge_reply};
    use crate::message::{Fields, ReplyHead, Status};

    fn settings(origins: &[&str]) -> Settings {
        Settings::new(origins.iter().map(|text| text.parse().unwrap()).collect())
    }

    /// What a reply with these fields becomes for this origin.
    fn dressed(origin: &str, pairs: &[(&str, &str)]) -> Vec<String> {
        let policy =
            Policy::new(Settings { allow_credentials: true, ..settings(&["https://app.test", "null"]) })
                .unwrap();
        let mut fields = Fields::new();
        for (name, value) in pairs {
            fields.append(name.as_bytes(), value.as_bytes());
        }
        policy.dress(Origin::read(origin.as_bytes()).as_ref(), &mut fields);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        fields.iter().map(|field| format!("{}: {}", text(field.name), text(field.value))).collect()
    }

    const OURS: [&str; 3] = [
        "Access-Control-Allow-Origin: https://app.test",
        "Access-Control-Allow-Credentials: true",
        "Access-Control-Expose-Headers: x-wp-total, x-wp-totalpages, link",
    ];

    #[test]
    fn what_the_origin_said_is_replaced_and_never_added_to() {
        let said = [
            ("Content-Type", "application/json"),
            ("access-control-allow-origin", "*"),
            ("Access-Control-Allow-Origin", "https://app.test"),
            ("Access-Control-Allow-Headers", "*"),
            ("ACCESS-CONTROL-ALLOW-PRIVATE-NETWORK", "true"),
            ("Access-Control-Anything-New", "1"),
            ("Access-Controls", "stay"),
            ("Timing-Allow-Origin", "*"),
        ];
        let [origin, credentials, exposed] = OURS;
        let kept = ["Content-Type: application/json", "Access-Controls: stay", "Timing-Allow-Origin: *"];
        let [first, second, third] = kept;
        assert_eq!(
            dressed("https://app.test", &said),
            [first, second, third, origin, credentials, exposed, "Vary: Origin"]
        );
        assert_eq!(dressed("https://evil.test", &said), [first, second, third, "Vary: Origin"]);
        assert_eq!(dressed("", &said), [first, second, third, "Vary: Origin"]);
    }

    #[test]
    fn null_is_answered_when_listed_and_never_with_credentials() {
        let [_, _, exposed] = OURS;
        assert_eq!(dressed("null", &[]), ["Access-Control-Allow-Origin: null", exposed, "Vary: Origin"]);
    }

    #[test]
    fn vary_has_origin_once_in_whatever_form_it_came() {
        let vary = |lines: &[&str]| {
            let pairs: Vec<_> = lines.iter().map(|line| ("Vary", *line)).collect();
            dressed("", &pairs)
        };
        assert_eq!(vary(&[]), ["Vary: Origin"]);
        assert_eq!(vary(&["Accept-Encoding"]), ["Vary: Accept-Encoding", "Vary: Origin"]);
        assert_eq!(vary(&["Accept-Encoding, origin"]), ["Vary: Accept-Encoding, origin"]);
        assert_eq!(vary(&["Accept", "Cookie,ORIGIN"]), ["Vary: Accept", "Vary: Cookie,ORIGIN"]);
        assert_eq!(vary(&["*"]), ["Vary: *"]);
        assert_eq!(vary(&["Original"]), ["Vary: Original", "Vary: Origin"]);
    }

    #[test]
    fn every_browser_shows_what_is_dressed_to_the_origin_it_is_for() {
        for (listed, credentials) in [("https://app.test", true), ("https://*.test", true), ("*", false)] {
            let policy =
                Policy::new(Settings { allow_credentials: credentials, ..settings(&[listed]) }).unwrap();
            for (origin, reads) in [("https://app.test", true), ("https://app.evil", listed == "*")] {
                let origin = Origin::read(origin.as_bytes()).unwrap();
                let mut fields = Fields::from([("Access-Control-Allow-Origin", "https://app.evil")]);
                policy.dress(Some(&origin), &mut fields);
                let credentials = if credentials { Credentials::Include } else { Credentials::Omit };
                let ask =
                    Ask { origin, method: Token::read(b"GET").unwrap(), headers: Vec::new(), credentials };
                let reply = ReplyHead::build(Status::BAD_GATEWAY, fields);
                assert_eq!(judge_reply(&ask, &reply).is_ok(), reads, "{listed} {:?}", ask.origin);
            }
        }
    }

    #[test]
    fn settings_that_cannot_all_hold_are_refused() {
        let refused = |settings: Settings| Policy::new(settings).unwrap_err();
        assert_eq!(refused(settings(&[])), Contradiction::NoOrigins);
        let anybody = Settings { allow_credentials: true, ..settings(&["https://a.test", "*"]) };
        assert_eq!(refused(anybody), Contradiction::AnybodyWithCredentials(1));
        assert_eq!(refused(Settings { allow_methods: vec![], ..settings(&["*"]) }), Contradiction::NoMethods);
        assert_eq!(refused(Settings { paths: vec![], ..settings(&["*"]) }), Contradiction::NoPaths);
    }

    #[test]
    fn a_listed_origin_that_differs_in_port_alone_is_found() {
        let policy = Policy::new(settings(&["https://app.test", "http://localhost:3000"])).unwrap();
        let nearest =
            |text: &str| policy.nearest(&Origin::read(text.as_bytes()).unwrap()).map(ToString::to_string);
        assert_eq!(nearest("http://localhost:5173").as_deref(), Some("http://localhost:3000"));
        assert_eq!(nearest("https://evil.test"), None);
    }

    #[test]
    fn the_defaults_are_what_a_headless_site_needs() {
        let policy = Policy::new(settings(&["*"])).unwrap();
        assert_eq!(policy.methods, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        assert_eq!(policy.headers, "authorization, content-type, x-wp-nonce");
        assert_eq!(policy.exposed, "x-wp-total, x-wp-totalpages, link");
        assert_eq!((policy.max_age.as_str(), policy.settings.paths.len()), ("600", 2));
    }
}
