//! Whether a login behind `Basic` can be read, by its form alone. Neither the name nor the password is kept.
//!
//! Two parsers come to it. PHP's own forgives much: a second blank and quotes around it did no harm when measured. Where PHP
//! does not see the header, WordPress's takes one blank and standard base64 (`wp_populate_basic_auth_from_authorization_header`
//! in `wp-includes/load.php`). Both need a colon.

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The form of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basic {
    /// Base64 of a name, a colon and a password.
    Good,
    /// The same in the alphabet of base64url, which WordPress's own parser does not take.
    UrlSafe,
    /// Base64 without a colon in it.
    NoColon,
    /// A name, a colon and a password as they are.
    Plain,
    /// No base64.
    NoBase64,
    /// Nothing.
    Nothing,
}

impl Basic {
    /// The form of a value whose scheme is `Basic`.
    pub(super) fn of(value: &[u8]) -> Self {
        let login = value.trim_ascii().get("Basic".len()..).unwrap_or_default().trim_ascii();
        let login = unquoted(login);
        let by = |alphabet: &Alphabet| engine(alphabet).decode(login).ok();
        if login.is_empty() {
            return Self::Nothing;
        }
        if let Some(text) = by(&STANDARD) {
            return if text.contains(&b':') { Self::Good } else { Self::NoColon };
        }
        if login.contains(&b':') {
            return Self::Plain;
        }
        match by(&URL_SAFE) {
            Some(text) if text.contains(&b':') => Self::UrlSafe,
            Some(_) => Self::NoColon,
            None => Self::NoBase64,
        }
    }
}

fn engine(alphabet: &Alphabet) -> GeneralPurpose {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, lenient)
}

fn unquoted(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::Basic;

    #[test]
    fn the_form_of_a_login_is_read() {
        let table = [
            ("Basic dTpw", Basic::Good),
            ("basic dTpw", Basic::Good),
            ("Basic  dTpw ", Basic::Good),
            ("Basic \"dTpw\"", Basic::Good),
            ("Basic YWRtaW46cHc", Basic::Good),
            ("Basic dXNlcg==", Basic::NoColon),
            ("Basic dTrDv8O_", Basic::UrlSafe),
            ("Basic admin:s3cret pass", Basic::Plain),
            ("Basic adm!n", Basic::NoBase64),
            ("Basic", Basic::Nothing),
            ("Basic \"\"", Basic::Nothing),
        ];
        for (value, expected) in table {
            assert_eq!(Basic::of(value.as_bytes()), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in any::<Vec<u8>>()) {
            std::hint::black_box(Basic::of(&value));
        }
    }
}
