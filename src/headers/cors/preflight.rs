//! The answer to a preflight: granted with the names listed, or refused with the reason.
//!
//! A refusal has no `Access-Control-*` at all, so every browser stops there; its body is for whoever looks at the
//! exchange in the network panel, since the page sees nothing of it.

use serde_json::json;

use super::Policy;
use crate::browser::{Ask, Blocked, Browser, Credentials, Origin, Token, Tokens, judge_preflight};
use crate::message::{Body, Fields, Method, Name, Reply, ReplyHead, RequestHead, Status};

/// What a preflight is answered.
#[derive(Clone, Debug)]
pub enum Decision {
    /// The fields of the 204.
    Granted(Fields),
    /// Why not.
    Refused(Denial),
}

/// What a preflight was refused for: the first thing that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The origin is not listed; nothing when it is none, or when there are two.
    Origin(Option<Origin<'static>>),
    /// The method is not listed; nothing when it cannot be read.
    Method {
        /// Who asked.
        origin: Origin<'static>,
        /// For which method.
        method: Option<Token>,
    },
    /// Some headers are not listed.
    Headers {
        /// Who asked.
        origin: Origin<'static>,
        /// Those that are not listed; empty when the list cannot be read or is too long.
        names: Vec<Token>,
    },
}

/// The longest list of header names in bytes, and the most names: a page that asks for more is up to something.
const LONGEST_LIST: usize = 4096;
const MOST_NAMES: usize = 64;

/// How many refused names are spelled out.
const MOST_SHOWN: usize = 8;

const VARY: &[u8] = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

impl Policy {
    /// The answer to a preflight: `OPTIONS` with `Origin` and `Access-Control-Request-Method` on a covered path
    /// (Fetch, "CORS-preflight fetch"). Nothing for any other request; WordPress describes a route to an `OPTIONS`
    /// without them.
    #[must_use]
    pub fn preflight(&self, head: &RequestHead) -> Option<Decision> {
        let fields = &head.fields;
        let is_preflight = head.method == Method::Options
            && fields.has(Name::Origin)
            && fields.has(Name::AccessControlRequestMethod)
            && self.covers(head);
        is_preflight.then(|| self.decide(fields).map_or_else(Decision::Refused, Decision::Granted))
    }

    fn decide(&self, asked: &Fields) -> Result<Fields, Denial> {
        let origin = Origin::of(asked).map_err(|_| Denial::Origin(None))?;
        let Some(allowed) = self.allows(&origin) else {
            return Err(Denial::Origin(Some(origin.into_owned())));
        };
        let method = asked.only(Name::AccessControlRequestMethod).and_then(Token::read);
        if !method.as_ref().is_some_and(|method| self.allows_method(method)) {
            return Err(Denial::Method { origin: origin.into_owned(), method });
        }
        if let Err(names) = self.check_names(asked) {
            return Err(Denial::Headers { origin: origin.into_owned(), names });
        }
        let mut granted = Fields::new();
        allowed.write(&mut granted);
        granted.append(b"Access-Control-Allow-Methods", self.methods.as_bytes());
        if !self.headers.is_empty() {
            granted.append(b"Access-Control-Allow-Headers", self.headers.as_bytes());
        }
        granted.append(b"Access-Control-Max-Age", self.max_age.as_bytes());
        granted.append(b"Vary", VARY);
        Ok(granted)
    }

    /// Refuses header names that are not listed; no names when the list cannot be read or is too long.
    fn check_names(&self, asked: &Fields) -> Result<(), Vec<Token>> {
        let id = Name::AccessControlRequestHeaders;
        let length: usize = asked.all(id).map(<[u8]>::len).sum();
        let list = Tokens::of(asked, id).map_err(|_| Vec::new())?;
        if length > LONGEST_LIST || list.members().nth(MOST_NAMES).is_some() {
            return Err(Vec::new());
        }
        let is_refused = |name: &&[u8]| !self.allows_header(name);
        let refused: Option<Vec<Token>> = list.members().filter(is_refused).map(Token::name).collect();
        match refused {
            Some(names) if names.is_empty() => Ok(()),
            names => Err(names.unwrap_or_default()),
        }
    }
}

impl Decision {
    /// The reply. Whether the connection can go on after it is for whoever read the request to say.
    #[must_use]
    pub fn reply(self) -> Reply<'static> {
        match self {
            Self::Granted(fields) => Reply {
                head: ReplyHead::build(Status::NO_CONTENT, fields),
                body: Body::empty(),
                close: false,
            },
            Self::Refused(denial) => denial.reply(),
        }
    }
}

impl Denial {
    /// The code of the reply, in WordPress's error shape.
    pub const CODE: &'static str = "header_doctor_preflight_refused";

