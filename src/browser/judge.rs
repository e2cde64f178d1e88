//! The check itself: by the standard, and in the order in which each browser makes it.

use super::Browser;
use super::ask::{Ask, Credentials};
use super::block::{AllowList, Block, Blocked, Origins, Stage, When};
use super::list::{Token, Tokens};
use super::origin::Origin;
use crate::message::{Name, ReplyHead, RequestHead};

/// Why the browser that sent this request, a preflight or not, keeps this reply from its page; nothing when it does
/// not, or when no browser checks.
#[must_use]
pub fn withheld(request: &RequestHead, reply: &ReplyHead) -> Option<Box<Blocked>> {
    match Ask::of_preflight(request) {
        Some(ask) => judge_preflight(&ask, reply).err(),
        None => judge_reply(&Ask::of_request(request)?, reply).err(),
    }
}

/// Whether a browser would now send the request that `ask` announces.
///
/// # Errors
/// It would not; the reason says for which browsers, and whether that depends on credentials.
pub fn judge_preflight(ask: &Ask<'_>, reply: &ReplyHead) -> Result<(), Box<Blocked>> {
    judge(Stage::Preflight, ask, reply)
}

/// Whether a browser would show the page this reply. Every reply is checked, redirects and errors too.
///
/// # Errors
/// It would not; the reason says for which browsers, and whether that depends on credentials.
pub fn judge_reply(ask: &Ask<'_>, reply: &ReplyHead) -> Result<(), Box<Blocked>> {
    judge(Stage::Reply, ask, reply)
}

/// Credentials only ever make the rules stricter, so what is refused without them is refused always.
fn judge(stage: Stage, ask: &Ask<'_>, reply: &ReplyHead) -> Result<(), Box<Blocked>> {
    let (mode, when) = match ask.credentials {
        Credentials::Include => (Mode::Include, When::Always),
        Credentials::Omit => (Mode::Omit, When::Always),
        Credentials::Unknown => {
            judge_mode(stage, Mode::Omit, When::Always, ask, reply)?;
            (Mode::Include, When::WithCredentials)
        }
    };
    judge_mode(stage, mode, when, ask, reply)
}

/// Credentials, once they are decided.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Include,
    Omit,
}

fn judge_mode(
    stage: Stage,
    mode: Mode,
    when: When,
    ask: &Ask<'_>,
    reply: &ReplyHead,
) -> Result<(), Box<Blocked>> {
    let check = Check { mode, ask, reply };
    let by = |browser| match stage {
        Stage::Preflight => check.preflight_in(browser).err(),
        Stage::Reply => check.access().err(),
    };
    let by_standard = match stage {
        Stage::Preflight => check.preflight(),
        Stage::Reply => check.access(),
    };
    by_standard.map_err(|block| {
        Box::new(Blocked {
            block,
            when,
            stage,
            status: reply.status,
            origin: ask.origin.clone().into_owned(),
            by: Browser::ALL.map(by),
        })
    })
}

/// One reply to one page, credentials decided.
struct Check<'c> {
    mode: Mode,
    ask: &'c Ask<'c>,
    reply: &'c ReplyHead,
}

