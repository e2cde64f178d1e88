//! The examination: what a token says, what fits, and what would be answered.

use super::address::{self, Address};
use super::foretold::Foretold;
use super::given::Given;
use super::php;
use super::php_jwt::Parts;
use super::plugin::{Course, Route, Site, judge, user};
use super::secret::{Fit, Supposed};
use crate::evidence::{Claims, Credential, Difference, Placeholder, Times, Token, Wrapping};
use crate::moment::Moment;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The token and what it came as.
    pub given: &'a Given,
    /// The secret that the site is supposed to have.
    pub secret: Option<&'a Supposed>,
    /// The site.
    pub site: Option<&'a Address>,
    /// The time.
    pub now: Moment,
}

/// What is found.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What kind of credential it is.
    pub credential: Credential,
    /// The header of the token; nothing where there is no token that can be read.
    pub header: Option<Header>,
    /// The claims.
    pub stated: Option<Stated>,
    /// How the signature fits; nothing where no secret is known, or no token can be read.
    pub fit: Option<Fit>,
    /// What every route but `token/validate` checks.
    pub any: Course,
    /// What `token/validate` checks.
    pub validate: Course,
    /// What would be answered to the token alone behind `Bearer`, when something else was given.
    pub cured: Option<Course>,
    /// What the rules say of the refusal, if it is one.
    pub foretold: Option<Foretold>,
}

/// The header of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The algorithm; a word of our own list.
    pub algorithm: &'static str,
    /// The type: `JWT`, or what else there is in our words; nothing where none is said.
    pub kind: Option<&'static str>,
}

/// The claims that matter to the plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The issuer, where it may be shown.
    pub issuer: Option<String>,
    /// How it differs from the site, and what that comes from; nothing where no site is known or it does not.
    pub difference: Option<(Difference, &'static str)>,
    /// The times.
    pub times: Times,
    /// The number of the user.
    pub user: Option<String>,
}

impl Examined {
    /// Whether WordPress would refuse it somewhere, as far as can be told.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.any.refusal().or_else(|| self.validate.refusal()).is_some()
    }

    /// What is wrong with the credential as it was given, before any token is read.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        wrong(self.credential)
    }
}

/// Examines.
#[must_use]
pub fn examine(asked: &Asked<'_>) -> Examined {
    let Asked { given, secret, site, now } = *asked;
    let value = given.value();
    let core = given.core();
    let parts = core.as_deref().and_then(|core| Parts::of(core).ok());
    let of = Site { secret: secret.map(Supposed::bytes), home: site.map(Address::as_str) };
    let course = |route, value: &str| judge(route, value, of, now);
    let (any, validate) = (course(Route::Any, value), course(Route::Validate, value));
    let refused = [(Route::Any, &any), (Route::Validate, &validate)];
    let refused = refused.into_iter().find_map(|(route, course)| Some((route, course.refusal()?)));
    let is_spoilt = Credential::of(value.as_bytes()) != Credential::Bearer(Token::Jwt);
    let cured = core.as_deref().filter(|_| is_spoilt && refused.is_some());
    Examined {
        credential: Credential::of(value.as_bytes()),
        header: parts.as_ref().map(header),
        stated: parts.as_ref().map(|parts| stated(parts, core.as_deref(), site)),
        fit: secret.zip(parts.as_ref()).map(|(secret, parts)| secret.fit(parts)),
        cured: cured.map(|core| course(Route::Any, &format!("Bearer {core}"))),
        foretold: refused.and_then(|(route, refused)| Foretold::of(route, value, refused, site, now)),
        any,
        validate,
    }
}

fn header(parts: &Parts<'_>) -> Header {
    const ALGORITHMS: [&str; 15] = [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "ES256K", "PS256",
        "PS384", "PS512", "EdDSA", "none",
    ];
    let named = parts.algorithm().unwrap_or_default();
    let algorithm = ALGORITHMS.into_iter().find(|one| named.eq_ignore_ascii_case(one));
    let kind = parts.header.get("typ").map(|kind| match kind.as_str() {
        Some("JWT") => "JWT",
        Some("at+jwt") => "at+jwt",
        _ => "another",
    });
    Header { algorithm: algorithm.unwrap_or("unknown"), kind }
}

