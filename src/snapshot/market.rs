//! Panel 1: market context.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shown::Shown;
use crate::domain::{Symbol, TradingDate};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MarketPanel {
    /// Benchmark first, then the other indices of the watch list.
    pub quotes: Vec<MarketQuote>,
    pub vix: Shown<f64>,
    pub vix_change: Shown<f64>,
    pub vix3m: Shown<f64>,
    /// VIX ÷ VIX3M.
    pub term_ratio: Shown<f64>,
    pub term_state: TermState,
    /// IV30 of the benchmark less its realised 20-day volatility, in points.
    pub vol_premium: Shown<f64>,
    pub iv_ranks: Vec<IvRank>,
    /// Continuous zero rate at three months, as a fraction.
    pub rate_3m: Option<f64>,
    /// What the calendar holds for this book, soonest first.
    pub calendar: Vec<CalendarItem>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MarketQuote {
    pub symbol: Symbol,
    pub last: Shown<f64>,
    /// Since the previous close, in percent.
    pub change_percent: Shown<f64>,
    /// One standard deviation of a day's move, in percent, from IV30.
    pub sigma_percent: Shown<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IvRank {
    pub symbol: Symbol,
    /// 0 to 100.
    pub rank: Shown<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TermState {
    Contango,
    Flat,
    Backwardation,
    /// Missing data counts as backwardation for every gate.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarItem {
    pub date: TradingDate,
    /// "closed", "to 13:00, 1 of yours expires", "SPY ex-div 1.97e": without the date.
    pub words: String,
}
