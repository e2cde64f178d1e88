//! What is asked: one request a step, written here without any I/O.
//!
//! Every request has a connection of its own, as each call of curl has: over one that is kept open a balancer would show the
//! same machine again and again, and hide that another one has another secret. A check only reads. The one thing that changes something on a site is a login, and that is asked for with `--user`
//! alone.

use serde_json::json;

use super::deep::{Beside, INSTEAD, Size};
use super::dialect::Dialect;
use super::site::Place;
use crate::evidence::{AnsweredBy, Symptom};
use crate::message::{Fields, Name, RequestHead};
use crate::secret::Secret;

/// What the doctor calls itself.
pub const USER_AGENT: &str =
    concat!("header-doctor/", env!("CARGO_PKG_VERSION"), " (check; started by hand)");

/// The word that stands where a token should, to see whether it arrives. It is no credential.
pub(super) const PROBE: &str = "header-doctor";

/// A step of the examination.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The page that was named: it tells where the REST server is.
    Page,
    /// The index of the REST server.
    Index,
    /// `token/validate` without `Authorization`: does the plugin answer, and in which words?
    Without,
    /// The same with a word that is no token: does the header arrive?
    With,
    /// A login for a token.
    Token,
    /// That token examined.
    Validate,
    /// That token used where everybody may ask who he is.
    Me,
    /// That token used where the application needs it.
    Endpoint(String),
    /// An application password used where everybody may ask who he is.
    AppMe,
    /// The same where the application needs it.
    AppEndpoint(String),
    /// What a browser asks before a page of another origin may use an endpoint.
    Preflight(String),
    /// What it then sends, without a credential: may the page read the reply?
    FromPage(String),
    /// What a browser asks before the page may write. Nothing is written.
    Announced(Writing, String),
    /// An address that nobody asked for before, with a credential: may its reply be stored?
    Fresh,
    /// The same without one: is it the reply to the credential?
    Stored,
    /// The routes of the JWT plugin, which tell it from others.
    Routes,
    /// The manual that comes with it, which tells its version.
    Manual,
    /// A request like those that follow, without what they try.
    Control,
    /// The same with one field more: does anybody mind?
    Beside(Beside),
    /// A token in another header alone: is it taken for one?
    Instead,
    /// The control request with a field of this size.
    Long(Size),
    /// The control request once more, when a field was refused.
    After,
}

/// A method that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writing {
    /// Makes.
    Post,
    /// Replaces.
    Put,
    /// Takes away.
    Delete,
}

