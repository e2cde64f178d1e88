//! The keys of a mapping: each must be known where it stands, and stand there once.

use super::Reading;
use super::nearest::nearest;
use super::path::Step;
use super::reader::Value;
use crate::config::error::{may_be_secret, quoted};
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};
use std::fmt;

/// The entries of a mapping, each value read at its own path.
pub(crate) struct Keys<'r, 'l, A> {
    inner: A,
    reading: &'r Reading<'l>,
    known: &'static [&'static str],
    seen: Vec<&'static str>,
}

impl<'r, 'l, A> Keys<'r, 'l, A> {
    pub(crate) fn new(inner: A, reading: &'r Reading<'l>, known: &'static [&'static str]) -> Self {
        Self { inner, reading, known, seen: Vec::with_capacity(known.len()) }
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Keys<'_, '_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let key = Key { reading: self.reading, known: self.known, seen: &self.seen };
        let Some(key) = self.inner.next_key_seed(key)? else {
            return Ok(None);
        };
        self.seen.push(key);
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        let key = self.seen.last().copied().unwrap_or_default();
        self.reading.within(key, |reading| self.inner.next_value_seed(Value { seed, reading }))
    }
}

/// A key as a path shows it; an odd one in quotation marks, so that a message stays one line. One that looks secret stands in
/// the wrong place, and is not shown.
fn shown(text: &str) -> Step {
    let is_word = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.' | '<');
    if text.is_empty() || text.len() > 40 || !text.chars().all(is_word) || may_be_secret(text) {
        return Step::Key(quoted(text));
    }
    Step::from(text)
}

/// Reads one key and judges it while the YAML crate still knows its line.
struct Key<'r, 'l, 'k> {
    reading: &'r Reading<'l>,
    known: &'static [&'static str],
    seen: &'k [&'static str],
}

impl Key<'_, '_, '_> {
    /// The known key that `text` is, or what is wrong with it.
    fn judge(&self, text: &str) -> Result<&'static str, String> {
        let Some(key) = self.known.iter().copied().find(|known| *known == text) else {
            let meant =
                nearest(text, self.known).map_or_else(String::new, |key| format!("did you mean `{key}`? "));
            return Err(format!("unknown key; {meant}known here: {}", self.known.join(", ")));
        };
        if self.seen.contains(&key) {
            return Err("the key stands here twice; keep one".to_owned());
        }
        Ok(key)
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_, '_> {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<&'static str, D::Error> {
        let reading = self.reading;
        inner
            .deserialize_str(self)
            .inspect_err(|_| reading.note(|| "a key should be a word, not a list or a mapping".to_owned()))
    }
}

impl Visitor<'_> for Key<'_, '_, '_> {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<&'static str, E> {
        self.judge(text).map_err(E::custom).inspect_err(|error: &E| {
            self.reading.within(shown(text), |reading| reading.note(|| error.to_string()));
        })
    }
}
