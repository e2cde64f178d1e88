//! In which words a JWT plugin is asked, and in which it answers: each has routes, bodies and codes of its own.
//!
//! Only what was read in a plugin's source is asked. Where the form is not certain, or a token comes by another way than a
//! login, it is not asked and the report says so.

use serde_json::Value;

use super::discover::Index;
use crate::evidence::{Message, Symptom};

/// The manner of a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `jwt-auth/v1`: Tmeister, usefulteam and their kin.
    #[default]
    JwtAuth,
    /// Simple JWT Login: `AuthenticateService.php`, `ValidateTokenService.php`.
    SimpleJwtLogin,
    /// miniOrange REST API Authentication: `class-mo-api-authentication-jwt-endpoints`.
    MiniOrange,
}

impl Dialect {
    /// That of a site, by its namespaces; nothing where none is known. Without an index the usual one is tried.
    #[must_use]
    pub(super) fn of(index: Option<&Index>) -> Option<Self> {
        let Some(index) = index else { return Some(Self::JwtAuth) };
        let known = [
            ("jwt-auth/v1", Self::JwtAuth),
            ("simple-jwt-login/v1", Self::SimpleJwtLogin),
            ("api/v1", Self::MiniOrange),
        ];
        known.into_iter().find(|(namespace, _)| index.has(namespace)).map(|(_, dialect)| dialect)
    }

    /// Where a token is issued, by POST with `username` and `password`.
    #[must_use]
    pub(super) const fn token(self) -> &'static str {
        match self {
            Self::JwtAuth => "/jwt-auth/v1/token",
            Self::SimpleJwtLogin => "/simple-jwt-login/v1/auth",
            Self::MiniOrange => "/api/v1/token",
        }
    }

    /// How and where a token is examined.
    #[must_use]
    pub(super) const fn validate(self) -> (&'static str, &'static str) {
        match self {
            Self::JwtAuth => ("POST", "/jwt-auth/v1/token/validate"),
            Self::SimpleJwtLogin => ("GET", "/simple-jwt-login/v1/auth/validate"),
            Self::MiniOrange => ("GET", "/api/v1/token-validate"),
        }
    }

    /// The token in a reply.
    #[must_use]
    pub(super) fn issued(self, body: &[u8]) -> Option<String> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let token = match self {
            Self::JwtAuth => value.get("token").or_else(|| value.pointer("/data/token")),
            Self::SimpleJwtLogin => value.pointer("/data/jwt"),
            Self::MiniOrange => value.get("jwt_token"),
        };
        let token = token?.as_str()?;
        let is_clear = |byte: u8| byte.is_ascii_graphic();
        (!token.is_empty() && token.bytes().all(is_clear)).then(|| token.to_owned())
    }

    /// Whether a reply calls a token good. miniOrange refuses some with 200.
    #[must_use]
    pub(super) fn is_good(self, body: &[u8]) -> bool {
        let Ok(value) = serde_json::from_slice::<Value>(body) else { return false };
        match self {
            Self::JwtAuth => value.get("code").and_then(Value::as_str) == Some("jwt_auth_valid_token"),
            Self::SimpleJwtLogin => value.get("success") == Some(&Value::Bool(true)),
            Self::MiniOrange => value.get("status").and_then(Value::as_str) == Some("TRUE"),
        }
    }

    /// Whether a reply says that no token came. Simple JWT Login says so, too, where it is set to read tokens elsewhere.
    #[must_use]
    pub(super) fn missed(self, symptom: &Symptom) -> bool {
        symptom.code()
            == match self {
                Self::JwtAuth => "jwt_auth_no_auth_header",
                Self::SimpleJwtLogin => "53",
                Self::MiniOrange => "MISSING_AUTHORIZATION_HEADER",
            }
    }

    /// Whether a reply to the probe says that it was read.
    #[must_use]
    pub(super) fn arrived(self, symptom: &Symptom) -> bool {
        match self {
            Self::JwtAuth => {
                symptom.code() == "jwt_auth_invalid_token"
                    && symptom.message() == Some(Message::WRONG_SEGMENTS)
            }
            Self::SimpleJwtLogin => symptom.code() == "2",
            Self::MiniOrange => symptom.code() == "SEGMENT_FAULT",
        }
    }

    /// What a healthy site answers without a token, with the probe, and with a good one.
    #[must_use]
    pub(super) const fn expects(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::JwtAuth => (
                "jwt_auth_no_auth_header",
                "jwt_auth_invalid_token \"Wrong number of segments\"",
                "200 jwt_auth_valid_token",
            ),
            Self::SimpleJwtLogin => ("error 53, no token", "error 2, no JWT", "200 and \"success\""),
            Self::MiniOrange => ("MISSING_AUTHORIZATION_HEADER", "SEGMENT_FAULT", "200 and VALID_TOKEN"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::Dialect;

    const ALL: [Dialect; 3] = [Dialect::JwtAuth, Dialect::SimpleJwtLogin, Dialect::MiniOrange];

    #[test]
    fn a_token_is_found_in_the_shape_of_each_plugin() {
        for (dialect, body) in [
            (Dialect::JwtAuth, r#"{"token":"a.b.c","user_email":"x"}"#),
            (
                Dialect::JwtAuth,
                r#"{"success":true,"statusCode":200,"code":"x","data":{"token":"a.b.c","id":1}}"#,
            ),
            (Dialect::SimpleJwtLogin, r#"{"success":true,"data":{"jwt":"a.b.c"}}"#),
            (Dialect::MiniOrange, r#"{"token_type":"Bearer","iat":1,"expires_in":2,"jwt_token":"a.b.c"}"#),
        ] {
            assert_eq!(dialect.issued(body.as_bytes()).as_deref(), Some("a.b.c"), "{body}");
        }
        for body in ["", "{}", "[]", r#"{"token":"","data":{"jwt":"a b"},"jwt_token":1}"#] {
            assert!(ALL.iter().all(|dialect| dialect.issued(body.as_bytes()).is_none()), "{body}");
        }
    }

    #[test]
    fn a_good_word_is_known_and_a_refusal_with_200_is_none() {
        for (dialect, body, expected) in [
            (Dialect::JwtAuth, r#"{"code":"jwt_auth_valid_token","data":{"status":200}}"#, true),
            (
                Dialect::JwtAuth,
                r#"{"success":true,"statusCode":200,"code":"jwt_auth_valid_token","data":[]}"#,
                true,
            ),
            (Dialect::SimpleJwtLogin, r#"{"success":true,"data":{"user":{},"jwt":[]}}"#, true),
            (Dialect::SimpleJwtLogin, r#"{"success":false,"data":{}}"#, false),
            (Dialect::MiniOrange, r#"{"status":"TRUE","message":"VALID_TOKEN","code":"200"}"#, true),
            (Dialect::MiniOrange, r#"{"status":"error","error":"UNAUTHORIZED","code":"401"}"#, false),
        ] {
            assert_eq!(dialect.is_good(body.as_bytes()), expected, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_read(body in any::<Vec<u8>>(), text in "\\{\"(token|jwt_token|data)\":[ -~]{0,20}\\}") {
            for dialect in ALL {
                for body in [&body[..], text.as_bytes()] {
                    std::hint::black_box(dialect.is_good(body));
                    if let Some(token) = dialect.issued(body) {
                        assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
                    }
                }
            }
        }
    }
}
