//! Keeps a reply that tells of one exchange from being given to another.
//!
//! A report belongs to the reply it came with. Between the doctors a cache could store both, so such a reply is
//! `private, no-store` (RFC 9111 §5.2.2.5 and §5.2.2.7) on that way and no further: the doctor that takes the report off
//! restores what the origin had said.

use crate::message::{Fields, Name};

const WORDS: &[u8] = b"private, no-store";

/// Says before all else that nobody may store the reply.
pub fn forbid(fields: &mut Fields) {
    let first = fields.first(Name::CacheControl).unwrap_or_default();
    let said = if first.is_empty() { WORDS.to_vec() } else { [WORDS, b", ", first].concat() };
    fields.set_first(Name::CacheControl, &said);
}

/// Takes back what [`forbid`] said, where it still stands as it was said.
pub fn restore(fields: &mut Fields) {
    let Some(rest) = fields.first(Name::CacheControl).and_then(|first| first.strip_prefix(WORDS)) else {
        return;
    };
    match rest.strip_prefix(b",").map(<[u8]>::trim_ascii_start) {
        Some(rest) => {
            let rest = rest.to_vec();
            fields.set_first(Name::CacheControl, &rest);
        }
        None if rest.is_empty() => fields.remove_first(Name::CacheControl),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{forbid, restore};
    use crate::message::{Fields, Name};

    fn said(fields: &Fields) -> Vec<String> {
        fields.all(Name::CacheControl).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }

    #[test]
    fn what_the_origin_said_is_restored() {
        let table: [(&[&str], &str); 4] = [
            (&[], "private, no-store"),
            (&["max-age=60"], "private, no-store, max-age=60"),
            (&["private, no-store"], "private, no-store, private, no-store"),
            (&["public", "max-age=60"], "private, no-store, public"),
        ];
        for (origin, forbidden) in table {
            let mut fields = Fields::from([("Date", "x")]);
            origin.iter().for_each(|value| fields.append(b"cache-control", value.as_bytes()));
            forbid(&mut fields);
            assert_eq!(said(&fields)[0], forbidden);
            assert_eq!(said(&fields)[1..], origin[origin.len().min(1)..], "the other lines stay");
            restore(&mut fields);
            assert_eq!(said(&fields), origin);
        }
    }

    #[test]
    fn joined_lines_are_restored_and_anothers_words_stay() {
        let restored = |value: &str| {
            let mut fields = Fields::from([("Cache-Control", value)]);
            restore(&mut fields);
            said(&fields)
        };
        assert_eq!(restored("private, no-store,max-age=0"), ["max-age=0"]);
        assert_eq!(restored("no-store, private"), ["no-store, private"]);
        assert_eq!(restored("private, no-storeage"), ["private, no-storeage"]);
    }
}
