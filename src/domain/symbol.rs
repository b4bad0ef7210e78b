//! A ticker or root, cleaned at the edge.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A symbol as the exchange writes it: 1–48 characters of `A-Z 0-9 . / : _ -` and space inside.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String")]
pub struct Symbol(Arc<str>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a symbol: 1 to 48 characters of A-Z, 0-9, and . / : _ - are allowed")]
pub struct BadSymbol {
    pub found: String,
}

impl Symbol {
    pub fn new(text: &str) -> Result<Self, BadSymbol> {
        let good = |b: u8| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'/' | b':' | b'_' | b'-' | b' ');
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.len() > 48 || !trimmed.bytes().all(good) {
            return Err(BadSymbol { found: super::text::clean(text, 60) });
        }
        Ok(Self(trimmed.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// From the text as it lies in the input: symbols are most of what a long log is made of.
impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Symbol;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a symbol")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Symbol, E> {
                Symbol::new(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl std::str::FromStr for Symbol {
    type Err = BadSymbol;
    fn from_str(text: &str) -> Result<Self, BadSymbol> {
        Self::new(text)
    }
}
