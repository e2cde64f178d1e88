//! The error codes of WordPress and its plugins, as data: who sends each, with which status and words, what it means, whose
//! desk it is and what to do.
//!
//! One code may come from several plugins and mean another thing in each, and one code may stand for many causes that only
//! the message tells apart; so a code is looked up by its emitter and its message. A code that no table has is known by its
//! family at most. The tables hold what was read in the sources that each row names, or measured; what nobody could
//! read is left out, or said to be so.

mod application_passwords;
mod core;
mod experiments;
mod family;
mod lockdown;
mod miniorange;
mod pro;
mod simple_jwt_login;
mod tmeister;
mod usefulteam;
mod woocommerce;
mod wpgraphql;

pub use family::{Family, family};

use super::{Desk, Place, Severity};
use crate::evidence::{Plugin, Symptom, fits};

/// A code, or several that mean the same, as one emitter sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Who sends it.
    pub emitter: Emitter,
    /// The codes; of Simple JWT Login the numbers, of miniOrange what stands in `error`.
    pub codes: &'static [&'static str],
    /// The statuses it comes with; none where that is not known.
    pub statuses: &'static [u16],
    /// Its messages, as far as they tell something; `…` stands for anything. A row without any holds for every message.
    pub messages: &'static [&'static str],
    /// What it means: a sentence that a verdict quotes, and perhaps more of them.
    pub meaning: &'static str,
    /// What is to blame, most often.
    pub place: Place,
    /// Who can cure it.
    pub desk: Desk,
    /// How grave it is.
    pub severity: Severity,
    /// What to do, in one line.
    pub cure: &'static str,
    /// The rules that it leads to, the likeliest first.
    pub rules: &'static [&'static str],
    /// Where that is from.
    pub source: &'static str,
}

/// Who sends a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emitter {
    /// WordPress's REST API.
    Core,
    /// WordPress's application passwords, and its login.
    ApplicationPasswords,
    /// JWT Authentication for WP REST API.
    Tmeister,
    /// JWT Auth.
    Usefulteam,
    /// Simple JWT Login.
    SimpleJwtLogin,
    /// WPGraphQL JWT Authentication.
    WpGraphQl,
    /// WooCommerce.
    WooCommerce,
    /// miniOrange REST API Authentication.
    MiniOrange,
    /// CoCart JWT.
    CoCart,
    /// `WP-API/jwt-auth`.
    WpApiJwtAuth,
    /// `WP-API/OAuth2`.
    OAuth2,
    /// `jonathan-dejong/simple-jwt-authentication`.
    SimpleJwtAuthentication,
    /// Plugins that close the REST API.
    LockDown,
    /// JWT Auth Pro.
    Pro,
}

impl Emitter {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "WordPress's REST API",
            Self::ApplicationPasswords => "WordPress's logins and application passwords",
            Self::Tmeister => "JWT Authentication for WP REST API",
            Self::Usefulteam => "JWT Auth (usefulteam)",
            Self::SimpleJwtLogin => "Simple JWT Login",
            Self::WpGraphQl => "WPGraphQL JWT Authentication",
            Self::WooCommerce => "WooCommerce",
            Self::MiniOrange => "miniOrange REST API Authentication",
            Self::CoCart => "CoCart JWT",
            Self::WpApiJwtAuth => "WP-API/jwt-auth",
            Self::OAuth2 => "WP-API/OAuth2",
            Self::SimpleJwtAuthentication => "simple-jwt-authentication (jonathan-dejong)",
            Self::LockDown => "a plugin that closes the REST API",
            Self::Pro => "JWT Auth Pro",
        }
    }

    /// The shape of the body that its errors come in.
    #[must_use]
    pub const fn shape(self) -> &'static str {
        match self {
            Self::Usefulteam => "{success, statusCode, code, message, data}",
            Self::SimpleJwtLogin => {
                "{success: false, data: {message, error_code}} from its routes, {code, message, data} elsewhere"
            }
            Self::WpGraphQl => {
                "{errors: [{message: \"CODE | MESSAGE\"}]}; without debugging only \"Internal server error\""
            }
            Self::MiniOrange => "{status: \"error\", error, code, error_description}",
            _ => "{code, message, data: {status}}",
        }
    }

    /// The emitter that an error betrays.
    #[must_use]
    pub const fn of(plugin: Plugin) -> Self {
        match plugin {
            Plugin::Tmeister => Self::Tmeister,
            Plugin::Usefulteam => Self::Usefulteam,
            Plugin::SimpleJwtLogin => Self::SimpleJwtLogin,
            Plugin::MiniOrange => Self::MiniOrange,
            Plugin::WpGraphQl => Self::WpGraphQl,
            Plugin::WooCommerce => Self::WooCommerce,
            Plugin::CoCart => Self::CoCart,
            Plugin::WpApiJwtAuth => Self::WpApiJwtAuth,
            Plugin::OAuth2 => Self::OAuth2,
        }
    }
}

impl Known {
    /// The first sentence of its meaning, in the form in which it follows a colon.
    #[must_use]
    pub fn clause(&self) -> String {
        const LOWERED: [&str; 10] =
            ["The ", "A ", "An ", "No ", "It ", "This ", "Another ", "Nothing ", "Only ", "Parameters "];
        let sentence =
            self.meaning.split_inclusive(". ").next().unwrap_or_default().trim_end_matches(['.', ' ']);
        let Some(word) = LOWERED.iter().find(|word| sentence.starts_with(**word)) else {
            return sentence.to_owned();
        };
        word.to_lowercase() + sentence.get(word.len()..).unwrap_or_default()
    }

