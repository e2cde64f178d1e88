//! Words that people meet when a header is lost, and what each can mean: messages, constants and settings, variables of the
//! server, headers, statuses.
//!
//! A rule begins at what was measured; somebody who searches begins at a word, in a log, a configuration or a console. So
//! each word leads to the rules that it may concern, and says what it does where no rule is to blame. The tables are
//! data with their sources; what the rules say themselves stands in their own texts.

mod headers;
mod messages;
mod products;
mod settings;
mod statuses;
mod variables;

use crate::evidence::fits;

/// A word and what it can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its kind.
    pub kind: Kind,
    /// How it is written; the first is the usual one. In a message `…` stands for anything.
    pub names: &'static [&'static str],
    /// What it can mean, in a few sentences.
    pub meaning: &'static str,
    /// The rules that it may concern, the likeliest first.
    pub rules: &'static [&'static str],
    /// Where that is from.
    pub source: &'static str,
}

/// The kind of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message in a reply, a console or a log.
    Message,
    /// A constant of wp-config.php, a filter, a directive of a web server.
    Setting,
    /// A variable that PHP has of the server.
    Variable,
    /// A header field.
    Header,
    /// A status.
    Status,
    /// A product on the path: a CDN, a gate, a web server.
    Product,
}

impl Kind {
    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Setting => "setting",
            Self::Variable => "variable",
            Self::Header => "header",
            Self::Status => "status",
            Self::Product => "product",
        }
    }
}

impl Term {
    /// The usual spelling.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// Whether this is what was asked for, by its own way of being written.
    fn is(&self, asked: &str) -> bool {
        let asked = match self.kind {
            Kind::Message => {
                return self.names.iter().any(|name| fits(name.to_lowercase().trim_end_matches('.'), asked));
            }
            Kind::Status => status(asked),
            Kind::Variable => variable(asked),
            Kind::Header => header(asked),
            Kind::Setting | Kind::Product => asked.trim_end_matches("()"),
        };
        self.names.iter().any(|name| name.eq_ignore_ascii_case(asked))
    }
}

/// A row of a table: names, meaning, rules, source.
type Row = (&'static [&'static str], &'static str, &'static [&'static str], &'static str);

fn tables() -> impl Iterator<Item = Term> {
    let tables: [(Kind, &[Row]); 5] = [
        (Kind::Message, messages::ROWS),
        (Kind::Setting, settings::ROWS),
        (Kind::Variable, variables::ROWS),
        (Kind::Header, headers::ROWS),
        (Kind::Status, statuses::ROWS),
    ];
    let rows = tables.into_iter().flat_map(|(kind, rows)| {
        rows.iter().map(move |(names, meaning, rules, source)| Term { kind, names, meaning, rules, source })
    });
    rows.chain(products::terms())
}

/// Every word.
#[must_use]
pub fn terms() -> Vec<Term> {
    tables().collect()
}

/// What is known of a word, however it is quoted and spelt.
#[must_use]
pub fn about(asked: &str) -> Vec<Term> {
    let asked = bare(asked).to_lowercase();
    tables().filter(|term| !asked.is_empty() && term.is(&asked)).collect()
}

/// Without what people copy along: quotes, and the point at the end.
fn bare(text: &str) -> &str {
    let is_around = |sign: char| sign.is_whitespace() || "\"'`“”‘’„«»*".contains(sign);
    text.trim_matches(is_around).trim_end_matches(['.', ',']).trim_matches(is_around)
}

/// `$_SERVER['HTTPS']` is `HTTPS`.
fn variable(asked: &str) -> &str {
    let inner = asked.strip_prefix("$_server[").and_then(|rest| rest.strip_suffix(']'));
    inner.map_or_else(|| asked.trim_end_matches("()"), bare)
}

/// `Authorization: Bearer …` is `Authorization`.
fn header(asked: &str) -> &str {
    asked.split(':').next().unwrap_or_default().trim()
}

