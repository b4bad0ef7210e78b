//! A figure with its standing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Reading;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Live,
    /// Shown with `~`: true once, not known to be true now.
    Stale,
    /// Shown as `—`: never 0.
    #[default]
    Unknown,
}

/// `value` is `None` exactly when the standing is `Unknown`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shown<T> {
    pub value: Option<T>,
    pub standing: Standing,
}

impl<T> Shown<T> {
    pub fn live(value: T) -> Self {
        Self { value: Some(value), standing: Standing::Live }
    }

    pub fn stale(value: T) -> Self {
        Self { value: Some(value), standing: Standing::Stale }
    }

    pub fn unknown() -> Self {
        Self { value: None, standing: Standing::Unknown }
    }

    /// `None` is unknown; a value keeps `standing` (a value of unknown standing counts as stale).
    pub fn of(value: Option<T>, standing: Standing) -> Self {
        match value {
            None => Self::unknown(),
            Some(value) if standing == Standing::Live => Self::live(value),
            Some(value) => Self::stale(value),
        }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Shown<U> {
        Shown { value: self.value.map(f), standing: self.standing }
    }
}

impl<T> From<Reading<T>> for Shown<T> {
    fn from(reading: Reading<T>) -> Self {
        match reading {
            Reading::Live { value } => Self::live(value),
            Reading::Stale { value, .. } => Self::stale(value),
            Reading::Unusable { .. } => Self::unknown(),
        }
    }
}