    /// Who asked; nothing when that could not be read.
    #[must_use]
    pub const fn origin(&self) -> Option<&Origin<'static>> {
        match self {
            Self::Origin(origin) => origin.as_ref(),
            Self::Method { origin, .. } | Self::Headers { origin, .. } => Some(origin),
        }
    }

    /// The setting that would have to list it.
    #[must_use]
    pub const fn setting(&self) -> &'static str {
        match self {
            Self::Origin(_) => "sites[].cors.allow_origins",
            Self::Method { .. } => "sites[].cors.allow_methods",
            Self::Headers { .. } => "sites[].cors.allow_headers",
        }
    }

    /// What was refused and what would change that, in one sentence. Safe to print.
    #[must_use]
    pub fn message(&self) -> String {
        let setting = self.setting();
        match self {
            Self::Origin(Some(origin)) => {
                format!("pages of {origin} may not use this site: {setting} does not list that origin")
            }
            Self::Origin(None) => {
                "the Origin of the preflight is not scheme://host[:port] or null, exactly once".to_owned()
            }
            Self::Method { origin, method: Some(method) } => {
                format!("pages of {origin} may not use the method {method}: {setting} does not list it")
            }
            Self::Method { origin, method: None } => {
                format!("pages of {origin} asked for a method that cannot be read")
            }
            Self::Headers { origin, names } if names.is_empty() => {
                format!("pages of {origin} asked for a list of headers that is too long or cannot be read")
            }
            Self::Headers { origin, names } => {
                format!("pages of {origin} may not send {}: {setting} does not list it", listed(names))
            }
        }
    }

    /// What the browser that sent the preflight makes of the refusal. Nothing without an origin: no browser sent it.
    #[must_use]
    pub fn seen(&self) -> Option<Box<Blocked>> {
        let (method, headers) = match self {
            Self::Origin(_) => (None, Vec::new()),
            Self::Method { method, .. } => (method.clone(), Vec::new()),
            Self::Headers { names, .. } => (None, names.clone()),
        };
        let method = method.or_else(|| Token::read(b"GET"))?;
        let ask = Ask { origin: self.origin()?.clone(), method, headers, credentials: Credentials::Unknown };
        judge_preflight(&ask, &self.head(0)).err()
    }

    /// What the browser's console shows; `url` is what was asked for, in a form that may be printed.
    #[must_use]
    pub fn console(&self, browser: Browser, url: &str) -> Option<String> {
        self.seen()?.console(browser, url)
    }

    /// The refusal: 403 and why, without any `Access-Control-*`.
    #[must_use]
    pub fn reply(&self) -> Reply<'static> {
        let status = Status::FORBIDDEN.code();
        let told = json!({
            "code": Self::CODE,
            "message": self.message(),
            "data": { "status": status, "setting": self.setting() },
        });
        let body = told.to_string().into_bytes();
        Reply { head: self.head(body.len()), body: Body::full(body), close: false }
    }

    fn head(&self, length: usize) -> ReplyHead {
        let mut fields = Fields::from([
            ("Content-Type", "application/json; charset=UTF-8"),
            ("Cache-Control", "no-store"),
            ("Content-Length", &length.to_string()),
        ]);
        fields.append(b"Vary", VARY);
        ReplyHead::build(Status::FORBIDDEN, fields)
    }
}

