//! Data that may be bad says so in its type.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a value cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unusable {
    /// Nothing was ever received.
    Missing,
    /// Bid above ask.
    Crossed,
    /// No bid: there is no two-sided market to take a mid from.
    ZeroBid,
    /// NaN, infinite, negative or zero where that is impossible.
    NotANumber,
    /// The price lies outside the no-arbitrage bounds: no volatility gives it.
    Arbitrage,
    /// Past its expiry instant and waiting for settlement.
    Expired,
    /// Adjusted deliverable: not priced as a standard contract.
    NonStandard,
    /// An input that it depends on is unusable.
    Dependent,
}

impl Unusable {
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "no quote",
            Self::Crossed => "crossed quote",
            Self::ZeroBid => "no bid",
            Self::NotANumber => "not a number",
            Self::Arbitrage => "outside no-arbitrage bounds",
            Self::Expired => "expired, awaiting settlement",
            Self::NonStandard => "non-standard deliverable",
            Self::Dependent => "an input is missing",
        }
    }
}

/// How a value stood, without the value: for the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Live,
    /// No longer live, and how old it was.
    StaleSeconds(i64),
    Unusable(Unusable),
}

/// A value with its standing. There is no path from `Unusable` to a number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Reading<T> {
    Live {
        value: T,
    },
    /// Shown with its age, not counted as live: the link is down, or the quote is of an earlier connection.
    Stale {
        value: T,
        age_seconds: i64,
    },
    Unusable {
        why: Unusable,
    },
}

impl<T> Reading<T> {
    /// The last known value, live or stale.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Live { value } | Self::Stale { value, .. } => Some(value),
            Self::Unusable { .. } => None,
        }
    }

    pub fn live(&self) -> Option<&T> {
        match self {
            Self::Live { value } => Some(value),
            Self::Stale { .. } | Self::Unusable { .. } => None,
        }
    }

    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live { .. })
    }

    pub fn standing(&self) -> Standing {
        match self {
            Self::Live { .. } => Standing::Live,
            Self::Stale { age_seconds, .. } => Standing::StaleSeconds(*age_seconds),
            Self::Unusable { why } => Standing::Unusable(*why),
        }
    }

    /// Both values: stale if either is, by the older age; unusable if either is.
    pub fn zip<U>(self, other: Reading<U>) -> Reading<(T, U)> {
        match (self, other) {
            (Self::Unusable { why }, _) | (_, Reading::Unusable { why }) => Reading::Unusable { why },
            (Self::Live { value: a }, Reading::Live { value: b }) => Reading::Live { value: (a, b) },
            (Self::Stale { value: a, age_seconds }, Reading::Live { value: b })
            | (Self::Live { value: a }, Reading::Stale { value: b, age_seconds }) => {
                Reading::Stale { value: (a, b), age_seconds }
            }
            (Self::Stale { value: a, age_seconds: x }, Reading::Stale { value: b, age_seconds: y }) => {
                Reading::Stale { value: (a, b), age_seconds: x.max(y) }
            }
        }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Self::Live { value } => Reading::Live { value: f(value) },
            Self::Stale { value, age_seconds } => Reading::Stale { value: f(value), age_seconds },
            Self::Unusable { why } => Reading::Unusable { why },
        }
    }
}
