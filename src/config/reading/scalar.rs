//! A single value in the file, whatever YAML takes it for.
//!
//! YAML would read `8080` as a number, `no` as text and `1e3` as a float before anybody asked. A [`Scalar`] asks for
//! the text as written and lets the wanted type parse it, so the target decides, the same parser serves file and
//! command line, and a value that came through a variable is judged like one that was typed.

use super::variables;
use crate::config::error::Refused;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// A type that stands as one value in the file.
pub(crate) trait Leaf: FromStr<Err = Refused> + fmt::Display {
    /// What may be written for it, `${VAR}` aside, as alternatives of a JSON Schema.
    fn schema() -> Vec<Value>;
}

/// One value of the file, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scalar<T>(pub(crate) T);

impl<'de, T: Leaf> Deserialize<'de> for Scalar<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<T>(PhantomData<T>);

        impl<T: Leaf> Visitor<'_> for Text<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a single value")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text(PhantomData)).map(Self)
    }
}

impl<T: Leaf> Serialize for Scalar<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_string();
        if let Ok(number) = text.parse::<u64>() {
            return serializer.serialize_u64(number);
        }
        if let Ok(switch) = text.parse::<bool>() {
            return serializer.serialize_bool(switch);
        }
        serializer.serialize_str(&variables::escape(&text))
    }
}

impl<T: Leaf> JsonSchema for Scalar<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Value")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut alternatives = T::schema();
        alternatives.push(serde_json::json!({ "type": "string", "pattern": r"\$\{" }));
        json_schema!({ "anyOf": alternatives })
    }
}
