//! Panel 4: trades under their underlying, legs below.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shown::Shown;
use crate::domain::order::OrderFor;
use crate::domain::units::{PerDay, PerVolPoint, Shares};
use crate::domain::{
    Money, PortfolioId, Price, Right, Strategy, Symbol, Timestamp, TradeId, TradeKind, TradingDate,
};
pub use crate::risk::two_models::{Cause, Figure};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PositionsPanel {
    /// In the order of panel 2.
    pub groups: Vec<PositionGroup>,
    pub trades: usize,
    pub legs: usize,
    /// WhatIfs that exist but do not count at present.
    pub what_ifs_out: usize,
    pub models: ModelWatch,
}

/// Our Greeks beside the broker's, over all contracts held. Limits use ours, whatever stands here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelWatch {
    /// Contracts that both models speak of at present.
    pub compared: usize,
    pub differ: usize,
    /// What most of those that differ are put down to.
    pub mostly: Option<Cause>,
    /// As the broker sends them, told by comparison: "per day", "per year", …; `None`: not told, so not compared.
    pub theta_unit: Option<String>,
    pub vega_unit: Option<String>,
    pub rho_unit: Option<String>,
    pub volatility_unit: Option<String>,
    /// Options that were good for telling the units.
    pub sample: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PositionGroup {
    pub symbol: Symbol,
    /// "covered call", "3 trades": what is inside, for the folded line.
    pub summary: String,
    pub delta_shares: Shown<Shares>,
    pub theta_day: Shown<PerDay>,
    pub vega_point: Shown<PerVolPoint>,
    pub day: Shown<Money>,
    pub open: Shown<Money>,
    pub trades: Vec<TradeRow>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// No rationale yet.
    NoRationale,
    /// Nearest expiry within seven days.
    ExpiresSoon,
    /// A short call whose time value is below the coming dividend.
    DividendRisk,
    /// A short option in the money near expiry.
    AssignmentRisk,
    /// An exit rule calls.
    ExitDue,
    /// An exit rule called when the marks were last live.
    ExitStale,
    /// At least one leg cannot be priced.
    Unpriced,
    /// Waiting for a portfolio.
    Unassigned,
    NonStandard,
    /// Filled on paper: no broker holds it.
    Paper,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TradeRow {
    pub id: TradeId,
    pub kind: TradeKind,
    /// Counted in the sums of the screen.
    pub counted: bool,
    pub strategy: Strategy,
    /// "iron condor 18 Dec 645/650 705/710"
    pub label: String,
    pub portfolio: Option<String>,
    pub account: Option<String>,
    /// Lots, signed: short premium is negative.
    pub quantity: Decimal,
    /// Per unit, credit and debit both positive.
    pub entry: Shown<Price>,
    pub mark: Shown<Price>,
    /// Of a WhatIf that is not counted: its own, in no sum.
    pub delta_shares: Shown<Shares>,
    pub theta_day: Shown<PerDay>,
    pub vega_point: Shown<PerVolPoint>,
    pub nearest_expiry: Option<TradingDate>,
    pub dte: Option<i64>,
    pub day: Shown<Money>,
    pub open: Shown<Money>,
    /// Of a trade on paper: estimated by the public price list, and part of `day` and `open`.
    pub estimated_fees: Option<Money>,
    #[serde(flatten)]
    pub outlook: Outlook,
    /// Open P&L ÷ maximum profit of the whole structure, in percent.
    pub percent_of_max: Shown<f64>,
    /// "50 % at 0.31 · roll 27 Nov", or the WhatIf's verdict.
    pub rule: String,
    pub flags: Vec<Flag>,
    pub state: String,
    /// Held: executed, and something is left.
    pub is_open: bool,
    pub rationale: Option<String>,
    /// Orders that cannot be staged of it now, and why not.
    pub no_orders: Vec<NoOrder>,
    /// Where `m` may move it, those that permit it first.
    pub routes: Vec<RouteRow>,
    pub legs: Vec<LegRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoOrder {
    pub purpose: OrderFor,
    pub why: String,
    pub remedy: String,
}

// What the structure makes and loses if it is held to its expiry, from its own entry prices, before fees. No
// documentation of its own: in the schema its fields are the trade's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outlook {
    /// Unknown, too, where it has no limit: `unlimited` says so.
    pub max_profit: Shown<Money>,
    /// A positive number.
    pub max_loss: Shown<Money>,
    /// Profit has no limit above; loss has none.
    pub unlimited: Unlimited,
    /// Prices of the underlying, ascending; `None` while unknown.
    pub breakevens: Option<Vec<f64>>,
    /// Probabilities from 0 to 1: that it ends with a profit, with the most it can make, with the most it can lose.
    pub pop: Shown<f64>,
    pub p_max_profit: Shown<f64>,
    pub p_max_loss: Shown<f64>,
    /// For each short strike, ascending: that the underlying stands there at any moment before.
    pub probability_of_touch: Vec<TouchRow>,
    /// Expected dollars, every leg at its own implied volatility.
    pub ev: Shown<Money>,
    /// The same if volatility comes halfway between implied and the last 20 sessions'.
    pub ev_forecast: Shown<Money>,
    /// Why the odds are unknown, or all of it.
    pub unknown_because: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unlimited {
    pub profit: bool,
    pub loss: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TouchRow {
    pub strike: Decimal,
    pub right: Right,
    pub probability: Shown<f64>,
}

/// Another portfolio of the book, as a home for a trade.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteRow {
    pub portfolio: PortfolioId,
    pub name: String,
    /// Why the trade may not stand there; `None`: it may.
    pub refused: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LegRow {
    /// OCC symbol or ticker: stable key, and what `y` copies.
    pub instrument: String,
    /// "put 650 18 Dec", "shares"
    pub label: String,
    pub quantity: Decimal,
    pub entry: Shown<Price>,
    pub bid: Shown<Price>,
    pub ask: Shown<Price>,
    pub mark: Shown<Price>,
    /// In percent.
    pub iv: Shown<f64>,
    /// The broker's implied volatility, in percent.
    pub broker_iv: Shown<f64>,
    pub delta_shares: Shown<Shares>,
    pub theta_day: Shown<PerDay>,
    pub vega_point: Shown<PerVolPoint>,
    pub dte: Option<i64>,
    pub day: Shown<Money>,
    pub open: Shown<Money>,
    /// Which model priced it: "american", "european", "black76", "shares"; or why it is not priced.
    pub model: String,
    pub quote_age_seconds: Option<i64>,
    /// `None`: no option, or the broker sends no Greeks of it.
    pub models: Option<LegModels>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    Agree,
    Differ,
    /// The broker's are too old to be held against ours.
    BrokerOld,
    /// Ours rest on quotes that are not live.
    OwnStale,
}

/// Both models on one leg.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LegModels {
    pub state: ModelState,
    pub differing: Vec<Figure>,
    /// What the difference most likely comes from.
    pub cause: Option<Cause>,
    /// When the broker's are of.
    pub broker_at: Timestamp,
    pub own: ModelFigures,
    pub broker: ModelFigures,
    /// The broker's less ours.
    pub difference: ModelFigures,
}

/// Per share held long, in the units of the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelFigures {
    pub price: Option<f64>,
    pub iv_percent: Option<f64>,
    pub delta: Option<f64>,
    pub gamma: Option<f64>,
    pub theta_day: Option<f64>,
    pub vega_point: Option<f64>,
    pub rho_1pct: Option<f64>,
}