impl Writing {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Post, Self::Put, Self::Delete];

    const fn method(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl Step {
    /// A stable word for JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Index => "index",
            Self::Without => "validate-without-header",
            Self::With => "validate-with-header",
            Self::Token => "token",
            Self::Validate => "validate",
            Self::Me => "users-me",
            Self::Endpoint(_) => "endpoint",
            Self::AppMe => "application-password-users-me",
            Self::AppEndpoint(_) => "application-password-endpoint",
            Self::Preflight(_) => "preflight",
            Self::FromPage(_) => "request-from-page",
            Self::Announced(Writing::Post, _) => "preflight-post",
            Self::Announced(Writing::Put, _) => "preflight-put",
            Self::Announced(Writing::Delete, _) => "preflight-delete",
            Self::Fresh => "fresh-with-credential",
            Self::Stored => "fresh-without-credential",
            Self::Routes => "plugin-routes",
            Self::Manual => "plugin-manual",
            Self::Control => "control",
            Self::Beside(Beside::Ordinary) => "ordinary-field",
            Self::Beside(Beside::Underscore) => "underscore-field",
            Self::Beside(Beside::Dotted) => "dotted-field",
            Self::Beside(Beside::Cookie) => "cookie",
            Self::Instead => "x-authorization",
            Self::Long(_) => "long-field",
            Self::After => "control-again",
        }
    }

    /// What it is for.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Page => "the page",
            Self::Index => "the REST index",
            Self::Without => "validate without Authorization",
            Self::With => "validate with \"Bearer header-doctor\"",
            Self::Token => "a token is issued",
            Self::Validate => "the token is validated",
            Self::Me => "the token is used on users/me",
            Self::Endpoint(_) => "the token is used on an endpoint",
            Self::AppMe => "the application password is used on users/me",
            Self::AppEndpoint(_) => "the application password is used on an endpoint",
            Self::Preflight(_) => "the browser asks first",
            Self::FromPage(_) => "the page asks",
            Self::Announced(Writing::Post, _) => "the browser asks before a POST",
            Self::Announced(Writing::Put, _) => "the browser asks before a PUT",
            Self::Announced(Writing::Delete, _) => "the browser asks before a DELETE",
            Self::Fresh => "a new address is asked with the credential",
            Self::Stored => "the same address is asked without it",
            Self::Routes => "the routes of the JWT plugin",
            Self::Manual => "the manual of the JWT plugin",
            Self::Control => "a control request",
            Self::Beside(Beside::Ordinary) => "the same with X-Doctor-Ctl",
            Self::Beside(Beside::Underscore) => "the same with X_Doctor_Us",
            Self::Beside(Beside::Dotted) => "the same with X.Doctor.Dot",
            Self::Beside(Beside::Cookie) => "the same with a cookie",
            Self::Instead => "a token in X-Authorization alone",
            Self::Long(_) => "the same with a long field",
            Self::After => "the control request again",
        }
    }

    /// Whether its answer is compared with that to the control request.
    #[must_use]
    pub(super) const fn is_weighed(&self) -> bool {
        matches!(self, Self::Beside(_) | Self::Long(_) | Self::After)
    }

    /// Whether it belongs to `--deep`.
    #[must_use]
    pub(super) const fn is_deep(&self) -> bool {
        self.is_weighed() || matches!(self, Self::Control | Self::Instead)
    }

    /// Whether nothing else hangs on its having a reply.
    #[must_use]
    pub(super) const fn may_fail(&self) -> bool {
        matches!(self, Self::Beside(_) | Self::Long(_) | Self::Manual | Self::Routes)
    }

    /// Whether such a refusal is no word about the check: that manuals are not for everybody is a usual rule, and where WordPress itself
    /// refuses, the page may stand in the place of its words.
    #[must_use]
    pub(super) fn may_be_refused(&self, symptom: &Symptom) -> bool {
        match self {
            Self::Manual | Self::Routes => symptom.status.code() != 429,
            Self::Without | Self::With => {
                symptom.status.code() == 403 && symptom.answered_by == AnsweredBy::BlockPage
            }
            _ => false,
        }
    }

    /// What a healthy site answers.
    #[must_use]
    pub const fn expects(&self, dialect: Dialect) -> &'static str {
        match self {
            Self::Page => "a reply",
            Self::Index => "200 and the index of WordPress",
            Self::Without => dialect.expects().0,
            Self::With => dialect.expects().1,
            Self::Validate => dialect.expects().2,
            Self::Token => "200 and a token",
            Self::Me | Self::AppMe | Self::Fresh => "200",
            Self::Endpoint(_) | Self::AppEndpoint(_) => "200 to 299",
            Self::Stored => "a refusal, and not the reply to the credential",
            Self::Preflight(_) | Self::Announced(..) => "leave for the page, its method and its headers",
            Self::FromPage(_) => "a reply that the page may read",
            Self::Routes => "200 and the routes of jwt-auth/v1",
            Self::Manual => "200 and \"Stable tag:\"",
            Self::Control => "no failure of the site",
            Self::Beside(_) | Self::Long(_) | Self::After => "what the control request got",
            Self::Instead => "any answer: it is to be seen which",
        }
    }

    /// What it proves when it is as expected.
    #[must_use]
    pub const fn proves(&self) -> &'static str {
        match self {
            Self::Page | Self::Fresh | Self::Control | Self::Instead | Self::Routes | Self::Manual => "",
            Self::Beside(_) | Self::Long(_) => "nobody minds it",
            Self::After => "what was refused was refused for its length",
            Self::Stored => "no cache gives replies to a credential to others",
            Self::Index => "the REST server answers anybody",
            Self::Without => "the JWT plugin is at work",
            Self::With => "Authorization arrives at PHP",
            Self::Token => "login, plugin and secret are in order",
            Self::Validate => "header path, secret, issuer and clocks are in order",
            Self::Me | Self::AppMe => "WordPress knows the user by it",
            Self::Endpoint(_) | Self::AppEndpoint(_) => "the user may use it",
            Self::Preflight(_) | Self::Announced(..) => "the browser sends the request",
            Self::FromPage(_) => "the browser shows the page the reply",
        }
    }
}

