//! What "JWT Authentication for WP REST API" 1.3.4 makes of an `Authorization`, in its order
//! (`class-jwt-auth-public.php`).
//!
//! There are two code paths: `token/validate` reads the header as it came and says when it found none; every other route
//! reads it through `sanitize_text_field`, and passes over what does not begin with `Bearer`. From then on both do the
//! same. The demo's WordPress answers by this module, and its tests hold both to what was measured at a real one.

use std::borrow::Cow;

use serde_json::Value;

use super::php;
use super::php_jwt::{Parts, invalid};
use crate::moment::Moment;

/// The site that judges, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Site<'s> {
    /// `JWT_AUTH_SECRET_KEY`.
    pub(crate) secret: Option<&'s [u8]>,
    /// `get_bloginfo('url')`.
    pub(crate) home: Option<&'s str>,
}

/// Where a token is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Every REST route but `token/validate`.
    Any,
    /// `POST jwt-auth/v1/token/validate`.
    Validate,
}

/// What is checked, in the order of the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// There is an `Authorization`.
    Header,
    /// It is `Bearer` and a word.
    Bearer,
    /// The site has a secret.
    Secret,
    /// The word has three parts.
    Segments,
    /// They are base64 of JSON.
    Encoding,
    /// The algorithm is the site's.
    Algorithm,
    /// The signature is by the site's secret.
    Signature,
    /// `nbf` and `iat` have come.
    Begin,
    /// `exp` has not.
    Expiry,
    /// `iss` is the site's address.
    Issuer,
    /// There is a `data.user.id`.
    User,
}

/// A refusal, as a `WP_Error` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The status.
    pub status: u16,
    /// The code.
    pub code: &'static str,
    /// The message.
    pub message: Cow<'static, str>,
}

impl Refused {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into() }
    }
}

/// How a check ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is passed.
    Passed,
    /// It refuses, in these words.
    Refused(Refused),
    /// It cannot be told from here.
    Unknown,
}

/// The checks that a credential goes through. Those behind a refusal are made as well, as far as they can be: a token
/// that is cured of one fault should not fail by the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course(Vec<(Check, Outcome)>);

impl Course {
    pub(super) fn take(&mut self, check: Check, refused: Option<Refused>) {
        self.0.push((check, refused.map_or(Outcome::Passed, Outcome::Refused)));
    }

    pub(super) fn may_take(&mut self, check: Check, refused: Option<Option<Refused>>) {
        match refused {
            Some(refused) => self.take(check, refused),
            None => self.0.push((check, Outcome::Unknown)),
        }
    }

    /// The checks and how each ends.
    pub fn checks(&self) -> impl Iterator<Item = (Check, &Outcome)> {
        self.0.iter().map(|(check, outcome)| (*check, outcome))
    }

    /// The refusals in order; the first is the answer.
    pub fn refusals(&self) -> impl Iterator<Item = (Check, &Refused)> {
        self.checks().filter_map(|(check, outcome)| match outcome {
            Outcome::Refused(refused) => Some((check, refused)),
            Outcome::Passed | Outcome::Unknown => None,
        })
    }

    /// The answer, when it refuses.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refused> {
        self.refusals().next().map(|(_, refused)| refused)
    }

    /// How a check ends; nothing where it is not come to.
    #[must_use]
    pub fn of(&self, check: Check) -> Option<&Outcome> {
        self.0.iter().find(|(one, _)| *one == check).map(|(_, outcome)| outcome)
    }
}

/// What a route answers to an `Authorization`; empty where there is none.
pub(crate) fn judge(route: Route, authorization: &str, site: Site<'_>, now: Moment) -> Course {
    let mut course = Course::default();
    let header = match route {
        Route::Validate => authorization.to_owned(),
        Route::Any => php::sanitize_text_field(authorization),
    };
    let has_header = php::is_truthy(header.as_bytes());
    let missing = match route {
        Route::Validate => Refused::new(403, "jwt_auth_no_auth_header", "Authorization header not found."),
        Route::Any => anonymous(),
    };
    course.take(Check::Header, (!has_header).then_some(missing));
    if !has_header {
        return course;
    }
    if route == Route::Any && !header.starts_with("Bearer") {
        course.take(Check::Bearer, Some(anonymous()));
        return course;
    }
    validate(&mut course, &header, site, now);
    course
}

/// What a route says that asks who is there (`wp/v2/users/me`), to whoever brings nothing that is looked at.
fn anonymous() -> Refused {
    Refused::new(401, "rest_not_logged_in", "You are not currently logged in.")
}

