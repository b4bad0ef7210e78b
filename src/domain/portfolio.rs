//! A portfolio: a tier of risk with its own capital, permissions and limits, inside one account.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::PortfolioId;
use super::money::Money;
use super::strategy::Strategy;
use super::symbol::Symbol;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Portfolio {
    pub id: PortfolioId,
    /// The key in the configuration, such as `core`.
    pub key: String,
    pub name: String,
    /// Allocated capital: the denominator of the limits until the portfolio has a history of its own.
    pub capital: Money,
    /// The account it lives in, by the configuration's account key; `None` for a hypothetical portfolio.
    pub account_key: Option<String>,
    /// Never part of an account total, a real equity curve or a real VaR.
    pub hypothetical: bool,
    pub permitted: Vec<Strategy>,
    pub limits: PortfolioLimits,
    pub exit: ExitProfile,
    pub preferred_underlyings: Vec<Symbol>,
    /// Half-width of the beta-weighted delta band, in benchmark shares; `None` takes half of L1.
    pub delta_band: Option<Decimal>,
    /// The Model portfolio only ever warns.
    pub warn_only: bool,
}

/// Fractions of the portfolio's equity; `None` means the limit is switched off by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortfolioLimits {
    /// L1: |beta-weighted dollar delta| ÷ equity.
    pub beta_delta: Option<Decimal>,
    /// L5: one-day VaR at 95 % ÷ equity.
    pub var95: Option<Decimal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExitProfile {
    Conservative,
    Balanced,
    Aggressive,
}

impl ExitProfile {
    /// Share of the maximum profit at which the trade is closed, in percent.
    pub fn profit_percent(self) -> u32 {
        match self {
            Self::Conservative => 50,
            Self::Balanced => 65,
            Self::Aggressive => 80,
        }
    }

    /// Days to expiry at which the trade is closed or rolled.
    pub fn days(self) -> i64 {
        match self {
            Self::Conservative => 21,
            Self::Balanced => 14,
            Self::Aggressive => 7,
        }
    }
}