/// What goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Nothing.
    Nothing,
    /// The word `header-doctor` as a token, which is none.
    Probe,
    /// User and password in the body.
    Login,
    /// The token.
    Token,
    /// The application password.
    AppPassword,
}

impl Carries {
    /// Whether it may only go to a place that was named.
    #[must_use]
    pub const fn is_credential(self) -> bool {
        matches!(self, Self::Login | Self::Token | Self::AppPassword)
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Probe => "Authorization: Bearer header-doctor",
            Self::Login => "user and password, as JSON",
            Self::Token => "Authorization: Bearer (the token)",
            Self::AppPassword => "Authorization: Basic (user and application password)",
        }
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The step it belongs to.
    pub step: Step,
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// What goes along.
    pub carries: Carries,
    /// The origin of the page in whose name it is asked.
    pub origin: Option<String>,
    /// The manner of the plugin that it is put to.
    pub dialect: Dialect,
}

/// What credentials there are.
#[derive(Clone, Debug, Default)]
pub struct Wallet {
    /// The name to log in with.
    pub user: Option<String>,
    /// The login password.
    pub password: Option<Secret<String>>,
    /// The application password.
    pub app_password: Option<Secret<String>>,
    /// A token, given or issued.
    pub token: Option<Secret<String>>,
}

impl Wallet {
    /// The value of `Authorization`; nothing when there is none to send.
    fn authorization(&self, carries: Carries) -> Option<Secret<String>> {
        use base64::Engine as _;
        let bearer = |token: &str| Secret::new(format!("Bearer {token}"));
        match carries {
            Carries::Nothing | Carries::Login => None,
            Carries::Probe => Some(bearer(PROBE)),
            Carries::Token => self.token.as_ref().map(|token| bearer(token.expose())),
            Carries::AppPassword => {
                let (user, password) = self.user.as_ref().zip(self.app_password.as_ref())?;
                let pair = format!("{user}:{}", password.expose());
                let text = base64::engine::general_purpose::STANDARD.encode(pair);
                Some(Secret::new(format!("Basic {text}")))
            }
        }
    }

    fn body(&self, carries: Carries) -> Vec<u8> {
        match (carries, self.user.as_ref(), self.password.as_ref()) {
            (Carries::Login, Some(user), Some(password)) => {
                json!({ "username": user, "password": password.expose() }).to_string().into_bytes()
            }
            _ => Vec::new(),
        }
    }

    /// What no report may show.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let all = [&self.password, &self.app_password, &self.token];
        all.into_iter().flatten().map(|secret| secret.expose().as_str())
    }

    /// Whether there is anything to log in with.
    #[must_use]
    pub const fn is_filled(&self) -> bool {
        self.password.is_some() || self.app_password.is_some() || self.token.is_some()
    }

    /// Whether it has what the question needs.
    #[must_use]
    pub const fn has(&self, carries: Carries) -> bool {
        match carries {
            Carries::Nothing | Carries::Probe => true,
            Carries::Login => self.user.is_some() && self.password.is_some(),
            Carries::Token => self.token.is_some(),
            Carries::AppPassword => self.user.is_some() && self.app_password.is_some(),
        }
    }
}

impl Question {
    /// Whether an origin is asked as well. One login is enough: the token that came of it is good everywhere, or the difference
    /// is the finding; and what the plugin says to nobody was heard.
    #[must_use]
    pub fn is_asked_again(&self) -> bool {
        !matches!(self.step, Step::Token | Step::Without)
    }

