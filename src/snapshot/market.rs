//! Panel 1: market context.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shown::Shown;
use crate::domain::{Symbol, TradingDate};
pub use crate::domain::{TermState, Trend};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MarketPanel {
    /// Of those quoted here and what is held: trading in them is halted, and their quotes stand still.
    pub halted: Vec<Symbol>,
    /// Benchmark first, then the other indices of the watch list.
    pub quotes: Vec<MarketQuote>,
    pub vix: Shown<f64>,
    pub vix_change: Shown<f64>,
    pub vix3m: Shown<f64>,
    /// VIX ÷ VIX3M.
    pub term_ratio: Shown<f64>,
    pub term_state: TermState,
    /// VIX9D stands above VIX by more than a twentieth; `null` where it is not watched.
    pub term_stress: Option<bool>,
    /// IV30 of the benchmark less its realised 20-day volatility, in points.
    pub vol_premium: Shown<f64>,
    pub iv_ranks: Vec<IvRank>,
    /// Benchmark, other names of the strip, then what is held.
    pub regime: Vec<RegimeRow>,
    /// Continuous zero rate at three months, as a fraction.
    pub rate_3m: Option<f64>,
    /// What the calendar holds for this book, soonest first.
    pub calendar: Vec<CalendarItem>,
    /// Meetings, releases and the earnings of what is held.
    pub events: Vec<DatedEvent>,
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

/// What the daily bars of finished sessions and the implied volatility say of one name. A figure is stale where the
/// bars ended before the last session, and unknown where they are too few.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegimeRow {
    pub symbol: Symbol,
    /// The last finished session in the figures.
    pub bars_to: Option<TradingDate>,
    pub trend: Shown<Trend>,
    pub ema20: Shown<f64>,
    pub sma50: Shown<f64>,
    pub rsi14: Shown<f64>,
    pub adx14: Shown<f64>,
    pub plus_di14: Shown<f64>,
    pub minus_di14: Shown<f64>,
    /// EMA12 less EMA26, in dollars, its nine-day average, and the difference of the two.
    pub macd: Shown<f64>,
    pub macd_signal: Shown<f64>,
    pub macd_histogram: Shown<f64>,
    /// Volatilities per year, in percent.
    pub rv20: Shown<f64>,
    pub iv30: Shown<f64>,
    /// IV30 less RV20, in points.
    pub vol_premium: Shown<f64>,
    /// IV30² ÷ RV20².
    pub variance_ratio: Shown<f64>,
    /// 0 to 100.
    pub iv_rank: Shown<f64>,
    pub iv_percentile: Shown<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatedKind {
    Fomc,
    Cpi,
    Earnings,
}

/// When the next event comes, and how far that is known. Neither date: nobody knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DatedEvent {
    pub kind: DatedKind,
    /// Whose earnings.
    pub symbol: Option<Symbol>,
    pub next: Option<TradingDate>,
    /// Up to here all dates are known; beyond it none may be taken for absent.
    pub unknown_after: Option<TradingDate>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarItem {
    pub date: TradingDate,
    /// "closed", "to 13:00, 1 of yours expires", "SPY ex-div 1.97e": without the date.
    pub words: String,
}
