//! Limits: which there are, and how near one is.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum LimitId {
    /// |beta-weighted dollar delta| ÷ equity
    L1,
    /// one-day VaR at 95 % ÷ equity
    L5,
    /// what one trade may lose ÷ equity
    L7,
}

impl LimitId {
    pub fn words(self) -> &'static str {
        match self {
            Self::L1 => "beta delta",
            Self::L5 => "VaR95",
            Self::L7 => "trade loss",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitState {
    /// Switched off by name in the configuration.
    Off,
    Within,
    /// 80 to 100 % used: opening risk needs an acknowledgement.
    Near,
    /// An input is missing: treated as breached for anything that adds risk.
    Unknown,
    /// Above 100 %: opening risk is blocked.
    Breached,
}

impl LimitState {
    /// `utilisation` is measure ÷ limit; NaN never passes for within.
    pub fn of(utilisation: f64) -> Self {
        if utilisation.is_nan() {
            Self::Unknown
        } else if utilisation > 1.0 {
            Self::Breached
        } else if utilisation >= 0.8 {
            Self::Near
        } else {
            Self::Within
        }
    }
}

/// L7: what one trade may lose, as fractions of the portfolio's equity; `None`: no such trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TradeLoss {
    /// Of its greatest loss.
    pub defined: Decimal,
    /// Of its loss under stress.
    pub undefined: Option<Decimal>,
    /// The same, where shares or cash stand behind it.
    pub stock: Option<Decimal>,
}

/// What stands behind the loss of a trade: it says which part of L7 holds for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backing {
    Defined,
    Undefined,
    /// Shares, and what is written against or in place of them.
    Stock,
}

impl TradeLoss {
    /// As a fraction of equity; `None`: no such trade.
    pub fn of(&self, backing: Backing) -> Option<Decimal> {
        match backing {
            Backing::Defined => Some(self.defined),
            Backing::Undefined => self.undefined,
            Backing::Stock => self.stock,
        }
    }
}
