//! A ticker or root, cleaned at the edge.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A symbol as the exchange writes it: 1–48 characters of `A-Z 0-9 . / : _ -` and space inside.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Symbol(Arc<str>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a symbol: 1 to 48 characters of A-Z, 0-9, and . / : _ - are allowed")]
pub struct BadSymbol {
    pub found: String,
}

impl Symbol {
    pub fn new(text: &str) -> Result<Self, BadSymbol> {
        let good = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "./:_- ".contains(c);
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.len() > 48 || !trimmed.chars().all(good) {
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

impl TryFrom<String> for Symbol {
    type Error = BadSymbol;
    fn try_from(text: String) -> Result<Self, BadSymbol> {
        Self::new(&text)
    }
}

impl From<Symbol> for String {
    fn from(symbol: Symbol) -> Self {
        symbol.0.to_string()
    }
}

impl std::str::FromStr for Symbol {
    type Err = BadSymbol;
    fn from_str(text: &str) -> Result<Self, BadSymbol> {
        Self::new(text)
    }
}