    /// Whether it is this code, in whatever case.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.codes.iter().any(|known| known.eq_ignore_ascii_case(code))
    }
}

/// Every code.
pub fn all() -> impl Iterator<Item = &'static Known> {
    let tables = [
        tmeister::CODES,
        usefulteam::CODES,
        core::CODES,
        application_passwords::CODES,
        simple_jwt_login::CODES,
        wpgraphql::CODES,
        woocommerce::CODES,
        miniorange::CODES,
        experiments::CODES,
        lockdown::CODES,
        pro::CODES,
    ];
    tables.into_iter().flatten()
}

/// What is known of a code, or of the message of one, however it is quoted: from every emitter.
#[must_use]
pub fn about(asked: &str) -> Vec<&'static Known> {
    let asked = bare(asked);
    if asked.is_empty() {
        return Vec::new();
    }
    let by_code: Vec<_> = all().filter(|known| known.is(asked)).collect();
    if !by_code.is_empty() {
        return by_code;
    }
    let asked = asked.trim_end_matches('.').to_lowercase();
    let says = |message: &&str| fits(message.to_lowercase().trim_end_matches('.'), &asked);
    all().filter(|known| known.messages.iter().any(says)).collect()
}

/// The row of a code that this emitter sends with this message, else the one for any message, else its only one.
#[must_use]
pub fn find(emitter: Emitter, code: &str, message: Option<&str>) -> Option<&'static Known> {
    let rows: Vec<_> = all().filter(|known| known.emitter == emitter && known.is(code)).collect();
    let said = rows.iter().find(|row| message.is_some_and(|message| row.messages.contains(&message)));
    said.or_else(|| rows.iter().find(|row| row.messages.is_empty()))
        .or_else(|| rows.first().filter(|_| rows.len() == 1))
        .copied()
}

/// The row of the code that a reply refuses with, by the plugin that it betrays.
#[must_use]
pub fn of(symptom: &Symptom) -> Option<&'static Known> {
    let emitter = Emitter::of(symptom.plugin?);
    find(emitter, symptom.code(), symptom.message().map(crate::evidence::Message::as_str))
}

/// Whether the words of an error are php-jwt's or Simple JWT Login's, about a token: then a bare number is the latter's.
#[must_use]
pub fn are_of_a_token(symptom: &Symptom) -> bool {
    let Some(message) = symptom.message().map(crate::evidence::Message::as_str) else { return false };
    let is_about = |known: &&Known| {
        known.emitter == Emitter::SimpleJwtLogin
            || known.emitter == Emitter::Tmeister && known.is("jwt_auth_invalid_token")
    };
    all().filter(is_about).any(|known| known.messages.contains(&message))
}

/// Whether any table has the code.
#[must_use]
pub fn knows(code: &str) -> bool {
    all().any(|known| known.is(code))
}

/// Without what people copy along: quotes, `error_code:` before a number.
fn bare(text: &str) -> &str {
    let is_around = |sign: char| sign.is_whitespace() || "\"'`“”‘’„«»*,".contains(sign);
    let text = text.trim_matches(is_around);
    let number = text.strip_prefix("error_code").or_else(|| text.strip_prefix("errorCode"));
    number.map_or(text, |rest| rest.trim_matches(|sign: char| is_around(sign) || sign == ':'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::super::rule;
    use super::{Emitter, about, all, find, knows};

    #[test]
    fn every_row_is_whole_and_leads_to_rules_that_there_are() {
        for known in all() {
            let name = known.codes.first().unwrap();
            assert!(known.meaning.len() > 20 && known.meaning.ends_with('.'), "{name}: {}", known.meaning);
            assert!(!known.cure.contains('\n') && !known.source.is_empty(), "{name}");
            assert!(!known.cure.is_empty(), "{name}");
            for id in known.rules {
                assert!(rule(id).is_some(), "{name}: {id}");
            }
            for code in known.codes {
                assert!(about(code).contains(&known), "{code}");
                for message in known.messages {
                    assert_eq!(find(known.emitter, code, Some(message)), Some(known), "{code}: {message}");
                }
            }
        }
    }

    #[test]
    fn no_row_stands_twice() {
        let mut seen = Vec::new();
        for known in all() {
            let keys = known.codes.iter().map(|code| (known.emitter, *code, known.messages));
            for key in keys {
                assert!(!seen.contains(&key), "{key:?}");
                seen.push(key);
            }
        }
    }

    #[test]
    fn a_code_is_known_however_it_is_quoted() {
        for asked in
            ["jwt_auth_bad_iss", "\"JWT_AUTH_BAD_ISS\"", "`jwt_auth_bad_iss`", "48", "error_code: 48"]
        {
            assert!(!about(asked).is_empty(), "{asked}");
        }
        assert!(
            about("Consumer secret is invalid.").len() == 1 && about("consumer secret is invalid").len() == 1
        );
        assert!(about("no_such_code").is_empty() && about("").is_empty());
        assert!(knows("SEGMENT_FAULT") && !knows("jwt_auth_surprise"));
    }

    #[test]
    fn a_message_tells_rows_of_one_code_apart() {
        let woo = |message| {
            find(Emitter::WooCommerce, "woocommerce_rest_authentication_error", message).unwrap().clause()
        };
        assert!(woo(Some("Invalid timestamp.")).contains("timestamp"));
        assert!(woo(None).contains("refused"));
    }

    #[test]
    fn a_clause_follows_a_colon() {
        for known in all() {
            let clause = known.clause();
            assert!(!clause.is_empty() && !clause.ends_with('.') && clause.len() <= 150, "{clause}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_code_or_not(text in any::<String>()) {
            std::hint::black_box(about(&text));
        }
    }
}
