//! `Authorization` goes on byte for byte, or the request is refused.

use crate::message::{Fields, Name};

/// Why a request's credentials may not be forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCredentials {
    /// The field is no list (RFC 9110 §5.3, §11.6.2). nginx answers 400, Apache joins the two, PHP keeps the
    /// last: whichever WordPress sees, the client would not know.
    #[error("there is more than one Authorization field; send exactly one")]
    Twice,
}

impl BadCredentials {
    /// The stable code of the reply's JSON body and of the event.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Twice => "header_doctor_authorization_twice",
        }
    }
}

/// Refuses what cannot be forwarded in one meaning.
///
/// # Errors
/// There are two `Authorization` fields.
pub fn check(fields: &Fields) -> Result<(), BadCredentials> {
    if fields.all(Name::Authorization).nth(1).is_some() { Err(BadCredentials::Twice) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::{BadCredentials, check};
    use crate::message::Fields;

    #[test]
    fn two_lines_are_refused_even_when_they_are_equal() {
        let one = Fields::from([("Authorization", "Bearer a")]);
        let two = Fields::from([("Authorization", "Bearer a"), ("authorization", "Bearer a")]);
        assert_eq!(check(&one), Ok(()));
        assert_eq!(check(&two), Err(BadCredentials::Twice));
    }
}
