//! Why a browser withholds a reply from the page that asked for it.

use super::Browser;
use super::list::Token;
use super::origin::Origin;
use super::words;
use crate::message::Status;

/// The one rule that a reply broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// There is no `Access-Control-Allow-Origin`.
    NoAllowOrigin,
    /// There are several, in one line or in several lines.
    SeveralAllowOrigins {
        /// What they say.
        values: Origins,
        /// Whether they stand in one line, with commas.
        one_line: bool,
    },
    /// It names another origin.
    OriginMismatch(Origins),
    /// It is neither an origin nor `*`.
    InvalidAllowOrigin(Origins),
    /// It is `*`, and the page sends credentials.
    WildcardWithCredentials,
    /// The page sends credentials, and `Access-Control-Allow-Credentials` is not exactly `true`.
    CredentialsNotTrue,
    /// The reply to the preflight has no status from 200 to 299.
    PreflightStatus,
    /// The reply to the preflight is a redirect.
    PreflightRedirect,
    /// `Access-Control-Allow-Headers` does not list a header.
    HeaderNotAllowed(Token),
    /// It is `*`, which does not cover `Authorization`. The standard says so; no browser refused it yet: Chromium
    /// 156 and `WebKit` let it pass, Firefox warns.
    AuthorizationNotCovered,
    /// `Access-Control-Allow-Methods` does not list the method.
    MethodNotAllowed(Token),
    /// One of the two lists cannot be read.
    UnreadableList(AllowList),
}

/// One of the two lists of a preflight's reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowList {
    /// `Access-Control-Allow-Methods`
    Methods,
    /// `Access-Control-Allow-Headers`
    Headers,
}

impl AllowList {
    /// The name of its field.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Methods => "Access-Control-Allow-Methods",
            Self::Headers => "Access-Control-Allow-Headers",
        }
    }
}

impl Block {
    /// Why, in one phrase.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::NoAllowOrigin => "the reply has no Access-Control-Allow-Origin".to_owned(),
            Self::SeveralAllowOrigins { values, .. } => {
                format!("the reply has more than one Access-Control-Allow-Origin: {values}")
            }
            Self::OriginMismatch(value) => {
                format!("Access-Control-Allow-Origin names another origin: {value}")
            }
            Self::InvalidAllowOrigin(_) => "Access-Control-Allow-Origin is no origin".to_owned(),
            Self::WildcardWithCredentials => {
                "Access-Control-Allow-Origin is *, which excludes requests with credentials".to_owned()
            }
            Self::CredentialsNotTrue => "Access-Control-Allow-Credentials is not true".to_owned(),
            Self::PreflightStatus => {
                "the preflight was not answered with a status from 200 to 299".to_owned()
            }
            Self::PreflightRedirect => "the preflight was redirected".to_owned(),
            Self::HeaderNotAllowed(name) => format!("Access-Control-Allow-Headers does not list {name}"),
            Self::AuthorizationNotCovered => {
                "Access-Control-Allow-Headers is *, which does not cover Authorization".to_owned()
            }
            Self::MethodNotAllowed(method) => format!("Access-Control-Allow-Methods does not list {method}"),
            Self::UnreadableList(list) => format!("{} cannot be read", list.field()),
        }
    }
}

/// What an `Access-Control-Allow-Origin` says, as far as it can be printed: origins, `null` and `*`; `…` stands for
/// anything else. Bounded.
#[derive(Clone, PartialEq, Eq)]
pub struct Origins(String);

impl Origins {
    /// The most values that are shown.
    const MOST: usize = 4;

    /// Whether there is a field, with nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the values of all lines.
    pub(super) fn of<'v>(lines: impl Iterator<Item = &'v [u8]>) -> Self {
        let values = lines.flat_map(|line| line.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
        let mut text = String::new();
        for (position, value) in values.enumerate() {
            text.push_str(if position == 0 { "" } else { ", " });
            if position == Self::MOST {
                text.push('…');
                break;
            }
            match Origin::read(value) {
                Some(origin) => text.push_str(origin.as_str()),
                None if value == b"*" => text.push('*'),
                None if value.is_empty() => {}
                None => text.push('…'),
            }
        }
        Self(text)
    }

    /// The values, separated by commas.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Origins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Origins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// When a reply is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Whatever the page asked for.
    Always,
    /// Only if the page asked with `credentials: "include"`, which nobody but the browser knows.
    WithCredentials,
}

/// Which of the two replies was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The reply to the preflight: the request itself is never sent.
    Preflight,
    /// The reply to the request, which was sent and took effect.
    Reply,
}

/// A reply that a browser withholds: why by the standard, and what each browser makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The first rule broken, by the standard.
    pub block: Block,
    /// Whether that depends on what only the browser knows.
    pub when: When,
    /// Which reply it is.
    pub stage: Stage,
    /// The status of the reply.
    pub status: Status,
    /// Who asked.
    pub origin: Origin<'static>,
    /// In the order of [`Browser::ALL`]; nothing where the browser lets it pass.
    pub(super) by: [Option<Block>; 3],
}

impl Blocked {
    /// What stops this browser, which checks in an order of its own; nothing when it lets the reply pass.
    #[must_use]
    pub fn by(&self, browser: Browser) -> Option<&Block> {
        let [chrome, firefox, safari] = &self.by;
        match browser {
            Browser::Chrome => chrome.as_ref(),
            Browser::Firefox => firefox.as_ref(),
            Browser::Safari => safari.as_ref(),
        }
    }

    /// Whether any of today's browsers refuses it.
    #[must_use]
    pub fn is_refused_today(&self) -> bool {
        Browser::ALL.iter().any(|browser| self.by(*browser).is_some())
    }

    /// Why, in one phrase.
    #[must_use]
    pub fn reason(&self) -> String {
        self.block.reason()
    }

    /// What the browser's console shows, as far as it can be foretold; nothing when it stays silent. `url` is
    /// what was asked for, in a form that may be printed.
    ///
    /// Versions differ in quotation marks and in what follows; compare loosely.
    #[must_use]
    pub fn console(&self, browser: Browser, url: &str) -> Option<String> {
        words::console(self, browser, url)
    }
}
