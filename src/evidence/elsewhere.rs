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

/// A letter in the name of a header that servers do not hand on: nginx (`underscores_in_headers`, `ignore_invalid_headers`) and
/// Apache before CGI (`http2env` in `server/util_script.c`) drop such headers in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OddLetter {
    /// `X_Authorization`.
    Underscore,
    /// `X.Authorization`.
    Dot,
}

/// The letter for which a header that carries a credential may be dropped.
pub(super) fn odd_letter(fields: &Fields) -> Option<OddLetter> {
    let odd = |name: &[u8]| match () {
        () if name.contains(&b'_') => Some(OddLetter::Underscore),
        () if name.contains(&b'.') => Some(OddLetter::Dot),
        () => None,
    };
    fields.iter().filter(|field| carries(field.value)).find_map(|field| odd(field.name))
}

fn carries(value: &[u8]) -> bool {
    matches!(
        Credential::of(value),
        Credential::Bearer(Token::Jwt)
            | Credential::BearerOtherCase
            | Credential::Basic
            | Credential::TokenOfOtherScheme
            | Credential::BareToken
    )
}

/// The name of another header that carries a credential.
pub(super) fn elsewhere(fields: &Fields) -> Option<&'static str> {
    let is_there = |name: &&str| {
        fields.iter().any(|field| field.name.eq_ignore_ascii_case(name.as_bytes()) && carries(field.value))
    };
    ELSEWHERE.into_iter().find(|name| is_there(name))
}

#[cfg(test)]
mod tests {
    use super::{OddLetter, elsewhere, odd_letter};
    use crate::message::Fields;

    #[test]
    fn odd_letters_count_in_the_names_of_credentials_alone() {
        let letter = |name: &str, value: &str| odd_letter(&Fields::from([(name, value)]));
        assert_eq!(letter("X_Authorization", "Bearer a.b.c"), Some(OddLetter::Underscore));
        assert_eq!(letter("http.authorization", "Bearer a.b.c"), Some(OddLetter::Dot));
        assert_eq!(letter("X_Request", "7"), None);
        assert_eq!(letter("X-Authorization", "Bearer a.b.c"), None);
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