/// `validate_token`.
fn validate(course: &mut Course, header: &str, site: Site<'_>, now: Moment) {
    let token = php::first_word(header).filter(|token| php::is_truthy(token.as_bytes()));
    let malformed = || Refused::new(403, "jwt_auth_bad_auth_header", "Authorization header malformed.");
    course.take(Check::Bearer, token.is_none().then(malformed));
    let Some(token) = token else { return };
    let unset = || {
        let message = "JWT is not configured properly, please contact the admin";
        Refused::new(403, "jwt_auth_bad_config", message)
    };
    course.may_take(Check::Secret, site.secret.map(|secret| (!php::is_truthy(secret)).then(unset)));
    let parts = match Parts::of(token) {
        Ok(parts) => parts,
        Err((check, words)) => {
            if check > Check::Segments {
                course.take(Check::Segments, None);
            }
            return course.take(check, Some(invalid(words)));
        }
    };
    course.take(Check::Segments, None);
    course.take(Check::Encoding, None);
    parts.judge(course, site.secret, now);
    let foreign = || Refused::new(403, "jwt_auth_bad_iss", "The iss do not match with this server");
    course.may_take(Check::Issuer, is_issuer(&parts.claims, site.home).map(|is| (!is).then(foreign)));
    let nobody = || Refused::new(403, "jwt_auth_bad_request", "User ID not found in the token");
    course.take(Check::User, user(&parts.claims).is_none().then(nobody));
}

/// Whether the issuer is the site, letter by letter. A site has an address, so what is none is nobody's.
fn is_issuer(claims: &Value, home: Option<&str>) -> Option<bool> {
    let issuer = claims.get("iss").and_then(Value::as_str).filter(|issuer| issuer.contains("://"));
    match (issuer, home) {
        (None, _) => Some(false),
        (Some(issuer), Some(home)) => Some(issuer == home),
        (Some(_), None) => None,
    }
}

/// `isset($token->data->user->id)`.
pub(super) fn user(claims: &Value) -> Option<&Value> {
    claims.pointer("/data/user/id").filter(|id| !id.is_null())
}

/// The user that a token names, in the text of its number.
pub(crate) fn user_of(authorization: &str) -> Option<String> {
    let header = php::sanitize_text_field(authorization);
    let parts = Parts::of(php::first_word(&header)?).ok()?;
    user(&parts.claims).map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::{Check, Outcome, Route, Site, judge};
    use crate::moment::Moment;

    /// `{"alg":"HS256"}` and `{"iss":"https://a.test","nbf":100,"exp":200}`.
    const TOKEN: &str = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJodHRwczovL2EudGVzdCIsIm5iZiI6MTAwLCJleHAiOjIwMH0.\
                         c2lnc2lnc2lnc2lnc2lnc2lnc2lnc2lnc2lnc2lnc2k";

    fn refusals(site: Site<'_>, at: i64) -> Vec<Check> {
        let course = judge(Route::Any, TOKEN, site, Moment::from_seconds(at));
        course.refusals().map(|(check, _)| check).collect()
    }

    /// The first is the answer; those behind it wait.
    #[test]
    fn refusals_stand_in_the_order_of_the_plugin() {
        let (known, unknown) = (Site { secret: Some(b"x"), home: Some("https://b.test") }, Site::default());
        assert_eq!(refusals(known, 50), [Check::Signature, Check::Begin, Check::Issuer, Check::User]);
        assert_eq!(refusals(known, 150), [Check::Signature, Check::Issuer, Check::User]);
        assert_eq!(refusals(known, 200), [Check::Signature, Check::Expiry, Check::Issuer, Check::User]);
        assert_eq!(refusals(unknown, 200), [Check::Expiry, Check::User]);
        let unset = Site { secret: Some(b"0"), home: None };
        assert_eq!(refusals(unset, 150).first(), Some(&Check::Secret));
    }

    #[test]
    fn what_no_secret_fits_needs_none_to_be_refused() {
        let spoilt = [
            TOKEN.replace("Bearer e", "Bearer \"e"),
            format!("{TOKEN}%0A"),
            TOKEN.replace("c2lnc2lnc2k", "c2ln"),
        ];
        for value in spoilt {
            let course = judge(Route::Validate, &value, Site::default(), Moment::from_seconds(150));
            let first = course.refusals().next().map(|(check, _)| check);
            assert_eq!(first, Some(Check::Signature), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_unknown() {
        let course = judge(Route::Validate, TOKEN, Site::default(), Moment::from_seconds(150));
        let unknown = course.checks().filter(|(_, outcome)| **outcome == Outcome::Unknown);
        let unknown: Vec<_> = unknown.map(|(check, _)| check).collect();
        assert_eq!(unknown, [Check::Secret, Check::Signature, Check::Issuer]);
    }
}