    /// The request, its body beside it. `extra` goes along as it is.
    #[must_use]
    pub fn request(
        &self,
        place: &Place,
        wallet: &Wallet,
        extra: &[(String, Secret<String>)],
    ) -> (RequestHead, Vec<u8>) {
        let authority = place.authority();
        let mut fields = Fields::from([
            ("Host", authority.as_str()),
            ("User-Agent", USER_AGENT),
            ("Accept", "*/*"),
            ("Connection", "close"),
        ]);
        if let Some(value) = wallet.authorization(self.carries) {
            fields.set(Name::Authorization, value.expose().as_bytes());
        }
        for (name, value) in extra {
            fields.append(name.as_bytes(), value.expose().as_bytes());
        }
        self.dress(&mut fields);
        self.try_out(&mut fields);
        let body = wallet.body(self.carries);
        if self.carries == Carries::Login {
            fields.append(b"Content-Type", b"application/json");
        }
        // A POST without body says so (RFC 9110 §8.6).
        if self.method == "POST" {
            fields.append(b"Content-Length", body.len().to_string().as_bytes());
        }
        (RequestHead::build(self.method, &self.target, fields), body)
    }

    /// The field that is tried.
    fn try_out(&self, fields: &mut Fields) {
        match self.step {
            Step::Beside(beside) => {
                let (name, value) = beside.field();
                fields.append(name.as_bytes(), value.as_bytes());
            }
            Step::Long(size) => {
                let (name, value) = size.field();
                fields.append(name.as_bytes(), value.as_bytes());
            }
            Step::Instead => fields.append(INSTEAD.as_bytes(), format!("Bearer {PROBE}").as_bytes()),
            _ => {}
        }
    }

    /// What a browser adds for a page of another origin.
    fn dress(&self, fields: &mut Fields) {
        let Some(origin) = &self.origin else { return };
        fields.append(b"Origin", origin.as_bytes());
        let announced = match self.step {
            Step::Preflight(_) => "GET",
            Step::Announced(writing, _) => writing.method(),
            _ => return,
        };
        fields.append(b"Access-Control-Request-Method", announced.as_bytes());
        fields.append(b"Access-Control-Request-Headers", b"authorization,content-type");
    }
}

#[cfg(test)]
mod tests {
    use super::{Carries, Dialect, Question, Step, Wallet};
    use crate::message::Name;
    use crate::secret::Secret;

    fn question(method: &'static str, carries: Carries) -> Question {
        Question {
            step: Step::With,
            method,
            target: "/wp-json/x".to_owned(),
            carries,
            origin: None,
            dialect: Dialect::default(),
        }
    }

    #[test]
    fn a_request_carries_what_it_says_and_no_more() {
        let secret = |text: &str| Some(Secret::new(text.to_owned()));
        let wallet = Wallet {
            user: Some("jo".to_owned()),
            password: secret("pw"),
            app_password: secret("a b"),
            token: secret("a.b.c"),
        };
        let place = "https://a.test:8443".parse().unwrap();
        for (carries, authorization, body) in [
            (Carries::Nothing, None, ""),
            (Carries::Probe, Some("Bearer header-doctor"), ""),
            (Carries::Token, Some("Bearer a.b.c"), ""),
            (Carries::AppPassword, Some("Basic am86YSBi"), ""),
            (Carries::Login, None, r#"{"password":"pw","username":"jo"}"#),
        ] {
            let (head, sent) = question("POST", carries).request(&place, &wallet, &[]);
            assert_eq!(head.fields.only(Name::Authorization), authorization.map(str::as_bytes));
            assert_eq!(String::from_utf8(sent).unwrap(), body);
            assert_eq!(head.fields.only(Name::Host), Some(&b"a.test:8443"[..]));
            assert_eq!(head.fields.only(Name::ContentLength), Some(body.len().to_string().as_bytes()));
        }
        assert!(!format!("{wallet:?}").contains("a.b.c"));
    }
}
