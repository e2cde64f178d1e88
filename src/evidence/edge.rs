//! Who stands in front of the doctor, and what became of the credential there.
//!
//! An edge that keeps `Authorization` to itself often leaves a mark of its own on the request, and some move the value
//! to another name. Only marks and names that were read in the vendors' documentation or measured are used.

use super::credential::{Credential, Token};
use crate::message::{Fields, Name};

/// An edge known by what it adds to requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// AWS `CloudFront`: `User-Agent: Amazon CloudFront` or `X-Amz-Cf-Id`. It removes `Authorization` unless told
    /// otherwise.
    CloudFront,
    /// AWS API Gateway: it renames to `x-amzn-Remapped-…`.
    ApiGateway,
    /// Cloudflare: `CF-Ray`.
    Cloudflare,
    /// ingress-nginx: `X-Scheme` and `X-Original-Forwarded-For` or `X-Request-ID`.
    IngressNginx,
    /// Azure Front Door: `X-Azure-FDID`.
    FrontDoor,
    /// None that betrays itself.
    Unknown,
}

/// Other names under which a credential travels: where an edge moves it, where clients put it to get around one, how
/// it is misspelt. The first that carries a credential counts.
const ELSEWHERE: [&str; 5] = [
    "x-amzn-remapped-authorization",
    "x-forwarded-authorization",
    "x-authorization",
    "authorisation",
    "authentication",
];

impl Edge {
    pub(super) fn of(fields: &Fields) -> Self {
        let has = |name: &str| fields.iter().any(|field| field.name.eq_ignore_ascii_case(name.as_bytes()));
        let is_cloudfront = fields.first(Name::UserAgent) == Some(b"Amazon CloudFront") || has("x-amz-cf-id");
        let starts = |prefix: &str| {
            let prefix = prefix.as_bytes();
            let is = |name: &[u8]| {
                name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            };
            fields.iter().any(|field| is(field.name))
        };
        match () {
            () if starts("x-amzn-remapped-") => Self::ApiGateway,
            () if is_cloudfront => Self::CloudFront,
            () if has("cf-ray") => Self::Cloudflare,
            () if has("x-azure-fdid") => Self::FrontDoor,
            () if has("x-scheme") && has("x-original-forwarded-for") => Self::IngressNginx,
            () => Self::Unknown,
        }
    }

    /// Its name, as the texts of the rules write it; `any` for none.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CloudFront => "CloudFront",
            Self::ApiGateway => "API Gateway",
            Self::Cloudflare => "Cloudflare",
            Self::IngressNginx => "ingress-nginx",
            Self::FrontDoor => "Azure Front Door",
            Self::Unknown => "any",
        }
    }
}

/// The name of another header that carries a credential.
pub(super) fn elsewhere(fields: &Fields) -> Option<&'static str> {
    let carries = |value: &[u8]| {
        matches!(
            Credential::of(value),
            Credential::Bearer(Token::Jwt)
                | Credential::BearerOtherCase
                | Credential::Basic
                | Credential::TokenOfOtherScheme
                | Credential::BareToken
        )
    };
    let is_there = |name: &&str| {
        fields.iter().any(|field| field.name.eq_ignore_ascii_case(name.as_bytes()) && carries(field.value))
    };
    ELSEWHERE.into_iter().find(|name| is_there(name))
}

#[cfg(test)]
mod tests {
    use super::{Edge, elsewhere};
    use crate::message::Fields;

    #[test]
    fn edges_are_known_by_their_marks() {
        let table = [
            (Fields::from([("User-Agent", "Amazon CloudFront")]), Edge::CloudFront),
            (Fields::from([("x-amz-cf-id", "x")]), Edge::CloudFront),
            (Fields::from([("x-amzn-Remapped-Authorization", "x")]), Edge::ApiGateway),
            (Fields::from([("CF-Ray", "x")]), Edge::Cloudflare),
            (Fields::from([("X-Azure-FDID", "x")]), Edge::FrontDoor),
            (
                Fields::from([("X-Scheme", "https"), ("X-Original-Forwarded-For", "1.2.3.4")]),
                Edge::IngressNginx,
            ),
            (Fields::from([("X-Scheme", "https")]), Edge::Unknown),
        ];
        for (fields, edge) in table {
            assert_eq!(Edge::of(&fields), edge, "{fields:?}");
        }
    }

    #[test]
    fn a_credential_is_found_under_other_names() {
        let at = |name: &str, value: &str| elsewhere(&Fields::from([(name, value)]));
        assert_eq!(at("X-Authorization", "Bearer a.b.c"), Some("x-authorization"));
        assert_eq!(at("Authentication", "a.b.c"), Some("authentication"));
        assert_eq!(at("X-Authorization", "yes"), None);
        assert_eq!(at("Authorization", "Bearer a.b.c"), None);
        assert_eq!(at("X-Auth", "Bearer a.b.c"), None);
    }
}