fn listed(names: &[Token]) -> String {
    let mut text = names.iter().take(MOST_SHOWN).map(Token::as_str).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(MOST_SHOWN);
    if more > 0 {
        text = format!("{text} and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::super::{HeaderName, OriginPattern, Policy, Settings};
    use super::{Decision, Denial};
    use crate::browser::{Ask, Browser, Credentials, judge_preflight};
    use crate::message::{Fields, Name, ReplyHead, RequestHead, Source, Status};

    const METHOD: (&str, &str) = ("Access-Control-Request-Method", "POST");
    const NAMES: &str = "Access-Control-Request-Headers";
    const APP: (&str, &str) = ("Origin", "https://app.test");

    fn policy(origins: &[&str], change: impl FnOnce(&mut Settings)) -> Policy {
        let origins = origins.iter().map(|text| text.parse::<OriginPattern>().unwrap()).collect();
        let mut settings = Settings::new(origins);
        change(&mut settings);
        Policy::new(settings).unwrap()
    }

    fn head(pairs: &[(&str, &str)]) -> RequestHead {
        let mut fields = Fields::new();
        for (name, value) in pairs {
            fields.append(name.as_bytes(), value.as_bytes());
        }
        RequestHead::build("OPTIONS", "/wp-json/wp/v2/posts", fields)
    }

    fn answer(pairs: &[(&str, &str)]) -> Option<Decision> {
        policy(&["https://app.test", "http://localhost:3000"], |_| ()).preflight(&head(pairs))
    }

    fn granted(pairs: &[(&str, &str)]) -> Fields {
        let Some(Decision::Granted(fields)) = answer(pairs) else { panic!("not granted") };
        fields
    }

    fn denied(pairs: &[(&str, &str)]) -> Denial {
        let Some(Decision::Refused(denial)) = answer(pairs) else { panic!("not refused") };
        denial
    }

    fn lines(fields: &Fields) -> Vec<String> {
        let line = |field: crate::message::Field<'_>| {
            format!("{}: {}", String::from_utf8_lossy(field.name), String::from_utf8_lossy(field.value))
        };
        fields.iter().map(line).collect()
    }

    #[test]
    fn a_grant_lists_names_and_the_exact_origin() {
        let fields = granted(&[APP, METHOD, (NAMES, "authorization,content-type")]);
        assert_eq!(
            lines(&fields),
            [
                "Access-Control-Allow-Origin: https://app.test",
                "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
                "Access-Control-Allow-Headers: authorization, content-type, x-wp-nonce",
                "Access-Control-Max-Age: 600",
                "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
            ]
        );
        let reply = Decision::Granted(fields).reply();
        assert_eq!((reply.head.status, reply.body.is_empty()), (Status::NO_CONTENT, true));
    }

    #[test]
    fn only_a_preflight_on_a_covered_path_is_answered() {
        assert!(answer(&[APP]).is_none());
        assert!(answer(&[METHOD]).is_none());
        let policy = policy(&["https://app.test"], |_| ());
        for (method, target) in
            [("GET", "/wp-json/"), ("options", "/wp-json/"), ("OPTIONS", "/wp-admin/admin-ajax.php")]
        {
            let head = RequestHead::build(method, target, Fields::from([APP, METHOD]));
            assert!(policy.preflight(&head).is_none(), "{method} {target}");
        }
        let by_query =
            RequestHead::build("OPTIONS", "/?rest_route=/wp/v2/posts", Fields::from([APP, METHOD]));
        assert!(policy.preflight(&by_query).is_some());
    }

    #[test]
    fn an_origin_that_is_not_listed_is_refused() {
        for origin in [
            "https://evil.test",
            "null",
            "https://app.test.evil",
            "https://app.test@evil",
            "https://app.test:8443",
            "http://app.test",
            "https://app.test/",
            "https://app.test https://evil.test",
            "*",
            "",
        ] {
            let denial = denied(&[("Origin", origin), METHOD]);
            assert!(matches!(denial, Denial::Origin(_)), "{origin}");
            assert_eq!(denial.setting(), "sites[].cors.allow_origins");
        }
        assert_eq!(denied(&[APP, APP, METHOD]), Denial::Origin(None));
        assert!(
            answer(&[("Origin", "HTTPS://APP.test:443"), METHOD])
                .is_some_and(|it| matches!(it, Decision::Granted(_)))
        );
    }

    #[test]
    fn a_method_or_header_that_is_not_listed_is_refused_by_name() {
        let method = denied(&[APP, ("Access-Control-Request-Method", "PURGE")]);
        assert_eq!(
            method.message(),
            "pages of https://app.test may not use the method PURGE: sites[].cors.allow_methods does not list it"
        );
        let names = denied(&[APP, METHOD, (NAMES, "authorization,x-b"), (NAMES, "X-A")]);
        assert_eq!(
            names.message(),
            "pages of https://app.test may not send x-b, x-a: sites[].cors.allow_headers does not list it"
        );
        assert_eq!(denied(&[APP, METHOD, METHOD]).setting(), "sites[].cors.allow_methods");
    }

    #[test]
    fn a_list_that_is_huge_or_unreadable_is_refused_without_repeating_it() {
        let many = vec!["authorization"; 65].join(",");
        let long = "x".repeat(5000);
        for list in [many.as_str(), &long, "a b", "x\u{1b}[31m"] {
            let Denial::Headers { names, .. } = denied(&[APP, METHOD, (NAMES, list)]) else {
                panic!("{list}")
            };
            assert!(names.is_empty());
        }
        let some: Vec<_> = (0..20).map(|number| format!("x-{number}")).collect();
        assert!(denied(&[APP, METHOD, (NAMES, &some.join(","))]).message().contains("x-7 and 12 more:"));
    }

    #[test]
    fn a_refusal_says_why_and_carries_no_leave() {
        let reply = denied(&[("Origin", "https://evil.test"), METHOD]).reply();
        assert_eq!(reply.head.status, Status::FORBIDDEN);
        assert!(
            lines(&reply.head.fields).iter().all(|line| !line.to_lowercase().starts_with("access-control"))
        );
        assert_eq!(reply.head.fields.first(Name::Vary), Some(super::VARY));
        let body = String::from_utf8(reply.body.data().to_vec()).unwrap();
        assert_eq!(
            body,
            r#"{"code":"header_doctor_preflight_refused","data":{"setting":"sites[].cors.allow_origins","status":403},"message":"pages of https://evil.test may not use this site: sites[].cors.allow_origins does not list that origin"}"#
        );
        assert_eq!(reply.head.fields.first(Name::ContentLength), Some(body.len().to_string().as_bytes()));
    }

    #[test]
    fn a_refusal_foretells_the_console() {
        let denial = denied(&[("Origin", "https://evil.test"), METHOD]);
        let console = |browser| denial.console(browser, "https://api.test/wp-json/").unwrap();
        assert_eq!(
            console(Browser::Chrome),
            "Access to fetch at 'https://api.test/wp-json/' from origin 'https://evil.test' has been blocked by CORS \
             policy: Response to preflight request doesn't pass access control check: No \
             'Access-Control-Allow-Origin' header is present on the requested resource."
        );
        assert!(
            console(Browser::Firefox).ends_with("'Access-Control-Allow-Origin' missing). Status code: 403.")
        );
        assert_eq!(console(Browser::Safari), "Preflight response is not successful. Status code: 403");
        assert_eq!(denied(&[("Origin", "x y"), METHOD]).console(Browser::Chrome, ""), None);
    }

    #[test]
    fn credentials_are_granted_to_named_origins_only() {
        let allowed = |origins: &[&str], origin: &str, credentials| {
            let policy = policy(origins, |settings| settings.allow_credentials = credentials);
            let Some(Decision::Granted(fields)) = policy.preflight(&head(&[("Origin", origin), METHOD]))
            else {
                panic!("not granted");
            };
            lines(&fields)
                .into_iter()
                .filter(|line| line.contains("Origin: ") || line.contains("Credentials"))
                .collect::<Vec<_>>()
        };
        let leave = "Access-Control-Allow-Credentials: true";
        assert_eq!(
            allowed(&["https://app.test"], "https://app.test", true),
            ["Access-Control-Allow-Origin: https://app.test", leave]
        );
        assert_eq!(allowed(&["null"], "null", true), ["Access-Control-Allow-Origin: null"]);
        assert_eq!(allowed(&["*"], "https://app.test", false), ["Access-Control-Allow-Origin: *"]);
        assert_eq!(allowed(&["*"], "null", false), ["Access-Control-Allow-Origin: *"]);
    }

    /// Our own medicine: what is granted passes the check of every browser, what is refused passes none.
    fn agrees_with_browsers(policy: &Policy, head: &RequestHead) {
        let Some(decision) = policy.preflight(head) else { return };
        let Some(ask) = Ask::of_preflight(head) else { return };
        let credentials = policy.settings().allow_credentials && !ask.origin.is_null();
        let ask =
            Ask { credentials: if credentials { Credentials::Include } else { Credentials::Omit }, ..ask };
        let is_granted = matches!(decision, Decision::Granted(_));
        let reply: ReplyHead = decision.reply().head;
        assert_eq!(judge_preflight(&ask, &reply).is_ok(), is_granted);
    }

    proptest! {
        #[test]
        fn browsers_accept_what_is_granted_and_nothing_else(
            origin in prop::sample::select(&["https://app.test", "https://a.b.test", "https://b.test", "null", "https://evil.test"][..]),
            listed in prop::sample::subsequence(&["https://app.test", "https://*.b.test", "null"][..], 1..3),
            method in prop::sample::select(&["GET", "PUT", "PURGE", "put"][..]),
            names in prop::sample::subsequence(&["authorization", "Content-Type", "x-other"][..], 0..3),
            credentials in any::<bool>(),
        ) {
            let policy = policy(&listed, |settings| {
                settings.allow_credentials = credentials;
                settings.allow_headers = ["authorization", "content-type"].iter().map(|name| name.parse::<HeaderName>().unwrap()).collect();
            });
            agrees_with_browsers(&policy, &head(&[("Origin", origin), ("Access-Control-Request-Method", method), (NAMES, &names.join(", "))]));
        }

        #[test]
        fn any_bytes_are_answered_and_never_repeated_raw(origin in any::<Vec<u8>>(), method in any::<Vec<u8>>(), names in any::<Vec<u8>>()) {
            let mut fields = Fields::new();
            fields.append(b"Origin", &origin);
            fields.append(b"Access-Control-Request-Method", &method);
            fields.append(NAMES.as_bytes(), &names);
            let head = RequestHead::build("OPTIONS", "/graphql", fields);
            let Some(Decision::Refused(denial)) = policy(&["https://app.test"], |_| ()).preflight(&head) else { panic!() };
            let message = denial.message();
            assert!(message.chars().all(|char| char == ' ' || char.is_ascii_graphic()), "{message}");
        }
    }
}
