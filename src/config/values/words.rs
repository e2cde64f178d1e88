//! Settings that are one of a few words: the enum, its parser, its spelling and its schema from one list.

/// Declares such a setting; the text of each word's documentation also becomes its description in the schema.
macro_rules! words {
    (
        $(#[$about:meta])*
        $visible:vis $name:ident is $what:literal {
            $(#[doc = $doc:literal] $(#[$attribute:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        $visible enum $name {
            $(#[doc = $doc] $(#[$attribute])* $variant,)+
        }

        impl std::str::FromStr for $name {
            type Err = $crate::config::Refused;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::config::values::words::refuse(text, $what, &[$($word),+])),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $word,)+
                })
            }
        }

        impl $crate::config::reading::Leaf for $name {
            fn schema() -> Vec<serde_json::Value> {
                vec![$(serde_json::json!({ "const": $word, "description": $doc.trim() })),+]
            }
        }
    };
}

pub(crate) use words;

use crate::config::error::Refused;
use crate::config::reading::nearest;

/// The refusal of a word that is not in the list.
pub(crate) fn refuse(text: &str, what: &str, known: &[&str]) -> Refused {
    let right = nearest(text, known).map_or_else(
        || format!("write {}", known.join(" or ")),
        |word| format!("did you mean {word}? (known: {})", known.join(", ")),
    );
    Refused::new(format!("is not {what}"), right)
}

#[cfg(test)]
mod tests {
    words! {
        /// A colour.
        Colour is "a colour" {
            /// Like blood.
            #[default]
            Red = "red",
            /// Like grass.
            Green = "green",
        }
    }

    #[test]
    fn a_word_is_read_and_written_alike() {
        for colour in [Colour::Red, Colour::Green] {
            assert_eq!(colour.to_string().parse(), Ok(colour));
        }
    }

    #[test]
    fn another_word_is_told_what_is_known() {
        let refused = |text: &str| text.parse::<Colour>().unwrap_err().to_string();
        assert_eq!(refused("blue"), "is not a colour; write red or green");
        assert_eq!(refused("Greem"), "is not a colour; did you mean green? (known: red, green)");
    }
}
