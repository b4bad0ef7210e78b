//! Panels 2 and 3: risk by underlying, scenario matrix, named stresses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::overview::LimitRow;
use super::shown::Shown;
use crate::domain::units::{
    BenchmarkShares, DollarDelta, Dollars, GammaPnl, PerDay, PerRatePercent, PerVolPoint, PerVolPointSquared,
    Shares,
};
use crate::domain::view::Horizon;
use crate::domain::{Money, Symbol};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RiskPanel {
    /// By |beta-weighted delta|, largest first.
    pub rows: Vec<RiskRow>,
    pub total: RiskSums,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RiskRow {
    pub symbol: Symbol,
    pub last: Shown<f64>,
    pub change_percent: Shown<f64>,
    /// In percent: 17.1.
    pub iv30: Shown<f64>,
    /// 0 to 100.
    pub iv_rank: Shown<f64>,
    pub beta: Shown<f64>,
    /// No history and no broker figure: 1.0 was taken.
    pub beta_assumed: bool,
    pub delta_shares: Shown<Shares>,
    #[serde(flatten)]
    pub sums: RiskSums,
    /// The limit of which this underlying uses most; `None` where it presses on none.
    pub binding: Option<LimitRow>,
    /// Its own part of that limit's utilisation: 0.41 are 41 points.
    pub binding_share: Option<f64>,
    /// "exp 27 Nov", "ex-div 1 Dec 0.31e"
    pub next_event: Option<String>,
    /// Second order and maturity detail, for the drill-down.
    pub detail: RiskDetail,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RiskDetail {
    pub rho_1pct: Shown<PerRatePercent>,
    pub vanna: Shown<PerVolPoint>,
    pub volga: Shown<PerVolPointSquared>,
    pub charm_day: Shown<PerDay>,
    pub vega_30d: Shown<PerVolPoint>,
    pub market_value: Shown<Dollars>,
    pub by_expiry: Vec<ExpiryBucket>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpiryBucket {
    /// "0–7 d", "8–30 d", "31–60 d", "61+ d"
    pub label: String,
    pub vega_point: PerVolPoint,
    pub gamma_pnl_1pct: GammaPnl,
}

/// What adds up across underlyings, of one of them or of the book.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RiskSums {
    pub dollar_delta: Shown<DollarDelta>,
    pub beta_delta: Shown<BenchmarkShares>,
    /// P&L of gamma for a move of ±1 %.
    pub gamma_pnl_1pct: Shown<Dollars>,
    pub theta_day: Shown<PerDay>,
    pub vega_point: Shown<PerVolPoint>,
    pub day: Shown<Money>,
    pub open: Shown<Money>,
    pub worst: Shown<Dollars>,
    pub var95: Shown<Dollars>,
    /// Legs that could not be priced; they are in none of these figures.
    pub unpriced: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioPanel {
    /// "all real", a portfolio, or an underlying.
    pub subject: String,
    pub beta_mapped: bool,
    pub horizon: Horizon,
    /// Calendar days that the horizon rolls forward.
    pub roll_days: i64,
    /// −0.10 is −10 %.
    pub spot_moves: Vec<f64>,
    /// 30-day-equivalent points, largest first.
    pub vol_points: Vec<f64>,
    /// One row per vol shock, one column per spot move.
    pub cells: Vec<Vec<Shown<Dollars>>>,
    pub worst: Option<WorstCell>,
    /// "loses 5,000 at −5.9 % spot"
    pub reverse: Vec<String>,
    /// Legs left out because they could not be priced.
    pub unpriced: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorstCell {
    pub row: usize,
    pub column: usize,
    pub pnl: Dollars,
    /// Share of net liq, as a fraction.
    pub of_net_liq: Option<f64>,
    /// The three underlyings that lose most there.
    pub drivers: Vec<(Symbol, Dollars)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StressRow {
    /// "2020-03-16 −12.0 % +25 pt"
    pub name: String,
    pub pnl: Shown<Dollars>,
    pub of_net_liq: Shown<f64>,
}
