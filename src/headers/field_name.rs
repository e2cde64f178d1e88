//! A field name that an operator wrote, and what it may be used for.

use std::fmt;
use std::str::FromStr;

use super::Wrong;
use crate::message::{Field, Name};

/// A checked field name, in the spelling in which it was written.
#[derive(Clone, Debug)]
pub struct FieldName {
    text: Box<str>,
    id: Name,
}

/// Why a field may not be used as a source or a copy of `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The field itself.
    #[error("is the header itself; name another one")]
    Itself,
    /// It holds the login of a browser.
    #[error(
        "holds logins of browsers, which are no Authorization; name a header that carries the credential alone"
    )]
    Cookie,
    /// It decides which site is asked.
    #[error("says which site is asked; name a header that carries the credential alone")]
    Host,
    /// It ends at the next hop.
    #[error("ends at the next hop (RFC 9110 section 7.6.1) and never reaches further; name another header")]
    HopByHop,
    /// It is for a proxy, not for WordPress.
    #[error("is a credential for a proxy, which WordPress must not see; name a header meant for WordPress")]
    Proxys,
    /// An edge says with it who somebody is.
    #[error(
        "is how an edge asserts who somebody is, and no credential that WordPress issued; \
         whoever passes the edge would be logged in by it"
    )]
    Assertion,
    /// It describes the body or the way.
    #[error(
        "describes the message itself and would be overwritten; name a header of your own, such as x-authorization"
    )]
    Descriptive,
}

/// How edges assert an identity (Cloudflare Access, Google IAP, AWS ALB, Azure App Service); a final `*` stands for
/// all names that begin so.
const ASSERTIONS: [&str; 5] = [
    "cf-access-jwt-assertion",
    "x-goog-iap-jwt-assertion",
    "x-goog-authenticated-user-*",
    "x-amzn-oidc-*",
    "x-ms-client-principal*",
];

/// What describes the message, its sender or its way. `*` as above.
const DESCRIPTIVE: [&str; 19] = [
    "accept*",
    "client-ip",
    "content-*",
    "expect",
    "forwarded",
    "header-doctor-*",
    "origin",
    "proxy",
    "range",
    "referer",
    "traceparent",
    "tracestate",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "x-request-id",
];

impl FieldName {
    /// The most characters of a name.
    pub const LONGEST: usize = 64;

    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a field has this name, however it is spelled.
    #[must_use]
    pub fn names(&self, field: &Field<'_>) -> bool {
        field.id == self.id
            && (self.id != Name::Other || field.name.eq_ignore_ascii_case(self.text.as_bytes()))
    }

    /// Whether PHP would take a field for this one: to CGI `X_Auth` and `X-Auth` are one variable, to PHP `X.Auth` too.
    #[must_use]
    pub fn is_taken_for(&self, field: &Field<'_>) -> bool {
        let plain = |byte: &u8| if matches!(byte, b'_' | b'.') { b'-' } else { byte.to_ascii_lowercase() };
        field.name.len() == self.text.len()
            && field.name.iter().map(plain).eq(self.text.as_bytes().iter().map(plain))
    }

    /// Whether `Authorization` may be recovered from it.
    ///
    /// # Errors
    /// It holds something else, or something that must not become a login.
    pub fn check_source(&self) -> Result<(), Unfit> {
        self.check()?;
        if self.begins_like(&DESCRIPTIVE) {
            return Err(Unfit::Descriptive);
        }
        if self.begins_like(&ASSERTIONS) { Err(Unfit::Assertion) } else { Ok(()) }
    }

    /// Whether `Authorization` may be copied to it.
    ///
    /// # Errors
    /// The copy would overwrite something that is needed, or never arrive.
    pub fn check_mirror(&self) -> Result<(), Unfit> {
        self.check()?;
        if self.begins_like(&DESCRIPTIVE) { Err(Unfit::Descriptive) } else { Ok(()) }
    }

    fn check(&self) -> Result<(), Unfit> {
        match self.id {
            Name::Authorization => Err(Unfit::Itself),
            Name::Cookie | Name::SetCookie => Err(Unfit::Cookie),
            Name::Host => Err(Unfit::Host),
            Name::ProxyAuthorization => Err(Unfit::Proxys),
            Name::Trailer => Err(Unfit::HopByHop),
            id if super::hop_by_hop::ends_here(id) => Err(Unfit::HopByHop),
            _ => Ok(()),
        }
    }

    fn begins_like(&self, patterns: &[&str]) -> bool {
        let fits = |pattern: &&str| match pattern.strip_suffix('*') {
            Some(start) => self.text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start)),
            None => self.text.eq_ignore_ascii_case(pattern),
        };
        patterns.iter().any(fits)
    }
}

