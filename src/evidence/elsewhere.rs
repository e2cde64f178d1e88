//! What became of the credential before the doctor: some edges move it to another name.
//!
//! Only names that were read in the vendors' documentation or measured are used.

use super::credential::{Credential, Token};
use crate::message::Fields;

/// Other names under which a credential travels: where an edge moves it, where clients put it to get around one, how
/// it is misspelt. The first that carries a credential counts.
const ELSEWHERE: [&str; 5] = [
    "x-amzn-remapped-authorization",
    "x-forwarded-authorization",
    "x-authorization",
    "authorisation",
    "authentication",
];

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
    use super::elsewhere;
    use crate::message::Fields;

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