impl Check<'_> {
    /// The standard: CORS check, status, then the lists. It leaves the first two in no order; Chromium's is taken.
    fn preflight(&self) -> Result<(), Block> {
        self.no_redirect().and_then(|()| self.access()).and_then(|()| self.status())?;
        self.lists_are_readable().and_then(|()| self.method()).and_then(|()| self.headers(Strict::Standard))
    }

    /// The same in a browser's own order.
    fn preflight_in(&self, browser: Browser) -> Result<(), Block> {
        match browser {
            Browser::Chrome => {
                self.no_redirect().and_then(|()| self.access()).and_then(|()| self.status())?;
                self.lists_are_readable().and_then(|()| self.method())?;
            }
            Browser::Firefox => {
                self.access().and_then(|()| self.no_redirect()).and_then(|()| self.status())?;
                self.readable(AllowList::Methods).and_then(|()| self.method())?;
                self.readable(AllowList::Headers)?;
            }
            Browser::Safari => {
                self.no_redirect().and_then(|()| self.status()).and_then(|()| self.access())?;
                self.lists_are_readable().and_then(|()| self.method())?;
            }
        }
        self.headers(Strict::Today)
    }

    /// Fetch, "CORS check".
    fn access(&self) -> Result<(), Block> {
        let values = || self.reply.fields.all(Name::AccessControlAllowOrigin);
        let shown = || Origins::of(values());
        let value = values().next().ok_or(Block::NoAllowOrigin)?;
        if values().nth(1).is_some() {
            return Err(Block::SeveralAllowOrigins { values: shown(), one_line: false });
        }
        if value == b"*" {
            return if self.mode == Mode::Omit { Ok(()) } else { Err(Block::WildcardWithCredentials) };
        }
        if value == self.ask.origin.as_str().as_bytes() {
            return self.credentials();
        }
        if value.contains(&b',') || value.contains(&b' ') {
            return Err(Block::SeveralAllowOrigins { values: shown(), one_line: true });
        }
        let block =
            if Origin::read(value).is_some() { Block::OriginMismatch } else { Block::InvalidAllowOrigin };
        Err(block(shown()))
    }

    fn credentials(&self) -> Result<(), Block> {
        let allowed = self.reply.fields.only(Name::AccessControlAllowCredentials) == Some(b"true");
        if self.mode == Mode::Omit || allowed { Ok(()) } else { Err(Block::CredentialsNotTrue) }
    }

    /// A redirect that a browser would otherwise follow.
    fn no_redirect(&self) -> Result<(), Block> {
        let is_redirect = matches!(self.reply.status.code(), 301 | 302 | 303 | 307 | 308);
        if is_redirect && self.reply.fields.has(Name::Location) {
            Err(Block::PreflightRedirect)
        } else {
            Ok(())
        }
    }

    fn status(&self) -> Result<(), Block> {
        if matches!(self.reply.status.code(), 200..=299) { Ok(()) } else { Err(Block::PreflightStatus) }
    }

    fn list(&self, list: AllowList) -> Result<Tokens<'_>, Block> {
        let name = match list {
            AllowList::Methods => Name::AccessControlAllowMethods,
            AllowList::Headers => Name::AccessControlAllowHeaders,
        };
        Tokens::of(&self.reply.fields, name).map_err(|_| Block::UnreadableList(list))
    }

    fn readable(&self, list: AllowList) -> Result<(), Block> {
        self.list(list).map(|_| ())
    }

    fn lists_are_readable(&self) -> Result<(), Block> {
        self.readable(AllowList::Methods).and_then(|()| self.readable(AllowList::Headers))
    }

    fn method(&self) -> Result<(), Block> {
        let methods = self.list(AllowList::Methods)?;
        let method = &self.ask.method;
        let needs_no_leave = matches!(method.as_str(), "GET" | "HEAD" | "POST");
        let is_allowed = needs_no_leave || methods.has(method.as_str()) || self.is_covered_by_star(&methods);
        if is_allowed { Ok(()) } else { Err(Block::MethodNotAllowed(method.clone())) }
    }

    fn headers(&self, strict: Strict) -> Result<(), Block> {
        let listed = self.list(AllowList::Headers)?;
        let star = self.is_covered_by_star(&listed);
        let missing = |name: &&Token| !listed.has_name(name.as_str());
        for name in self.ask.headers.iter().filter(missing) {
            if !star {
                return Err(Block::HeaderNotAllowed(name.clone()));
            }
            if name.as_str() == "authorization" && strict == Strict::Standard {
                return Err(Block::AuthorizationNotCovered);
            }
        }
        Ok(())
    }

    /// `*` stands for everything only where no credentials are sent.
    fn is_covered_by_star(&self, list: &Tokens<'_>) -> bool {
        self.mode == Mode::Omit && list.has("*")
    }
}

