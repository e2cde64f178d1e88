//! `${VAR}` and `${VAR:-default}` in a value, and `$${` for a literal `${`.
//!
//! A value is replaced while it is read, after YAML has decided where it begins and ends: no variable can add a
//! key or a list item, and what comes out of one is not looked at again. As in a shell, the default also stands in
//! for a variable that is set but empty. A `$` before anything but `{` is an ordinary character.

use std::borrow::Cow;

/// Looks up one variable; passed in so that a test never touches the environment of its process.
pub type Lookup<'l> = dyn Fn(&str) -> Option<String> + 'l;

/// Replaces the variables of one value; borrowed when there is nothing to replace.
pub(crate) fn replace<'t>(text: &'t str, lookup: &Lookup<'_>) -> Result<Cow<'t, str>, String> {
    if !text.contains("${") {
        return Ok(Cow::Borrowed(text));
    }
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            replaced.push_str(before);
            replaced.push_str("${");
            rest = after;
            continue;
        }
        let (inner, after) = after
            .split_once('}')
            .ok_or("`${` has no `}`; write `${NAME}`, or `$${` for the characters themselves")?;
        replaced.push_str(before);
        replaced.push_str(&value(inner, lookup)?);
        rest = after;
    }
    replaced.push_str(rest);
    Ok(Cow::Owned(replaced))
}

/// Writes a text so that reading it gives the same text again.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains("${") {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("${", "$${"))
}

fn value(inner: &str, lookup: &Lookup<'_>) -> Result<String, String> {
    let (name, default) =
        inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
    // Not repeated: a password may hold these characters.
    if !is_name(name) || default.is_some_and(|default| default.contains("${")) {
        return Err("`${…}` is not a variable; write `${NAME}` or `${NAME:-default}`, or `$${` for the characters themselves".to_owned());
    }
    let set = lookup(name);
    if let Some(default) = default {
        return Ok(set.filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned()));
    }
    set.ok_or_else(|| {
        format!("the variable {name} is not set; set it, or write `${{{name}:-default}}` to go on without it")
    })
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

#[cfg(test)]
mod tests {
    use super::{escape, replace};
    use proptest::prelude::{any, proptest};

    fn environment(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("10.0.0.7".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${HOST}".to_owned()),
            _ => None,
        }
    }

    fn replaced(text: &str) -> Result<String, String> {
        replace(text, &environment).map(String::from)
    }

    #[test]
    fn a_variable_is_replaced_wherever_it_stands() {
        assert_eq!(replaced("http://${HOST}:${PORT:-80}").unwrap(), "http://10.0.0.7:80");
        assert_eq!(replaced("${EMPTY}").unwrap(), "");
    }

    #[test]
    fn a_default_stands_in_for_unset_and_empty() {
        assert_eq!(replaced("${UNSET:-a:-b}").unwrap(), "a:-b");
        assert_eq!(replaced("${EMPTY:-x}${UNSET:-}").unwrap(), "x");
    }

    #[test]
    fn an_unset_variable_is_named() {
        assert_eq!(
            replaced("a ${UNSET}").unwrap_err(),
            "the variable UNSET is not set; set it, or write `${UNSET:-default}` to go on without it"
        );
    }

    #[test]
    fn what_comes_out_of_a_variable_is_not_looked_at_again() {
        assert_eq!(replaced("${NESTED}").unwrap(), "${HOST}");
    }

    #[test]
    fn two_dollars_write_the_characters_themselves() {
        assert_eq!(replaced("$${HOST} $HOST $$").unwrap(), "${HOST} $HOST $$");
        assert_eq!(replaced("$$${HOST}").unwrap(), "$${HOST}");
    }

    #[test]
    fn anything_else_in_the_braces_is_refused() {
        for text in ["${", "${}", "${1A}", "${A-b}", "${A:-${B}}", "${A B}"] {
            assert!(replaced(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_back(text in "[${}a:-]{0,12}") {
            assert_eq!(replaced(&escape(&text)).unwrap(), text);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            drop(replaced(&text));
        }
    }
}
