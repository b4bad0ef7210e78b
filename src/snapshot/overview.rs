//! The answer line, the account and portfolio strips, limits, and panel 5: what to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shown::Shown;
pub use crate::advisor::attention::Urgency;
use crate::domain::units::{BenchmarkShares, Dollars, PerDay};
use crate::domain::{LimitId, LimitState, Money, PortfolioId, Symbol, TradeId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerState {
    Within,
    Near,
    Unknown,
    Breached,
}

/// "Am I within limits?", in one sentence. The words are whole; the screen only colours them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    pub state: AnswerState,
    /// "WITHIN LIMITS", "BREACHED: beta delta Core", "UNKNOWN (1 leg unpriced)"
    pub headline: String,
    /// "Long 77 SPY Δ, +$44 a day, breaks even ±0.86 % a day; worst cell −11,163 (4.4 %)"
    pub sentence: String,
    /// The sentence for 80 columns.
    pub short: String,
    /// "NVDA VaR95 93 % (Core)"; most used first.
    pub near: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountStrip {
    /// Own value of the real accounts: cash plus positions at their marks.
    pub net_liq: Shown<Money>,
    pub accounts: Vec<AccountFigure>,
    pub var95: Shown<Dollars>,
    /// "Cornish–Fisher", "exact quadratic form", or why there is none.
    pub var_method: String,
    /// VaR95 ÷ the summed L5 limits of the real portfolios.
    pub var_utilisation: Shown<f64>,
    pub es975: Shown<Dollars>,
    /// Requirement ÷ net liq over all accounts, as the broker states them.
    pub buying_power_used: Shown<f64>,
    pub day: Shown<Money>,
    pub open: Shown<Money>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountFigure {
    pub name: String,
    pub masked_number: String,
    pub net_liq: Shown<Money>,
    /// The broker's own figure, which can lag the marks.
    pub broker_net_liq: Option<Money>,
    pub cash: Option<Money>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PortfolioStrip {
    /// `None`: the unallocated remainder, or the inbox.
    pub id: Option<PortfolioId>,
    pub name: String,
    pub kind: StripKind,
    pub equity: Shown<Money>,
    pub beta_delta: Shown<BenchmarkShares>,
    pub theta_day: Shown<PerDay>,
    pub worst: Shown<Dollars>,
    pub var95: Shown<Dollars>,
    pub trades: usize,
    /// The most used limit of this portfolio, such as 0.78 of L1.
    pub tightest: Option<LimitRow>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StripKind {
    Real,
    Hypothetical,
    /// Capital of an account that no portfolio has been given.
    Unallocated,
    /// Broker positions waiting for a portfolio.
    Unassigned,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LimitRow {
    pub id: LimitId,
    pub portfolio: String,
    pub value: Option<f64>,
    pub limit: Option<f64>,
    /// 0.93 is 93 % of the limit.
    pub utilisation: Option<f64>,
    pub state: LimitState,
    /// Computed on quotes that are not live: shown, not relied on.
    pub stale: bool,
    /// The underlying that uses most of it.
    pub driver: Option<Symbol>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlotterRow {
    /// Stable across refreshes: the selection follows it.
    pub key: String,
    pub urgency: Urgency,
    /// Counts as something to do (WhatIfs do not).
    pub to_do: bool,
    pub portfolio: String,
    pub account: String,
    pub action: String,
    /// "0.36 → 0.38"; `None` where there is no price.
    pub price: Option<String>,
    pub after: Option<String>,
    pub why: String,
    pub by_when: Option<String>,
    /// It called when that was last known; what it says now is not live.
    pub stale: bool,
    pub trade: Option<TradeId>,
    pub underlying: Option<Symbol>,
}
