//! Targets of requests as WordPress and PHP read them, for policy and diagnosis alike.

use std::borrow::Cow;

/// The values of `rest_route`, decoded, in order. PHP lets the last one count.
pub fn rest_routes(query: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    // Every exchange is asked, and nearly no parameter can be it.
    let may_be = |pair: &&[u8]| matches!(pair, [b'r' | b'%' | b'+' | b' ', ..]);
    query.split(|byte| *byte == b'&').filter(may_be).filter_map(|pair| {
        let equals = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let (name, value) = pair.split_at_checked(equals)?;
        let route = || decoded(value.get(1..).unwrap_or_default(), Plus::IsSpace);
        is_rest_route(&decoded(name, Plus::IsSpace)).then(route)
    })
}

/// Whether a value of `rest_route` names a route; where PHP calls it `empty()`, WordPress serves a page
/// (`rest_api_loaded`).
#[must_use]
pub fn names_route(value: &[u8]) -> bool {
    !matches!(value, b"" | b"0")
}

/// The raw value of a query parameter.
pub(super) fn parameter<'q>(query: &'q [u8], name: &[u8]) -> Option<&'q [u8]> {
    let value = |pair: &'q [u8]| pair.strip_prefix(name)?.strip_prefix(b"=");
    query.split(|byte| *byte == b'&').find_map(value)
}

/// Whether PHP files this parameter under `rest_route`: it drops leading spaces, ends the name at a NUL, turns
/// spaces, dots and a lone `[` into `_`, and takes `name[…]` for a member of `name` (`php_register_variable_ex`).
fn is_rest_route(name: &[u8]) -> bool {
    const NAME: &[u8] = b"rest_route";
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let start = name.iter().position(|byte| *byte != b' ').unwrap_or(name.len());
    let name = name.get(start..).unwrap_or_default();
    let (base, rest) = name.split_at_checked(NAME.len()).unwrap_or((name, b""));
    let is_same =
        |(one, other): (&u8, &u8)| one == other || (*other == b'_' && matches!(one, b' ' | b'.' | b'['));
    let ends = rest.is_empty() || rest.first() == Some(&b'[');
    base.len() == NAME.len() && base.iter().zip(NAME).all(is_same) && ends
}

/// What a plus sign means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Plus {
    /// Itself, as in a path.
    Stays,
    /// A space, as in a query.
    IsSpace,
}

/// Undoes percent-encoding once (RFC 3986 §2.1); what is not an escape stays as it is.
#[must_use]
pub fn decoded(text: &[u8], plus: Plus) -> Cow<'_, [u8]> {
    let is_plain = |byte: &u8| *byte != b'%' && (*byte != b'+' || plus == Plus::Stays);
    if text.iter().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escape = match (first, after) {
            (b'%', [high, low, after @ ..]) => digit(*high).zip(digit(*low)).zip(Some(after)),
            _ => None,
        };
        let literal = if *first == b'+' && plus == Plus::IsSpace { b' ' } else { *first };
        let (byte, after) = escape.map_or((literal, after), |((high, low), after)| (high << 4 | low, after));
        out.push(byte);
        rest = after;
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Plus, decoded, rest_routes};

    #[test]
    fn routes_are_found_under_every_name_that_php_files_alike() {
        let cases: [(&str, &[&str]); 8] = [
            ("rest_route=/a", &["/a"]),
            ("x=1&rest%5Froute=%2Fa&rest.route=b+c", &["/a", "b c"]),
            ("rest_route", &[""]),
            ("rest_route[]=/a", &["/a"]),
            ("+rest+route=/a", &["/a"]),
            ("", &[]),
            ("rest_routes=/a&xrest_route=/a&Rest_Route=/a", &[]),
            ("x=rest_route=/a", &[]),
        ];
        for (query, routes) in cases {
            let found: Vec<_> =
                rest_routes(query.as_bytes()).map(|r| String::from_utf8(r.to_vec()).unwrap()).collect();
            assert_eq!(found, routes, "{query}");
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        for (text, path, query) in
            [("a%2Fb", "a/b", "a/b"), ("a+b%", "a+b%", "a b%"), ("%2g%%41", "%2g%A", "%2g%A")]
        {
            assert_eq!(decoded(text.as_bytes(), Plus::Stays), path.as_bytes());
            assert_eq!(decoded(text.as_bytes(), Plus::IsSpace), query.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn any_text_decodes(text in any::<Vec<u8>>()) {
            assert!(decoded(&text, Plus::Stays).len() <= text.len());
            assert_eq!(decoded(&text, Plus::IsSpace).len(), decoded(&text, Plus::Stays).len());
            assert!(rest_routes(&text).count() <= text.len());
        }
    }
}