fn stated(parts: &Parts<'_>, core: Option<&str>, site: Option<&Address>) -> Stated {
    let issuer = parts.claims.get("iss").and_then(serde_json::Value::as_str);
    let claims = core.and_then(|core| Claims::of(core.as_bytes()));
    let difference =
        claims.zip(site.and_then(Address::home)).and_then(|(claims, home)| claims.foreign(&home));
    let time = |name| parts.claims.get(name).and_then(php::seconds).map(Moment::from_seconds);
    let number = user(&parts.claims).map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    Stated {
        issuer: issuer.and_then(address::shown).map(str::to_owned),
        difference: difference.map(|difference| (difference, address::cause(difference))),
        times: Times { expires: time("exp"), not_before: time("nbf"), issued: time("iat") },
        user: number.filter(|id| id.len() <= 20 && id.bytes().all(|byte| byte.is_ascii_digit())),
    }
}

fn wrong(credential: Credential) -> Option<String> {
    let words = match credential {
        Credential::Bearer(token) => return wrong_token(token),
        Credential::Absent | Credential::Empty | Credential::Several => "there is no value",
        Credential::BearerOtherCase => {
            "Bearer is spelt otherwise: the plugin compares it letter by letter and passes over bearer and BEARER"
        }
        Credential::Basic => "it is Basic, which the plugin passes over",
        Credential::Joined => "two credentials stand in one line: the plugin looks at the first alone",
        Credential::Quoted => {
            "quotes stand around the whole, so that it does not begin with Bearer, and it is passed over"
        }
        Credential::TokenOfOtherScheme => {
            "another word than Bearer stands before the token, and it is passed over"
        }
        Credential::OtherScheme => "it is of another scheme, and it is passed over",
        Credential::BareToken => "Bearer is missing before the token, and it is passed over",
        Credential::SchemeMissing => "it is neither Bearer nor a token, and it is passed over",
    };
    Some(words.to_owned())
}

fn wrong_token(token: Token) -> Option<String> {
    match token {
        Token::Jwt => None,
        Token::Wrapped(around) => Some(wrapped(around)),
        Token::Placeholder(word) => Some(placeholder(word)),
        Token::Nothing => Some("no token stands behind Bearer".to_owned()),
        Token::Other => Some(
            "it is no JWT, which has three parts with points between them: another kind of token or key, or a damaged one"
                .to_owned(),
        ),
    }
}

fn wrapped(around: Wrapping) -> String {
    let form = around.form();
    format!(
        "it stands there as {form}: nothing but one blank belongs between Bearer and the token, and nothing behind it"
    )
}

fn placeholder(word: Placeholder) -> String {
    format!("it is the word {word} in place of a token: the client had none when it sent it")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Asked, Difference, Fit, Given, Supposed, examine};
    use crate::moment::Moment;

    /// `{"alg":"HS256"}` and `{"iss":"http://a.test","exp":200,"data":{"user":{"id":7}}}`.
    const TOKEN: &str =
        "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJodHRwOi8vYS50ZXN0IiwiZXhwIjoyMDAsImRhdGEiOnsidXNlciI6eyJpZCI6N319fQ";

    #[test]
    fn a_token_is_read_whatever_stands_around_it() {
        let (secret, site) = (Supposed::of_variable(b"x".to_vec()), "https://a.test".parse().unwrap());
        for form in ["{}", "Bearer {}", "bearer {}", "\"{}\"", "X-Authorization: {}"] {
            let given = Given::read(form.replace("{}", &format!("{TOKEN}.c2ln")).as_bytes()).unwrap();
            let now = Moment::from_seconds(100);
            let asked = Asked { given: &given, secret: Some(&secret), site: Some(&site), now };
            let examined = examine(&asked);
            let stated = examined.stated.clone().unwrap();
            assert_eq!(stated.user.as_deref(), Some("7"), "{form}");
            assert_eq!(stated.times.expires, Some(Moment::from_seconds(200)), "{form}");
            assert_eq!(
                stated.difference.map(|(difference, _)| difference),
                Some(Difference::Scheme),
                "{form}"
            );
            assert_eq!(examined.fit, Some(Fit::Differs), "{form}");
            assert!(
                examined.is_refused() && !format!("{examined:?}{given:?}{secret:?}").contains("eyJ"),
                "{form}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_credential_is_examined(text in any::<String>(), header in any::<String>(), at in any::<i64>()) {
            let now = Moment::from_millis(at);
            for text in [text.clone(), format!("Authorization: {text}"), format!("Bearer {header}.{TOKEN}.{text}")] {
                if let Ok(given) = Given::read(text.as_bytes()) {
                    std::hint::black_box(examine(&Asked { given: &given, secret: None, site: None, now }));
                }
            }
        }
    }
}
