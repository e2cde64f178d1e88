//! What people paste where a token is asked for: a line of a program, a cookie, an address. Which of them it is, and the token
//! in it.
//!
//! Nothing here is sent by a client as `Authorization` as it stands, so it is not judged as one: the plugin's answer to
//! `headers: {` would tell nobody anything.

use super::given::is_token;
use crate::secret::Secret;

/// What was pasted.
#[derive(Debug)]
pub(super) enum Pasted {
    /// A line of a program, and what it puts into `Authorization`; nothing where that stands in a variable.
    Code(Option<Secret<String>>),
    /// A cookie with a token in it.
    Cookie(Secret<String>),
    /// An address with a token in its query.
    Query(Secret<String>),
}

const QUOTES: [char; 3] = ['"', '\'', '`'];

/// A line of a program that sets `Authorization`, as `"Authorization": "Bearer …"`, `Authorization: 'Bearer …' }`,
/// `['Authorization'] = …` and `'Authorization' => …`. A header whose value is quoted is none.
pub(super) fn assigned_header(line: &str) -> Option<Pasted> {
    const NAME: &str = "authorization";
    let at = line.to_ascii_lowercase().find(NAME)?;
    let (before, rest) = line.split_at_checked(at)?;
    let rest = rest.get(NAME.len()..)?;
    let is_quoted = before.ends_with(QUOTES) && rest.starts_with(QUOTES);
    let rest = rest.trim_start_matches(QUOTES).trim_start_matches(']').trim_start();
    let value = ["=>", "=", ":", ","].iter().find_map(|sign| rest.strip_prefix(sign))?.trim_start();
    // f'…' of Python.
    let value = value.strip_prefix('f').filter(|value| value.starts_with(QUOTES)).unwrap_or(value);
    let Some((inner, behind)) = quoted(value) else {
        return is_quoted.then_some(Pasted::Code(None));
    };
    if !is_quoted && behind.trim().is_empty() {
        return None;
    }
    Some(Pasted::Code(Some(inner).filter(|inner| is_token(inner)).map(secret)))
}

/// A line of a program that holds a token as a text: `const token = '…';`, `"token": "…",`.
pub(super) fn text_of_program(line: &str) -> Option<Pasted> {
    const SIGNS: [char; 6] = ['=', ':', '(', '[', ',', '>'];
    let starts = line.match_indices(QUOTES);
    let (before, inner, behind) = starts
        .filter_map(|(at, _)| {
            let (before, rest) = line.split_at_checked(at)?;
            quoted(rest).map(|(inner, behind)| (before, inner, behind))
        })
        .find(|(_, inner, _)| is_token(inner))?;
    let is_variable_of_a_shell = before.ends_with('=') && behind.trim().is_empty();
    let is_value = before.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("bearer"));
    let is_code = before.trim_end().ends_with(SIGNS) && !is_variable_of_a_shell && !is_value;
    is_code.then(|| Pasted::Code(Some(secret(inner))))
}

/// `Cookie: a=b; token=…`, as a browser sends it, `curl -v` shows it or a site sets it.
pub(super) fn cookie(line: &str) -> Option<Pasted> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim_start_matches(['<', '>', ' ']).trim();
    let is_cookie = name.eq_ignore_ascii_case("Cookie") || name.eq_ignore_ascii_case("Set-Cookie");
    let values = value.split(';').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.trim());
    let token = is_cookie.then(|| values.map(bare).find(|value| is_token(value)))??;
    Some(Pasted::Cookie(secret(token)))
}

/// `https://example.com/…?token=…`, `?jwt=…`, alone or in a line of an access log.
pub(super) fn query(line: &str) -> Option<Pasted> {
    let (_, query) = line.split_once('?')?;
    let pairs = query.split(['&', '#']).filter_map(|pair| pair.split_once('='));
    let ends = |value: char| value.is_whitespace() || QUOTES.contains(&value);
    let mut values = pairs.map(|(_, value)| value.split(ends).next().unwrap_or_default());
    values.find(|value| is_token(value)).map(|token| Pasted::Query(secret(token)))
}

fn secret(token: &str) -> Secret<String> {
    Secret::new(token.to_owned())
}

