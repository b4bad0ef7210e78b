//! A figure with its standing.

use std::ops::Add;

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

    /// `None` is unknown, and so is whatever has the standing: a sum of which every part is missing is no 0.
    pub fn of(value: Option<T>, standing: Standing) -> Self {
        match (value, standing) {
            (None, _) | (_, Standing::Unknown) => Self::unknown(),
            (Some(value), Standing::Live) => Self::live(value),
            (Some(value), Standing::Stale) => Self::stale(value),
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

impl<T: Add<Output = T> + Default> Shown<T> {
    /// As [`Self::of`], and without a sign on zero: the sum of nothing is 0, not −0.
    pub fn figure(value: Option<T>, standing: Standing) -> Self {
        Self::of(value.map(|value| value + T::default()), standing)
    }
}

impl<T: Into<f64>> Shown<T> {
    /// Without its unit, for words that say it.
    pub fn bare(self) -> Shown<f64> {
        self.map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_has_no_value() {
        assert_eq!(Shown::of(Some(0.0), Standing::Unknown), Shown::unknown());
        assert_eq!(Shown::<f64>::of(None, Standing::Live), Shown::unknown());
        assert_eq!(Shown::of(Some(1.0), Standing::Stale), Shown::stale(1.0));
    }

    #[test]
    fn zero_has_no_sign() {
        let nothing = Shown::figure(Some(-0.0), Standing::Live);
        assert!(nothing.value.is_some_and(f64::is_sign_positive), "{nothing:?}");
        assert_eq!(Shown::figure(Some(-1.5), Standing::Stale), Shown::stale(-1.5));
    }
}