/// Whether `*` covers `Authorization`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strict {
    /// It does not: Fetch, "CORS non-wildcard request-header name".
    Standard,
    /// It still does.
    Today,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::super::{AllowList, Ask, Block, Blocked, Browser, Credentials, Origin, Token, When};
    use super::{judge_preflight, judge_reply};
    use crate::message::{Fields, ReplyHead, Status};

    /// What is asked or answered, the reply's fields, and a part of what each console then shows.
    type Case<T> = (T, &'static [(&'static str, &'static str)], [&'static str; 3]);

    const URL: &str = "https://api.test/wp-json/";
    const ACAO: &str = "Access-Control-Allow-Origin";
    const ACAC: &str = "Access-Control-Allow-Credentials";
    const ACAM: &str = "Access-Control-Allow-Methods";
    const ACAH: &str = "Access-Control-Allow-Headers";
    const APP: (&str, &str) = (ACAO, "https://app.test");
    const ANY: (&str, &str) = (ACAO, "*");
    const PUT: (&str, &str) = (ACAM, "PUT");

    fn ask(method: &str, headers: &[&str], credentials: Credentials) -> Ask<'static> {
        let headers = headers.iter().map(|name| Token::name(name.as_bytes()).unwrap()).collect();
        let origin = Origin::read(b"https://app.test").unwrap();
        Ask { origin, method: Token::read(method.as_bytes()).unwrap(), headers, credentials }
    }

    fn reply(status: u16, pairs: &[(&str, &str)]) -> ReplyHead {
        let mut fields = Fields::new();
        for (name, value) in pairs {
            fields.append(name.as_bytes(), value.as_bytes());
        }
        ReplyHead::build(Status::new(status).unwrap(), fields)
    }

    /// The verdict on a preflight for `PUT` with `Authorization`, without credentials.
    fn preflight(status: u16, pairs: &[(&str, &str)]) -> Result<(), Box<Blocked>> {
        judge_preflight(&ask("PUT", &["authorization"], Credentials::Omit), &reply(status, pairs))
    }

    fn console(blocked: &Blocked) -> [String; 3] {
        Browser::ALL.map(|browser| blocked.console(browser, URL).unwrap_or_default())
    }

    #[test]
    fn an_origin_that_is_named_exactly_or_by_star_may_read() {
        let reads =
            |credentials, pairs: &[_]| judge_reply(&ask("GET", &[], credentials), &reply(403, pairs)).is_ok();
        assert!(reads(Credentials::Omit, &[APP]));
        assert!(reads(Credentials::Omit, &[ANY]));
        assert!(reads(Credentials::Include, &[APP, (ACAC, "true")]));
        assert!(!reads(Credentials::Include, &[APP]));
        assert!(!reads(Credentials::Include, &[APP, (ACAC, "True")]));
        assert!(!reads(Credentials::Include, &[APP, (ACAC, "true"), (ACAC, "true")]));
        assert!(!reads(Credentials::Omit, &[(ACAO, "https://app.test/")]));
        assert!(!reads(Credentials::Omit, &[(ACAO, "HTTPS://app.test")]));
    }

    #[test]
    fn the_words_for_a_reply_are_those_of_each_console() {
        let missing = "No 'Access-Control-Allow-Origin' header is present on the requested resource.";
        let cases: [Case<Credentials>; 5] = [
            (
                Credentials::Omit,
                &[],
                [
                    missing,
                    "'Access-Control-Allow-Origin' missing). Status code: 401.",
                    "Origin https://app.test is not allowed by Access-Control-Allow-Origin. Status code: 401",
                ],
            ),
            (
                Credentials::Omit,
                &[ANY, APP],
                [
                    "contains multiple values '*, https://app.test', but only one is allowed.",
                    "(Reason: Multiple CORS header 'Access-Control-Allow-Origin' not allowed).",
                    "Access-Control-Allow-Origin cannot contain more than one origin.",
                ],
            ),
            (
                Credentials::Omit,
                &[(ACAO, "*, https://app.test")],
                [
                    "contains multiple values '*, https://app.test'",
                    "does not match '*, https://app.test'",
                    "cannot contain more than one origin.",
                ],
            ),
            (
                Credentials::Omit,
                &[(ACAO, "https://other.test")],
                [
                    "has a value 'https://other.test' that is not equal to the supplied origin.",
                    "does not match 'https://other.test'",
                    "Origin https://app.test is not allowed by",
                ],
            ),
            (
                Credentials::Omit,
                &[(ACAO, "<script>")],
                ["contains the invalid value '…'.", "does not match '…'", "is not allowed by"],
            ),
        ];
        every_console_shows(&cases);
    }

    #[test]
    fn the_words_for_credentials_are_those_of_each_console() {
        every_console_shows(&[
            (
                Credentials::Include,
                &[ANY],
                ["must not be the wildcard '*'", "Credential is not supported if", "Cannot use wildcard in"],
            ),
            (
                Credentials::Include,
                &[APP],
                ["which must be 'true' when", "expected 'true' in CORS header", "is not \"true\"."],
            ),
        ]);
    }

    fn every_console_shows(cases: &[Case<Credentials>]) {
        for (credentials, pairs, words) in cases {
            let blocked = judge_reply(&ask("GET", &[], *credentials), &reply(401, pairs)).unwrap_err();
            for (shown, part) in console(&blocked).iter().zip(words) {
                assert!(shown.contains(part), "{shown}\n{part}");
            }
            assert!(!console(&blocked)[0].contains("preflight"));
        }
    }

    const PREFLIGHTS: [Case<u16>; 8] = [
        (
            403,
            &[],
            [
                "check: No 'Access-Control-Allow-Origin' header",
                "missing). Status code: 403.",
                "Preflight response is not successful. Status code: 403",
            ],
        ),
        (
            405,
            &[APP],
            [
                "check: It does not have HTTP ok status.",
                "did not succeed). Status code: 405.",
                "Preflight response is not successful. Status code: 405",
            ],
        ),
        (
            301,
            &[APP, ("Location", "/")],
            [
                "check: Redirect is not allowed for a preflight request.",
                "(Reason: CORS request external redirect not allowed).",
                "Status code: 301",
            ],
        ),
        (
            204,
            &[APP],
            [
                "policy: Method PUT is not allowed by Access-Control-Allow-Methods in preflight response.",
                "Did not find method",
                "Method PUT is not allowed by Access-Control-Allow-Methods.",
            ],
        ),
        (
            204,
            &[APP, PUT],
            [
                "policy: Request header field authorization is not allowed by Access-Control-Allow-Headers in preflight response.",
                "header 'authorization' is not allowed according to header",
                "Request header field Authorization is not allowed by",
            ],
        ),
        (
            204,
            &[APP, PUT, (ACAH, "a b")],
            [
                "policy: Cannot parse Access-Control-Allow-Headers response",
                "invalid token '…' in CORS header 'Access-Control-Allow-Headers'",
                "Access-Control-Allow-Headers has an invalid value",
            ],
        ),
        (
            204,
            &[APP, (ACAM, "PUT;GET")],
            [
                "Cannot parse Access-Control-Allow-Methods",
                "'Access-Control-Allow-Methods'",
                "Access-Control-Allow-Methods has",
            ],
        ),
        (
            204,
            &[ANY, APP, PUT, (ACAH, "authorization")],
            [
                "Response to preflight request doesn't pass access control check: ",
                "Multiple CORS header",
                "more than one origin",
            ],
        ),
    ];

    #[test]
    fn the_words_for_a_preflight_are_those_of_each_console() {
        for (status, pairs, words) in PREFLIGHTS {
            let blocked = preflight(status, pairs).unwrap_err();
            for (shown, part) in console(&blocked).iter().zip(words) {
                assert!(shown.contains(part), "{shown}\n{part}");
            }
        }
    }

    #[test]
    fn a_preflight_passes_when_everything_is_listed() {
        assert_eq!(preflight(204, &[APP, (ACAM, "GET"), (ACAM, "PUT"), (ACAH, "x, AUTHORIZATION")]), Ok(()));
        assert_eq!(preflight(204, &[APP, (ACAM, "*"), (ACAH, "authorization")]), Ok(()));
        let post = ask("POST", &[], Credentials::Include);
        assert_eq!(judge_preflight(&post, &reply(200, &[APP, (ACAC, "true")])), Ok(()));
        assert_eq!(
            preflight(204, &[APP, (ACAM, "put"), (ACAH, "authorization")]).unwrap_err().block,
            Block::MethodNotAllowed(Token::read(b"PUT").unwrap())
        );
    }

    #[test]
    fn a_star_does_not_cover_authorization_and_no_browser_minds_yet() {
        let blocked = preflight(204, &[APP, (ACAM, "*"), (ACAH, "*")]).unwrap_err();
        assert_eq!(blocked.block, Block::AuthorizationNotCovered);
        assert!(!blocked.is_refused_today());
        let [chrome, firefox, safari] = console(&blocked);
        assert_eq!((chrome.as_str(), safari.as_str()), ("", ""));
        assert!(firefox.contains("the `Authorization` header is not covered"));
    }

    #[test]
    fn a_star_covers_nothing_with_credentials() {
        let with = ask("PUT", &["authorization"], Credentials::Include);
        let pairs = [APP, (ACAC, "true"), (ACAM, "PUT"), (ACAH, "*")];
        let blocked = judge_preflight(&with, &reply(204, &pairs)).unwrap_err();
        assert_eq!(blocked.block, Block::HeaderNotAllowed(Token::name(b"authorization").unwrap()));
        assert!(blocked.is_refused_today());
    }

    #[test]
    fn unknown_credentials_are_judged_both_ways() {
        let judge = |pairs: &[_]| judge_reply(&ask("GET", &[], Credentials::Unknown), &reply(200, pairs));
        assert_eq!(judge(&[APP, (ACAC, "true")]), Ok(()));
        let with = judge(&[ANY]).unwrap_err();
        assert_eq!((with.when, with.block), (When::WithCredentials, Block::WildcardWithCredentials));
        let always = judge(&[]).unwrap_err();
        assert_eq!((always.when, always.block), (When::Always, Block::NoAllowOrigin));
    }

    #[test]
    fn each_browser_checks_in_its_own_order() {
        let blocked = preflight(301, &[("Location", "/")]).unwrap_err();
        assert_eq!(blocked.by(Browser::Chrome), Some(&Block::PreflightRedirect));
        assert_eq!(blocked.by(Browser::Firefox), Some(&Block::NoAllowOrigin));
        let blocked = preflight(204, &[APP, (ACAH, "a b")]).unwrap_err();
        assert_eq!(blocked.by(Browser::Chrome), Some(&Block::UnreadableList(AllowList::Headers)));
        assert_eq!(
            blocked.by(Browser::Firefox),
            Some(&Block::MethodNotAllowed(Token::read(b"PUT").unwrap()))
        );
    }

    proptest! {
        #[test]
        fn nothing_from_the_wire_is_shown_raw(
            status in 200_u16..600,
            values in prop::collection::vec((0_usize..4, any::<Vec<u8>>()), 0..5),
        ) {
            let mut fields = Fields::new();
            for (which, value) in &values {
                fields.append([ACAO, ACAC, ACAM, ACAH][*which].as_bytes(), value);
            }
            let head = ReplyHead::build(Status::new(status).unwrap(), fields);
            let ask = ask("PUT", &["authorization", "x-a"], Credentials::Unknown);
            for verdict in [judge_reply(&ask, &head), judge_preflight(&ask, &head)] {
                let Err(blocked) = verdict else { continue };
                for text in console(&blocked).iter().chain([&blocked.reason()]) {
                    assert!(text.chars().all(|char| char == '…' || char == ' ' || char.is_ascii_graphic()), "{text}");
                    assert!(text.len() < 2000);
                }
            }
        }

        #[test]
        fn what_holds_with_credentials_holds_without(
            origin in prop::sample::select(&["*", "https://app.test", "null", ""][..]),
            credentials in prop::sample::select(&["true", "", "false"][..]),
            headers in prop::sample::select(&["*", "authorization", ""][..]),
        ) {
            let head = reply(204, &[(ACAO, origin), (ACAC, credentials), (ACAM, "PUT"), (ACAH, headers)]);
            let passes = |credentials| judge_preflight(&ask("PUT", &["authorization"], credentials), &head).is_ok();
            assert!(!passes(Credentials::Include) || passes(Credentials::Omit));
        }
    }
}