/// A value without the quotes and the percent-escaped `Bearer ` that programs put before a token in a cookie.
fn bare(value: &str) -> &str {
    let value = value.trim_matches(QUOTES);
    value.strip_prefix("Bearer%20").unwrap_or(value)
}

/// The text in quotes that begins here, and what stands behind it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|char| QUOTES.contains(char))?;
    text.get(1..)?.split_once(quote)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Pasted, assigned_header, cookie, query, text_of_program};

    fn told(pasted: Option<Pasted>) -> Option<(&'static str, String)> {
        let (word, token) = match pasted? {
            Pasted::Code(token) => ("code", token),
            Pasted::Cookie(token) => ("cookie", Some(token)),
            Pasted::Query(token) => ("query", Some(token)),
        };
        Some((word, token.map(|token| token.expose().to_owned()).unwrap_or_default()))
    }

    fn pasted(line: &str) -> Option<(&'static str, String)> {
        let all = [assigned_header, text_of_program, cookie, query];
        all.into_iter().find_map(|read| told(read(line)))
    }

    #[test]
    fn what_people_paste_is_known_and_its_token_found() {
        for (line, expected) in [
            (r#"headers: { "Authorization": "Bearer a.b.c" }"#, Some(("code", "Bearer a.b.c"))),
            ("fetch(u, { headers: { Authorization: `Bearer a.b.c` } })", Some(("code", "Bearer a.b.c"))),
            ("headers: { Authorization: 'Bearer a.b.c' },", Some(("code", "Bearer a.b.c"))),
            (
                "axios.defaults.headers.common['Authorization'] = 'Bearer a.b.c';",
                Some(("code", "Bearer a.b.c")),
            ),
            ("$headers = ['Authorization' => 'Bearer a.b.c'];", Some(("code", "Bearer a.b.c"))),
            ("'Authorization': `Bearer ${token}`", Some(("code", ""))),
            ("headers = {'Authorization': f'Bearer {token}'}", Some(("code", ""))),
            ("r.setRequestHeader('Authorization', 'Bearer ' + token)", Some(("code", ""))),
            (r#""Authorization": token,"#, Some(("code", ""))),
            ("const token = 'a.b.c';", Some(("code", "a.b.c"))),
            (r#""token": "a.b.c","#, Some(("code", "a.b.c"))),
            (r#"["a.b.c"]"#, Some(("code", "a.b.c"))),
            ("Cookie: a=b; wp_jwt=a.b.c; c=d", Some(("cookie", "a.b.c"))),
            ("> cookie: token=\"a.b.c\"", Some(("cookie", "a.b.c"))),
            ("Set-Cookie: jwt=Bearer%20a.b.c; Path=/", Some(("cookie", "a.b.c"))),
            ("https://a.test/x?token=a.b.c", Some(("query", "a.b.c"))),
            ("?x=1&jwt=a.b.c#top", Some(("query", "a.b.c"))),
            ("GET /wp-json/x?token=a.b.c HTTP/1.1\" 200", Some(("query", "a.b.c"))),
            ("a.b.c", None),
            ("\"a.b.c\"", None),
            ("Bearer \"a.b.c\"", None),
            ("Bearer: \"a.b.c\"", None),
            ("TOKEN='a.b.c'", None),
            ("Authorization: Bearer a.b.c", None),
            ("Authorization: Bearer ${TOKEN}", None),
            ("curl -H 'Authorization: Bearer a.b.c' https://x", None),
            ("curl -H \"Authorization: Bearer a.b.c\" -H \"Accept: x\"", None),
            ("Cookie: a=b", None),
            ("https://a.test/?x=1", None),
        ] {
            let expected = expected.map(|(word, token)| (word, token.to_owned()));
            assert_eq!(pasted(line), expected, "{line}");
        }
        let quoted_header = "Authorization: \"Bearer a.b.c\"";
        assert_eq!(told(assigned_header(quoted_header)), None, "that is what a client sends");
    }

    proptest! {
        #[test]
        fn any_line_is_read(line in any::<String>(), odd in "[Aa]uthorization['\"`:= ,>]{0,6}[é'\"`a.]{0,8}") {
            for line in [line, odd] {
                std::hint::black_box(pasted(&line));
            }
        }
    }
}