/// `HTTP 401`, `HTTP/1.1 401 Unauthorized` and `status 401` are `401`; a sentence with a number in it is not.
fn status(asked: &str) -> &str {
    let is_status = |word: &&str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    let mut words = asked.split_ascii_whitespace();
    match (words.next().unwrap_or_default(), words.next()) {
        (first, _) if is_status(&first) => first,
        (first, Some(second))
            if is_status(&second) && (first.starts_with("http") || first == "status" || first == "error") =>
        {
            second
        }
        _ => asked,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::super::rule;
    use super::{Kind, about, terms};

    fn named(asked: &str) -> Vec<(Kind, &'static str)> {
        about(asked).into_iter().map(|term| (term.kind, term.name())).collect()
    }

    #[test]
    fn a_word_is_known_however_it_is_quoted_and_spelt() {
        let table = [
            ("Wrong number of segments", Kind::Message, "Wrong number of segments"),
            ("\"wrong number of SEGMENTS\"", Kind::Message, "Wrong number of segments"),
            ("“Expired token”.", Kind::Message, "Expired token"),
            (
                "Cannot handle token prior to 2026-11-23T15:17:59+0000",
                Kind::Message,
                "Cannot handle token prior to …",
            ),
            ("jwt_auth_secret_key", Kind::Setting, "JWT_AUTH_SECRET_KEY"),
            ("JWT_AUTH_CORS_ENABLE", Kind::Setting, "JWT_AUTH_CORS_ENABLE"),
            ("CGIPassAuth", Kind::Setting, "CGIPassAuth"),
            ("is_ssl()", Kind::Setting, "is_ssl"),
            ("HTTP_AUTHORIZATION", Kind::Variable, "HTTP_AUTHORIZATION"),
            ("$_SERVER['REDIRECT_HTTP_AUTHORIZATION']", Kind::Variable, "REDIRECT_HTTP_AUTHORIZATION"),
            ("$_SERVER[\"HTTPS\"]", Kind::Variable, "HTTPS"),
            ("PHP_AUTH_USER", Kind::Variable, "PHP_AUTH_USER"),
            ("authorization", Kind::Header, "Authorization"),
            ("Authorization: Bearer a.b.c", Kind::Header, "Authorization"),
            ("Origin:", Kind::Header, "Origin"),
            ("Header-Doctor-Trail", Kind::Header, "Header-Doctor-Trail"),
            ("401", Kind::Status, "401"),
            ("HTTP/1.1 403 Forbidden", Kind::Status, "403"),
            ("status 431", Kind::Status, "431"),
            ("502 Bad Gateway", Kind::Status, "502"),
            ("cloudflare", Kind::Product, "Cloudflare"),
            ("AWS CloudFront", Kind::Product, "CloudFront"),
            ("Cloud Run", Kind::Product, "Google Cloud Run"),
        ];
        for (asked, kind, name) in table {
            assert_eq!(named(asked), [(kind, name)], "{asked}");
        }
        for asked in ["", "\"\"", "nothing of the kind", "999", "a 401"] {
            assert_eq!(named(asked), [], "{asked}");
        }
    }

    #[test]
    fn every_word_is_told_once_and_leads_to_rules_that_there_are() {
        let all = terms();
        for term in &all {
            assert!(term.meaning.len() > 40 && term.meaning.ends_with('.'), "{}", term.name());
            assert!(!term.meaning.contains("  "), "{}", term.name());
            assert!(!term.source.is_empty(), "{}", term.name());
            for id in term.rules {
                assert!(rule(id).is_some(), "{}: {id}", term.name());
            }
            for name in term.names {
                let found: Vec<_> = about(name).into_iter().filter(|found| found.kind == term.kind).collect();
                assert_eq!(found, [*term], "{name}");
            }
        }
        for one in super::super::RULES {
            assert!(
                all.iter().any(|term| term.rules.contains(&one.id()))
                    || super::super::codes::all().any(|known| known.rules.contains(&one.id())),
                "{} is led to by no word",
                one.id()
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_word_or_not(text in any::<String>()) {
            std::hint::black_box(about(&text));
        }
    }
}
