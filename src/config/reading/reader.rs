//! The layer between serde's derived code and the YAML crate; see [`reading`](super) for what it is for.

use super::Reading;
use super::keys::Keys;
use super::variables;
use crate::config::error::quoted;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;
use std::marker::PhantomData;

/// A deserializer that watches.
pub(crate) struct Reader<'r, 'l, D> {
    pub(crate) inner: D,
    pub(crate) reading: &'r Reading<'l>,
}

impl<'r, 'l, D> Reader<'r, 'l, D> {
    fn watch<V>(&self, visitor: V, known: &'static [&'static str]) -> Watch<'r, 'l, V> {
        Watch { visitor, reading: self.reading, known }
    }

    /// Asked before each value: goes on, or fails at it on purpose.
    fn enter<'de, V: Visitor<'de>>(self) -> Result<Self, D::Error>
    where
        D: Deserializer<'de>,
    {
        if self.reading.stops_here() {
            self.inner.deserialize_any(Stop::<V>(PhantomData))?;
            return Err(D::Error::custom("stopped"));
        }
        if !self.reading.may_go_on() {
            self.reading
                .note(|| "holds too many values, aliases counted each time; say it with fewer".to_owned());
            return Err(D::Error::custom("too many values"));
        }
        Ok(self)
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Reader<'_, '_, D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let this = self.enter::<V>()?;
        let (reading, watch) = (this.reading, this.watch(visitor, fields));
        let should = || format!("should be a mapping, `key: value`, with keys from {}", fields.join(", "));
        this.inner.deserialize_struct(name, fields, watch).inspect_err(|_| reading.note(should))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let this = self.enter::<V>()?;
        let (reading, watch) = (this.reading, this.watch(visitor, &[]));
        let should = || "should be a list; write `[…]`, or lines that begin with `- `".to_owned();
        this.inner.deserialize_seq(watch).inspect_err(|_| reading.note(should))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let this = self.enter::<V>()?;
        let (reading, watch) = (this.reading, this.watch(visitor, &[]));
        let should = || "should be a single value, not a list or a mapping".to_owned();
        this.inner.deserialize_str(watch).inspect_err(|_| reading.note(should))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let this = self.enter::<V>()?;
        let watch = this.watch(visitor, &[]);
        this.inner.deserialize_option(watch)
    }

    // No shape asks for anything else; what passes here passes unwatched.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit unit_struct
        newtype_struct tuple tuple_struct map enum identifier ignored_any
    }
}

/// Watches what is handed to the derived visitor.
struct Watch<'r, 'l, V> {
    visitor: V,
    reading: &'r Reading<'l>,
    known: &'static [&'static str],
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watch<'_, '_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        let note = |message: &dyn fmt::Display| self.reading.note(|| format!("{} {message}", quoted(text)));
        let replaced = variables::replace(text, self.reading.lookup)
            .map_err(|message| E::custom(&message))
            .inspect_err(|message| self.reading.note(|| message.to_string()))?;
        let from_variable = replaced != text;
        self.visitor.visit_str(&replaced).inspect_err(|error: &E| {
            if from_variable {
                return note(&format_args!("(variables replaced, not shown) {error}"));
            }
            note(error);
        })
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Reader { inner, reading: self.reading })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_seq(Items { inner, reading: self.reading, next: 0 })
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.visitor
            .visit_map(Keys::new(inner, self.reading, self.known))
            .inspect_err(|error| self.reading.note(|| missing(&error.to_string())))
    }
}

/// Serde's words for an absent key, in ours.
fn missing(message: &str) -> String {
    match message.strip_prefix("missing field ") {
        Some(key) => format!("{key} is missing; add it here"),
        None => message.to_owned(),
    }
}

/// The items of a list, each read at its own path.
struct Items<'r, 'l, A> {
    inner: A,
    reading: &'r Reading<'l>,
    next: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<'_, '_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        let index = self.next;
        self.next += 1;
        self.reading.within(index, |reading| self.inner.next_element_seed(Value { seed, reading }))
    }
}

/// One value below, to be read through a [`Reader`] again.
pub(crate) struct Value<'r, 'l, T> {
    pub(crate) seed: T,
    pub(crate) reading: &'r Reading<'l>,
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Value<'_, '_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        self.seed.deserialize(Reader { inner, reading: self.reading })
    }
}

/// Accepts nothing: the error of the YAML crate then says where this value stands.
struct Stop<V>(PhantomData<V>);

impl<'de, V: Visitor<'de>> Visitor<'de> for Stop<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing")
    }
}