impl FromStr for FieldName {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        const MARKS: &[u8] = b"!#$%&'*+-.^_`|~";
        if text.is_empty() || text.len() > Self::LONGEST {
            return Err(no_name("write one of 1 to 64 characters, such as x-authorization"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || MARKS.contains(&byte)) {
            return Err(no_name("write letters, digits and hyphens alone, such as x-authorization"));
        }
        Ok(Self { text: text.into(), id: Name::of(text.as_bytes()) })
    }
}

fn no_name(right: &str) -> Wrong {
    Wrong { wrong: "is not a header name", right: right.to_owned() }
}

/// Two spellings are the same name (RFC 9110 §5.1).
impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for FieldName {}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{FieldName, Unfit};
    use crate::message::Fields;

    fn name(text: &str) -> FieldName {
        text.parse().expect(text)
    }

    #[test]
    fn a_name_is_a_bounded_token() {
        let right = |text: &str| text.parse::<FieldName>().unwrap_err().right;
        for text in ["", &"x".repeat(65)] {
            assert!(right(text).starts_with("write one of 1 to 64 characters"), "{text}");
        }
        for text in ["x authorization", "x:y", "x\r\n", "é", "x(y"] {
            assert!(right(text).starts_with("write letters, digits and hyphens alone"), "{text}");
        }
        assert_eq!(name("X_Auth.1"), name("x_auth.1"));
    }

    #[test]
    fn a_source_carries_a_credential_for_wordpress() {
        for text in
            ["x-authorization", "X-Amzn-Remapped-Authorization", "Authentication", "x-forwarded-access-token"]
        {
            assert_eq!(name(text).check_source(), Ok(()), "{text}");
        }
        let table = [
            ("authorization", Unfit::Itself),
            ("Cookie", Unfit::Cookie),
            ("set-cookie", Unfit::Cookie),
            ("HOST", Unfit::Host),
            ("proxy-authorization", Unfit::Proxys),
            ("connection", Unfit::HopByHop),
            ("keep-alive", Unfit::HopByHop),
            ("te", Unfit::HopByHop),
            ("trailer", Unfit::HopByHop),
            ("upgrade", Unfit::HopByHop),
            ("transfer-encoding", Unfit::HopByHop),
            ("Cf-Access-Jwt-Assertion", Unfit::Assertion),
            ("X-Goog-IAP-JWT-Assertion", Unfit::Assertion),
            ("x-goog-authenticated-user-email", Unfit::Assertion),
            ("X-Amzn-Oidc-Data", Unfit::Assertion),
            ("X-Amzn-Oidc-Identity", Unfit::Assertion),
            ("X-Amzn-Oidc-Accesstoken", Unfit::Assertion),
            ("X-MS-CLIENT-PRINCIPAL", Unfit::Assertion),
            ("X-MS-CLIENT-PRINCIPAL-ID", Unfit::Assertion),
        ];
        for (text, unfit) in table {
            assert_eq!(name(text).check_source(), Err(unfit), "{text}");
        }
    }

    #[test]
    fn a_mirror_overwrites_nothing_that_is_needed() {
        for text in ["x-authorization", "x-jwt", "x-amzn-oidc-data"] {
            assert_eq!(name(text).check_mirror(), Ok(()), "{text}");
        }
        for text in [
            "content-type",
            "Content-Length",
            "x-forwarded-for",
            "header-doctor-trail",
            "user-agent",
            "accept",
        ] {
            assert_eq!(name(text).check_mirror(), Err(Unfit::Descriptive), "{text}");
        }
        assert_eq!(name("Host").check_mirror(), Err(Unfit::Host));
        assert_eq!(name("upgrade").check_mirror(), Err(Unfit::HopByHop));
    }

    #[test]
    fn a_field_is_recognised_in_any_spelling() {
        let fields = Fields::from([("X-AUTH", "1"), ("x-authorization", "2"), ("x-request-id", "3")]);
        let found = |text: &str| fields.iter().filter(|field| name(text).names(field)).count();
        assert_eq!(
            [found("x-auth"), found("X-Authorization"), found("X-Request-ID"), found("x")],
            [1, 1, 1, 0]
        );
    }

    proptest! {
        #[test]
        fn a_name_is_kept_as_written(text in any::<String>()) {
            if let Ok(name) = text.parse::<FieldName>() {
                assert_ne!(name.check_mirror(), Err(Unfit::Assertion));
                assert_eq!(name.as_str(), text);
            }
        }
    }
}
